//! What happened in an execution, event by event: off unless an execution is replayed. Plain memory, which loom does
//! not see; another thread of the process may read it, for an execution may end by an abort, or not at all.

use super::probe;
use ::std::backtrace::Backtrace;
use ::std::cell::RefCell;
use ::std::fmt;
use ::std::panic::Location;
use ::std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    /// Of the models that this thread of the system explores.
    static LOG: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// A log that others may read.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    log: Arc<Mutex<Log>>,
    /// Whether each event keeps the calls that have led to it.
    traced: bool,
}

impl Shared {
    /// What is known of the last execution.
    pub fn read(&self) -> Log {
        self.with(|log| log.clone())
    }

    /// The same, unless a thread is just writing it: perhaps the caller itself.
    pub(super) fn try_read(&self) -> Option<Log> {
        self.log.try_lock().ok().map(|log| log.clone())
    }

    fn with<R>(&self, look: impl FnOnce(&mut Log) -> R) -> R {
        look(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The present execution, from its beginning until its model is ended.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub events: Vec<Event>,
    pub objects: Vec<Made>,
}

/// Something that a thread did: in which role, to which object (0 is none), and where.
#[derive(Clone, Debug)]
pub struct Event {
    pub role: usize,
    pub object: u32,
    pub text: String,
    pub at: Option<Place>,
    pub calls: Option<Arc<Backtrace>>,
}

/// An object, and where it was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub number: u32,
    pub kind: &'static str,
    pub at: Place,
}

/// A place in the source, below the root of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl From<&Location<'_>> for Place {
    fn from(at: &Location<'_>) -> Place {
        let file = at.file().replace('\\', "/");
        // The kit is compiled as ../src/lib.rs of loom-tests.
        let file = file.rsplit("../").next().unwrap_or_default().to_owned();
        Place {
            file,
            line: at.line(),
            column: at.column(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Logs each execution that the calling thread of the system explores from now on.
pub fn switch_on(traced: bool) -> Shared {
    let shared = Shared {
        traced,
        ..Shared::default()
    };
    LOG.set(Some(shared.clone()));
    shared
}

/// Something that the thread in this role does, at no particular place.
pub fn note(role: usize, text: impl FnOnce() -> String) {
    change(|_| {
        let event = Event {
            role,
            object: 0,
            text: text(),
            at: None,
            calls: None,
        };
        |log: &mut Log| log.events.push(event)
    });
}

pub(super) fn begin() {
    change(|_| |log: &mut Log| *log = Log::default());
}

#[inline]
pub(super) fn event(at: &'static Location<'static>, object: u32, text: impl FnOnce() -> String) {
    change(|traced| {
        let calls = traced.then(|| Arc::new(Backtrace::force_capture()));
        let event = Event {
            role: probe::role(),
            object,
            text: text(),
            at: Some(at.into()),
            calls,
        };
        |log: &mut Log| log.events.push(event)
    });
}

#[inline]
pub(super) fn made(number: u32, kind: &'static str, at: &'static Location<'static>) {
    change(|_| {
        |log: &mut Log| {
            log.objects.push(Made {
                number,
                kind,
                at: at.into(),
            })
        }
    });
}

/// Makes a change of the log, if there is one, and then makes it there: what makes it may be a step. What threads do while
/// their model is ended is no part of it.
#[inline]
fn change<C: FnOnce(&mut Log)>(make: impl FnOnce(bool) -> C) {
    if let Some(log) = LOG.with_borrow(Option::clone).filter(|_| !probe::is_cancelled()) {
        let change = make(log.traced);
        log.with(change);
    }
}
