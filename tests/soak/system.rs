//! The memory and the threads of this process, as far as the system reports them: on Linux.

use selvedge::thread;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

/// Growth that is accepted: a fifth, and what an allocator keeps.
const PART: u64 = 5;
const SLACK: u64 = 8 * 1024; // KiB

/// How long threads may take to end: the threads of the timers stay for a while without work.
const END: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
pub struct System {
    resident: Option<u64>, // KiB
    threads: Option<u64>,
    registered: usize,
}

impl System {
    pub fn now() -> System {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value?.split_whitespace().next()?.parse().ok()
        };
        System {
            resident: field("VmRSS:"),
            threads: field("Threads:"),
            registered: thread::active_count(),
        }
    }

    pub fn memory(self) -> String {
        let resident = self
            .resident
            .map(|resident| format!("{:.1} MiB", resident as f64 / 1024.0));
        resident.unwrap_or("unknown".into())
    }

    pub fn threads(self) -> String {
        format!("{:?} in the system, {} in the registry", self.threads, self.registered)
    }

    pub fn assert_not_grown(self) {
        let now = System::now();
        let has_grown = |(then, now)| now > then + then / PART + SLACK;
        let resident = self.resident.zip(now.resident);
        assert!(
            !resident.is_some_and(has_grown),
            "memory has grown from {} to {}",
            self.memory(),
            now.memory()
        );
    }

    /// Fails if there are other threads after they had time to end.
    pub fn assert_same_threads(self) {
        let begun = Instant::now();
        loop {
            let now = System::now();
            if (now.threads, now.registered) == (self.threads, self.registered) {
                return;
            }
            let left = thread::enumerate();
            assert!(begun.elapsed() < END, "threads are left: {} {left:?}", now.threads());
            wait(Duration::from_millis(10));
        }
    }
}

/// Lets time pass; may return early.
pub fn wait(time: Duration) {
    std::thread::park_timeout(time);
}

/// Prints to stderr although the test harness captures output: the process is about to end.
pub fn print_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
