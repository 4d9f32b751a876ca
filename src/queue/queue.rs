//! The queue type: items under a mutex or in a ring, and the protocol by which putters and getters wait for each other.
//!
//! # State
//! ```text
//!               put ──▶ ┌───────────┐ ──▶ get          full and not shut down: putters block
//!   blocked putters     │   items   │     blocked getters
//!                       └───────────┘                  empty and not shut down: getters block
//!               tail ─────▶ head ─────▶ done           put, got, done; joiners block until done = tail (`counts.rs`)
//! ```
//! # Invariants
//! 1. Only a thread that holds the mutex changes the items, `head`, `tail` and the numbers of waiters. While
//!    it holds the mutex it runs no user code but `Ord`, which changes no item, and it never drops an item.
//! 2. There are never more than `capacity` items. After a shutdown
//!    the queue stays shut down, and the number of items never grows.
//! 3. A putter blocks only while the queue is full, a getter only while it is empty, and neither while it is shut
//!    down. Each is counted as a waiter before it releases the mutex. A thread that frees n slots, or puts n items,
//!    notifies n waiters of the other role before it releases the mutex; a shutdown notifies all. No wake-up is
//!    lost (`waiters.rs`). A thread that could proceed and does not, because `Ord` panics, passes its wake-up on.
//! 4. Items in a ring (`fifo/`) are not under the mutex. In such a queue the mutex
//!    guards only the numbers of waiters, the flag bits and the growth of the ring.
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

/// A queue of items in some [`Order`]: a [`Queue`](super::Queue), a
/// [`LifoQueue`](super::LifoQueue) or a [`PriorityQueue`](super::PriorityQueue).
///
/// Any number of threads put and get. A put blocks while the queue is full, a get while it
/// is empty. The queue is unfair: a barging thread may proceed before a blocked thread.
///
/// A thread may wait until all items that were put are done. Each item is unfinished
/// until [`task_done`](AnyQueue::task_done) is called for it or its [`Task`](super::Task)
/// is dropped; [`join`](AnyQueue::join) waits until no item is unfinished.
///
/// The `Drop` of an item may use the queue, since it never runs under the queue's mutex. If `Ord`
/// panics, the queue is unchanged: a put drops its item, a get leaves the item in the queue.
///
/// Only the `Ord` of a [`PriorityQueue`](super::PriorityQueue)'s items runs under that queue's mutex.
/// So neither that `Ord`, nor the program's panic hook while that `Ord` panics, may put into this
/// queue, get from it, drain it, shut it down or join it: the call would block indefinitely. They may
/// call `len`, `unfinished` and the other methods that only load a count, and may use any other queue.
///
/// A put happens-before the get of its item. The call that counts an item
/// as done happens-before the return of each `join` that waits for it.
///
/// # Python
/// `queue.Queue` and its subclasses. A maxsize of zero is
/// [`unbounded`](AnyQueue::unbounded) here. The error of a failed put returns the item.
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

/// A bounded queue with a larger capacity has no ring: it allocates memory as items are put.
const MAX_RING_CAPACITY: usize = 4096;

/// The number of slots with which a growing ring starts.
const INITIAL_SLOTS: usize = 4;

impl<T, O: Order<T>> AnyQueue<T, O> {
    const_fn! {
        /// A queue that is never full.
        ///
        /// The items of a [`Queue`](super::Queue) are in a ring, as in
        /// [`bounded`](AnyQueue::bounded). The first put allocates memory for four items; a put
        /// into a full ring doubles the ring. The memory is freed when the queue is dropped.
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
        /// A queue that is full when it holds `capacity` items. Memory is allocated as it is needed.
        ///
        /// A [`Queue`](super::Queue) is fastest if its capacity is a power of two, up
        /// to 4,096: its items are in a ring, whose memory the first put allocates,
        /// and a put or get claims a slot of the ring instead of acquiring a mutex.
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
        /// As `bounded`, but never with a ring: for tests that compare or verify both.
        #[doc(hidden)]
        pub fn bounded_by_a_lock(capacity: usize) -> AnyQueue<T, O> {
            AnyQueue::with_kind(capacity, Kind::None)
        }
    }

    const_fn! {
        /// As `unbounded`; a ring starts with `slots` slots, a power of two: for tests of its growth.
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

    /// Acquires the mutex when a thread of that role can proceed; waits for that moment as `mode` says.
    #[inline(always)]
    pub(super) fn lock_when_ready(&self, role: Role, mode: &WaitMode) -> Result<StateGuard<'_, T, O>, Blocked> {
        let guard = self.lock();
        if self.is_ready(&guard, role) {
            return Ok(guard);
        }
        let (guard, blocked) = self.lock_when_ready_slow(guard, role, mode);
        guard.ok_or(blocked)
    }

    /// The ring, if this queue has one.
    #[inline]
    pub(super) fn ring(&self) -> Option<&Ring<T>> {
        (O::SUPPORTS_RING && self.ring.exists()).then_some(&self.ring)
    }

    /// Acquires the mutex, whether the queue is ready or not.
    #[inline]
    pub(super) fn lock(&self) -> StateGuard<'_, T, O> {
        self.state.acquire()
    }

    /// Whether a thread of that role can put or get an item now.
    #[inline(always)]
    pub(super) fn is_ready(&self, guard: &StateGuard<'_, T, O>, role: Role) -> bool {
        match role {
            Role::Putter => O::len(&guard.items) < self.capacity && !self.counts.is_shut(),
            Role::Getter => O::len(&guard.items) > 0,
        }
    }

    /// The number of items that can be put before the queue is full.
    #[inline]
    pub(super) fn free_slots(&self, guard: &StateGuard<'_, T, O>) -> usize {
        self.capacity - O::len(&guard.items)
    }

    /// The index for `insert`. If `Ord` panics, getters are notified of the `inserted` items that
    /// the caller has already inserted, and the free slot is passed on to another putter. The
    /// item must outlive the guard, so that a panic drops the item after it releases the mutex.
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

    /// Removes the next item, of which there is one, and releases the mutex. The
    /// result is built in the caller's place: otherwise a big item would be copied.
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

    /// Removes all items, unordered. The caller has to notify the putters, and to order the items without the mutex.
    pub(super) fn remove_all(&self, guard: &mut StateGuard<'_, T, O>) -> O::Items {
        let items = core::mem::replace(&mut guard.items, O::EMPTY);
        self.counts.record_got(O::len(&items));
        items
    }

    /// Removes the items for which `wanted` returns true, wherever they are; the other
    /// items keep their order. `wanted` is not user code. Only for a queue without a ring.
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

    /// Shuts the queue down, releases the mutex and wakes all waiters.
    pub(super) fn shut_down(&self, guard: StateGuard<'_, T, O>) {
        self.counts.shut();
        self.unlock_and_wake(guard, usize::MAX, usize::MAX);
    }

    /// Releases the mutex and wakes up to `wake_getters` getters and `wake_putters` putters.
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

    /// The slow path of `lock_when_ready`, out of line. Returns a pair, which stays
    /// in two registers: a `Result`, and a big item beside it, would be in memory.
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
        let mut spin = Spin::for_hand_off(deadline);
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
            // A waiter that timed out gives up only after it has re-checked the state (invariant 3 of `waiters.rs`).
            if let Some(epoch) = timed_out {
                waiters.cancel_wait(guard.waiter_count(role), epoch);
                return Err(Blocked::FullOrEmpty);
            }
            let epoch = waiters.prepare_wait(guard.waiter_count(role));
            drop(guard);
            timed_out = (!waiters.wait(epoch, deadline)).then_some(epoch);
        }
    }

    /// Called under the mutex. Linearization point of a call that fails: this check.
    fn check_ready(&self, guard: &StateGuard<'_, T, O>, role: Role) -> Result<(), Blocked> {
        match self.is_ready(guard, role) {
            true => Ok(()),
            false if self.counts.is_shut() => Err(Blocked::ShutDown),
            false => Err(Blocked::FullOrEmpty),
        }
    }

    /// Guards a call of `Ord`: if that panics, the drop notifies other waiters, since this thread does not proceed.
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

/// The acquired mutex.
pub(super) type StateGuard<'a, T, O> = MutexGuard<'a, State<<O as Storage<T>>::Items>>;

/// When `Ord` panics, its drop notifies other waiters instead of the thread that could proceed.
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

// A panic leaves the queue unchanged.
impl<T, O: Order<T>> UnwindSafe for AnyQueue<T, O> {}
impl<T, O: Order<T>> RefUnwindSafe for AnyQueue<T, O> {}
