//! Room for the items of a bounded queue in which they come out as they came: slots that threads claim without a mutex.
//!
//! # State
//! `head` and `tail` count the items that were got and put; the slot of an item is told by its number.
//! ```text
//!        head ──▶ the next item to get        tail ──▶ the next item to put        tail - head: how many there are
//!   slot of n:  free for n ──put claims n, writes──▶ holds n ──get claims n, reads──▶ free for n + number of slots
//! ```
//! The lowest bits of both words are flags: PUTTERS in `head`, that some sleep until there is room; in `tail` GETTERS, that
//! some sleep until there is an item, SHUT, that nobody puts any more, and FROZEN, that it is about to change.
//!
//! # Invariants
//! 1. `tail` is never behind `head`, and never further ahead than the capacity. Each number is claimed once, by the change of
//!    `tail` or `head` that passes it: that is when the item is in, or out.
//! 2. Who has claimed a number fills or empties its slot (`slot.rs`) at once: in between no thread sleeps, or runs the user's
//!    code. Others wait for it, and for who has frozen the tail, without a sleep.
//! 3. Flags change only under the queue's mutex. As long as the tail is frozen, its number changes under the mutex too.
//! 4. There is no slot until somebody puts, and the same ones from then on: as many as the capacity, which is a power of two.
//!
//! Numbers wrap, as do the stamps: a thread that is stopped in the middle of a claim for exactly as many items mistakes one for
//! another. On 64-bit systems that takes decades.

use super::slot::Slot;
use super::tally::{FLAGS, ITEM, SHUT, Tally, number};
use super::turn::{Refusal, Side};
use crate::backend::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{const_fn, hint};
use core::ptr::{self, NonNull};

const GETTERS: usize = 2;
const FROZEN: usize = 4;
const PUTTERS: usize = 1;

/// Nobody changes it once there are slots, and all read it, also who finds that there is no ring: apart from the mutex, whose line
/// would come over twice, to be read and then to be changed.
#[repr(align(128))]
pub(super) struct Ring<T> {
    slots: AtomicPtr<Slot<T>>,
    /// In items.
    capacity: usize,
}

/// An item's number, claimed, and its slot, which is ready.
pub(super) struct Claim<'a, T> {
    slot: &'a Slot<T>,
    /// The number, with the mark of the other side if some of that sleep.
    word: usize,
}

/// A claim, or why there is none, in two registers: a `Result` would be in memory, and so would a big item beside it.
pub(super) struct Reply<'a, T> {
    slot: Option<&'a Slot<T>>,
    word: usize,
}

/// The numbers from one up to another, claimed.
pub(super) struct Claims<'a, T> {
    ring: &'a Ring<T>,
    side: Side,
    next: usize,
    end: usize,
}

/// What a frozen tail was.
pub(super) struct Frozen(usize);

impl<T> Ring<T> {
    const_fn! {
        /// For so many items, a power of two; or for none at all.
        #[inline]
        pub(super) fn new(capacity: usize) -> Ring<T> {
            Ring { slots: AtomicPtr::new(ptr::null_mut()), capacity: capacity * ITEM }
        }
    }

    /// Whether there is a ring.
    #[inline]
    pub(super) fn exists(&self) -> bool {
        self.capacity > 0
    }

    /// The next number for that side, if it looks as if there is one.
    #[inline(always)]
    pub(super) fn claim(&self, side: Side, tally: &Tally) -> Option<Claim<'_, T>> {
        match side {
            Side::Putters => self.claim_room(tally),
            Side::Getters => self.claim_item(tally),
        }
    }

    #[inline(always)]
    fn claim_room(&self, tally: &Tally) -> Option<Claim<'_, T>> {
        let slots = self.slots()?;
        let mut word = tally.tail.load(Relaxed);
        loop {
            let number = number(word);
            let slot = self.slot(slots, number);
            if !slot.is_free_for(number) || word & (SHUT | FROZEN) != 0 {
                return None;
            }
            // ORDERING: Release pairs with the Acquire in `refusal`: who sees the number sees the slots.
            match tally.tail.compare_exchange_weak(word, word.wrapping_add(ITEM), Release, Relaxed) {
                Ok(_) => return Some(Claim { slot, word }),
                Err(newer) => word = newer,
            }
        }
    }

    #[inline(always)]
    fn claim_item(&self, tally: &Tally) -> Option<Claim<'_, T>> {
        let slots = self.slots()?;
        let mut word = tally.head().load(Relaxed);
        loop {
            let number = number(word);
            let slot = self.slot(slots, number);
            if !slot.holds(number) {
                return None;
            }
            // ORDERING: Release pairs with the Acquire in `finish` (`tally.rs`): who sees the number sees the tail before which it is.
            match tally.head().compare_exchange_weak(word, word.wrapping_add(ITEM), Release, Relaxed) {
                Ok(_) => return Some(Claim { slot, word }),
                Err(newer) => word = newer,
            }
        }
    }

    /// The next number for that side, or why there was none at some moment of the call. Waits for those who are in the middle
    /// of a claim.
    pub(super) fn claim_or_refuse(&self, side: Side, tally: &Tally) -> Result<Claim<'_, T>, Refusal> {
        loop {
            if let Some(refusal) = self.refusal(side, tally, false) {
                return Err(refusal);
            }
            if let Some(claim) = self.claim(side, tally) {
                return Ok(claim);
            }
            // Another was faster, or has frozen the tail, or is about to put or take the item of the slot.
            hint::spin_until(&tally.tail, Relaxed, |word| word & FROZEN == 0);
            let [first, last] = [tally.head(), &tally.tail].map(|word| number(word.fetch_or(0, Relaxed)));
            let awaited = match side {
                Side::Getters => (first != last).then_some(first),
                Side::Putters => (last.wrapping_sub(first) < self.capacity).then_some(last),
            };
            if let (Some(number), Some(slots)) = (awaited, self.slots()) {
                self.slot(slots, number).await_turn(side, number);
            }
        }
    }

    /// Under the mutex: says that nobody of that side sleeps.
    pub(super) fn unmark(&self, side: Side, tally: &Tally) {
        let (word, mark) = match side {
            Side::Putters => (tally.head(), PUTTERS),
            Side::Getters => (&tally.tail, GETTERS),
        };
        if word.load(Relaxed) & mark != 0 {
            word.fetch_and(!mark, Relaxed);
        }
    }

    /// Why there is no number for that side. To be marked, under the mutex, means that some of that side sleep.
    ///
    /// By invariant 1: who read `head` before the newest `tail`, and finds the same number, found no item then; who read `tail`
    /// before the newest `head`, and finds it ahead by the capacity, found no room then.
    pub(super) fn refusal(&self, side: Side, tally: &Tally, marked: bool) -> Option<Refusal> {
        let (word, none) = match side {
            Side::Getters => {
                // ORDERING: Acquire has no partner: the look at `tail` comes after it.
                let head = tally.head().load(Acquire);
                // ORDERING: Acquire pairs with the Release of who has claimed the number before: we see the slots.
                let word = tally.tail.fetch_or(if marked { GETTERS } else { 0 }, Acquire);
                (word, number(word) == number(head))
            }
            Side::Putters => {
                // ORDERING: Acquire has no partner: the look at `head` comes after it.
                let word = tally.tail.load(Acquire);
                let head = tally.head().fetch_or(if marked { PUTTERS } else { 0 }, Relaxed);
                (word, number(word).wrapping_sub(number(head)) >= self.capacity)
            }
        };
        match word & (SHUT | FROZEN) {
            SHUT if none || side == Side::Putters => Some(Refusal::ShutDown),
            0 if none => Some(Refusal::NotNow),
            _ => None,
        }
    }

    /// Puts the item in.
    #[inline(always)]
    pub(super) fn fill(&self, claim: Claim<'_, T>, item: T) {
        claim.slot.fill(number(claim.word), item);
    }

    /// Takes the item out, wrapped.
    #[inline(always)]
    pub(super) fn empty<R>(&self, claim: Claim<'_, T>, wrap: impl FnOnce(T) -> R) -> R {
        claim.slot.empty(number(claim.word).wrapping_add(self.capacity), wrap)
    }

    /// Under the mutex: nobody puts until the tail is thawed, which must be soon.
    pub(super) fn freeze(&self, tally: &Tally) -> Frozen {
        Frozen(tally.tail.fetch_or(FROZEN, Relaxed))
    }

    /// Under the mutex: ends it, with the tail as it was then.
    pub(super) fn thaw(&self, tally: &Tally, Frozen(word): Frozen) {
        // ORDERING: Release, as in `claim_room`.
        tally.tail.swap(word, Release);
    }

    /// All items that there are.
    pub(super) fn claim_all(&self, tally: &Tally, Frozen(tail): &Frozen) -> Claims<'_, T> {
        let mut word = tally.head().load(Relaxed);
        loop {
            let end = number(*tail);
            // ORDERING: Release, as in `claim_item`.
            match tally.head().compare_exchange_weak(word, end | (word & FLAGS), Release, Relaxed) {
                Ok(_) => return Claims { ring: self, side: Side::Getters, next: number(word), end },
                Err(newer) => word = newer,
            }
        }
    }

    /// Room for as many, or as much as there is, at least for one; it is claimed when the tail is thawed.
    pub(super) fn claim_rooms(
        &self,
        tally: &Tally,
        Frozen(tail): &mut Frozen,
        count: usize,
    ) -> Result<Claims<'_, T>, Refusal> {
        if *tail & SHUT != 0 {
            return Err(Refusal::ShutDown);
        }
        let next = number(*tail);
        let room = self.capacity - next.wrapping_sub(number(tally.head().fetch_or(0, Relaxed)));
        if room == 0 {
            return Err(Refusal::NotNow);
        }
        let claimed = room.min(count.saturating_mul(ITEM));
        *tail = tail.wrapping_add(claimed);
        Ok(Claims { ring: self, side: Side::Putters, next, end: next.wrapping_add(claimed) })
    }

    #[inline]
    pub(super) fn has_slots(&self) -> bool {
        self.slots().is_some()
    }

    /// Under the mutex: makes the slots if there are none.
    pub(super) fn make_slots(&self) {
        if !self.has_slots() {
            let slots: Box<[Slot<T>]> = (0..self.capacity).step_by(ITEM).map(Slot::free_for).collect();
            // ORDERING: Release pairs with the Acquire in `slots`.
            self.slots.store(Box::into_raw(slots).cast(), Release);
        }
    }

    #[inline(always)]
    fn slots(&self) -> Option<NonNull<Slot<T>>> {
        // ORDERING: Acquire pairs with the Release in `make_slots`: we see the slots that we find.
        NonNull::new(self.slots.load(Acquire))
    }

    /// The slot of that number.
    #[inline]
    fn slot(&self, slots: NonNull<Slot<T>>, number: usize) -> &Slot<T> {
        let slot = slots.as_ptr().wrapping_add((number & (self.capacity - 1)) / ITEM);
        // SAFETY: invariant 4: one of the slots, which live as long as we do.
        unsafe { &*slot }
    }
}

impl<T> Claim<'_, T> {
    /// Whether some of the other side sleep.
    #[inline(always)]
    pub(super) fn is_awaited(&self) -> bool {
        self.word & FLAGS != 0
    }
}

impl<'a, T> Reply<'a, T> {
    pub(super) fn new(reply: Result<Claim<'a, T>, Refusal>) -> Reply<'a, T> {
        match reply {
            Ok(Claim { slot, word }) => Reply { slot: Some(slot), word },
            Err(refusal) => Reply { slot: None, word: refusal as usize },
        }
    }

    #[inline(always)]
    pub(super) fn result(self) -> Result<Claim<'a, T>, Refusal> {
        let refusal = if self.word == Refusal::NotNow as usize { Refusal::NotNow } else { Refusal::ShutDown };
        self.slot.map(|slot| Claim { slot, word: self.word }).ok_or(refusal)
    }
}

impl Frozen {
    /// Nobody puts any more when it is thawed.
    pub(super) fn shut(&mut self) {
        self.0 |= SHUT;
    }
}

impl<T> Claims<'_, T> {
    pub(super) fn len(&self) -> usize {
        self.end.wrapping_sub(self.next) / ITEM
    }
}

impl<'a, T> Iterator for Claims<'a, T> {
    type Item = Claim<'a, T>;

    /// The next when its slot is ready.
    fn next(&mut self) -> Option<Claim<'a, T>> {
        if self.next == self.end {
            return None;
        }
        let number = self.next;
        self.next = number.wrapping_add(ITEM);
        let slots = self.ring.slots()?; // there are: a number was claimed
        let slot = self.ring.slot(slots, number);
        slot.await_turn(self.side, number);
        Some(Claim { slot, word: number })
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let slots = self.slots.load(Relaxed);
        if !slots.is_null() {
            // SAFETY: invariant 4: they are ours, and so many.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(slots, self.capacity / ITEM)) });
        }
    }
}
