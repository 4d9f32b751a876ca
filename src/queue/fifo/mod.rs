//! The FIFO queue on a ring: how threads block, and how batches of items are moved. The ring itself
//! is in `claim.rs`: a bounded MPMC queue with stamped slots after Dmitry Vyukov, made to grow.
//!
//! # Invariants
//! 1. A thread blocks only if it could not claim a ticket at a moment at which it was counted as a waiter and the
//!    flag bit of its role was set. Each later claim of the other role observes the flag bit and notifies. The
//!    flag bit is cleared when no waiter of the role is counted. A thread that makes n tickets claimable notifies
//!    n waiters, and wakes them when it has filled or emptied the slots; a shutdown notifies all waiters.
//! 2. A batch is moved while the tail is frozen, so that no thread observes a part of it.
//! 3. A put into a growing ring never waits for a free slot.

mod buffer;
mod claim;
mod slot;

pub(super) use claim::{Kind, Ring};

use super::error::PutError;
use super::order::Order;
use super::queue::{AnyQueue, StateGuard};
use super::wait_mode::{Blocked, Role, WaitMode};
use crate::backend::hint::Spin;
use claim::{Claim, Claims, PackedClaim};
use std::collections::VecDeque;

/// Up to this capacity, a putter that spins polls for each slot that becomes free.
const SMALL_CAPACITY: usize = 8;

impl<T, O: Order<T>> AnyQueue<T, O> {
    #[inline(always)]
    pub(super) fn ring_put(&self, ring: &Ring<T>, item: T, mode: &WaitMode) -> Result<(), PutError<T>> {
        match self.ring_claim(ring, Role::Putter, mode) {
            Ok(claim) => {
                self.ring_fill(ring, claim, item);
                Ok(())
            }
            Err(blocked) => Err(blocked.into_put_error(item)),
        }
    }

    #[inline(always)]
    fn ring_fill(&self, ring: &Ring<T>, claim: Claim<'_, T>, item: T) {
        let has_waiters = claim.has_waiters();
        ring.fill(claim, item);
        if has_waiters {
            self.ring_unlock_and_wake(ring, self.lock(), 1, 0);
        }
    }

    #[inline(always)]
    pub(super) fn ring_get<E: From<Blocked>>(&self, ring: &Ring<T>, mode: &WaitMode) -> Result<T, E> {
        match self.ring_claim(ring, Role::Getter, mode) {
            Ok(claim) => self.ring_empty(ring, claim),
            Err(blocked) => Err(E::from(blocked)),
        }
    }

    /// There is one return expression, so that the result is built
    /// in the caller's place: otherwise a big item would be copied.
    #[inline(always)]
    fn ring_empty<E>(&self, ring: &Ring<T>, claim: Claim<'_, T>) -> Result<T, E> {
        let _notify = NotifyOnDrop {
            queue: self,
            ring,
            has_waiters: claim.has_waiters(),
        };
        ring.empty(claim, Ok)
    }

    /// `put_batch` on a ring.
    pub(super) fn ring_put_batch(
        &self,
        ring: &Ring<T>,
        batch: &mut VecDeque<T>,
        is_last: bool,
    ) -> Result<Option<usize>, Blocked> {
        let guard = self.lock();
        ring.allocate_slots();
        let mut frozen = ring.freeze(&self.counts);
        // Getters may free slots meanwhile: no more items are put than there were free slots at this load.
        let free_slots = if is_last {
            usize::MAX
        } else {
            ring.free_slot_count(&self.counts, &frozen)
        };
        if !is_last && batch.len() <= free_slots {
            ring.thaw(&self.counts, frozen);
            return Ok(Some(free_slots));
        }
        let claims = ring.claim_slots(&self.counts, &mut frozen, batch.len().min(free_slots));
        ring.thaw(&self.counts, frozen);
        let notified = self.ring_notify(ring, guard, claims.as_ref().map_or(0, Claims::len), 0);
        let claims = claims?;
        let count = claims.len();
        claims
            .zip(batch.drain(..count))
            .for_each(|(claim, item)| ring.fill(claim, item));
        self.wake(notified);
        if batch.is_empty() {
            Ok(None)
        } else {
            Err(Blocked::FullOrEmpty)
        }
    }

    /// Removes all items; also shuts the queue down if `shut` is set.
    pub(super) fn ring_remove_all(&self, ring: &Ring<T>, shut: bool) -> Vec<T> {
        let guard = self.lock();
        let mut frozen = ring.freeze(&self.counts);
        let claims = ring.claim_all(&self.counts, &frozen);
        if shut {
            // The tail is still frozen, so each thread observes the items as queued
            // or as done. Some of them may have been counted as done before.
            self.counts.finish_up_to(claims.len());
            frozen.shut();
        }
        ring.thaw(&self.counts, frozen);
        let [wake_getters, wake_putters] = if shut { [usize::MAX; 2] } else { [0, claims.len()] };
        let notified = self.ring_notify(ring, guard, wake_getters, wake_putters);
        let items = claims.map(|claim| ring.empty(claim, |item| item)).collect();
        self.wake(notified);
        items
    }

    /// Shuts the queue down and wakes all waiters.
    pub(super) fn ring_shut_down(&self, ring: &Ring<T>) {
        let guard = self.lock();
        let mut frozen = ring.freeze(&self.counts);
        frozen.shut();
        ring.thaw(&self.counts, frozen);
        self.ring_unlock_and_wake(ring, guard, usize::MAX, usize::MAX);
    }

    #[inline(always)]
    fn ring_claim<'a>(&self, ring: &'a Ring<T>, role: Role, mode: &WaitMode) -> Result<Claim<'a, T>, Blocked> {
        match ring.claim(role, &self.counts) {
            Some(claim) => Ok(claim),
            None => self.ring_claim_slow(ring, role, mode).unpack(),
        }
    }

    #[cold]
    #[inline(never)]
    fn ring_claim_slow<'a>(&self, ring: &'a Ring<T>, role: Role, mode: &WaitMode) -> PackedClaim<'a, T> {
        PackedClaim::pack(self.ring_wait_for_claim(ring, role, mode))
    }

    fn ring_wait_for_claim<'a>(&self, ring: &'a Ring<T>, role: Role, mode: &WaitMode) -> Result<Claim<'a, T>, Blocked> {
        let counts = &self.counts;
        if role == Role::Putter {
            if ring.grows() {
                return self.ring_claim_growing(ring);
            }
            self.ring_allocate_slots(ring);
        }
        if *mode == WaitMode::NoWait {
            return ring.claim_or_blocked(role, counts);
        }
        let deadline = mode.deadline();
        // A putter at a larger ring polls less often: the cache line of the slot
        // that becomes free holds other slots, which getters are still emptying.
        let spin = if role == Role::Putter && self.capacity > SMALL_CAPACITY {
            Spin::for_lock
        } else {
            Spin::for_hand_off
        };
        let mut spin = spin(deadline);
        while spin.again() {
            if let Some(claim) = ring.claim(role, counts) {
                return Ok(claim);
            }
        }
        let waiters = self.waiters(role);
        let mut timed_out = None;
        loop {
            let mut guard = self.lock();
            let blocked = ring.check_blocked(role, counts, true);
            if timed_out.is_none() && matches!(blocked, Some(Blocked::FullOrEmpty)) {
                let epoch = waiters.prepare_wait(guard.waiter_count(role));
                drop(guard);
                timed_out = (!waiters.wait(epoch, deadline)).then_some(epoch);
                continue;
            }
            // A waiter that timed out gives up only after it has re-checked the ring (invariant 3 of `waiters.rs`).
            if let Some(epoch) = timed_out.take() {
                waiters.cancel_wait(guard.waiter_count(role), epoch);
            }
            self.ring_clear_flag(ring, &mut guard, role);
            drop(guard);
            match blocked.map_or_else(|| ring.claim_or_blocked(role, counts), Err) {
                Err(Blocked::FullOrEmpty) if blocked.is_none() => {} // another thread has claimed the ticket: retry
                ready => return ready,
            }
        }
    }

    /// Claims a ticket in a growing ring, which is never full: the putter grows it instead of waiting for a getter.
    fn ring_claim_growing<'a>(&self, ring: &'a Ring<T>) -> Result<Claim<'a, T>, Blocked> {
        let _guard = self.lock();
        // Another putter may have grown the ring before this thread acquired the mutex.
        // While the tail is frozen, every putter ends up here and waits for the mutex.
        match ring.claim(Role::Putter, &self.counts) {
            Some(claim) => Ok(claim),
            None => ring.claim_and_grow(&self.counts),
        }
    }

    fn ring_allocate_slots(&self, ring: &Ring<T>) {
        if !ring.has_slots() {
            let _guard = self.lock();
            ring.allocate_slots();
        }
    }

    /// Releases the mutex and wakes up to `wake_getters` getters and `wake_putters` putters.
    #[cold]
    fn ring_unlock_and_wake(
        &self,
        ring: &Ring<T>,
        guard: StateGuard<'_, T, O>,
        wake_getters: usize,
        wake_putters: usize,
    ) {
        let notified = self.ring_notify(ring, guard, wake_getters, wake_putters);
        self.wake(notified);
    }

    /// Notifies up to `wake_getters` getters and `wake_putters` putters, and releases the
    /// mutex. Returns how many threads to wake once the slots are filled or emptied.
    fn ring_notify(
        &self,
        ring: &Ring<T>,
        mut guard: StateGuard<'_, T, O>,
        wake_getters: usize,
        wake_putters: usize,
    ) -> [usize; 2] {
        let notified = self.notify(&mut guard, wake_getters, wake_putters);
        [Role::Getter, Role::Putter]
            .into_iter()
            .for_each(|role| self.ring_clear_flag(ring, &mut guard, role));
        notified
    }

    /// Clears the role's flag bit if no waiter of the role is counted.
    fn ring_clear_flag(&self, ring: &Ring<T>, guard: &mut StateGuard<'_, T, O>, role: Role) {
        if *guard.waiter_count(role) == 0 {
            ring.clear_flag(role, &self.counts);
        }
    }
}

/// Wakes one blocked putter, if there is one, when it is dropped: after the slot was emptied.
struct NotifyOnDrop<'a, T, O: Order<T>> {
    queue: &'a AnyQueue<T, O>,
    ring: &'a Ring<T>,
    has_waiters: bool,
}

impl<T, O: Order<T>> Drop for NotifyOnDrop<'_, T, O> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.has_waiters {
            self.queue.ring_unlock_and_wake(self.ring, self.queue.lock(), 0, 1);
        }
    }
}
