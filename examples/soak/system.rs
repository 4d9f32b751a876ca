//! What the system says of this process, where it says something: on Linux.

use selvedge::thread;
use std::fs;
use std::time::{Duration, Instant};

/// Growth that proves nothing: a part of what was there, and what an allocator keeps.
const PART: u64 = 5;
const SLACK: u64 = 8 * 1024; // KiB

/// How long threads may take to leave: the clock's stay for a while without work.
const LEAVE: Duration = Duration::from_secs(10);

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
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        };
        System {
            resident: field("VmRSS:"),
            threads: field("Threads:"),
            registered: thread::active_count(),
        }
    }

    pub fn memory(self) -> String {
        self.resident.map_or("unknown".to_owned(), |resident| {
            format!("{:.1} MiB", resident as f64 / 1024.0)
        })
    }

    pub fn threads(self) -> String {
        let system = self.threads.map_or("unknown".to_owned(), |threads| threads.to_string());
        format!("{system} by the system's count, {} by the registry's,", self.registered)
    }

    /// An error if there is much more memory now.
    pub fn must_not_have_grown(self) -> Result<(), String> {
        let now = System::now();
        match self.resident.zip(now.resident) {
            Some((then, resident)) if resident > then + then / PART + SLACK => {
                Err(format!("memory has grown from {} to {}", self.memory(), now.memory()))
            }
            _ => Ok(()),
        }
    }

    /// An error if there are other threads, when they have had time to leave.
    pub fn must_come_back(self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let now = System::now();
            if (now.threads, now.registered) == (self.threads, self.registered) {
                return Ok(());
            }
            if begun.elapsed() > LEAVE {
                return Err(format!(
                    "there are threads left: {} {:?}",
                    now.threads(),
                    thread::enumerate()
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
