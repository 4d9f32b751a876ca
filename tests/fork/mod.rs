//! Child processes made by `fork`, each from a process in which the test is alone.

mod objects;
mod pool;
mod scope;
mod thread;
mod timer;

use crate::child;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// The timeout of calls in a child that must succeed.
const SOON: Duration = Duration::from_secs(10);
/// After this many seconds the system kills a stuck child.
const LIMIT: libc::c_uint = 30;

/// How a child has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Exit(i32),
    Signal(i32),
}

const SUCCESS: End = End::Exit(0);

/// Forks a child that runs `body`; its end.
fn fork(body: impl FnOnce()) -> End {
    fork_here().unwrap_or_else(|| run_and_exit(body))
}

/// Asserts that a forked child runs `body` without a panic. `release` runs in the parent before: it ends the parent's
/// threads, or a failure would wait for them.
fn in_a_child(release: impl FnOnce(), body: impl FnOnce()) {
    let end = fork(body);
    release();
    assert_eq!(end, SUCCESS);
}

/// Forks. Returns `None` in the child, and in the parent, once the child has ended, its end.
fn fork_here() -> Option<End> {
    // SAFETY: the C library and selvedge handle their own state; other threads hold nothing else that the child uses.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: `alarm` has no preconditions.
            unsafe { libc::alarm(LIMIT) };
            None
        }
        child => Some(await_end(child)),
    }
}

fn run_and_exit(body: impl FnOnce()) -> ! {
    let success = catch_unwind(AssertUnwindSafe(body)).is_ok();
    exit(i32::from(!success))
}

fn exit(status: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(status) }
}

fn await_end(child: libc::pid_t) -> End {
    let mut status = 0;
    // SAFETY: `status` is writable.
    let waited = unsafe { libc::waitpid(child, &mut status, 0) };
    assert!(child > 0 && waited == child, "{}", std::io::Error::last_os_error());
    if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Exit(libc::WEXITSTATUS(status))
    }
}

/// Returns once every other thread of the process is blocked.
fn until_others_block() {
    let me = std::fs::read_link("/proc/thread-self").unwrap();
    let is_blocked = |task: std::io::Result<std::fs::DirEntry>| {
        let task = task.unwrap();
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        me.ends_with(task.file_name()) || stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
    };
    while !std::fs::read_dir("/proc/self/task").unwrap().all(is_blocked) {
        std::thread::yield_now();
    }
}

/// A counter that all processes share: a pipe.
struct SharedCount {
    read: OwnedFd,
    write: OwnedFd,
}

impl SharedCount {
    fn new() -> SharedCount {
        let mut ends = [0; 2];
        // SAFETY: `ends` is writable.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        // SAFETY: the descriptors have no other owner.
        let [read, write] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        SharedCount { read, write }
    }

    fn increment(&self) {
        // SAFETY: the byte is a static's.
        let written = unsafe { libc::write(self.write.as_raw_fd(), b"x".as_ptr().cast(), 1) };
        assert_eq!(written, 1);
    }

    /// The count, once every process that could increment it has ended.
    fn get(self) -> usize {
        drop(self.write);
        std::io::Read::bytes(std::fs::File::from(self.read)).count()
    }
}
