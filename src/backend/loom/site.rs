//! Source locations of operations that have a memory ordering. A process can count the sites that its executions reach,
//! or weaken the ordering of one site: a mutant that needs no build.

use ::loom::sync::atomic::Ordering;
use ::std::collections::BTreeSet;
use ::std::fmt;
use ::std::panic::Location;
use ::std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use ::std::sync::{Mutex, OnceLock};

type Caller = &'static Location<'static>;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static REACHED: Mutex<BTreeSet<(Caller, usize)>> = Mutex::new(BTreeSet::new());
static MUTANT: OnceLock<Mutant> = OnceLock::new();
static HAS_MUTANT: AtomicBool = AtomicBool::new(false);

/// A location in the source. The path of its file is relative to the root of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceLocation {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl From<&Location<'_>> for SourceLocation {
    fn from(at: &Location<'_>) -> SourceLocation {
        let file = at.file().replace('\\', "/");
        // `loom-tests` compiles this crate as `../src/lib.rs`.
        let file = file.rsplit("../").next().unwrap_or_default().to_owned();
        SourceLocation {
            file,
            line: at.line(),
            column: at.column(),
        }
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One ordering of an operation. Operand 1 is the failure ordering of a compare-exchange and the fetch ordering of
/// `fetch_update`. Every other ordering is operand 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The location of the method name in the call.
    pub location: SourceLocation,
    pub operand: usize,
}

/// A site whose ordering is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    pub site: Site,
    pub becomes: Ordering,
}

/// From now on, records the sites that this process reaches with an ordering stronger than `Relaxed`.
pub fn count() {
    IS_COUNTING.store(true, Relaxed);
}

/// The sites that this process has reached since [`count`].
pub fn reached() -> Vec<Site> {
    let reached = REACHED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let site = |&(at, operand): &(Caller, usize)| Site {
        location: at.into(),
        operand,
    };
    reached.iter().map(site).collect()
}

/// Replaces the ordering of one site until the process ends.
///
/// # Panics
/// On the second call in a process.
pub fn mutate(mutant: Mutant) {
    MUTANT.set(mutant).expect("a process has at most one mutant");
    HAS_MUTANT.store(true, Relaxed);
}

/// The ordering with which to run an operation: the mutant's at its site, otherwise the source's.
#[inline]
pub(super) fn ordering(at: Caller, operand: usize, order: Ordering) -> Ordering {
    if HAS_MUTANT.load(Relaxed) {
        mutated(at, operand, order)
    } else {
        order
    }
}

/// Records that an operation ran whose ordering in the source is `order`.
#[inline]
pub(super) fn reach(at: Caller, operand: usize, order: Ordering) {
    if IS_COUNTING.load(Relaxed) && order != Ordering::Relaxed {
        REACHED
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert((at, operand));
    }
}

#[cold]
fn mutated(at: Caller, operand: usize, order: Ordering) -> Ordering {
    match MUTANT.get() {
        Some(Mutant { site, becomes })
            if (site.operand, site.location.line, site.location.column) == (operand, at.line(), at.column())
                && site.location == at.into() =>
        {
            *becomes
        }
        _ => order,
    }
}
