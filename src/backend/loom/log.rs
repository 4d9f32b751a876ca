//! Adds entries to the trace of the current execution, if it is switched on.

use super::scene;
use super::trace::{self, Created, Entry, Trace};
use ::std::backtrace::Backtrace;
use ::std::panic::Location;
use ::std::sync::Arc;

/// Adds an action of the thread with this role, without a location.
pub fn note(role: usize, text: impl FnOnce() -> String) {
    change(|_| {
        let entry = Entry {
            role,
            object: 0,
            text: text(),
            at: None,
            backtrace: None,
        };
        |trace: &mut Trace| trace.entries.push(entry)
    });
}

/// Starts the trace of an execution.
pub(super) fn begin() {
    change(|_| |trace: &mut Trace| *trace = Trace::default());
}

/// Adds an action of the calling thread on the object with this number.
#[inline]
pub(super) fn event(at: &'static Location<'static>, object: u32, text: impl FnOnce() -> String) {
    change(|with_backtraces| {
        let backtrace = with_backtraces.then(|| Arc::new(Backtrace::force_capture()));
        let entry = Entry {
            role: scene::role(),
            object,
            text: text(),
            at: Some(at.into()),
            backtrace,
        };
        |trace: &mut Trace| trace.entries.push(entry)
    });
}

/// Adds an object to the list of those that were constructed.
#[inline]
pub(super) fn created(number: u32, kind: &'static str, at: &'static Location<'static>) {
    change(|_| {
        |trace: &mut Trace| {
            trace.objects.push(Created {
                number,
                kind,
                at: at.into(),
            })
        }
    });
}

/// Prepares a change of the trace, then applies it. `prepare` runs without the lock of the
/// trace, because it may call into loom. Actions after the model was cancelled are left out.
#[inline]
fn change<C: FnOnce(&mut Trace)>(prepare: impl FnOnce(bool) -> C) {
    if let Some(shared) = trace::active().filter(|_| !scene::is_cancelled()) {
        let change = prepare(shared.with_backtraces);
        shared.with(change);
    }
}
