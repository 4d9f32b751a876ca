//! Room for items that come out as they came: slots that threads claim without a mutex.
//!
//! # State
//! `head` and `tail` count the items that were got and put; the slot of an item is told by its number.
//! ```text
//!        head ──▶ the next item to get        tail ──▶ the next item to put        tail - head: how many there are
//!   slot of n:  free for n ──put claims n, writes──▶ holds n ──get claims n, reads──▶ free for n + number of slots
//! ```
//! The lowest bits of both words are flags: FROZEN, that it is about to change; PUTTERS in `head`, that some sleep until there is
//! room; in `tail` GETTERS, that some sleep until there is an item, and SHUT, that nobody puts any more.
//!
//! # Invariants
//! 1. `tail` is never behind `head`, and never further ahead than there are slots. Each number is claimed once, by the change of
//!    `tail` or `head` that passes it: that is when the item is in, or out.
//! 2. Who has claimed a number fills or empties its slot (`slot.rs`) at once: in between no thread sleeps, or runs the user's
//!    code. Others wait for it, and for who has frozen a word, without a sleep.
//! 3. Flags change only under the queue's mutex. As long as a word is frozen, its number changes under the mutex too.
//! 4. There is no slot until somebody puts. Then there are as many as the capacity, a power of two; or more and more, at least twice
//!    as many each time.
//! 5. More slots are made while both words are frozen and no number is claimed: each item is moved, and each other slot is free.
//!    So the slot of a number that was claimed stays. And what an old slot says is true: if it holds a number that nobody has got,
//!    so does the new slot of that number; if it is free for the next one to be put, so is the new one.
//!
//! Numbers wrap, as do the stamps: a thread that is stopped in the middle of a claim for exactly as many items mistakes one for
//! another. On 64-bit systems that takes decades.

use super::slot::Slot;
use super::slots::Slots;
use super::tally::{FLAGS, ITEM, SHUT, Tally, look_first, number};
use super::turn::{Refusal, Side};
use crate::backend::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::backend::{const_fn, hint};

const GETTERS: usize = 2;
const FROZEN: usize = 4;
const PUTTERS: usize = 1;

/// It hardly changes once there are slots, and all read it, also who finds that there is no ring: apart from the mutex, whose line
/// would come over twice, to be read and then to be changed.
#[repr(align(128))]
pub(super) struct Ring<T> {
    slots: Slots<T>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is none: the items are under the mutex.
    None,
    /// With so many slots, a power of two.
    Fixed(usize),
    /// With so many to begin with.
    Growing(usize),
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
        #[inline]
        pub(super) fn new(kind: Kind) -> Ring<T> {
            let slots = match kind {
                Kind::None => 1,
                Kind::Fixed(slots) | Kind::Growing(slots) => slots,
            };
            Ring { slots: Slots::new(slots), kind }
        }
    }

    /// Whether there is a ring.
    #[inline]
    pub(super) fn exists(&self) -> bool {
        !matches!(self.kind, Kind::None)
    }

    /// Whether there is always room.
    #[inline]
    pub(super) fn grows(&self) -> bool {
        matches!(self.kind, Kind::Growing(_))
    }

    /// The next number for that side, if it looks as if there is one.
    #[inline(always)]
    pub(super) fn claim(&self, side: Side, tally: &Tally) -> Option<Claim<'_, T>> {
        let (claimed, mark) = match side {
            Side::Putters => (&tally.tail, GETTERS),
            Side::Getters => (tally.head(), PUTTERS),
        };
        let (mut word, backoff) = (claimed.load(Relaxed), hint::Backoff::new());
        loop {
            // With what forbids a claim, FROZEN or SHUT: for such a number no slot is ready.
            let number = word & !mark;
            let (slot, mask) = self.slots.find(number)?;
            if !slot.is_ready(side, number) {
                return None;
            }
            // ORDERING: Release pairs with the Acquire in `refusal`: who sees the number of an item that was put sees the slots; and
            // with that in `finish` (`tally.rs`): who sees the number of one that was got sees the tail before which it is.
            // Acquire pairs with the Release of who has thawed it: we see the last slots (invariant 5).
            match claimed.compare_exchange_weak(word, word.wrapping_add(ITEM), AcqRel, Relaxed) {
                Ok(_) if self.slots.are_those(mask) => return Some(Claim { slot, word }),
                Ok(_) => {
                    return Some(Claim {
                        slot: self.slot(number)?,
                        word,
                    });
                }
                Err(_) => {
                    // Let the winner have the cache line for a few claims: it moves from core to core less often.
                    backoff.spin();
                    word = claimed.load(Relaxed);
                }
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
                Side::Putters => (last.wrapping_sub(first) < self.capacity()).then_some(last),
            };
            if let Some((number, slot)) = awaited.and_then(|number| Some((number, self.slot(number)?))) {
                slot.await_turn(side, number);
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
                let head = look_first(tally.head());
                // ORDERING: Acquire pairs with the Release of who has claimed the number before: we see the slots.
                let word = tally.tail.fetch_or(if marked { GETTERS } else { 0 }, Acquire);
                (word, number(word) == number(head))
            }
            Side::Putters => {
                let word = look_first(&tally.tail);
                let head = tally.head().fetch_or(if marked { PUTTERS } else { 0 }, Relaxed);
                (word, number(word).wrapping_sub(number(head)) >= self.capacity())
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
        claim.slot.empty(number(claim.word).wrapping_add(self.capacity()), wrap)
    }

    /// Under the mutex: nobody puts until the tail is thawed, which must be soon.
    pub(super) fn freeze(&self, tally: &Tally) -> Frozen {
        Frozen(tally.tail.fetch_or(FROZEN, Relaxed))
    }

    /// Under the mutex: ends it, with the tail as it was then.
    pub(super) fn thaw(&self, tally: &Tally, Frozen(word): Frozen) {
        // ORDERING: Release, as in `claim`; and it pairs with the Acquire there.
        tally.tail.swap(word, Release);
    }

    /// Under the mutex: the next number to put, whatever that takes.
    pub(super) fn claim_more(&self, tally: &Tally) -> Result<Claim<'_, T>, Refusal> {
        self.make_slots();
        let mut frozen = self.freeze(tally);
        let Frozen(word) = frozen;
        let claims = self.claim_rooms(tally, &mut frozen, 1);
        self.thaw(tally, frozen);
        let claim = claims?.next().ok_or(Refusal::NotNow)?;
        Ok(Claim { word, ..claim })
    }

    /// All items that there are.
    pub(super) fn claim_all(&self, tally: &Tally, Frozen(tail): &Frozen) -> Claims<'_, T> {
        let mut word = tally.head().load(Relaxed);
        loop {
            let end = number(*tail);
            // ORDERING: Release, as in `claim`.
            match tally
                .head()
                .compare_exchange_weak(word, end | (word & FLAGS), Release, Relaxed)
            {
                Ok(_) => {
                    return Claims {
                        ring: self,
                        side: Side::Getters,
                        next: number(word),
                        end,
                    };
                }
                Err(newer) => word = newer,
            }
        }
    }

    /// Room for as many, or as much as there can be, at least for one; it is claimed when the tail is thawed.
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
        let mut room = self.room(tally, next);
        if self.grows() && room / ITEM < count {
            self.grow(tally, next, count);
            room = self.room(tally, next);
        }
        if room == 0 {
            return Err(Refusal::NotNow);
        }
        let claimed = room.min(count.saturating_mul(ITEM));
        *tail = tail.wrapping_add(claimed);
        Ok(Claims {
            ring: self,
            side: Side::Putters,
            next,
            end: next.wrapping_add(claimed),
        })
    }

    /// How many items there is room for; for none, if nobody puts any more.
    pub(super) fn rooms(&self, tally: &Tally, Frozen(tail): &Frozen) -> usize {
        if *tail & SHUT != 0 {
            0
        } else {
            self.room(tally, number(*tail)) / ITEM
        }
    }

    /// While the tail is frozen there.
    fn room(&self, tally: &Tally, tail: usize) -> usize {
        self.capacity() - tail.wrapping_sub(number(tally.head().fetch_or(0, Relaxed)))
    }

    /// Under the mutex, while the tail is frozen there: makes as many slots as it takes for so many items more.
    fn grow(&self, tally: &Tally, tail: usize, count: usize) {
        let word = tally.head().fetch_or(FROZEN, Relaxed);
        let (head, old) = (number(word), self.capacity());
        let items = tail.wrapping_sub(head);
        let slots = (items / ITEM + count).next_power_of_two().max(2 * old / ITEM);
        let new = Slot::many(head, slots, |number| match self.slot(number) {
            Some(slot) if number.wrapping_sub(head) < items => slot.moved(number),
            _ => Slot::free(number),
        });
        for offset in (items..old).step_by(ITEM) {
            let number = head.wrapping_add(offset);
            let Some(slot) = self.slot(number) else { break };
            slot.await_turn(Side::Putters, number); // a thread may be about to empty it
        }
        self.slots.publish(new);
        // ORDERING: Release pairs with the Acquire in `claim`.
        tally.head().swap(word, Release);
    }

    #[inline]
    pub(super) fn has_slots(&self) -> bool {
        self.slot(0).is_some()
    }

    /// Under the mutex: makes the slots if there are none.
    pub(super) fn make_slots(&self) {
        if !self.has_slots() {
            self.slots.publish(Slot::many(0, self.capacity() / ITEM, Slot::free));
        }
    }

    #[inline]
    fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    #[inline(always)]
    fn slot(&self, number: usize) -> Option<&Slot<T>> {
        self.slots.find(number).map(|(slot, _)| slot)
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
            Err(refusal) => Reply {
                slot: None,
                word: refusal as usize,
            },
        }
    }

    #[inline(always)]
    pub(super) fn result(self) -> Result<Claim<'a, T>, Refusal> {
        let refusal = if self.word == Refusal::NotNow as usize {
            Refusal::NotNow
        } else {
            Refusal::ShutDown
        };
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
        let slot = self.ring.slot(number)?; // there is one: the number was claimed
        slot.await_turn(self.side, number);
        Some(Claim { slot, word: number })
    }
}
