//! Why programs under a global interpreter lock need locks of their own: a model explores all interleavings.
//!
//! In Python: two threads run `num -= 1`. The interpreter executes one thread at a time, but
//! it may switch threads between the load and the store of `num`.
//!
//! ```text
//! cargo run --example gil_and_lock
//! ```
//! The results are {0, 1} with the interpreter's lock alone, and {0} with a lock around both
//! steps. This example belongs to the package `loom-tests`, which builds the kit for models. A
//! crate of your own names `selvedge`, and is run with `RUSTFLAGS="--cfg loom"`; see the README.

extern crate selvedge_loom as selvedge;

use selvedge::Lock;
use selvedge::backend::cell::UnsafeCell;
use selvedge::backend::{Arc, thread};
use std::collections::BTreeSet;
use std::sync::Mutex;

struct Program {
    gil: Lock,
    num: UnsafeCell<i32>,
    lock: Lock,
}

// SAFETY: `num` is accessed only in `load` and `store`, which hold `gil`. The model checks it.
unsafe impl Sync for Program {}

impl Program {
    fn load(&self) -> i32 {
        let _step = self.gil.acquire();
        // SAFETY: `gil` is held.
        self.num.with(|num| unsafe { *num })
    }

    fn store(&self, value: i32) {
        let _step = self.gil.acquire();
        // SAFETY: `gil` is held.
        self.num.with_mut(|num| unsafe { *num = value });
    }

    /// `num -= 1`
    fn without_a_lock(&self) {
        let num = self.load();
        self.store(num - 1);
    }

    /// `with lock: num -= 1`
    fn with_a_lock(&self) {
        let _guard = self.lock.acquire();
        self.without_a_lock();
    }
}

/// The results of two threads that run `body`, in all interleavings.
fn explore(body: fn(&Program)) -> BTreeSet<i32> {
    // A mutex of std, because it is no part of the modelled program.
    let results = Arc::new(Mutex::new(BTreeSet::new()));
    let found = Arc::clone(&results);
    selvedge::model(move || {
        let (gil, num, lock) = (Lock::new(), UnsafeCell::new(2), Lock::new());
        let program = Arc::new(Program { gil, num, lock });
        let threads = [(); 2].map(|()| {
            let program = Arc::clone(&program);
            thread::spawn(move || body(&program))
        });
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("it does not panic"));
        found.lock().unwrap().insert(program.load());
    });
    results.lock().unwrap().clone()
}

fn main() {
    let (broken, correct) = (explore(Program::without_a_lock), explore(Program::with_a_lock));
    println!("Two threads each subtract 1 from 2.");
    println!("With the interpreter's lock alone, the results are {broken:?}.");
    println!("With a lock of their own as well, they are {correct:?}.");
    assert_eq!((broken, correct), (BTreeSet::from([0, 1]), BTreeSet::from([0])));
}
