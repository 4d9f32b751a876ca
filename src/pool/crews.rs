//! The crews of the program, to be found by number.
//!
//! A job that is cancelled is still in the queue of its crew, and keeps its memory there. To take it off, the crew must be found. A
//! reference to it would cost each job two atomic operations on memory that all share; a number costs the few that are cancelled
//! a search.
//!
//! # Invariants
//! 1. A crew has an entry from when it is made until it is dropped. No number is given twice by one process: a child made by
//!    `fork` counts anew, and makes no use of its parent's numbers.
//! 2. `cancelled` counts the jobs that were cancelled since the queue was last tidied: no fewer than those that are in it.
//! 3. No crew is dropped while the lock is held, and no code of the user's runs.

use super::crew::Crew;
use crate::backend::process::{Anew, PerProcess, Process};
use crate::backend::{Weak, global};
use crate::sync::Mutex;
use crate::thread::catch_quietly;
use std::collections::BTreeMap;

global! {
    static CREWS: PerProcess<Mutex<Crews>> = PerProcess::new(Mutex::new(Crews::default()));
}

#[derive(Default)]
struct Crews {
    last: u64,
    entries: BTreeMap<u64, Entry>,
}

impl Anew for Mutex<Crews> {
    fn anew(&self) -> Mutex<Crews> {
        Mutex::new(Crews::default())
    }
}

struct Entry {
    crew: Weak<Crew>,
    cancelled: usize,
}

/// A queue with so few cancelled jobs that it need not be tidied.
const FEW: usize = 64;

/// The number of a crew, which has an entry as long as this lives.
pub(super) struct Enrolled {
    number: u64,
    home: Process,
}

impl Enrolled {
    pub(super) fn new(crew: Weak<Crew>) -> Enrolled {
        let mut crews = CREWS.acquire();
        crews.last += 1;
        let number = crews.last;
        crews.entries.insert(number, Entry { crew, cancelled: 0 });
        Enrolled {
            number,
            home: Process::this(),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        if self.home.is_this() {
            CREWS.acquire().entries.remove(&self.number);
        }
    }
}

/// A job of that crew was cancelled. If half of the queue may be such jobs, they are taken off it: some steps for each cancel.
pub(super) fn note_cancel(number: u64) {
    let mut crews = CREWS.acquire();
    let Some(entry) = crews.entries.get_mut(&number) else {
        return;
    };
    entry.cancelled += 1;
    if entry.cancelled < FEW {
        return;
    }
    let Some(crew) = entry.crew.upgrade() else { return };
    let tidies = entry.cancelled > crew.queued() / 2;
    if tidies {
        entry.cancelled = 0; // before the queue is searched: what is cancelled meanwhile is counted anew
    }
    drop(crews);
    if tidies {
        crew.tidy();
    }
    catch_quietly(|| drop(crew)); // it may be the last reference, and drop the pool's initializer
}
