//! Names a stuck test instead of hanging. Threads note what they are about to wait for; a run that does not
//! end in time prints who waits for what, and aborts.

use std::any::{Any, type_name_of_val};
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const SUITE: Duration = Duration::from_secs(300);
const GRACE: Duration = Duration::from_secs(5); // once a thread has panicked, who waits for it is stuck
const LOOK: Duration = Duration::from_secs(1);

enum Doing {
    Runs,
    Waits(&'static str),
    Ended,
    Panicked(String),
}

struct State {
    doing: Doing,
    since: Instant,
    waits: u64,
}

/// What one thread is doing, for the others to read.
pub struct Role {
    name: String,
    task: OnceLock<PathBuf>,
    state: Mutex<State>,
}

impl Role {
    fn new(name: String) -> Role {
        let state = State {
            doing: Doing::Runs,
            since: Instant::now(),
            waits: 0,
        };
        Role {
            name,
            task: OnceLock::new(),
            state: Mutex::new(state),
        }
    }

    /// Notes that this thread waits in `call`, and runs it.
    pub fn waits<R>(&self, call: &'static str, wait: impl FnOnce() -> R) -> R {
        self.note(Doing::Waits(call));
        let result = wait();
        self.note(Doing::Runs);
        result
    }

    fn note(&self, doing: Doing) {
        let mut state = self.state.lock().unwrap();
        state.waits += u64::from(matches!(doing, Doing::Waits(_)));
        (state.doing, state.since) = (doing, Instant::now());
    }

    /// Runs the thread that plays this role, and notes how it ends.
    fn play<R>(&self, body: impl FnOnce() -> R) -> R {
        // The system's name for this thread, from which others see whether it sleeps.
        if let Ok(task) = std::fs::read_link("/proc/thread-self") {
            self.task.get_or_init(|| Path::new("/proc").join(task));
        }
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(result) => {
                self.note(Doing::Ended);
                result
            }
            Err(panic) => {
                self.note(Doing::Panicked(message(&*panic)));
                resume_unwind(panic)
            }
        }
    }

    fn panicked_for(&self) -> Option<Duration> {
        let state = self.state.lock().unwrap();
        matches!(state.doing, Doing::Panicked(_)).then(|| state.since.elapsed())
    }

    fn has_ended(&self) -> bool {
        matches!(self.state.lock().unwrap().doing, Doing::Ended)
    }

    fn line(&self) -> String {
        let state = self.state.lock().unwrap();
        let doing = match &state.doing {
            Doing::Runs => "runs".to_owned(),
            Doing::Waits(call) => format!("waits in {call}"),
            Doing::Ended => "ended".to_owned(),
            Doing::Panicked(message) => format!("panicked: {message}"),
        };
        format!(
            "  {}: {doing} ({:.1?}; waits so far: {})",
            self.name,
            state.since.elapsed(),
            state.waits
        )
    }

    /// Whether the thread sleeps in the wait that it has noted.
    #[cfg(target_os = "linux")]
    fn is_asleep(&self) -> bool {
        let waits = || matches!(self.state.lock().unwrap().doing, Doing::Waits(_));
        let sleeps = || {
            let stat = self
                .task
                .get()
                .and_then(|task| std::fs::read_to_string(task.join("stat")).ok());
            stat.is_some_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
        };
        waits() && sleeps() && waits()
    }

    /// Elsewhere one cannot see it: the thread has had time to.
    #[cfg(not(target_os = "linux"))]
    fn is_asleep(&self) -> bool {
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

#[derive(Default)]
struct Board(Mutex<Vec<Arc<Role>>>);

impl Board {
    fn role(&self, name: String) -> Arc<Role> {
        let role = Arc::new(Role::new(name));
        self.0.lock().unwrap().push(Arc::clone(&role));
        role
    }

    fn report(&self, test: &str) -> String {
        let mut report = format!("{test} is stuck:\n");
        let roles = self.0.lock().unwrap();
        let (ended, others): (Vec<_>, Vec<_>) = roles.iter().partition(|role| role.has_ended());
        for role in others {
            writeln!(report, "{}", role.line()).expect("a String takes any text");
        }
        writeln!(report, "  and {} that have ended", ended.len()).expect("a String takes any text");
        report
    }

    /// Returns whether the run outlasts its time.
    fn outlasts(&self, limit: Duration, ended: &Receiver<()>) -> bool {
        let start = Instant::now();
        while ended.recv_timeout(limit.min(LOOK)) == Err(RecvTimeoutError::Timeout) {
            let panicked = |role: &Arc<Role>| role.panicked_for().is_some_and(|time| time > GRACE);
            if start.elapsed() >= limit || self.0.lock().unwrap().iter().any(panicked) {
                return true;
            }
        }
        false
    }
}

/// A test's threads, seen by its watchdog.
pub struct Watch<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    board: Arc<Board>,
    me: Arc<Role>,
}

impl<'scope, 'env> Watch<'scope, 'env> {
    /// Starts a thread that plays the role `name`.
    pub fn spawn<T: Send + 'scope>(
        &self,
        name: impl Into<String>,
        body: impl FnOnce(&Role) -> T + Send + 'scope,
    ) -> Player<'scope, T> {
        let role = self.board.role(name.into());
        let played = Arc::clone(&role);
        let thread = thread::Builder::new().name(role.name.clone());
        let handle = thread
            .spawn_scoped(self.scope, move || played.play(|| body(&played)))
            .unwrap();
        Player {
            handle,
            role,
            caller: Arc::clone(&self.me),
        }
    }

    /// Notes that the test's own thread waits in `call`, and runs it.
    pub fn waits<R>(&self, call: &'static str, wait: impl FnOnce() -> R) -> R {
        self.me.waits(call, wait)
    }

    /// Looks again and again, until `is_so`.
    pub fn until(&self, what: &'static str, mut is_so: impl FnMut() -> bool) {
        self.waits(what, || {
            while !is_so() {
                thread::yield_now();
            }
        });
    }
}

/// A thread that plays a role.
pub struct Player<'scope, T> {
    handle: ScopedJoinHandle<'scope, T>,
    role: Arc<Role>,
    caller: Arc<Role>,
}

impl<T> Player<'_, T> {
    /// Waits for the thread's end, and panics if it did.
    pub fn join(self) -> T {
        self.try_join().unwrap_or_else(|panic| resume_unwind(panic))
    }

    pub fn try_join(self) -> thread::Result<T> {
        self.caller.waits("a thread's end", || self.handle.join())
    }

    /// Returns once the thread sleeps in the wait that it has noted. For certain on Linux only: a test that
    /// does not bear the other order runs there alone.
    pub fn until_asleep(&self) {
        self.caller.waits("a thread's falling asleep", || {
            while !self.role.is_asleep() {
                assert!(
                    !self.handle.is_finished(),
                    "{} has ended instead of falling asleep",
                    self.role.name
                );
                thread::yield_now();
            }
        });
    }

    /// How often the thread has gone to sleep so far.
    #[cfg(target_os = "linux")]
    pub fn sleeps(&self) -> String {
        let task = self.role.task.get().expect("the thread has begun");
        let status = std::fs::read_to_string(task.join("status")).unwrap();
        status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"))
            .unwrap()
            .to_owned()
    }
}

/// Tests of a single thread run without a watch: they block only where the kit is broken. Then the harness names
/// the one that has not ended, and this ends it.
pub fn watch_the_suite() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        // A small stack: one of the usual size may be refused in a child process.
        let watch = thread::Builder::new().stack_size(64 << 10).spawn(|| {
            let begin = Instant::now();
            while begin.elapsed() < SUITE {
                thread::park_timeout(SUITE);
            }
            abort(&format!("the tests have not ended within {SUITE:?}\n"));
        });
        watch.unwrap();
    });
}

fn abort(report: &str) -> ! {
    // Not `eprintln!`: what the harness has captured is lost when the process aborts.
    let _ = std::io::stderr().write_all(report.as_bytes());
    std::process::abort()
}

/// Runs a test whose threads may block, and aborts with a report if it gets stuck.
pub fn run<'env, T>(body: impl for<'scope> FnOnce(&Watch<'scope, 'env>) -> T) -> T {
    watch_the_suite();
    run_within(LIMIT, body, |report| abort(&report))
}

fn run_within<'env, T>(
    limit: Duration,
    body: impl for<'scope> FnOnce(&Watch<'scope, 'env>) -> T,
    stuck: impl FnOnce(String) + Send,
) -> T {
    let test = type_name_of_val(&body);
    let board = Arc::new(Board::default());
    thread::scope(|watchdog| {
        let (running, ended) = channel::<()>();
        let seen = Arc::clone(&board);
        watchdog.spawn(move || {
            if seen.outlasts(limit, &ended) {
                stuck(seen.report(test));
            }
        });
        let result = thread::scope(|scope| {
            let me = board.role("the test itself".to_owned());
            let watch = Watch {
                scope,
                board: Arc::clone(&board),
                me,
            };
            watch.me.play(|| body(&watch))
        });
        drop(running); // when the last thread has ended, or, unwinding, a panic has
        result
    })
}

#[test]
fn a_report_says_who_waits_for_what() {
    let board = Board::default();
    let (reader, writer, crasher) = (
        board.role("reader 2".into()),
        board.role("writer".into()),
        board.role("crasher".into()),
    );
    reader.waits("Event::wait", || ());
    writer.play(|| ());
    assert!(catch_unwind(AssertUnwindSafe(|| crasher.play(|| panic!("crashed on purpose")))).is_err());
    let report = reader.waits("Semaphore::acquire", || board.report("some test"));
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 4, "{report}");
    assert_eq!(lines[0], "some test is stuck:");
    assert!(
        lines[1].starts_with("  reader 2: waits in Semaphore::acquire ("),
        "{report}"
    );
    assert!(lines[1].ends_with("waits so far: 2)"), "{report}");
    assert!(
        lines[2].starts_with("  crasher: panicked: crashed on purpose ("),
        "{report}"
    );
    assert_eq!(lines[3], "  and 1 that have ended");
}

#[test]
fn a_run_that_outlasts_its_limit_is_reported() {
    let event = selvedge::Event::new();
    let mut reported = String::new();
    let unstick = |report| {
        reported = report;
        event.set();
    };
    run_within(
        Duration::from_millis(10),
        |watch| {
            watch
                .spawn("waiter", |role| role.waits("Event::wait", || event.wait()))
                .join()
        },
        unstick,
    );
    assert!(
        reported.contains("a_run_that_outlasts_its_limit_is_reported"),
        "{reported}"
    );
    assert!(reported.contains("waiter: waits in Event::wait"), "{reported}");
    assert!(
        reported.contains("the test itself: waits in a thread's end"),
        "{reported}"
    );
}

#[test]
fn a_run_that_ends_in_time_is_not_reported() {
    let result = run_within(
        LIMIT,
        |watch| watch.spawn("worker", |_| 5).join(),
        |report| panic!("{report}"),
    );
    assert_eq!(result, 5);
    let fails = || {
        run_within(
            LIMIT,
            |watch| watch.spawn("worker", |_| panic!("as told")).join(),
            |report| panic!("{report}"),
        )
    };
    assert_eq!(message(&*catch_unwind(fails).unwrap_err()), "as told");
}
