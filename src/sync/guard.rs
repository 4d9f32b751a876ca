//! What `Condition` asks of a guard: to let go of its lock for a while.

/// A guard whose lock [`Condition::wait`](crate::Condition::wait) can release and acquire again: of a
/// [`Lock`](crate::Lock), an [`RLock`](crate::RLock) or a [`Mutex`](crate::Mutex). Nothing else can implement it.
pub trait Guard: Relock {}

impl<G: Relock> Guard for G {}

/// Not to be named outside the kit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard of selvedge's",
    label = "a `Condition` cannot release its lock",
    note = "it waits with the guard of a `selvedge::Lock`, an `RLock` or a `Mutex`, as `&mut guard`"
)]
pub trait Relock {
    /// What the lock must be given when it is acquired again.
    type Saved;

    /// Which lock it is.
    fn lock_address(&self) -> *const ();

    /// Releases the lock altogether. Until `relock` the guard holds nothing.
    fn unlock(&mut self) -> Self::Saved;

    /// Acquires the lock as it was held.
    fn relock(&mut self, saved: Self::Saved);
}
