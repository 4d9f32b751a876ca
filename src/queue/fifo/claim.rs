//! A bounded MPMC queue with stamped slots, after Dmitry Vyukov
//! (<https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue>),
//! made to grow. Threads claim tickets, and with them slots, without a mutex.
//!
//! # State
//! `tail` and `head` count the items that were put and got. A put claims the
//! ticket in `tail`, a get the one in `head`; the ticket determines the slot.
//! ```text
//!        head ──▶ next ticket to get        tail ──▶ next ticket to put        tail - head: number of items
//!   slot of n:  free for n ──put claims n, writes──▶ holds n ──get claims n, reads──▶ free for n + number of slots
//! ```
//! The lowest bits of both words are flags. FROZEN: a thread that holds the mutex
//! is about to change the word. PUTTERS in `head`: putters may be blocked. GETTERS
//! in `tail`: getters may be blocked. SHUT in `tail`: the queue is shut down.
//!
//! # Invariants
//! 1. `tail` is never behind `head`, and never ahead of it by more than the number of slots.
//!    Each ticket is claimed once for a put and at most once for a get, by the change of `tail`
//!    or `head` that passes it. That change is the linearization point of the put or get.
//! 2. A thread that has claimed a ticket fills or empties its slot (`slot.rs`) immediately: in between it neither
//!    blocks nor runs user code. Other threads may spin until it has done so, and until a frozen word is thawed.
//! 3. Flag bits change only under the queue's mutex, and so does the count of a frozen word.
//! 4. No slots are allocated before the first put. A fixed ring then has as many as its
//!    capacity, a power of two. A growing ring at least doubles its slots each time it is full.
//! 5. The ring grows while both words are frozen and each claimed ticket has been filled or emptied: each item
//!    is moved, and each other slot is free. So the slot of a claimed ticket stays in the current buffer until
//!    the claim is used. A retired slot stays conservative: if it holds the item of a ticket that was not got,
//!    so does the new slot of that ticket; if it is free for the next ticket to be put, so is the new slot.
//!
//! Limit: tickets and stamps wrap around. A thread that is preempted in the middle of a claim while exactly 2⁶¹
//! items pass (2²⁹ on a 32-bit system) takes one ticket for another. On a 64-bit system that takes decades.

use super::buffer::Buffer;
use super::slot::Slot;
use crate::backend::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::backend::{const_fn, hint};
use crate::queue::counts::{Counts, FLAGS, ITEM, SHUT, load_first, without_flags};
use crate::queue::wait_mode::{Blocked, Role};

const GETTERS: usize = 2;
const FROZEN: usize = 4;
const PUTTERS: usize = 1;

/// Read-mostly, and read by every call, even to find that there is no ring. So it has its own cache line:
/// on the mutex's line, each call would fetch that line twice, first to read this and then to lock.
#[repr(align(128))]
pub(in crate::queue) struct Ring<T> {
    buffer: Buffer<T>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::queue) enum Kind {
    /// There is no ring: the items are under the mutex.
    None,
    /// A ring with this number of slots, a power of two.
    Fixed(usize),
    /// A ring that grows, with this number of slots at first, a power of two.
    Growing(usize),
}

/// A claimed ticket and its slot, which is ready for it.
pub(super) struct Claim<'a, T> {
    slot: &'a Slot<T>,
    /// The ticket, and the flag bit that is set if threads of the other role may be blocked.
    word: usize,
}

/// A claim or the reason for its failure, in two registers: a `Result`, and a big item beside it, would be in memory.
pub(super) struct PackedClaim<'a, T> {
    slot: Option<&'a Slot<T>>,
    word: usize,
}

/// A range of claimed tickets, from `next` to `end`.
pub(super) struct Claims<'a, T> {
    ring: &'a Ring<T>,
    role: Role,
    next: usize,
    end: usize,
}

/// What the thaw will store in `tail`: the value that was frozen, plus tickets claimed since, and perhaps SHUT.
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

    /// Whether this queue has a ring.
    #[inline]
    pub(in crate::queue) fn exists(&self) -> bool {
        !matches!(self.kind, Kind::None)
    }

    /// Whether the ring grows when it is full.
    #[inline]
    pub(super) fn grows(&self) -> bool {
        matches!(self.kind, Kind::Growing(_))
    }

    /// Claims the next ticket for that role; `None` if its slot is not ready, or if a flag bit forbids a claim.
    #[inline(always)]
    pub(super) fn claim(&self, role: Role, counts: &Counts) -> Option<Claim<'_, T>> {
        let (counter, flag) = match role {
            Role::Putter => (&counts.tail, GETTERS),
            Role::Getter => (counts.head(), PUTTERS),
        };
        let (mut word, backoff) = (counter.load(Relaxed), hint::Backoff::new());
        loop {
            // No slot is ever ready for a ticket with FROZEN or SHUT, the bits that forbid a claim.
            let ticket = word & !flag;
            let (slot, mask) = self.buffer.find(ticket)?;
            if !slot.is_ready(role, ticket) {
                return None;
            }
            // Linearization point of a put or get: this CAS, if it succeeds.
            // ORDERING: Release; synchronizes with the Acquire in `check_blocked`: a thread that observes an
            // item's ticket also observes the buffer; and with the one in `finish` (`counts.rs`): a thread
            // that acquires this `head` also observes the `tail` that made the claim possible. Acquire;
            // synchronizes with the Release in `thaw` and `grow`: the newest buffer is visible (invariant 5).
            match counter.compare_exchange_weak(word, word.wrapping_add(ITEM), AcqRel, Relaxed) {
                Ok(_) if self.buffer.is_current(mask) => return Some(Claim { slot, word }),
                Ok(_) => {
                    return Some(Claim {
                        slot: self.slot(ticket)?,
                        word,
                    });
                }
                Err(_) => {
                    // Back off: the winner keeps the cache line for a few claims, so that it moves between cores less.
                    backoff.spin();
                    word = counter.load(Relaxed);
                }
            }
        }
    }

    /// Claims the next ticket for that role, or returns why the call was blocked at some
    /// moment. Spins while another thread has claimed a ticket and not yet used it.
    pub(super) fn claim_or_blocked(&self, role: Role, counts: &Counts) -> Result<Claim<'_, T>, Blocked> {
        loop {
            if let Some(blocked) = self.check_blocked(role, counts, false) {
                return Err(blocked);
            }
            if let Some(claim) = self.claim(role, counts) {
                return Ok(claim);
            }
            // Another thread has claimed the ticket, or has frozen the tail, or is about to fill or empty the slot.
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

    /// Called under the mutex, when no thread of that role is blocked: clears the role's flag bit.
    pub(super) fn clear_flag(&self, role: Role, counts: &Counts) {
        let (word, flag) = match role {
            Role::Putter => (counts.head(), PUTTERS),
            Role::Getter => (&counts.tail, GETTERS),
        };
        if word.load(Relaxed) & flag != 0 {
            word.fetch_and(!flag, Relaxed);
        }
    }

    /// The reason why a thread of that role is blocked; `None` if it may claim. With `set_flag`, which needs the
    /// mutex, it also sets the role's flag bit: a later claim of the other role then notifies the role's waiters.
    ///
    /// By invariant 1, a `head` that equals a newer `tail` means that the queue is empty, and a `tail` that
    /// is ahead of a newer `head` by the capacity means that it is full. Linearization point: the RMW, on
    /// `tail` for an empty queue, on `head` for a full one; for a put after a shutdown, the load of `tail`.
    pub(super) fn check_blocked(&self, role: Role, counts: &Counts, set_flag: bool) -> Option<Blocked> {
        let (word, none) = match role {
            Role::Getter => {
                let head = load_first(counts.head());
                // ORDERING: Acquire; synchronizes with the Release in `claim` and `thaw`: the buffer is visible.
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

    /// Writes the item into the claimed slot.
    #[inline(always)]
    pub(super) fn fill(&self, claim: Claim<'_, T>, item: T) {
        claim.slot.fill(without_flags(claim.word), item);
    }

    /// Removes the item from the claimed slot and passes it to `wrap`.
    #[inline(always)]
    pub(super) fn empty<R>(&self, claim: Claim<'_, T>, wrap: impl FnOnce(T) -> R) -> R {
        claim
            .slot
            .empty(without_flags(claim.word).wrapping_add(self.capacity()), wrap)
    }

    /// Called under the mutex: forbids puts until the tail is thawed, which must be soon, since putters spin.
    pub(super) fn freeze(&self, counts: &Counts) -> Frozen {
        Frozen(counts.tail.fetch_or(FROZEN, Relaxed))
    }

    /// Called under the mutex: thaws the tail and stores the value in `Frozen`.
    pub(super) fn thaw(&self, counts: &Counts, Frozen(word): Frozen) {
        // Linearization point of a batch of puts, of a put that grows the ring, and of a shutdown: this swap.
        // ORDERING: Release; synchronizes with the Acquire in `claim` and `check_blocked`: the buffer is visible.
        counts.tail.swap(word, Release);
    }

    /// Called under the mutex: claims the next ticket to put, and allocates slots or grows the ring if that is needed.
    pub(super) fn claim_and_grow(&self, counts: &Counts) -> Result<Claim<'_, T>, Blocked> {
        self.allocate_slots();
        let mut frozen = self.freeze(counts);
        let Frozen(word) = frozen;
        let claims = self.claim_slots(counts, &mut frozen, 1);
        self.thaw(counts, frozen);
        let claim = claims?.next().ok_or(Blocked::FullOrEmpty)?;
        Ok(Claim { word, ..claim })
    }

    /// Claims all items.
    pub(super) fn claim_all(&self, counts: &Counts, Frozen(tail): &Frozen) -> Claims<'_, T> {
        let mut word = counts.head().load(Relaxed);
        loop {
            let end = without_flags(*tail);
            // Linearization point of a drain: this CAS, if it succeeds.
            // ORDERING: Release; synchronizes with the Acquire in `finish` (`counts.rs`), as in `claim`.
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

    /// Claims up to `count` slots for puts. A growing ring first
    /// grows to `count` free slots. The thaw publishes the claim.
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

    /// The number of free slots; 0 if the queue is shut down.
    pub(super) fn free_slot_count(&self, counts: &Counts, Frozen(tail): &Frozen) -> usize {
        if *tail & SHUT != 0 {
            0
        } else {
            self.free_slots(counts, without_flags(*tail)) / ITEM
        }
    }

    /// The number of free slots, in units of ITEM, while the tail is frozen at `tail`.
    fn free_slots(&self, counts: &Counts, tail: usize) -> usize {
        self.capacity() - tail.wrapping_sub(without_flags(counts.head().fetch_or(0, Relaxed)))
    }

    /// Called under the mutex, with the tail frozen at `tail`: makes a larger buffer with `count` free slots.
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
            slot.await_ready(Role::Putter, ticket); // a getter may be about to empty it
        }
        self.buffer.publish(new);
        // ORDERING: Release; synchronizes with the Acquire in `claim`: the new buffer is visible to getters.
        counts.head().swap(word, Release);
    }

    #[inline]
    pub(super) fn has_slots(&self) -> bool {
        self.slot(0).is_some()
    }

    /// Called under the mutex: allocates the slots at the first put.
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
    /// Whether threads of the other role may be blocked.
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
    /// The thaw will also set SHUT.
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

    /// The claim of the next ticket, as soon as its slot is ready.
    fn next(&mut self) -> Option<Claim<'a, T>> {
        if self.next == self.end {
            return None;
        }
        let ticket = self.next;
        self.next = ticket.wrapping_add(ITEM);
        let slot = self.ring.slot(ticket)?; // always `Some`: the slots of a claimed ticket are allocated
        slot.await_ready(self.role, ticket);
        Some(Claim { slot, word: ticket })
    }
}
