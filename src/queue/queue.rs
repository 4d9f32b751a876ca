//! The queue itself: items under a mutex, and two sides, putters and getters, that wait for each other.
//!
//! # State
//! ```text
//!               put ──▶ ┌───────────┐ ──▶ get          full and not shut down: putters wait
//!   putters asleep      │   items   │      getters asleep
//!                       └───────────┘                  empty and not shut down: getters wait
//!               puts ─────────────────▶ done           fewer done than put: joiners wait (`tally.rs`)
//! ```
//! # Invariants
//! 1. Only who has a [`Turn`], and with it the mutex, changes the items, `shut_down`, `glance`, `puts`, or who is counted as
//!    asleep. It never runs the user's code but `Ord`, which changes nothing, and never drops an item.
//! 2. There are never more items than `capacity`. Once `shut_down` is set, it stays, and their number never grows.
//! 3. A putter goes to sleep only when there is no room, a getter only when there is no item, and neither when the queue is
//!    shut down; each is counted before it lets go of the mutex. Whoever makes room for n, or puts n items in, calls n of
//!    the other side before it lets go of the mutex; whoever shuts the queue down calls all. No call is lost
//!    (`sleepers.rs`), and whoever has its turn and does not use it, because `Ord` panics, passes it on.
//! 4. `glance` is what was true when the mutex was last held. Nobody but [`seems_ready`](AnyQueue::seems_ready) and those who
//!    only look decides by it.
//!
//! Laws Q1 to Q12 are checked in `loom-tests`; the specification is `fuzz/spec/queue.rs`.

use super::order::Order;
use super::sleepers::{Count, Sleepers};
use super::tally::Tally;
use crate::backend::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::backend::{Instant, const_fn, hint::Spin};
use crate::sync::{Mutex, MutexGuard};
use core::fmt;

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
/// under the queue's mutex. If `Ord` panics, nothing has changed: a put drops its item, a get leaves it in. Only `Ord` must not use the
/// queue that it compares for: that waits for ever.
///
/// Everything before a put happens-before everything after the get of its item; everything before an item is counted
/// done happens-before the return of each `join` that it ends.
///
/// # Python
/// `queue.Queue` and its kin. A maxsize of zero is [`unbounded`](AnyQueue::unbounded) here. What could not be put comes
/// back in the error.
pub struct AnyQueue<T, O: Order<T>> {
    state: Mutex<State<O::Items>>,
    /// Twice the number of items, and whether the queue is shut down.
    glance: AtomicUsize,
    getters: Sleepers,
    putters: Sleepers,
    capacity: usize,
    pub(super) tally: Tally,
}

struct State<I> {
    items: I,
    shut_down: bool,
    getters: Count,
    putters: Count,
}

/// Who moves items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Putters,
    Getters,
}

/// Why a thread does not have its turn.
pub(super) enum Refusal {
    /// There is no room, or no item.
    NotNow,
    ShutDown,
}

const SHUT_DOWN: usize = 1;
const ITEM: usize = 2;

impl<T, O: Order<T>> AnyQueue<T, O> {
    const_fn! {
        /// A queue that is never full.
        ///
        /// ```
        /// static ORDERS: selvedge::Queue<String> = selvedge::Queue::unbounded();
        /// ORDERS.put("tea".into()).unwrap();
        /// assert_eq!(ORDERS.capacity(), None);
        /// ```
        pub fn unbounded() -> AnyQueue<T, O> {
            AnyQueue::holding(usize::MAX)
        }
    }

    const_fn! {
        /// A queue that is full when it holds `capacity` items. Memory is taken as it is needed.
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
            AnyQueue::holding(capacity)
        }
    }

    const_fn! {
        fn holding(capacity: usize) -> AnyQueue<T, O> {
            let state = State { items: O::NONE, shut_down: false, getters: 0, putters: 0 };
            AnyQueue {
                state: Mutex::new(state),
                glance: AtomicUsize::new(0),
                getters: Sleepers::new(),
                putters: Sleepers::new(),
                capacity,
                tally: Tally::new(),
            }
        }
    }

    /// How many items there are; by the time you look, that may have changed.
    ///
    /// ```
    /// assert_eq!(selvedge::Queue::<u32>::unbounded().len(), 0);
    /// ```
    #[inline]
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.glance.load(Relaxed) / ITEM
    }

    /// Whether there is no item; by the time you look, that may have changed.
    ///
    /// ```
    /// assert!(selvedge::Queue::<u32>::unbounded().is_empty());
    /// ```
    #[inline]
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room; by the time you look, that may have changed.
    ///
    /// ```
    /// let queue = selvedge::Queue::bounded(1);
    /// queue.put(7).unwrap();
    /// assert!(queue.is_full());
    /// ```
    #[inline]
    #[doc(alias = "full")]
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// How many items it can hold; `None` if it is unbounded.
    ///
    /// ```
    /// assert_eq!(selvedge::Queue::<u32>::bounded(3).capacity(), Some(3));
    /// ```
    #[inline]
    #[doc(alias = "maxsize")]
    pub fn capacity(&self) -> Option<usize> {
        Some(self.capacity).filter(|&capacity| capacity != usize::MAX)
    }

    /// Whether it has been shut down.
    ///
    /// ```
    /// let queue = selvedge::Queue::<u32>::unbounded();
    /// queue.shutdown();
    /// assert!(queue.is_shutdown());
    /// ```
    #[inline]
    pub fn is_shutdown(&self) -> bool {
        self.glance.load(Relaxed) & SHUT_DOWN != 0
    }

    /// The caller's turn, if it has one now.
    #[inline]
    pub(super) fn try_turn(&self, side: Side) -> Result<Turn<'_, T, O>, Refusal> {
        let state = self.state.acquire();
        self.may_move(&state, side).map(|()| Turn::new(self, state))
    }

    /// The caller's turn, for which it waits until the deadline at the latest. If it has its turn at once, the clock is not
    /// read.
    #[inline]
    pub(super) fn turn(
        &self,
        side: Side,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Turn<'_, T, O>, Refusal> {
        match self.try_turn(side) {
            Err(Refusal::NotNow) => self.await_turn(side, deadline()),
            at_once => at_once,
        }
    }

    /// The mutex, to do something that nobody waits to do.
    #[inline]
    pub(super) fn hold(&self) -> Turn<'_, T, O> {
        Turn::new(self, self.state.acquire())
    }

    #[cold]
    fn await_turn(&self, side: Side, deadline: Option<Instant>) -> Result<Turn<'_, T, O>, Refusal> {
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() {
            if self.seems_ready(side) {
                match self.try_turn(side) {
                    Err(Refusal::NotNow) => {}
                    ready => return ready,
                }
            }
        }
        let sleepers = self.sleepers(side);
        let mut late = None;
        loop {
            let mut state = self.state.acquire();
            match self.may_move(&state, side) {
                Err(Refusal::NotNow) => {}
                ready => return ready.map(|()| Turn::new(self, state)),
            }
            // Only after the state has been looked at again: invariant 3 of `sleepers.rs`.
            if let Some(ticket) = late {
                sleepers.leave(state.asleep(side), ticket);
                return Err(Refusal::NotNow);
            }
            let ticket = sleepers.enter(state.asleep(side));
            drop(state);
            late = (!sleepers.sleep(ticket, deadline)).then_some(ticket);
        }
    }

    #[inline]
    fn may_move(&self, state: &State<O::Items>, side: Side) -> Result<(), Refusal> {
        let len = O::len(&state.items);
        let (ready, ends) = match side {
            Side::Putters => (len < self.capacity && !state.shut_down, state.shut_down),
            Side::Getters => (len > 0, state.shut_down),
        };
        match ready {
            true => Ok(()),
            false if ends => Err(Refusal::ShutDown),
            false => Err(Refusal::NotNow),
        }
    }

    fn seems_ready(&self, side: Side) -> bool {
        let glance = self.glance.load(Relaxed);
        let (len, shut_down) = (glance / ITEM, glance & SHUT_DOWN != 0);
        shut_down || if side == Side::Putters { len < self.capacity } else { len > 0 }
    }

    #[inline]
    fn sleepers(&self, side: Side) -> &Sleepers {
        match side {
            Side::Putters => &self.putters,
            Side::Getters => &self.getters,
        }
    }
}

impl<I> State<I> {
    #[inline]
    fn asleep(&mut self, side: Side) -> &mut Count {
        match side {
            Side::Putters => &mut self.putters,
            Side::Getters => &mut self.getters,
        }
    }
}

/// The mutex, held by one who may move items. When it ends, also by a panic of the user's `Ord`, those who waited for what
/// was done are called.
pub(super) struct Turn<'a, T, O: Order<T>> {
    queue: &'a AnyQueue<T, O>,
    state: Option<MutexGuard<'a, State<O::Items>>>, // until it ends
    items_for: usize,
    room_for: usize,
}

impl<'a, T, O: Order<T>> Turn<'a, T, O> {
    #[inline]
    fn new(queue: &'a AnyQueue<T, O>, state: MutexGuard<'a, State<O::Items>>) -> Turn<'a, T, O> {
        Turn { queue, state: Some(state), items_for: 0, room_for: 0 }
    }

    #[inline]
    fn state(&mut self) -> &mut State<O::Items> {
        self.state.as_mut().expect("it is held until the turn ends")
    }

    /// Whether one item more can be moved in the same turn.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        let capacity = self.queue.capacity;
        O::len(&self.state().items) < capacity
    }

    /// Where the item goes. Whoever holds it must outlive this turn: if `Ord` panics, the turn ends, and then the
    /// item is dropped.
    #[inline]
    pub(super) fn place(&mut self, item: &T) -> usize {
        self.room_for += 1; // invariant 3: for another, if we do not come back
        let place = O::place(&self.state().items, item);
        self.room_for -= 1;
        place
    }

    #[inline]
    pub(super) fn put(&mut self, item: T, place: usize) {
        O::insert(&mut self.state().items, item, place);
        self.queue.tally.put(1);
        self.items_for += 1;
    }

    #[inline]
    pub(super) fn get(&mut self) -> Option<T> {
        self.items_for += 1; // as in `place`
        let next = O::next(&self.state().items);
        self.items_for -= 1;
        let item = O::remove(&mut self.state().items, next)?;
        self.room_for += 1;
        Some(item)
    }

    /// All items, to be put in order when the turn has ended.
    pub(super) fn take_all(&mut self) -> O::Items {
        let items = core::mem::replace(&mut self.state().items, O::NONE);
        self.room_for += O::len(&items);
        items
    }

    /// Nobody puts any more, and nobody waits.
    pub(super) fn shut_down(&mut self) {
        self.state().shut_down = true;
        (self.items_for, self.room_for) = (usize::MAX, usize::MAX);
    }
}

impl<T, O: Order<T>> Drop for Turn<'_, T, O> {
    #[inline]
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else { return };
        let queue = self.queue;
        queue.glance.store(O::len(&state.items) * ITEM | usize::from(state.shut_down), Relaxed);
        let getters = queue.getters.call(&mut state.getters, self.items_for);
        let putters = queue.putters.call(&mut state.putters, self.room_for);
        drop(state);
        queue.getters.wake(getters);
        queue.putters.wake(putters);
    }
}

impl<T, O: Order<T>> fmt::Debug for AnyQueue<T, O> {
    /// Shows what can be seen without waiting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("unfinished", &self.tally.unfinished())
            .field("is_shutdown", &self.is_shutdown())
            .finish()
    }
}
