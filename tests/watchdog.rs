//! A watchdog: a test that gets stuck is reported with the call in which each of its threads blocks, and aborted.

use std::any::{Any, type_name_of_val};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const SUITE_LIMIT: Duration = Duration::from_secs(300);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How many polls the other threads may go on for once one has panicked.
const POLLS_AFTER_A_PANIC: usize = 5;

/// What one thread is doing, readable by the other threads.
pub struct Role {
    name: String,
    task: OnceLock<PathBuf>, // the thread's folder in /proc
    status: Mutex<String>,
}

impl Role {
    /// Calls `wait`, and records that this thread waits in `call` meanwhile.
    pub fn waits<R>(&self, call: &'static str, wait: impl FnOnce() -> R) -> R {
        self.set(format!("waits in {call}"));
        let result = wait();
        self.set("runs".into());
        result
    }

    fn set(&self, status: String) {
        *self.status.lock().unwrap() = status;
    }

    fn is(&self, status: &str) -> bool {
        self.status.lock().unwrap().starts_with(status)
    }

    /// Runs the thread's body, and records how it ends.
    fn run<R>(&self, body: impl FnOnce() -> R) -> R {
        if let Ok(task) = std::fs::read_link("/proc/thread-self") {
            self.task.get_or_init(|| Path::new("/proc").join(task));
        }
        let result = catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
            self.set(format!("panicked: {}", message(&*panic)));
            panic
        });
        result
            .inspect(|_| self.set("ended".into()))
            .unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Whether the thread is blocked in the wait that it has recorded.
    #[cfg(target_os = "linux")]
    fn is_blocked(&self) -> bool {
        let stat = || std::fs::read_to_string(self.task.get()?.join("stat")).ok();
        let is_blocked = || stat().is_some_and(|stat| stat.rsplit(')').next().unwrap().starts_with(" S"));
        self.is("waits") && is_blocked() && self.is("waits")
    }

    /// Other systems don't show it: gives the thread time to block.
    #[cfg(not(target_os = "linux"))]
    fn is_blocked(&self) -> bool {
        (0..1000).for_each(|_| thread::yield_now());
        true
    }
}

/// The message of a panic.
pub fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "not a text".to_owned())
}

/// The threads of a test, seen by its watchdog.
pub struct Watch<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    roles: Arc<Mutex<Vec<Arc<Role>>>>,
    own: Arc<Role>,
}

fn add_role(roles: &Mutex<Vec<Arc<Role>>>, name: String) -> Arc<Role> {
    let (task, status) = (OnceLock::new(), Mutex::new("runs".into()));
    let role = Arc::new(Role { name, task, status });
    roles.lock().unwrap().push(Arc::clone(&role));
    role
}

impl<'scope, 'env> Watch<'scope, 'env> {
    /// Spawns a thread with the role `name`.
    pub fn spawn<T: Send + 'scope>(
        &self,
        name: impl Into<String>,
        body: impl FnOnce(&Role) -> T + Send + 'scope,
    ) -> TestThread<'scope, T> {
        let (role, caller) = (add_role(&self.roles, name.into()), Arc::clone(&self.own));
        let (builder, own) = (thread::Builder::new().name(role.name.clone()), Arc::clone(&role));
        let handle = builder
            .spawn_scoped(self.scope, move || own.run(|| body(&own)))
            .unwrap();
        TestThread { handle, role, caller }
    }

    /// Calls `wait`, and records that the test's own thread waits in `call` meanwhile.
    pub fn waits<R>(&self, call: &'static str, wait: impl FnOnce() -> R) -> R {
        self.own.waits(call, wait)
    }

    /// Polls until `condition` holds.
    pub fn until(&self, what: &'static str, mut condition: impl FnMut() -> bool) {
        self.waits(what, || {
            while !condition() {
                thread::yield_now();
            }
        });
    }
}

/// A thread of a test.
pub struct TestThread<'scope, T> {
    handle: ScopedJoinHandle<'scope, T>,
    role: Arc<Role>,
    caller: Arc<Role>,
}

impl<T> TestThread<'_, T> {
    /// Joins the thread, and resumes its panic if it panicked.
    pub fn join(self) -> T {
        self.try_join().unwrap_or_else(|panic| resume_unwind(panic))
    }

    pub fn try_join(self) -> thread::Result<T> {
        self.caller.waits("the join of a thread", || self.handle.join())
    }

    /// Returns once the thread is blocked in the wait that it has recorded. Only Linux guarantees it: elsewhere the
    /// thread may not have blocked yet.
    pub fn until_blocked(&self) {
        self.caller.waits("a thread to block", || {
            while !self.role.is_blocked() {
                assert!(!self.handle.is_finished(), "{} has not blocked", self.role.name);
                thread::yield_now();
            }
        });
    }

    /// Whether the blocked thread stays blocked, without a context switch, while `meanwhile` runs; at the latest in the
    /// tenth attempt, since a first wake-up may be a late one.
    #[cfg(target_os = "linux")]
    pub fn stays_blocked(&self, mut meanwhile: impl FnMut()) -> bool {
        let switches = || {
            let status = std::fs::read_to_string(self.role.task.get().unwrap().join("status")).unwrap();
            status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"))
                .map(str::to_owned)
        };
        (0..10).any(|_| {
            self.until_blocked();
            let before = switches();
            meanwhile();
            switches() == before
        })
    }
}

/// Aborts the process if the suite has not ended within its limit: for tests that run without a watch. The harness
/// names the stuck one before.
pub fn watch_the_suite() {
    static START: Once = Once::new();
    START.call_once(|| {
        // A small stack: the system may refuse one of the usual size in a child process.
        let watchdog = thread::Builder::new().stack_size(64 << 10).spawn(|| {
            let start = Instant::now();
            while start.elapsed() < SUITE_LIMIT {
                thread::park_timeout(SUITE_LIMIT);
            }
            abort(&format!("the tests have not ended within {SUITE_LIMIT:?}\n"));
        });
        watchdog.unwrap();
    });
}

fn abort(report: &str) -> ! {
    // Not `eprintln!`: output that the harness has captured is lost when the process aborts.
    let _ = std::io::stderr().write_all(report.as_bytes());
    std::process::abort()
}

/// Runs a test whose threads may block; aborts with a report if it gets stuck.
pub fn run<'env, T>(body: impl for<'scope> FnOnce(&Watch<'scope, 'env>) -> T) -> T {
    watch_the_suite();
    run_within(LIMIT, body, |report| abort(&report))
}

fn run_within<'env, T>(
    limit: Duration,
    body: impl for<'scope> FnOnce(&Watch<'scope, 'env>) -> T,
    stuck: impl FnOnce(String) + Send,
) -> T {
    let (test, roles) = (type_name_of_val(&body), Arc::new(Mutex::new(Vec::<Arc<Role>>::new())));
    thread::scope(|watchdog| {
        let ((running, ended), watched) = (channel::<()>(), Arc::clone(&roles));
        watchdog.spawn(move || {
            let (start, mut polls) = (Instant::now(), 0);
            while ended.recv_timeout(limit.min(POLL_INTERVAL)) == Err(RecvTimeoutError::Timeout) {
                let roles = watched.lock().unwrap();
                polls += usize::from(roles.iter().any(|role| role.is("panicked")));
                if start.elapsed() >= limit || polls >= POLLS_AFTER_A_PANIC {
                    let line = |role: &Arc<Role>| format!("  {}: {}\n", role.name, role.status.lock().unwrap());
                    let lines: String = roles.iter().map(line).collect();
                    return stuck(format!("{test} is stuck:\n{lines}"));
                }
            }
        });
        let result = thread::scope(|scope| {
            let own = add_role(&roles, "the test's thread".to_owned());
            let watch = Watch { scope, roles, own };
            watch.own.run(|| body(&watch))
        });
        drop(running); // all threads have ended
        result
    })
}

#[test]
fn a_stuck_run_is_reported_with_what_each_thread_waits_in_and_passes_a_panic_on() {
    let (event, mut reported) = (selvedge::Event::new(), String::new());
    let stuck = |report| {
        reported = report;
        event.set();
    };
    let run = || {
        run_within(
            Duration::from_millis(200),
            |watch| {
                let panics = watch.spawn("panics", |_| resume_unwind(Box::new("on purpose")));
                let panic = panics.try_join().unwrap_err();
                let waiter = watch.spawn("waiter", |role| role.waits("Event::wait", || event.wait()));
                waiter.join();
                resume_unwind(panic)
            },
            stuck,
        )
    };
    assert_eq!(
        message(&*catch_unwind(AssertUnwindSafe(run)).unwrap_err()),
        "on purpose"
    );
    for expected in [
        "the test's thread: waits in the join of a thread\n",
        "panics: panicked: on purpose\n",
        "waiter: waits in Event::wait\n",
    ] {
        assert!(reported.contains(expected), "{reported}");
    }
}
