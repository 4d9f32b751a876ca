//! Where operations with an ordering stand in the source. A process may ask which of them its executions reach, or
//! weaken the ordering of one: a mutant, made without a build.

use super::explorer::sync::atomic::Ordering;
use super::log::Place;
use ::std::collections::BTreeSet;
use ::std::panic::Location;
use ::std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use ::std::sync::{Mutex, OnceLock};

type At = &'static Location<'static>;

static COUNTED: AtomicBool = AtomicBool::new(false);
static REACHED: Mutex<BTreeSet<(At, usize)>> = Mutex::new(BTreeSet::new());
static MUTANT: OnceLock<Mutant> = OnceLock::new();
static MUTATED: AtomicBool = AtomicBool::new(false);

/// An operation, by the place of its name, and which of its orderings: 1 is that of a failed exchange.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub place: Place,
    pub operand: usize,
}

/// An ordering of a site, replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    pub site: Site,
    pub becomes: Ordering,
}

/// From now on this process knows which sites it reaches with an ordering stronger than `Relaxed`.
pub fn count() {
    COUNTED.store(true, Relaxed);
}

/// The sites that were reached since [`count`].
pub fn reached() -> Vec<Site> {
    let reached = REACHED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let site = |&(at, operand): &(At, usize)| Site {
        place: at.into(),
        operand,
    };
    reached.iter().map(site).collect()
}

/// Weakens a site for as long as this process lives; one at most.
pub fn mutate(mutant: Mutant) {
    MUTANT.set(mutant).expect("one mutant a process");
    MUTATED.store(true, Relaxed);
}

/// The ordering that an operation shall have.
#[inline]
pub(super) fn ordering(at: At, operand: usize, order: Ordering) -> Ordering {
    if MUTATED.load(Relaxed) {
        mutated(at, operand, order)
    } else {
        order
    }
}

/// Notes that an operation was made with the ordering that its source gives it.
#[inline]
pub(super) fn reach(at: At, operand: usize, order: Ordering) {
    if COUNTED.load(Relaxed) && order != Ordering::Relaxed {
        REACHED
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert((at, operand));
    }
}

#[cold]
fn mutated(at: At, operand: usize, order: Ordering) -> Ordering {
    match MUTANT.get() {
        Some(Mutant { site, becomes })
            if (site.operand, site.place.line, site.place.column) == (operand, at.line(), at.column())
                && site.place == at.into() =>
        {
            *becomes
        }
        _ => order,
    }
}
