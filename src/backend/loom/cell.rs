//! loom's cell, with the identity of an object.

use super::object::Object;
use super::verdict::step;
use ::std::panic::Location;

#[derive(Debug)]
pub struct UnsafeCell<T: ?Sized> {
    object: Object,
    inner: ::loom::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    #[track_caller]
    pub fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell {
            object: Object::new("cell"),
            inner: ::loom::cell::UnsafeCell::new(value),
        }
    }

    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    #[track_caller]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.before_access("reads", Location::caller());
        step(|| self.inner.get()).with(read)
    }

    #[track_caller]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.before_access("writes", Location::caller());
        step(|| self.inner.get_mut()).with(write)
    }

    /// Checks the cell and adds the access to the trace. It comes before the call
    /// into loom, which may report a data race. No other thread runs in between.
    fn before_access(&self, verb: &str, at: &'static Location<'static>) {
        self.object.assert_alive("a cell", at);
        self.object.log(at, |number| format!("{verb} cell #{number}"));
    }
}
