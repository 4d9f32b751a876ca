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

use super::buffer::Buffer;
use super::slot::Slot;
use crate::backend::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::backend::{const_fn, hint};
use crate::queue::counts::{Counts, FLAGS, ITEM, SHUT, load_first, without_flags};
use crate::queue::wait_mode::{Blocked, Role};

const GETTERS: usize = 2;
const FROZEN: usize = 4;
const PUTTERS: usize = 1;

/// It hardly changes once there are slots, and all read it, also who finds that there is no ring: apart from the mutex, whose line
/// would come over twice, to be read and then to be changed.
#[repr(align(128))]
pub(in crate::queue) struct Ring<T> {
    buffer: Buffer<T>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::queue) enum Kind {
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
pub(super) struct PackedClaim<'a, T> {
    slot: Option<&'a Slot<T>>,
    word: usize,
}

/// The numbers from one up to another, claimed.
pub(super) struct Claims<'a, T> {
    ring: &'a Ring<T>,
    role: Role,
    next: usize,
    end: usize,
}

/// What a frozen tail was.
pub(super) struct Frozen(usize);

impl<T> Ring<T> {
    const_fn! {
        #[inline]
        pub(in crate::queue) fn new(kind: Kind) -> Ring<T> {
            let slots = match kind {
                Kind::None => 1,
                Kind::Fixed(slots) | Kind::Growing(slots) => slots,
            };
            Ring { buffer: Buffer::new(slots), kind }
        }
    }

    /// Whether there is a ring.
    #[inline]
    pub(in crate::queue) fn exists(&self) -> bool {
        !matches!(self.kind, Kind::None)
    }

    /// Whether there is always room.
    #[inline]
    pub(super) fn grows(&self) -> bool {
        matches!(self.kind, Kind::Growing(_))
    }

    /// The next number for that side, if it looks as if there is one.
    #[inline(always)]
    pub(super) fn claim(&self, role: Role, counts: &Counts) -> Option<Claim<'_, T>> {
        let (counter, flag) = match role {
            Role::Putter => (&counts.tail, GETTERS),
            Role::Getter => (counts.head(), PUTTERS),
        };
        let (mut word, backoff) = (counter.load(Relaxed), hint::Backoff::new());
        loop {
            // With what forbids a claim, FROZEN or SHUT: for such a number no slot is ready.
            let ticket = word & !flag;
            let (slot, mask) = self.buffer.find(ticket)?;
            if !slot.is_ready(role, ticket) {
                return None;
            }
            // ORDERING: Release pairs with the Acquire in `refusal`: who sees the number of an item that was put sees the slots; and
            // with that in `finish` (`tally.rs`): who sees the number of one that was got sees the tail before which it is.
            // Acquire pairs with the Release of who has thawed it: we see the last slots (invariant 5).
            match counter.compare_exchange_weak(word, word.wrapping_add(ITEM), AcqRel, Relaxed) {
                Ok(_) if self.buffer.is_current(mask) => return Some(Claim { slot, word }),
                Ok(_) => {
                    return Some(Claim {
                        slot: self.slot(ticket)?,
                        word,
                    });
                }
                Err(_) => {
                    // Let the winner have the cache line for a few claims: it moves from core to core less often.
                    backoff.spin();
                    word = counter.load(Relaxed);
                }
            }
        }
    }

    /// The next number for that side, or why there was none at some moment of the call. Waits for those who are in the middle
    /// of a claim.
    pub(super) fn claim_or_blocked(&self, role: Role, counts: &Counts) -> Result<Claim<'_, T>, Blocked> {
        loop {
            if let Some(blocked) = self.check_blocked(role, counts, false) {
                return Err(blocked);
            }
            if let Some(claim) = self.claim(role, counts) {
                return Ok(claim);
            }
            // Another was faster, or has frozen the tail, or is about to put or take the item of the slot.
            hint::spin_until(&counts.tail, Relaxed, |word| word & FROZEN == 0);
            let [head, tail] = [counts.head(), &counts.tail].map(|word| without_flags(word.fetch_or(0, Relaxed)));
            let pending = match role {
                Role::Getter => (head != tail).then_some(head),
                Role::Putter => (tail.wrapping_sub(head) < self.capacity()).then_some(tail),
            };
            if let Some((ticket, slot)) = pending.and_then(|ticket| Some((ticket, self.slot(ticket)?))) {
                slot.await_ready(role, ticket);
            }
        }
    }

    /// Under the mutex: says that nobody of that side sleeps.
    pub(super) fn clear_flag(&self, role: Role, counts: &Counts) {
        let (word, flag) = match role {
            Role::Putter => (counts.head(), PUTTERS),
            Role::Getter => (&counts.tail, GETTERS),
        };
        if word.load(Relaxed) & flag != 0 {
            word.fetch_and(!flag, Relaxed);
        }
    }

    /// Why there is no number for that side. To be marked, under the mutex, means that some of that side sleep.
    ///
    /// By invariant 1: who read `head` before the newest `tail`, and finds the same number, found no item then; who read `tail`
    /// before the newest `head`, and finds it ahead by the capacity, found no room then.
    pub(super) fn check_blocked(&self, role: Role, counts: &Counts, set_flag: bool) -> Option<Blocked> {
        let (word, none) = match role {
            Role::Getter => {
                let head = load_first(counts.head());
                // ORDERING: Acquire pairs with the Release of who has claimed the number before: we see the slots.
                let word = counts.tail.fetch_or(if set_flag { GETTERS } else { 0 }, Acquire);
                (word, without_flags(word) == without_flags(head))
            }
            Role::Putter => {
                let word = load_first(&counts.tail);
                let head = counts.head().fetch_or(if set_flag { PUTTERS } else { 0 }, Relaxed);
                (
                    word,
                    without_flags(word).wrapping_sub(without_flags(head)) >= self.capacity(),
                )
            }
        };
        match word & (SHUT | FROZEN) {
            SHUT if none || role == Role::Putter => Some(Blocked::ShutDown),
            0 if none => Some(Blocked::FullOrEmpty),
            _ => None,
        }
    }

    /// Puts the item in.
    #[inline(always)]
    pub(super) fn fill(&self, claim: Claim<'_, T>, item: T) {
        claim.slot.fill(without_flags(claim.word), item);
    }

    /// Takes the item out, wrapped.
    #[inline(always)]
    pub(super) fn empty<R>(&self, claim: Claim<'_, T>, wrap: impl FnOnce(T) -> R) -> R {
        claim
            .slot
            .empty(without_flags(claim.word).wrapping_add(self.capacity()), wrap)
    }

    /// Under the mutex: nobody puts until the tail is thawed, which must be soon.
    pub(super) fn freeze(&self, counts: &Counts) -> Frozen {
        Frozen(counts.tail.fetch_or(FROZEN, Relaxed))
    }

    /// Under the mutex: ends it, with the tail as it was then.
    pub(super) fn thaw(&self, counts: &Counts, Frozen(word): Frozen) {
        // ORDERING: Release, as in `claim`; and it pairs with the Acquire there.
        counts.tail.swap(word, Release);
    }

    /// Under the mutex: the next number to put, whatever that takes.
    pub(super) fn claim_and_grow(&self, counts: &Counts) -> Result<Claim<'_, T>, Blocked> {
        self.allocate_slots();
        let mut frozen = self.freeze(counts);
        let Frozen(word) = frozen;
        let claims = self.claim_slots(counts, &mut frozen, 1);
        self.thaw(counts, frozen);
        let claim = claims?.next().ok_or(Blocked::FullOrEmpty)?;
        Ok(Claim { word, ..claim })
    }

    /// All items that there are.
    pub(super) fn claim_all(&self, counts: &Counts, Frozen(tail): &Frozen) -> Claims<'_, T> {
        let mut word = counts.head().load(Relaxed);
        loop {
            let end = without_flags(*tail);
            // ORDERING: Release, as in `claim`.
            match counts
                .head()
                .compare_exchange_weak(word, end | (word & FLAGS), Release, Relaxed)
            {
                Ok(_) => {
                    return Claims {
                        ring: self,
                        role: Role::Getter,
                        next: without_flags(word),
                        end,
                    };
                }
                Err(newer) => word = newer,
            }
        }
    }

    /// Room for as many, or as much as there can be, at least for one; it is claimed when the tail is thawed.
    pub(super) fn claim_slots(
        &self,
        counts: &Counts,
        Frozen(tail): &mut Frozen,
        count: usize,
    ) -> Result<Claims<'_, T>, Blocked> {
        if *tail & SHUT != 0 {
            return Err(Blocked::ShutDown);
        }
        let next = without_flags(*tail);
        let mut free_slots = self.free_slots(counts, next);
        if self.grows() && free_slots / ITEM < count {
            self.grow(counts, next, count);
            free_slots = self.free_slots(counts, next);
        }
        if free_slots == 0 {
            return Err(Blocked::FullOrEmpty);
        }
        let claimed = free_slots.min(count.saturating_mul(ITEM));
        *tail = tail.wrapping_add(claimed);
        Ok(Claims {
            ring: self,
            role: Role::Putter,
            next,
            end: next.wrapping_add(claimed),
        })
    }

    /// How many items there is room for; for none, if nobody puts any more.
    pub(super) fn free_slot_count(&self, counts: &Counts, Frozen(tail): &Frozen) -> usize {
        if *tail & SHUT != 0 {
            0
        } else {
            self.free_slots(counts, without_flags(*tail)) / ITEM
        }
    }

    /// While the tail is frozen there.
    fn free_slots(&self, counts: &Counts, tail: usize) -> usize {
        self.capacity() - tail.wrapping_sub(without_flags(counts.head().fetch_or(0, Relaxed)))
    }

    /// Under the mutex, while the tail is frozen there: makes as many slots as it takes for so many items more.
    fn grow(&self, counts: &Counts, tail: usize, count: usize) {
        let word = counts.head().fetch_or(FROZEN, Relaxed);
        let (head, old_capacity) = (without_flags(word), self.capacity());
        let items = tail.wrapping_sub(head);
        let slots = (items / ITEM + count).next_power_of_two().max(2 * old_capacity / ITEM);
        let new = Slot::make_buffer(head, slots, |ticket| match self.slot(ticket) {
            Some(slot) if ticket.wrapping_sub(head) < items => slot.relocate(ticket),
            _ => Slot::free(ticket),
        });
        for offset in (items..old_capacity).step_by(ITEM) {
            let ticket = head.wrapping_add(offset);
            let Some(slot) = self.slot(ticket) else { break };
            slot.await_ready(Role::Putter, ticket); // a thread may be about to empty it
        }
        self.buffer.publish(new);
        // ORDERING: Release pairs with the Acquire in `claim`.
        counts.head().swap(word, Release);
    }

    #[inline]
    pub(super) fn has_slots(&self) -> bool {
        self.slot(0).is_some()
    }

    /// Under the mutex: makes the slots if there are none.
    pub(super) fn allocate_slots(&self) {
        if !self.has_slots() {
            self.buffer
                .publish(Slot::make_buffer(0, self.capacity() / ITEM, Slot::free));
        }
    }

    #[inline]
    fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    #[inline(always)]
    fn slot(&self, ticket: usize) -> Option<&Slot<T>> {
        self.buffer.find(ticket).map(|(slot, _)| slot)
    }
}

impl<T> Claim<'_, T> {
    /// Whether some of the other side sleep.
    #[inline(always)]
    pub(super) fn has_waiters(&self) -> bool {
        self.word & FLAGS != 0
    }
}

impl<'a, T> PackedClaim<'a, T> {
    pub(super) fn pack(claim: Result<Claim<'a, T>, Blocked>) -> PackedClaim<'a, T> {
        match claim {
            Ok(Claim { slot, word }) => PackedClaim { slot: Some(slot), word },
            Err(blocked) => PackedClaim {
                slot: None,
                word: blocked as usize,
            },
        }
    }

    #[inline(always)]
    pub(super) fn unpack(self) -> Result<Claim<'a, T>, Blocked> {
        let blocked = if self.word == Blocked::FullOrEmpty as usize {
            Blocked::FullOrEmpty
        } else {
            Blocked::ShutDown
        };
        self.slot.map(|slot| Claim { slot, word: self.word }).ok_or(blocked)
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
        let ticket = self.next;
        self.next = ticket.wrapping_add(ITEM);
        let slot = self.ring.slot(ticket)?; // there is one: the number was claimed
        slot.await_ready(self.role, ticket);
        Some(Claim { slot, word: ticket })
    }
}
