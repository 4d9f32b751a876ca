//! The identity of an atomic or a cell: its number in the execution, and whether it is still alive.
//!
//! loom does not detect the use of an object whose owner was dropped, such as the word of a waiter whose frame has
//! ended. Here each object has a tag that its drop clears, and each operation reads the tag through its reference.

use super::site::SourceLocation;
use super::{log, remedy, scene, verdict};
use ::std::panic::Location;
use ::std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use core::ptr;

/// A value that memory is unlikely to hold by chance.
const ALIVE: u32 = 0x5e1f_ed6e;

#[derive(Debug)]
pub(super) struct Object {
    tag: AtomicU32,
    number: u32,
    /// The number of the execution that created it.
    execution: u64,
    /// The newest value of an atomic, as a number.
    newest: AtomicUsize,
}

impl Object {
    #[track_caller]
    pub(super) fn new(kind: &'static str) -> Object {
        let number = scene::next_object();
        log::created(number, kind, Location::caller());
        Object {
            tag: AtomicU32::new(ALIVE),
            number,
            execution: scene::execution(),
            newest: AtomicUsize::new(0),
        }
    }

    /// Adds an operation on this object to the trace.
    #[inline]
    pub(super) fn log(&self, at: &'static Location<'static>, text: impl FnOnce(u32) -> String) {
        log::event(at, self.number, || text(self.number));
    }

    /// Records that an operation has changed the value, and unparks the threads
    /// that spin on it. No other thread has run since that operation.
    pub(super) fn changed_to(&self, value: usize) {
        self.newest.store(value, Relaxed);
        scene::notify_change(self.number);
    }

    pub(super) fn newest(&self) -> usize {
        self.newest.load(Relaxed)
    }

    /// Parks the calling thread, which spins on this object, until the value changes.
    pub(super) fn await_change(&self) {
        scene::await_change(self.number);
    }

    /// Fails the execution if the object was dropped or belongs to another execution. Returns its number.
    #[inline]
    pub(super) fn assert_alive(&self, kind: &str, at: &'static Location<'static>) -> u32 {
        if !self.is_alive() {
            fail_dropped(kind, None, at);
        }
        if self.execution != scene::execution() {
            verdict::fail_with(format!("{}, at {}", remedy::FOREIGN_OBJECT, SourceLocation::from(at)));
        }
        self.number
    }

    /// Fails the execution if the object, whose number was `number`, was dropped during an operation.
    #[inline]
    pub(super) fn assert_still_alive(&self, kind: &str, number: u32, at: &'static Location<'static>) {
        if !self.is_alive() {
            fail_dropped(kind, Some(number), at);
        }
    }

    fn is_alive(&self) -> bool {
        // SAFETY: the stacks and the heap of an execution stay mapped until it ends, so the
        // address is readable. The read is volatile because the object may have been dropped.
        unsafe { ptr::read_volatile(self.tag.as_ptr()) == ALIVE }
    }
}

/// Fails the execution, unless the model was cancelled: cancelling unwinds blocked threads out of frames to which other
/// threads may still have references.
#[cold]
fn fail_dropped(kind: &str, number: Option<u32>, at: &'static Location<'static>) {
    if !scene::is_cancelled() {
        let name = || number.map_or(kind.to_owned(), |number| format!("#{number}"));
        log::event(at, number.unwrap_or_default(), || {
            format!("uses {} after its drop", name())
        });
        verdict::fail_with(format!(
            "{kind} is used after the end of its frame or the drop of its owner, at {}",
            SourceLocation::from(at)
        ));
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: `&mut self` is exclusive. The write is volatile because the
        // compiler would remove a store to memory that is about to be freed.
        unsafe { ptr::write_volatile(self.tag.as_ptr(), 0) };
    }
}
