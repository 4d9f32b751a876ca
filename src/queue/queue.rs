//! The queue itself: items under a mutex, and two sides, putters and getters, that wait for each other.
//!
//! # State
//! ```text
//!               put ──▶ ┌───────────┐ ──▶ get          full and not shut down: putters wait
//!   putters asleep      │   items   │      getters asleep
//!                       └───────────┘                  empty and not shut down: getters wait
//!               tail ─────▶ head ─────▶ done           put, got, done; while some are not, joiners wait (`tally.rs`)
//! ```
//! # Invariants
//! 1. Only who holds the mutex changes the items, `head`, `tail`, or who is counted as asleep. It never runs the user's code
//!    but `Ord`, which changes nothing, and never drops an item.
//! 2. There are never more items than `capacity`. Once the queue is shut down, it stays so, and their number never grows.
//! 3. A putter goes to sleep only when there is no room, a getter only when there is no item, and neither when the queue is
//!    shut down; each is counted before it lets go of the mutex. Whoever makes room for n, or puts n items in, calls n of
//!    the other side before it lets go of the mutex; whoever shuts the queue down calls all. No call is lost
//!    (`sleepers.rs`), and whoever has its turn and does not use it, because `Ord` panics, passes it on.
//! 4. Items in a ring (`ring.rs`, `ringed.rs`) are not under the mutex; of what it guards there are then only the counts of
//!    those who sleep.
//!
//! Laws Q1 to Q12 are checked in `loom-tests`; the specification is `fuzz/spec/queue.rs`.

use super::order::{Keep, Order};
use super::ring::{Kind, Ring};
use super::sleepers::{Count, Sleepers};
use super::tally::Tally;
use super::turn::{Patience, Refusal, Side};
use crate::backend::{const_fn, hint::Spin};
use crate::sync::{Mutex, MutexGuard};
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::collections::VecDeque;

/// A queue of items in some [`Order`]: a [`Queue`](super::Queue), a [`LifoQueue`](super::LifoQueue) or a
/// [`PriorityQueue`](super::PriorityQueue).
///
/// Any number of threads put and get. Where there is no room, or no item, they wait; those that come by have precedence
/// over those that sleep.
///
/// Whoever puts may wait until all is done: each item counts as unfinished until somebody calls
/// [`task_done`](AnyQueue::task_done) for it or drops its [`Task`](super::Task), and [`join`](AnyQueue::join) waits for that.
///
/// Items are dropped, compared and moved as the user's code likes: an item's `Drop` may use the queue, for it never runs
/// under the queue's mutex. If `Ord` panics, nothing has changed: a put drops its item, a get leaves it in.
///
/// Only the `Ord` of a [`PriorityQueue`](super::PriorityQueue)'s items runs under that queue's mutex. So neither that `Ord`,
/// nor the program's panic hook while that `Ord` panics, may put into this queue, get from it, drain it, shut it down or
/// join it: the call would block forever. They may call `len`, `unfinished` and the other methods that only load a
/// count, and may use any other queue.
///
/// Everything before a put happens-before everything after the get of its item; everything before an item is counted
/// done happens-before the return of each `join` that it ends.
///
/// # Python
/// `queue.Queue` and its kin. A maxsize of zero is [`unbounded`](AnyQueue::unbounded) here. What could not be put comes
/// back in the error.
pub struct AnyQueue<T, O: Order<T>> {
    state: Mutex<State<O::Items>>,
    pub(super) getters: Sleepers,
    pub(super) putters: Sleepers,
    pub(super) capacity: usize,
    ring: Ring<T>,
    pub(super) tally: Tally,
}

pub(super) struct State<I> {
    items: I,
    getters: Count,
    putters: Count,
}

/// More items have their memory taken as they come.
const MOST_IN_A_RING: usize = 4096;

/// Slots of a ring that grows, to begin with.
const FIRST_SLOTS: usize = 4;

impl<T, O: Order<T>> AnyQueue<T, O> {
    const_fn! {
        /// A queue that is never full.
        ///
        /// The items of a [`Queue`](super::Queue) lie in a ring, as in [`bounded`](AnyQueue::bounded). The first put takes the
        /// memory for four; whenever there is no room, it is doubled, and given back when the queue is dropped.
        ///
        /// ```
        /// static ORDERS: selvedge::Queue<String> = selvedge::Queue::unbounded();
        /// ORDERS.put("tea".into()).unwrap();
        /// assert_eq!(ORDERS.capacity(), None);
        /// ```
        pub fn unbounded() -> AnyQueue<T, O> {
            AnyQueue::unbounded_from(FIRST_SLOTS)
        }
    }

    const_fn! {
        /// A queue that is full when it holds `capacity` items. Memory is taken as it is needed.
        ///
        /// A [`Queue`](super::Queue) whose capacity is a power of two, up to 4,096, is the fastest: its items lie in a ring, of
        /// which all memory is taken when the first is put, and whoever puts or gets claims a slot of it instead of a mutex.
        ///
        /// # Panics
        /// If `capacity` is zero: for a queue without a bound there is [`unbounded`](AnyQueue::unbounded).
        ///
        /// ```
        /// let queue = selvedge::Queue::bounded(1);
        /// queue.put("tea").unwrap();
        /// assert_eq!(queue.try_put("cake").unwrap_err().into_inner(), "cake");
        /// ```
        #[doc(alias = "maxsize")]
        pub fn bounded(capacity: usize) -> AnyQueue<T, O> {
            assert!(capacity > 0, "a queue that holds nothing; for one without a bound call unbounded()");
            let ringed = O::RINGED && capacity <= MOST_IN_A_RING && capacity.is_power_of_two();
            AnyQueue::holding(capacity, if ringed { Kind::Fixed(capacity) } else { Kind::None })
        }
    }

    const_fn! {
        /// As `bounded`, but never in a ring: for those who compare the two, or prove both.
        #[doc(hidden)]
        pub fn bounded_by_a_lock(capacity: usize) -> AnyQueue<T, O> {
            AnyQueue::holding(capacity, Kind::None)
        }
    }

    const_fn! {
        /// As `unbounded`, with so many slots to begin with, a power of two, if there is a ring: for those who prove that it grows.
        #[doc(hidden)]
        pub fn unbounded_from(slots: usize) -> AnyQueue<T, O> {
            assert!(slots.is_power_of_two(), "a ring has as many slots as a power of two");
            AnyQueue::holding(usize::MAX, if O::RINGED { Kind::Growing(slots) } else { Kind::None })
        }
    }

    const_fn! {
        fn holding(capacity: usize, ring: Kind) -> AnyQueue<T, O> {
            let state = State { items: O::NONE, getters: 0, putters: 0 };
            AnyQueue {
                state: Mutex::new(state),
                getters: Sleepers::new(),
                putters: Sleepers::new(),
                capacity,
                ring: Ring::new(ring),
                tally: Tally::new(),
            }
        }
    }

    /// The mutex when it is the caller's turn, for which it waits as long as it has patience.
    #[inline(always)]
    pub(super) fn turn(&self, side: Side, patience: &Patience) -> Result<Held<'_, T, O>, Refusal> {
        let held = self.hold();
        if self.has_turn(&held, side) {
            return Ok(held);
        }
        let (held, refusal) = self.turn_later(held, side, patience);
        held.ok_or(refusal)
    }

    /// The ring, if the items are in one.
    #[inline]
    pub(super) fn ring(&self) -> Option<&Ring<T>> {
        (O::RINGED && self.ring.exists()).then_some(&self.ring)
    }

    /// The mutex, for who need not wait for a turn.
    #[inline]
    pub(super) fn hold(&self) -> Held<'_, T, O> {
        self.state.acquire()
    }

    /// Whether that side can move an item now.
    #[inline(always)]
    pub(super) fn has_turn(&self, held: &Held<'_, T, O>, side: Side) -> bool {
        match side {
            Side::Putters => O::len(&held.items) < self.capacity && !self.tally.is_shut(),
            Side::Getters => O::len(&held.items) > 0,
        }
    }

    /// How many items there is room for.
    #[inline]
    pub(super) fn room(&self, held: &Held<'_, T, O>) -> usize {
        self.capacity - O::len(&held.items)
    }

    /// Where the item goes. The turn is for one of those who come after `done` items were put in it: the item must outlive it,
    /// for if `Ord` panics, it ends here, and the item is dropped when the mutex is free.
    #[inline]
    pub(super) fn place(&self, held: &mut Held<'_, T, O>, item: &T, done: usize) -> usize {
        let turn = PassedOn {
            queue: self,
            held,
            items_for: done,
            room_for: 1,
        };
        let place = O::place(&turn.held.items, item);
        core::mem::forget(turn);
        place
    }

    #[inline]
    pub(super) fn put_in(&self, held: &mut Held<'_, T, O>, item: T, place: usize) {
        O::insert(&mut held.items, item, place);
        self.tally.put(1);
    }

    /// Gets the next item, which there is, and ends the turn. It makes the result itself: a big item would be copied into it.
    #[inline(always)]
    pub(super) fn take_out<E>(&self, mut held: Held<'_, T, O>, none: E) -> Result<T, E> {
        let turn = PassedOn {
            queue: self,
            held: &mut held,
            items_for: 1,
            room_for: 0,
        };
        let next = O::next(&turn.held.items);
        core::mem::forget(turn);
        let item = O::remove(&mut held.items, next).ok_or(none);
        self.tally.get(1);
        self.end(held, 0, 1);
        item
    }

    /// All items, to be put in order when the mutex is free. Who waits for room is still to be called.
    pub(super) fn take_all(&self, held: &mut Held<'_, T, O>) -> O::Items {
        let items = core::mem::replace(&mut held.items, O::NONE);
        self.tally.get(O::len(&items));
        items
    }

    /// Items that do not lie in a ring and that `wanted`, which is not the user's, wants, whatever comes before them; the others keep
    /// their order.
    pub(crate) fn take_if(&self, wanted: impl Fn(&T) -> bool) -> Vec<T>
    where
        O: Keep<T, Items = VecDeque<T>>,
    {
        let mut held = self.hold();
        let mut taken = Vec::new();
        for item in core::mem::take(&mut held.items) {
            if wanted(&item) {
                taken.push(item);
            } else {
                held.items.push_back(item);
            }
        }
        self.tally.get(taken.len());
        self.end(held, 0, taken.len());
        taken
    }

    /// Nobody puts any more, and nobody waits.
    pub(super) fn shut_down(&self, held: Held<'_, T, O>) {
        self.tally.shut();
        self.end(held, usize::MAX, usize::MAX);
    }

    /// Lets go of the mutex: there are so many items more for those who wait, and room for so many.
    #[inline(always)]
    pub(super) fn end(&self, held: Held<'_, T, O>, items_for: usize, room_for: usize) {
        if (items_for > 0 && held.getters > 0) || (room_for > 0 && held.putters > 0) {
            self.end_and_wake(held, items_for, room_for);
        }
    }

    #[cold]
    fn end_and_wake(&self, mut held: Held<'_, T, O>, items_for: usize, room_for: usize) {
        let called = self.call(&mut held, items_for, room_for);
        drop(held);
        self.wake(called);
    }

    pub(super) fn call(&self, held: &mut Held<'_, T, O>, items_for: usize, room_for: usize) -> [usize; 2] {
        let state = &mut **held;
        [
            self.getters.call(&mut state.getters, items_for),
            self.putters.call(&mut state.putters, room_for),
        ]
    }

    pub(super) fn wake(&self, [getters, putters]: [usize; 2]) {
        self.getters.wake(getters);
        self.putters.wake(putters);
    }

    /// As `turn`, for who must wait; if it has no turn, the reason. In two registers: a `Result` would be in memory, and so would
    /// a big item beside it.
    #[cold]
    #[inline(never)]
    fn turn_later<'a>(
        &'a self,
        held: Held<'a, T, O>,
        side: Side,
        patience: &Patience,
    ) -> (Option<Held<'a, T, O>>, Refusal) {
        match self.await_turn(held, side, patience) {
            Ok(held) => (Some(held), Refusal::NotNow),
            Err(refusal) => (None, refusal),
        }
    }

    fn await_turn<'a>(
        &'a self,
        held: Held<'a, T, O>,
        side: Side,
        patience: &Patience,
    ) -> Result<Held<'a, T, O>, Refusal> {
        match self.may_move(&held, side) {
            Err(Refusal::NotNow) if *patience != Patience::None => drop(held),
            ready => return ready.map(|()| held),
        }
        let deadline = patience.deadline();
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() {
            if self.seems_ready(side) {
                let held = self.hold();
                match self.may_move(&held, side) {
                    Err(Refusal::NotNow) => {}
                    ready => return ready.map(|()| held),
                }
            }
        }
        let sleepers = self.sleepers(side);
        let mut late = None;
        loop {
            let mut held = self.hold();
            match self.may_move(&held, side) {
                Err(Refusal::NotNow) => {}
                ready => return ready.map(|()| held),
            }
            // Only after the state has been looked at again: invariant 3 of `sleepers.rs`.
            if let Some(ticket) = late {
                sleepers.leave(held.asleep(side), ticket);
                return Err(Refusal::NotNow);
            }
            let ticket = sleepers.enter(held.asleep(side));
            drop(held);
            late = (!sleepers.sleep(ticket, deadline)).then_some(ticket);
        }
    }

    fn may_move(&self, held: &Held<'_, T, O>, side: Side) -> Result<(), Refusal> {
        match self.has_turn(held, side) {
            true => Ok(()),
            false if self.tally.is_shut() => Err(Refusal::ShutDown),
            false => Err(Refusal::NotNow),
        }
    }

    fn seems_ready(&self, side: Side) -> bool {
        let len = self.tally.len();
        self.tally.is_shut()
            || if side == Side::Putters {
                len < self.capacity
            } else {
                len > 0
            }
    }

    #[inline]
    pub(super) fn sleepers(&self, side: Side) -> &Sleepers {
        match side {
            Side::Putters => &self.putters,
            Side::Getters => &self.getters,
        }
    }
}

impl<I> State<I> {
    #[inline]
    pub(super) fn asleep(&mut self, side: Side) -> &mut Count {
        match side {
            Side::Putters => &mut self.putters,
            Side::Getters => &mut self.getters,
        }
    }
}

/// The mutex, held.
pub(super) type Held<'a, T, O> = MutexGuard<'a, State<<O as Keep<T>>::Items>>;

/// A turn that ends because the user's `Ord` panics: dropped, it calls another in its stead.
struct PassedOn<'h, 'a, T, O: Order<T>> {
    queue: &'h AnyQueue<T, O>,
    held: &'h mut Held<'a, T, O>,
    items_for: usize,
    room_for: usize,
}

impl<T, O: Order<T>> Drop for PassedOn<'_, '_, T, O> {
    fn drop(&mut self) {
        let called = self.queue.call(self.held, self.items_for, self.room_for);
        self.queue.wake(called);
    }
}

impl<T, O: Order<T>> Default for AnyQueue<T, O> {
    /// A queue that is never full, as in Python.
    fn default() -> AnyQueue<T, O> {
        AnyQueue::unbounded()
    }
}

// A panic leaves it as it was.
impl<T, O: Order<T>> UnwindSafe for AnyQueue<T, O> {}
impl<T, O: Order<T>> RefUnwindSafe for AnyQueue<T, O> {}
