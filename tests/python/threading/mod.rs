//! `test_threading.py`, but for those of its classes that ask again what `lock_tests.py` asks.
//!
//! What is asked of an interpreter's exit is asked of [`program`]s, and what is asked of an interpreter within another, of
//! a registry of one's own. Threads of the kit that a test starts stand on its own registry, so that it counts its own.

mod exception;
mod hook;
pub mod program;
mod registry;
mod shutdown;
mod thread;
mod timer;

use selvedge::thread::Thread;

/// What is done when it is dropped.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Returns once the thread sleeps, in whatever wait. For certain on Linux only.
pub fn until_asleep(thread: &Thread) {
    while !is_asleep(thread) {
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
fn is_asleep(thread: &Thread) -> bool {
    let Some(number) = thread.native_id() else { return false };
    let stat = std::fs::read_to_string(format!("/proc/self/task/{number}/stat"));
    stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
}

#[cfg(not(target_os = "linux"))]
fn is_asleep(_: &Thread) -> bool {
    (0..1000).for_each(|_| std::thread::yield_now());
    true
}
