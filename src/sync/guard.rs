//! The interface between `Condition` and a guard: release the lock for the duration of a wait.

/// A guard whose lock [`Condition::wait`](crate::Condition::wait) can release and re-acquire: the guard of a
/// [`Lock`](crate::Lock), an [`RLock`](crate::RLock) or a [`Mutex`](crate::Mutex). Other crates cannot implement it.
pub trait Guard: Relock {}

impl<G: Relock> Guard for G {}

/// Not nameable outside this crate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard of a selvedge lock",
    label = "a `Condition` cannot release the lock of this type",
    note = "pass `&mut guard`, where `guard` is the guard of a `selvedge::Lock`, `RLock` or `Mutex`"
)]
pub trait Relock {
    /// The state that `relock` restores.
    type Saved;

    /// The identity of the lock.
    fn lock_address(&self) -> *const ();

    /// Releases the lock, all levels of it. The guard holds nothing until `relock`.
    fn unlock(&mut self) -> Self::Saved;

    /// Re-acquires the lock and restores the saved state.
    fn relock(&mut self, saved: Self::Saved);
}
