//! A queue whose items are in a ring: who waits, and who moves many items at once.
//!
//! # Invariants
//! 1. A thread goes to sleep only after it was counted and the mark of its side was set, at a moment at which there was no
//!    number for it: whoever claims one for the other side after that sees the mark, and calls. The mark goes when nobody is
//!    counted. Whoever makes n numbers calls n, and wakes them when it has filled, or emptied, their slots; a shutdown calls all.
//! 2. Many items move at once while the tail is frozen, so that nobody sees some of them moved.
//! 3. Nobody waits until there is room in a ring that grows.

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

/// Slots of a ring in which each item is waited for.
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

    /// It has one result, which is made where it is wanted: a big item would be copied.
    #[inline(always)]
    fn ring_empty<E>(&self, ring: &Ring<T>, claim: Claim<'_, T>) -> Result<T, E> {
        let _notify = NotifyOnDrop {
            queue: self,
            ring,
            has_waiters: claim.has_waiters(),
        };
        ring.empty(claim, Ok)
    }

    /// As `put_taken`.
    pub(super) fn ring_put_batch(
        &self,
        ring: &Ring<T>,
        batch: &mut VecDeque<T>,
        is_last: bool,
    ) -> Result<Option<usize>, Blocked> {
        let guard = self.lock();
        ring.allocate_slots();
        let mut frozen = ring.freeze(&self.counts);
        // Getters may make room meanwhile: no more items are put than this load has found room for.
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

    /// Takes all items that there are; nobody puts any more if it is shut.
    pub(super) fn ring_remove_all(&self, ring: &Ring<T>, shut: bool) -> Vec<T> {
        let guard = self.lock();
        let mut frozen = ring.freeze(&self.counts);
        let claims = ring.claim_all(&self.counts, &frozen);
        if shut {
            // While nobody can see them neither in nor done. Some may have been counted done before.
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

    /// Nobody puts any more, and nobody waits.
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
        // Who waits for room does not look at each slot as soon as it is free: its cache line holds others, which are not.
        let spin = if role == Role::Putter && self.capacity > SMALL_CAPACITY {
            Spin::for_lock
        } else {
            Spin::for_hand_over
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
            // Only after another look: invariant 3 of `sleepers.rs`.
            if let Some(epoch) = timed_out.take() {
                waiters.cancel_wait(guard.waiter_count(role), epoch);
            }
            self.ring_clear_flag(ring, &mut guard, role);
            drop(guard);
            match blocked.map_or_else(|| ring.claim_or_blocked(role, counts), Err) {
                Err(Blocked::FullOrEmpty) if blocked.is_none() => {} // another was faster
                ready => return ready,
            }
        }
    }

    /// There is always room, for more slots are made at once: a putter of an unbounded queue need not wait for any getter.
    fn ring_claim_growing<'a>(&self, ring: &'a Ring<T>) -> Result<Claim<'a, T>, Blocked> {
        let _guard = self.lock();
        // Another may have made room by now. To freeze the tail sends all other putters here.
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

    /// Lets go of the mutex: there are so many items more for those who wait, and room for so many.
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

    /// Lets go of the mutex and tells how many to wake when the items, or the room, are there.
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

    /// Takes the mark away if nobody is counted.
    fn ring_clear_flag(&self, ring: &Ring<T>, guard: &mut StateGuard<'_, T, O>, role: Role) {
        if *guard.waiter_count(role) == 0 {
            ring.clear_flag(role, &self.counts);
        }
    }
}

/// Wakes a putter, if one sleeps, when the slot is empty.
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
