//! Children made by `fork`, each from a process in which the test is alone.

mod objects;
mod pool;
mod scope;
mod thread;
mod timer;

use crate::child;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// What is expected to come, comes within this.
const SOON: Duration = Duration::from_secs(10);
/// By then the system ends a child that is stuck.
const LIMIT: libc::c_uint = 30;

/// How a child has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Exit(i32),
    Signal(i32),
}

const WELL: End = End::Exit(0);

/// Forks, for a child that does `body`; how that has ended.
fn fork(body: impl FnOnce()) -> End {
    fork_here().unwrap_or_else(|| live(body))
}

/// Forks: nothing in the child, which goes on; in the parent, how the child has ended.
fn fork_here() -> Option<End> {
    // SAFETY: the C library and the kit take care of what is theirs; the other threads hold nothing that the child uses.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: a plain call.
            unsafe { libc::alarm(LIMIT) };
            None
        }
        child => Some(await_end(child)),
    }
}

/// The life of a child.
fn live(body: impl FnOnce()) -> ! {
    let well = catch_unwind(AssertUnwindSafe(body)).is_ok();
    exit(if well { 0 } else { 1 })
}

fn exit(status: i32) -> ! {
    // SAFETY: a plain call.
    unsafe { libc::_exit(status) }
}

fn await_end(child: libc::pid_t) -> End {
    let mut status = 0;
    // SAFETY: the place is a variable's.
    let waited = unsafe { libc::waitpid(child, &mut status, 0) };
    assert!(
        child > 0 && waited == child,
        "{child}: {}",
        std::io::Error::last_os_error()
    );
    if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Exit(libc::WEXITSTATUS(status))
    }
}

/// Returns once every other thread of the process is blocked.
fn until_others_block() {
    let me = std::fs::read_link("/proc/thread-self").unwrap();
    let blocked = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        me.ends_with(task.file_name()) || stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
    };
    while !std::fs::read_dir("/proc/self/task")
        .unwrap()
        .all(|task| blocked(task.unwrap()))
    {
        std::thread::yield_now();
    }
}

/// A file to which all processes write.
struct Marks {
    read: OwnedFd,
    write: OwnedFd,
}

impl Marks {
    fn new() -> Marks {
        let mut ends = [0; 2];
        // SAFETY: the place is a variable's.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        // SAFETY: nothing else has them.
        let [read, write] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        Marks { read, write }
    }

    fn make(&self) {
        // SAFETY: the byte is a static's.
        assert_eq!(
            unsafe { libc::write(self.write.as_raw_fd(), b"x".as_ptr().cast(), 1) },
            1
        );
    }

    /// How many were made, once every process that could make one has ended.
    fn count(self) -> usize {
        drop(self.write);
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::fs::File::from(self.read), &mut bytes).unwrap();
        bytes.len()
    }
}
