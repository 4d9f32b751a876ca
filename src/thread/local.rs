//! A value for each thread, by object.
//!
//! # Invariants
//! 1. A value is made, used and dropped by its own thread, so it need not be `Send`.
//! 2. No code of the user's runs while the thread's table is borrowed.
//! 3. A table is swept of orphans, values whose objects are gone, before a value is added: each time if the last sweep has left
//!    `FEW` or fewer, and otherwise once half as many were added as it has left. So an added value costs some steps, however
//!    many there are, and what is an orphan at a sweep is dropped then.

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

/// A table so small that a sweep costs next to nothing.
const FEW: usize = 32;

/// The values of a thread, by the addresses of their objects.
#[derive(Default)]
struct Table {
    values: HashMap<usize, Value>,
    /// How many values the last sweep left.
    left: usize,
    /// How many values were added since.
    added: usize,
}

impl Table {
    /// Takes out the orphans, if it is time (invariant 3).
    fn sweep(&mut self) -> Vec<Value> {
        self.left = self.left.min(self.values.len()); // the thread may have dropped objects of its own
        if self.left > FEW && self.added < self.left / 2 {
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
        (self.left, self.added) = (self.values.len(), 1);
        orphans
    }
}

/// A thread's value, and the object that it is for. While there is a `Weak`, no other object has its address.
struct Value {
    object: Weak<()>,
    value: Rc<dyn Any>,
}

impl Value {
    fn is_orphan(&self) -> bool {
        self.object.strong_count() == 0
    }
}

/// An object that has another value for each thread, which makes its own when it first looks.
///
/// A thread's value is dropped when the thread ends. When the object is dropped, so is the value of the thread that
/// drops it; those of other threads go when these end, or as they make values of other objects: at once if
/// they have few, and otherwise before they have made half as many more. A value never leaves its thread, so it need not be
/// `Send`. To change it, let it be a `Cell` or a `RefCell`. What a value does when it is
/// dropped at the end of its thread must not look at a `Local`: as with the standard library's thread-locals, such a panic
/// aborts the program.
///
/// # Python
/// `threading.local`, of which a subclass's `__init__` runs once in each thread.
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
    make: Box<dyn Fn() -> T + Send + Sync>,
}

// A panic of `make` leaves no value.
impl<T: 'static> UnwindSafe for Local<T> {}
impl<T: 'static> RefUnwindSafe for Local<T> {}

impl<T: 'static> Local<T> {
    /// An object whose values are made by `make`, each in its own thread.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Local<T> {
        Local {
            key: Arc::new(()),
            make: Box::new(make),
        }
    }

    /// Lends the calling thread's value, making it if need be.
    ///
    /// # Panics
    /// As `make` does, and then there is no value, or `look`, or the drop of a value whose object is gone. If the thread is
    /// ending and has dropped its values.
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        let value = self.get().unwrap_or_else(|| self.add((self.make)()));
        look(value.downcast_ref::<T>().expect("a key is of one type"))
    }

    /// Drops the calling thread's value, if it has one; the next look makes another.
    ///
    /// ```
    /// let names = selvedge::thread::Local::new(|| std::cell::RefCell::new(vec!["Ada"]));
    /// names.with(|names| names.borrow_mut().clear());
    /// names.reset();
    /// assert_eq!(names.with(|names| names.borrow().len()), 1);
    /// ```
    pub fn reset(&self) {
        // A thread that is ending has none.
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

    fn add(&self, made: T) -> Rc<dyn Any> {
        let made = Rc::new(made) as Rc<dyn Any>;
        let (value, orphans) = TABLE.with(|table| {
            let mut table = table.borrow_mut();
            let orphans = table.sweep();
            // `make` may have looked, and made one.
            let entry = table.values.entry(self.key());
            let mine = entry.or_insert_with(|| Value {
                object: Arc::downgrade(&self.key),
                value: Rc::clone(&made),
            });
            (Rc::clone(&mine.value), orphans)
        });
        drop((orphans, made)); // invariant 2
        value
    }
}

impl<T: Default + 'static> Default for Local<T> {
    /// An object whose values are `T`'s defaults.
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
