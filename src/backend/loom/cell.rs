//! loom's cell, with an identity.

use super::explorer;
use super::object::Object;
use super::verdict::step;
use ::std::panic::Location;

#[derive(Debug)]
pub struct UnsafeCell<T: ?Sized> {
    object: Object,
    inner: explorer::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    #[track_caller]
    pub fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell {
            object: Object::new("cell"),
            inner: explorer::cell::UnsafeCell::new(value),
        }
    }

    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    #[track_caller]
    pub fn with<R>(&self, look: impl FnOnce(*const T) -> R) -> R {
        self.touched("reads", Location::caller());
        step(|| self.inner.get()).with(look)
    }

    #[track_caller]
    pub fn with_mut<R>(&self, change: impl FnOnce(*mut T) -> R) -> R {
        self.touched("writes", Location::caller());
        step(|| self.inner.get_mut()).with(change)
    }

    /// Before loom looks at the access: it may refuse it. Nobody else runs in between.
    fn touched(&self, verb: &str, at: &'static Location<'static>) {
        self.object.assert_lives("a cell", at);
        self.object.log(at, |number| format!("{verb} cell #{number}"));
    }
}
