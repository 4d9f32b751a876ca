//! A queue whose items are in a ring: who waits, and who moves many items at once.
//!
//! # Invariants
//! 1. A thread goes to sleep only after it was counted and the mark of its side was set, at a moment at which there was no
//!    number for it: whoever claims one for the other side after that sees the mark, and calls. The mark goes when nobody is
//!    counted. Whoever makes n numbers calls n, and wakes them when it has filled, or emptied, their slots; a shutdown calls all.
//! 2. Many items move at once while the tail is frozen, so that nobody sees some of them moved.
//! 3. Nobody waits until there is room in a ring that grows.

use super::error::PutError;
use super::order::Order;
use super::queue::{AnyQueue, Held};
use super::ring::{Claim, Claims, Reply, Ring};
use super::turn::{Patience, Refusal, Side};
use crate::backend::hint::Spin;
use std::collections::VecDeque;

/// Slots of a ring in which each item is waited for.
const FEW: usize = 8;

impl<T, O: Order<T>> AnyQueue<T, O> {
    #[inline(always)]
    pub(super) fn ring_put(&self, ring: &Ring<T>, item: T, patience: &Patience) -> Result<(), PutError<T>> {
        match self.ring_claim(ring, Side::Putters, patience) {
            Ok(claim) => {
                self.ring_fill(ring, claim, item);
                Ok(())
            }
            Err(refusal) => Err(refusal.of(item)),
        }
    }

    #[inline(always)]
    fn ring_fill(&self, ring: &Ring<T>, claim: Claim<'_, T>, item: T) {
        let awaited = claim.is_awaited();
        ring.fill(claim, item);
        if awaited {
            self.ring_end(ring, self.hold(), 1, 0);
        }
    }

    #[inline(always)]
    pub(super) fn ring_get<E: From<Refusal>>(&self, ring: &Ring<T>, patience: &Patience) -> Result<T, E> {
        match self.ring_claim(ring, Side::Getters, patience) {
            Ok(claim) => self.ring_empty(ring, claim),
            Err(refusal) => Err(E::from(refusal)),
        }
    }

    /// It has one result, which is made where it is wanted: a big item would be copied.
    #[inline(always)]
    fn ring_empty<E>(&self, ring: &Ring<T>, claim: Claim<'_, T>) -> Result<T, E> {
        let _end = Emptied {
            queue: self,
            ring,
            awaited: claim.is_awaited(),
        };
        ring.empty(claim, Ok)
    }

    /// As `put_taken`.
    pub(super) fn ring_put_taken(
        &self,
        ring: &Ring<T>,
        taken: &mut VecDeque<T>,
        are_all: bool,
    ) -> Result<Option<usize>, Refusal> {
        let held = self.hold();
        ring.make_slots();
        let mut frozen = ring.freeze(&self.tally);
        // Getters may make room meanwhile: no more items are put than this load has found room for.
        let room = if are_all {
            usize::MAX
        } else {
            ring.rooms(&self.tally, &frozen)
        };
        if !are_all && taken.len() <= room {
            ring.thaw(&self.tally, frozen);
            return Ok(Some(room));
        }
        let claims = ring.claim_rooms(&self.tally, &mut frozen, taken.len().min(room));
        ring.thaw(&self.tally, frozen);
        let called = self.ring_call(ring, held, claims.as_ref().map_or(0, Claims::len), 0);
        let claims = claims?;
        let count = claims.len();
        claims
            .zip(taken.drain(..count))
            .for_each(|(claim, item)| ring.fill(claim, item));
        self.wake(called);
        if taken.is_empty() {
            Ok(None)
        } else {
            Err(Refusal::NotNow)
        }
    }

    /// Takes all items that there are; nobody puts any more if it is shut.
    pub(super) fn ring_take_all(&self, ring: &Ring<T>, shut: bool) -> Vec<T> {
        let held = self.hold();
        let mut frozen = ring.freeze(&self.tally);
        let claims = ring.claim_all(&self.tally, &frozen);
        if shut {
            // While nobody can see them neither in nor done. Some may have been counted done before.
            self.tally.finish_of(claims.len());
            frozen.shut();
        }
        ring.thaw(&self.tally, frozen);
        let [items_for, room_for] = if shut { [usize::MAX; 2] } else { [0, claims.len()] };
        let called = self.ring_call(ring, held, items_for, room_for);
        let items = claims.map(|claim| ring.empty(claim, |item| item)).collect();
        self.wake(called);
        items
    }

    /// Nobody puts any more, and nobody waits.
    pub(super) fn ring_shut_down(&self, ring: &Ring<T>) {
        let held = self.hold();
        let mut frozen = ring.freeze(&self.tally);
        frozen.shut();
        ring.thaw(&self.tally, frozen);
        self.ring_end(ring, held, usize::MAX, usize::MAX);
    }

    #[inline(always)]
    fn ring_claim<'a>(&self, ring: &'a Ring<T>, side: Side, patience: &Patience) -> Result<Claim<'a, T>, Refusal> {
        match ring.claim(side, &self.tally) {
            Some(claim) => Ok(claim),
            None => self.ring_claim_later(ring, side, patience).result(),
        }
    }

    #[cold]
    #[inline(never)]
    fn ring_claim_later<'a>(&self, ring: &'a Ring<T>, side: Side, patience: &Patience) -> Reply<'a, T> {
        Reply::new(self.ring_await_claim(ring, side, patience))
    }

    fn ring_await_claim<'a>(
        &self,
        ring: &'a Ring<T>,
        side: Side,
        patience: &Patience,
    ) -> Result<Claim<'a, T>, Refusal> {
        let tally = &self.tally;
        if side == Side::Putters {
            if ring.grows() {
                return self.ring_claim_growing(ring);
            }
            self.ring_make_slots(ring);
        }
        if *patience == Patience::None {
            return ring.claim_or_refuse(side, tally);
        }
        let deadline = patience.deadline();
        // Who waits for room does not look at each slot as soon as it is free: its cache line holds others, which are not.
        let spin = if side == Side::Putters && self.capacity > FEW {
            Spin::for_lock
        } else {
            Spin::for_hand_over
        };
        let mut spin = spin(deadline);
        while spin.again() {
            if let Some(claim) = ring.claim(side, tally) {
                return Ok(claim);
            }
        }
        let sleepers = self.sleepers(side);
        let mut late = None;
        loop {
            let mut held = self.hold();
            let refusal = ring.refusal(side, tally, true);
            if late.is_none() && matches!(refusal, Some(Refusal::NotNow)) {
                let ticket = sleepers.enter(held.asleep(side));
                drop(held);
                late = (!sleepers.sleep(ticket, deadline)).then_some(ticket);
                continue;
            }
            // Only after another look: invariant 3 of `sleepers.rs`.
            if let Some(ticket) = late.take() {
                sleepers.leave(held.asleep(side), ticket);
            }
            self.ring_unmark(ring, &mut held, side);
            drop(held);
            match refusal.map_or_else(|| ring.claim_or_refuse(side, tally), Err) {
                Err(Refusal::NotNow) if refusal.is_none() => {} // another was faster
                ready => return ready,
            }
        }
    }

    /// There is always room, for more slots are made at once: a putter of an unbounded queue need not wait for any getter.
    fn ring_claim_growing<'a>(&self, ring: &'a Ring<T>) -> Result<Claim<'a, T>, Refusal> {
        let _held = self.hold();
        // Another may have made room by now. To freeze the tail sends all other putters here.
        match ring.claim(Side::Putters, &self.tally) {
            Some(claim) => Ok(claim),
            None => ring.claim_more(&self.tally),
        }
    }

    fn ring_make_slots(&self, ring: &Ring<T>) {
        if !ring.has_slots() {
            let _held = self.hold();
            ring.make_slots();
        }
    }

    /// Lets go of the mutex: there are so many items more for those who wait, and room for so many.
    #[cold]
    fn ring_end(&self, ring: &Ring<T>, held: Held<'_, T, O>, items_for: usize, room_for: usize) {
        let called = self.ring_call(ring, held, items_for, room_for);
        self.wake(called);
    }

    /// Lets go of the mutex and tells how many to wake when the items, or the room, are there.
    fn ring_call(&self, ring: &Ring<T>, mut held: Held<'_, T, O>, items_for: usize, room_for: usize) -> [usize; 2] {
        let called = self.call(&mut held, items_for, room_for);
        [Side::Getters, Side::Putters]
            .into_iter()
            .for_each(|side| self.ring_unmark(ring, &mut held, side));
        called
    }

    /// Takes the mark away if nobody is counted.
    fn ring_unmark(&self, ring: &Ring<T>, held: &mut Held<'_, T, O>, side: Side) {
        if *held.asleep(side) == 0 {
            ring.unmark(side, &self.tally);
        }
    }
}

/// Wakes a putter, if one sleeps, when the slot is empty.
struct Emptied<'a, T, O: Order<T>> {
    queue: &'a AnyQueue<T, O>,
    ring: &'a Ring<T>,
    awaited: bool,
}

impl<T, O: Order<T>> Drop for Emptied<'_, T, O> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.awaited {
            self.queue.ring_end(self.ring, self.queue.hold(), 0, 1);
        }
    }
}
