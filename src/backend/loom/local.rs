//! Thread-locals. loom drops those of a thread after the thread's last step that it counts, in any order: so each keeps the
//! thread living for the harness until it is dropped, since its drop may still wake others.

use super::explorer;
use super::probe::Living;
use super::verdict::{root, step, within_step};
use ::std::cell::RefCell;
use ::std::rc::Rc;
use core::ptr;

explorer::thread_local! {
    static LIVING: RefCell<Option<Rc<Living>>> = RefCell::new(None);
}

/// Does `body` as a thread that lives until its thread-locals are dropped.
pub(super) fn live<R>(living: Living, body: impl FnOnce() -> R) -> R {
    living.enter();
    let living = Rc::new(living);
    step(|| LIVING.with(|mine| *mine.borrow_mut() = Some(Rc::clone(&living))));
    root(body)
}

#[derive(Debug)]
pub struct LocalKey<T: 'static> {
    inner: &'static explorer::thread::LocalKey<Kept<T>>,
}

/// A value that is dropped before its thread has ended.
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
    pub const fn new(inner: &'static explorer::thread::LocalKey<Kept<T>>) -> LocalKey<T> {
        LocalKey { inner }
    }

    pub fn with<R>(&'static self, look: impl FnOnce(&T) -> R) -> R {
        self.try_with(look).expect("the thread has not dropped it")
    }

    /// # Errors
    /// If the thread has dropped it.
    pub fn try_with<R>(&'static self, look: impl FnOnce(&T) -> R) -> Result<R, explorer::thread::AccessError> {
        let kept = step(|| self.inner.try_with(ptr::from_ref))?;
        // SAFETY: it stays where it is until the thread has run all of its code.
        Ok(look(unsafe { &(*kept).value }))
    }
}
