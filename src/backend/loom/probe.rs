//! What the explorer's futex knows and loom does not: who sleeps, and how each wait ended. The harness of
//! `loom-tests` reads it and ends models whose threads sleep for ever.
//!
//! All threads of a model run in turn on one thread of the system, so plain memory serves; a borrow never
//! spans an operation of loom's.

use super::atomic::AtomicU32;
use super::explorer::{model::Builder, thread};
use super::futex::Wait;
use super::proved;
use super::verdict::step;
use ::std::cell::{Cell, RefCell};
use ::std::num::NonZeroUsize;
use ::std::rc::Rc;
use ::std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub use super::verdict::end_with;
pub use super::{columns, log, site};

/// How the atomic loads and stores of the present execution are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accesses {
    /// As they are: a load reads any value that it may, old ones too; but loom misses some orders.
    #[default]
    Stale,
    /// As RMWs: a load reads the newest value, and loom tries every order.
    Fresh,
}

impl Accesses {
    /// A model is run both ways: each finds what the other cannot.
    pub const BOTH: [Accesses; 2] = [Accesses::Stale, Accesses::Fresh];
}

/// Whether futex waits of the present execution return early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waits {
    /// Only a wake, a change or a deadline ends a wait.
    #[default]
    Exact,
    /// Every other wait of a thread may end early, as a signal or a stale wake does in production.
    Early,
}

/// How the locks of the present execution are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locks {
    /// Step by step, as in production.
    #[default]
    Stepwise,
    /// At once, as their specification says: for models of what is built on locks, whose laws are proved apart.
    Specified,
}

/// One wait of a thread: in which role, whether timed, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen {
    pub role: usize,
    pub timed: bool,
    pub wait: Wait,
}

/// The payload that unwinds a sleeper for good when [`cancel`] ends a model.
#[derive(Debug)]
pub struct Cancelled;

#[derive(Clone, Debug)]
pub(super) struct Sleeper {
    word: usize,
    thread: thread::Thread,
    passing: bool,
    woken: Rc<Cell<bool>>,
}

/// A thread, from the moment it is started until it has ended and its thread-locals are dropped.
#[derive(Debug)]
pub struct Living {
    role: Option<usize>,
}

#[derive(Default)]
struct Scene {
    watcher: Option<thread::Thread>,
    sleepers: Vec<Sleeper>,
    spinners: Vec<Sleeper>,
    /// A number that no other execution of the process has; zero outside.
    execution: u64,
    started: usize,
    living: usize,
    seen: Vec<Seen>,
    slept: bool,
    last_id: usize,
    last_object: u32,
    accesses: Accesses,
    waits: Waits,
    cancelled: bool,
    /// Whether each thread's role is its number, in the order in which they are started.
    in_order: bool,
}

thread_local!(static SCENE: RefCell<Scene> = RefCell::default());

/// Those of all models of the process.
static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

super::explorer::thread_local! {
    static ROLE: Cell<usize> = Cell::new(0);
    static WAS_EARLY: Cell<bool> = Cell::new(false);
}

fn scene<R>(look: impl FnOnce(&mut Scene) -> R) -> R {
    SCENE.with_borrow_mut(look)
}

/// Starts an execution with nobody asleep, and without a watcher.
pub fn begin(accesses: Accesses, waits: Waits, locks: Locks) {
    let execution = EXECUTIONS.fetch_add(1, Relaxed) + 1;
    scene(|scene| {
        *scene = Scene {
            execution,
            accesses,
            waits,
            ..Scene::default()
        }
    });
    proved::begin(locks == Locks::Specified);
    log::begin();
}

/// Threads of this execution have roles of themselves.
pub(super) fn name_threads_in_order() {
    scene(|scene| scene.in_order = true);
}

/// Makes the caller the watcher. It must not join a thread before [`cancel`]: loom cannot unpark one that joins
/// (loom#249), which is why a user's model has no watcher.
pub fn attend() {
    let watcher = Some(step(thread::current));
    scene(|scene| scene.watcher = watcher);
}

/// Lets the watcher look again, and see all that the calling thread has done.
pub fn tell_watcher() {
    if let Some(watcher) = scene(|scene| scene.watcher.clone()) {
        step(|| watcher.unpark());
    }
}

/// The watcher's sleep: until somebody tells it, or goes to sleep.
pub fn watch() {
    step(thread::park);
}

/// Names the calling thread in what [`seen`] tells; a thread that was not named is role 0.
pub fn enter(role: usize) {
    step(|| ROLE.with(|mine| mine.set(role)));
}

/// The present execution's number.
#[inline]
pub(super) fn execution() -> u64 {
    scene(|scene| scene.execution)
}

/// How many threads have been started since [`begin`].
pub fn started() -> usize {
    scene(|scene| scene.started)
}

/// Whether every thread but main has ended or sleeps with no deadline.
pub fn all_rest() -> bool {
    scene(|scene| scene.sleepers.iter().filter(|sleeper| !sleeper.passing).count() >= scene.living)
}

/// Whether any thread has slept without a deadline since [`begin`].
pub fn slept() -> bool {
    scene(|scene| scene.slept)
}

/// The waits that have ended since [`begin`].
pub fn seen() -> Vec<Seen> {
    scene(|scene| scene.seen.clone())
}

/// Ends every sleep, now and from now on, by unwinding the sleeper with [`Cancelled`].
pub fn cancel() {
    let sleepers = scene(|scene| {
        scene.cancelled = true;
        scene.watcher = None;
        core::mem::take(&mut scene.sleepers)
    });
    sleepers.iter().for_each(Sleeper::rouse);
}

/// The steps of an execution, unless it is given more.
pub(super) const MAX_BRANCHES: usize = 10_000;

/// loom's settings, every one of them: its own defaults read the environment, which would change verdicts.
pub fn builder(preemptions: Option<usize>) -> Builder {
    let mut builder = Builder::new();
    builder.max_threads = 5;
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = preemptions;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

impl Living {
    pub(super) fn begin() -> Living {
        scene(|scene| {
            scene.started += 1;
            scene.living += 1;
            Living {
                role: scene.in_order.then_some(scene.started),
            }
        })
    }

    /// On the thread itself.
    pub(super) fn enter(&self) {
        self.role.into_iter().for_each(enter);
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        scene(|scene| scene.living -= 1);
        tell_watcher();
    }
}

impl Sleeper {
    pub(super) fn lie_down(word: &AtomicU32, passing: bool) -> Sleeper {
        let word = core::ptr::from_ref(word).addr();
        let sleeper = Sleeper {
            word,
            thread: step(thread::current),
            passing,
            woken: Rc::default(),
        };
        scene(|scene| {
            scene.slept |= !passing;
            scene.sleepers.push(sleeper.clone());
        });
        if !passing {
            tell_watcher();
        }
        sleeper
    }

    pub(super) fn get_up(&self) {
        scene(|scene| scene.sleepers.retain(|other| !Rc::ptr_eq(&other.woken, &self.woken)));
    }

    pub(super) fn is_woken(&self) -> bool {
        self.woken.get()
    }

    fn rouse(&self) {
        self.woken.set(true);
        step(|| self.thread.unpark());
    }
}

pub(super) fn wake(word: &AtomicU32, count: usize) -> usize {
    let word = core::ptr::from_ref(word).addr();
    let woken: Vec<Sleeper> = scene(|scene| {
        let mut left = count;
        let mut counted = |sleeper: &Sleeper| {
            let chosen = sleeper.word == word && left > 0;
            left -= usize::from(chosen);
            chosen
        };
        let (woken, asleep) = scene.sleepers.drain(..).partition(|sleeper| counted(sleeper));
        scene.sleepers = asleep;
        woken
    });
    woken.iter().for_each(Sleeper::rouse);
    woken.len()
}

/// The caller rests until somebody changes the object. It is no sleep: who spins still moves.
pub(super) fn spin(object: u32) {
    let thread = step(thread::current);
    let spinner = Sleeper {
        word: object as usize,
        thread,
        passing: true,
        woken: Rc::default(),
    };
    scene(|scene| scene.spinners.push(spinner.clone()));
    while !spinner.is_woken() {
        step(thread::park);
    }
}

/// Somebody has changed the object.
pub(super) fn look_again(object: u32) {
    let spinners: Vec<Sleeper> = scene(|scene| {
        let (on_it, others) = scene
            .spinners
            .drain(..)
            .partition(|spinner| spinner.word == object as usize);
        scene.spinners = others;
        on_it
    });
    spinners.iter().for_each(Sleeper::rouse);
}

pub(super) fn accesses_are_fresh() -> bool {
    scene(|scene| scene.accesses) == Accesses::Fresh
}

/// Whether a timed wait that was woken comes to look at its clock only when its time is over: callers must decide
/// by state first. The two ways of running a model take one half each.
pub(super) fn clocks_are_late() -> bool {
    accesses_are_fresh()
}

pub(super) fn record(timed: bool, wait: Wait) {
    let role = role();
    scene(|scene| scene.seen.push(Seen { role, timed, wait }));
}

pub(super) fn may_return_early() -> bool {
    scene(|scene| scene.waits) == Waits::Early && !step(|| WAS_EARLY.with(|was| was.replace(!was.get())))
}

pub(super) fn is_cancelled() -> bool {
    scene(|scene| scene.cancelled)
}

pub(super) fn unwind_if_cancelled() {
    if is_cancelled() {
        ::std::panic::resume_unwind(Box::new(Cancelled));
    }
}

/// The role of the calling thread, as [`enter`] has named it.
pub(super) fn role() -> usize {
    step(|| ROLE.try_with(Cell::get)).unwrap_or_default() // it may be dropped before others are
}

pub(super) fn next_object() -> u32 {
    scene(|scene| {
        scene.last_object += 1;
        scene.last_object
    })
}

pub(super) fn next_thread_id() -> NonZeroUsize {
    scene(|scene| {
        scene.last_id += 1;
        NonZeroUsize::new(scene.last_id).expect("counted from one")
    })
}
