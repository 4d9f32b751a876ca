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

use super::counts::Counts;
use super::fifo::{Kind, Ring};
use super::order::{Order, Storage};
use super::wait_mode::{Blocked, Role, WaitMode};
use super::waiters::{WaiterCount, Waiters};
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
    pub(super) getters: Waiters,
    pub(super) putters: Waiters,
    pub(super) capacity: usize,
    ring: Ring<T>,
    pub(super) counts: Counts,
}

pub(super) struct State<I> {
    items: I,
    waiting_getters: WaiterCount,
    waiting_putters: WaiterCount,
}

/// More items have their memory taken as they come.
const MAX_RING_CAPACITY: usize = 4096;

/// Slots of a ring that grows, to begin with.
const INITIAL_SLOTS: usize = 4;

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
            AnyQueue::unbounded_from(INITIAL_SLOTS)
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
            assert!(capacity > 0, "the capacity must not be zero; for a queue without a bound call unbounded()");
            let has_ring = O::SUPPORTS_RING && capacity <= MAX_RING_CAPACITY && capacity.is_power_of_two();
            AnyQueue::with_kind(capacity, if has_ring { Kind::Fixed(capacity) } else { Kind::None })
        }
    }

    const_fn! {
        /// As `bounded`, but never in a ring: for those who compare the two, or prove both.
        #[doc(hidden)]
        pub fn bounded_by_a_lock(capacity: usize) -> AnyQueue<T, O> {
            AnyQueue::with_kind(capacity, Kind::None)
        }
    }

    const_fn! {
        /// As `unbounded`, with so many slots to begin with, a power of two, if there is a ring: for those who prove that it grows.
        #[doc(hidden)]
        pub fn unbounded_from(slots: usize) -> AnyQueue<T, O> {
            assert!(slots.is_power_of_two(), "the number of slots must be a power of two");
            AnyQueue::with_kind(usize::MAX, if O::SUPPORTS_RING { Kind::Growing(slots) } else { Kind::None })
        }
    }

    const_fn! {
        fn with_kind(capacity: usize, ring: Kind) -> AnyQueue<T, O> {
            let state = State { items: O::EMPTY, waiting_getters: 0, waiting_putters: 0 };
            AnyQueue {
                state: Mutex::new(state),
                getters: Waiters::new(),
                putters: Waiters::new(),
                capacity,
                ring: Ring::new(ring),
                counts: Counts::new(),
            }
        }
    }

    /// The mutex when it is the caller's turn, for which it waits as long as it has patience.
    #[inline(always)]
    pub(super) fn lock_when_ready(&self, role: Role, mode: &WaitMode) -> Result<StateGuard<'_, T, O>, Blocked> {
        let guard = self.lock();
        if self.is_ready(&guard, role) {
            return Ok(guard);
        }
        let (guard, blocked) = self.lock_when_ready_slow(guard, role, mode);
        guard.ok_or(blocked)
    }

    /// The ring, if the items are in one.
    #[inline]
    pub(super) fn ring(&self) -> Option<&Ring<T>> {
        (O::SUPPORTS_RING && self.ring.exists()).then_some(&self.ring)
    }

    /// The mutex, for who need not wait for a turn.
    #[inline]
    pub(super) fn lock(&self) -> StateGuard<'_, T, O> {
        self.state.acquire()
    }

    /// Whether that side can move an item now.
    #[inline(always)]
    pub(super) fn is_ready(&self, guard: &StateGuard<'_, T, O>, role: Role) -> bool {
        match role {
            Role::Putter => O::len(&guard.items) < self.capacity && !self.counts.is_shut(),
            Role::Getter => O::len(&guard.items) > 0,
        }
    }

    /// How many items there is room for.
    #[inline]
    pub(super) fn free_slots(&self, guard: &StateGuard<'_, T, O>) -> usize {
        self.capacity - O::len(&guard.items)
    }

    /// Where the item goes. The turn is for one of those who come after `done` items were put in it: the item must outlive it,
    /// for if `Ord` panics, it ends here, and the item is dropped when the mutex is free.
    #[inline]
    pub(super) fn plan_insert(&self, guard: &mut StateGuard<'_, T, O>, item: &T, inserted: usize) -> usize {
        let on_panic = NotifyOnPanic {
            queue: self,
            guard,
            wake_getters: inserted,
            wake_putters: 1,
        };
        let index = O::plan_insert(&on_panic.guard.items, item);
        core::mem::forget(on_panic);
        index
    }

    #[inline]
    pub(super) fn insert(&self, guard: &mut StateGuard<'_, T, O>, item: T, index: usize) {
        O::insert(&mut guard.items, item, index);
        self.counts.record_put(1);
    }

    /// Gets the next item, which there is, and ends the turn. It makes the result itself: a big item would be copied into it.
    #[inline(always)]
    pub(super) fn remove_and_unlock<E>(&self, mut guard: StateGuard<'_, T, O>, none: E) -> Result<T, E> {
        let on_panic = NotifyOnPanic {
            queue: self,
            guard: &mut guard,
            wake_getters: 1,
            wake_putters: 0,
        };
        let index = O::plan_remove(&on_panic.guard.items);
        core::mem::forget(on_panic);
        let item = O::remove(&mut guard.items, index).ok_or(none);
        self.counts.record_got(1);
        self.unlock_and_wake(guard, 0, 1);
        item
    }

    /// All items, to be put in order when the mutex is free. Who waits for room is still to be called.
    pub(super) fn remove_all(&self, guard: &mut StateGuard<'_, T, O>) -> O::Items {
        let items = core::mem::replace(&mut guard.items, O::EMPTY);
        self.counts.record_got(O::len(&items));
        items
    }

    /// Items that do not lie in a ring and that `wanted`, which is not the user's, wants, whatever comes before them; the others keep
    /// their order.
    pub(crate) fn take_if(&self, wanted: impl Fn(&T) -> bool) -> Vec<T>
    where
        O: Storage<T, Items = VecDeque<T>>,
    {
        let mut guard = self.lock();
        let mut taken = Vec::new();
        for item in core::mem::take(&mut guard.items) {
            if wanted(&item) {
                taken.push(item);
            } else {
                guard.items.push_back(item);
            }
        }
        self.counts.record_got(taken.len());
        self.unlock_and_wake(guard, 0, taken.len());
        taken
    }

    /// Nobody puts any more, and nobody waits.
    pub(super) fn shut_down(&self, guard: StateGuard<'_, T, O>) {
        self.counts.shut();
        self.unlock_and_wake(guard, usize::MAX, usize::MAX);
    }

    /// Lets go of the mutex: there are so many items more for those who wait, and room for so many.
    #[inline(always)]
    pub(super) fn unlock_and_wake(&self, guard: StateGuard<'_, T, O>, wake_getters: usize, wake_putters: usize) {
        if (wake_getters > 0 && guard.waiting_getters > 0) || (wake_putters > 0 && guard.waiting_putters > 0) {
            self.unlock_and_wake_slow(guard, wake_getters, wake_putters);
        }
    }

    #[cold]
    fn unlock_and_wake_slow(&self, mut guard: StateGuard<'_, T, O>, wake_getters: usize, wake_putters: usize) {
        let notified = self.notify(&mut guard, wake_getters, wake_putters);
        drop(guard);
        self.wake(notified);
    }

    pub(super) fn notify(
        &self,
        guard: &mut StateGuard<'_, T, O>,
        wake_getters: usize,
        wake_putters: usize,
    ) -> [usize; 2] {
        let state = &mut **guard;
        [
            self.getters.notify(&mut state.waiting_getters, wake_getters),
            self.putters.notify(&mut state.waiting_putters, wake_putters),
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
    fn lock_when_ready_slow<'a>(
        &'a self,
        guard: StateGuard<'a, T, O>,
        role: Role,
        mode: &WaitMode,
    ) -> (Option<StateGuard<'a, T, O>>, Blocked) {
        match self.wait_until_ready(guard, role, mode) {
            Ok(guard) => (Some(guard), Blocked::FullOrEmpty),
            Err(blocked) => (None, blocked),
        }
    }

    fn wait_until_ready<'a>(
        &'a self,
        guard: StateGuard<'a, T, O>,
        role: Role,
        mode: &WaitMode,
    ) -> Result<StateGuard<'a, T, O>, Blocked> {
        match self.check_ready(&guard, role) {
            Err(Blocked::FullOrEmpty) if *mode != WaitMode::NoWait => drop(guard),
            ready => return ready.map(|()| guard),
        }
        let deadline = mode.deadline();
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() {
            if self.seems_ready(role) {
                let guard = self.lock();
                match self.check_ready(&guard, role) {
                    Err(Blocked::FullOrEmpty) => {}
                    ready => return ready.map(|()| guard),
                }
            }
        }
        let waiters = self.waiters(role);
        let mut timed_out = None;
        loop {
            let mut guard = self.lock();
            match self.check_ready(&guard, role) {
                Err(Blocked::FullOrEmpty) => {}
                ready => return ready.map(|()| guard),
            }
            // Only after the state has been looked at again: invariant 3 of `sleepers.rs`.
            if let Some(epoch) = timed_out {
                waiters.cancel_wait(guard.waiter_count(role), epoch);
                return Err(Blocked::FullOrEmpty);
            }
            let epoch = waiters.prepare_wait(guard.waiter_count(role));
            drop(guard);
            timed_out = (!waiters.wait(epoch, deadline)).then_some(epoch);
        }
    }

    fn check_ready(&self, guard: &StateGuard<'_, T, O>, role: Role) -> Result<(), Blocked> {
        match self.is_ready(guard, role) {
            true => Ok(()),
            false if self.counts.is_shut() => Err(Blocked::ShutDown),
            false => Err(Blocked::FullOrEmpty),
        }
    }

    fn seems_ready(&self, role: Role) -> bool {
        let len = self.counts.len();
        self.counts.is_shut()
            || if role == Role::Putter {
                len < self.capacity
            } else {
                len > 0
            }
    }

    #[inline]
    pub(super) fn waiters(&self, role: Role) -> &Waiters {
        match role {
            Role::Putter => &self.putters,
            Role::Getter => &self.getters,
        }
    }
}

impl<I> State<I> {
    #[inline]
    pub(super) fn waiter_count(&mut self, role: Role) -> &mut WaiterCount {
        match role {
            Role::Putter => &mut self.waiting_putters,
            Role::Getter => &mut self.waiting_getters,
        }
    }
}

/// The mutex, held.
pub(super) type StateGuard<'a, T, O> = MutexGuard<'a, State<<O as Storage<T>>::Items>>;

/// A turn that ends because the user's `Ord` panics: dropped, it calls another in its stead.
struct NotifyOnPanic<'h, 'a, T, O: Order<T>> {
    queue: &'h AnyQueue<T, O>,
    guard: &'h mut StateGuard<'a, T, O>,
    wake_getters: usize,
    wake_putters: usize,
}

impl<T, O: Order<T>> Drop for NotifyOnPanic<'_, '_, T, O> {
    fn drop(&mut self) {
        let notified = self.queue.notify(self.guard, self.wake_getters, self.wake_putters);
        self.queue.wake(notified);
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
