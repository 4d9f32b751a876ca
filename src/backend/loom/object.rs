//! The identity of an atomic or a cell: its number in the execution, and whether it still exists.
//!
//! loom does not notice that somebody uses an object whose owner is gone, such as the word of a waiter that has left
//! its frame. Here it is noticed: an object takes its mark with it, and its place is looked at through the reference.

use super::{log, probe, remedy, verdict};
use ::std::panic::Location;
use ::std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use core::ptr;

/// What memory hardly contains by chance.
const LIVES: u32 = 0x5e1f_ed6e;

#[derive(Debug)]
pub(super) struct Object {
    mark: AtomicU32,
    number: u32,
    /// In which it was made.
    execution: u64,
    /// What an atomic was last changed to, as a number.
    newest: AtomicUsize,
}

impl Object {
    #[track_caller]
    pub(super) fn new(kind: &'static str) -> Object {
        let number = probe::next_object();
        log::made(number, kind, Location::caller());
        Object {
            mark: AtomicU32::new(LIVES),
            number,
            execution: probe::execution(),
            newest: AtomicUsize::new(0),
        }
    }

    /// Something that happens to it.
    #[inline]
    pub(super) fn log(&self, at: &'static Location<'static>, text: impl FnOnce(u32) -> String) {
        log::event(at, self.number, || text(self.number));
    }

    /// Its value is now another: those who spin on it look again. Nobody else has run since.
    pub(super) fn changed_to(&self, value: usize) {
        self.newest.store(value, Relaxed);
        probe::look_again(self.number);
    }

    pub(super) fn newest(&self) -> usize {
        self.newest.load(Relaxed)
    }

    /// The caller's rest between two looks at it: until it changes.
    pub(super) fn await_change(&self) {
        probe::spin(self.number);
    }

    /// Its number, for as long as it lives.
    #[inline]
    pub(super) fn assert_lives(&self, what: &str, at: &'static Location<'static>) -> u32 {
        if !self.lives() {
            dead(what, None, at);
        }
        if self.execution != probe::execution() {
            verdict::fail_with(format!("{}, at {}", remedy::STRANGER, log::Place::from(at)));
        }
        self.number
    }

    /// It lived before an operation, as `number`, and must still.
    #[inline]
    pub(super) fn assert_survived(&self, what: &str, number: u32, at: &'static Location<'static>) {
        if !self.lives() {
            dead(what, Some(number), at);
        }
    }

    fn lives(&self) -> bool {
        // SAFETY: the stacks and the memory of an execution stay mapped while it lasts; volatile, for the object that
        // was here may be gone.
        unsafe { ptr::read_volatile(self.mark.as_ptr()) == LIVES }
    }
}

#[cold]
fn dead(what: &str, number: Option<u32>, at: &'static Location<'static>) {
    // A model that is being ended unwinds its sleepers out of frames that others may still know.
    if !probe::is_cancelled() {
        let name = || number.map_or(what.to_owned(), |number| format!("#{number}"));
        log::event(at, number.unwrap_or_default(), || {
            format!("uses {}, which is gone", name())
        });
        verdict::fail_with(format!(
            "{what} is used after its frame or owner is gone, at {}",
            log::Place::from(at)
        ));
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: it is ours; volatile, or a write that only the dead could read would be left out.
        unsafe { ptr::write_volatile(self.mark.as_ptr(), 0) };
    }
}
