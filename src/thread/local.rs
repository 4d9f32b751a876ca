//! Objects that have a separate value for each thread.
//!
//! # Invariants
//! 1. A value is created, used and dropped by its own thread, so it need not be `Send`.
//! 2. No user code runs while the thread's table is borrowed.
//! 3. A value whose object has been dropped is an orphan. Before a value is added to a table,
//!    orphans are removed: each time, if the last sweep kept at most `FEW` values; else only
//!    after half as many values were added as the last sweep kept. So the amortised cost of
//!    an added value is constant, and each sweep drops all orphans that exist then.

use crate::backend::{Arc, Weak, local};
use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::collections::HashMap;
use std::rc::Rc;

local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// A sweep of a table with at most this many values is cheap.
const FEW: usize = 32;

/// The values of a thread, by the addresses of their objects.
#[derive(Default)]
struct Table {
    values: HashMap<usize, Value>,
    /// The number of values that the last sweep kept.
    kept: usize,
    /// The number of values that were added since the last sweep.
    added: usize,
}

impl Table {
    /// Removes the orphans, if a sweep is due (invariant 3).
    fn sweep(&mut self) -> Vec<Value> {
        self.kept = self.kept.min(self.values.len()); // a thread that drops an object removes its value
        if self.kept > FEW && self.added < self.kept / 2 {
            self.added += 1;
            return Vec::new();
        }
        let orphans: Vec<_> = self
            .values
            .iter()
            .filter(|(_, value)| value.is_orphan())
            .map(|(&key, _)| key)
            .collect();
        let orphans = orphans.iter().filter_map(|key| self.values.remove(key)).collect();
        (self.kept, self.added) = (self.values.len(), 1);
        orphans
    }
}

/// A thread's value of an object. As long as the `Weak` exists, no other object has the same address.
struct Value {
    object: Weak<()>,
    value: Rc<dyn Any>,
}

impl Value {
    fn is_orphan(&self) -> bool {
        self.object.strong_count() == 0
    }
}

/// An object that has a separate value for each thread. A thread's value is initialized when the thread first uses it.
///
/// A thread's value is dropped when the thread ends, and when the thread drops the object. If another thread
/// drops the object, the value is dropped later: when its own thread ends, or when its own thread adds values of
/// other objects (immediately if the thread has few values, otherwise before their number has grown by half).
///
/// A value never leaves its thread, so it need not be `Send`. For a value that can be changed, use
/// a `Cell` or a `RefCell`. A value that is dropped at the end of its thread must not use a `Local`
/// in its drop: that panics and, as with the standard library's thread-locals, aborts the program.
///
/// # Python
/// `threading.local`, where the `__init__` of a subclass runs once in each thread.
///
/// ```
/// use selvedge::thread::{self, Local};
/// use std::cell::Cell;
///
/// let count = Local::new(|| Cell::new(0));
/// count.with(|count| count.set(5));
/// thread::scope(|scope| {
///     scope.spawn(|| count.with(|count| assert_eq!(count.get(), 0)));
/// });
/// assert_eq!(count.with(Cell::get), 5);
/// ```
#[doc(alias = "threading.local")]
pub struct Local<T: 'static> {
    key: Arc<()>,
    init: Box<dyn Fn() -> T + Send + Sync>,
}

// A panic of `init` stores no value.
impl<T: 'static> UnwindSafe for Local<T> {}
impl<T: 'static> RefUnwindSafe for Local<T> {}

impl<T: 'static> Local<T> {
    /// An object whose values are created by `init`, which each thread calls for its own value.
    pub fn new(init: impl Fn() -> T + Send + Sync + 'static) -> Local<T> {
        Local {
            key: Arc::new(()),
            init: Box::new(init),
        }
    }

    /// Calls `f` with the calling thread's value, which is initialized if there is none.
    ///
    /// # Panics
    /// If `init` panics, in which case no value is stored; if `f` panics; if the drop of an orphan panics, which
    /// is the value of an object that was dropped; and if the thread is ending and has dropped its values.
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let value = self.get().unwrap_or_else(|| self.add((self.init)()));
        f(value
            .downcast_ref::<T>()
            .expect("all values of an object have its type"))
    }

    /// Drops the calling thread's value, if there is one. The next use initializes a new value.
    ///
    /// ```
    /// let names = selvedge::thread::Local::new(|| std::cell::RefCell::new(vec!["Ada"]));
    /// names.with(|names| names.borrow_mut().clear());
    /// names.reset();
    /// assert_eq!(names.with(|names| names.borrow().len()), 1);
    /// ```
    pub fn reset(&self) {
        // A thread that has dropped its table has no value.
        drop(TABLE.try_with(|table| table.borrow_mut().values.remove(&self.key())));
    }

    fn key(&self) -> usize {
        Arc::as_ptr(&self.key).addr()
    }

    fn get(&self) -> Option<Rc<dyn Any>> {
        TABLE.with(|table| {
            table
                .borrow()
                .values
                .get(&self.key())
                .map(|value| Rc::clone(&value.value))
        })
    }

    fn add(&self, value: T) -> Rc<dyn Any> {
        let new_value = Rc::new(value) as Rc<dyn Any>;
        let (value, orphans) = TABLE.with(|table| {
            let mut table = table.borrow_mut();
            let orphans = table.sweep();
            // `init` may have used this object, and so have added a value.
            let entry = table.values.entry(self.key());
            let current = entry.or_insert_with(|| Value {
                object: Arc::downgrade(&self.key),
                value: Rc::clone(&new_value),
            });
            (Rc::clone(&current.value), orphans)
        });
        drop((orphans, new_value)); // invariant 2
        value
    }
}

impl<T: Default + 'static> Default for Local<T> {
    /// An object whose values are initialized to `T::default()`.
    fn default() -> Local<T> {
        Local::new(T::default)
    }
}

impl<T: 'static> Drop for Local<T> {
    fn drop(&mut self) {
        self.reset();
    }
}

impl<T: 'static> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}
