//! Thread-locals of a model.
//!
//! loom drops the thread-locals of a thread in any order, after the thread's last step. Such a drop may still
//! wake another thread. So each thread-local keeps its thread counted as living until it is dropped.

use super::scene::Living;
use super::verdict::{run_thread, step, within_step};
use ::loom::thread::AccessError;
use ::std::cell::RefCell;
use ::std::rc::Rc;
use core::ptr;

::loom::thread_local! {
    static LIVING: RefCell<Option<Rc<Living>>> = RefCell::new(None);
}

/// Runs the body of a thread, which counts as living until its thread-locals are dropped.
pub(super) fn run<R>(living: Living, body: impl FnOnce() -> R) -> R {
    living.take_role();
    let living = Rc::new(living);
    step(|| LIVING.with(|current| *current.borrow_mut() = Some(Rc::clone(&living))));
    run_thread(body)
}

#[derive(Debug)]
pub struct LocalKey<T: 'static> {
    inner: &'static ::loom::thread::LocalKey<Kept<T>>,
}

/// A thread-local's value. Its thread counts as living until the value is dropped.
#[derive(Debug)]
pub struct Kept<T> {
    value: T,
    _living: Option<Rc<Living>>,
}

impl<T> Kept<T> {
    pub fn new(make: impl FnOnce() -> T) -> Kept<T> {
        Kept {
            value: within_step(make),
            _living: LIVING.with(|living| living.borrow().clone()),
        }
    }
}

impl<T: 'static> LocalKey<T> {
    pub const fn new(inner: &'static ::loom::thread::LocalKey<Kept<T>>) -> LocalKey<T> {
        LocalKey { inner }
    }

    pub fn with<R>(&'static self, access: impl FnOnce(&T) -> R) -> R {
        self.try_with(access).expect("the thread-local was dropped")
    }

    /// # Errors
    /// If the thread has dropped the value.
    pub fn try_with<R>(&'static self, access: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let kept = step(|| self.inner.try_with(ptr::from_ref))?;
        // SAFETY: loom neither moves nor drops the value until the thread has run all of its code.
        Ok(access(unsafe { &(*kept).value }))
    }
}
