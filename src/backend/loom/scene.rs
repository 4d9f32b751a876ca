//! The state of the current execution that loom does not keep: blocked threads by address, thread roles, ids.
//!
//! loom runs the threads of a model one at a time on one system thread, so plain
//! memory is enough. No borrow of the state is held across a call into loom.

use super::verdict::{Cancelled, step};
use crate::backend::futex::Wait;
use ::loom::thread;
use ::std::cell::{Cell, RefCell};
use ::std::num::NonZeroUsize;
use ::std::rc::Rc;
use ::std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How atomic loads and stores run in the current execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accesses {
    /// As loads and stores. A load may return any value that the memory model allows, also a stale one. But loom then
    /// misses some interleavings.
    #[default]
    Stale,
    /// As read-modify-writes. A load returns the newest value, and loom tries every interleaving.
    Fresh,
}

impl Accesses {
    /// A model runs both ways, because each finds bugs that the other cannot.
    pub const BOTH: [Accesses; 2] = [Accesses::Stale, Accesses::Fresh];
}

/// Whether futex waits return early in the current execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waits {
    /// Only a wake, a changed word or a deadline ends a wait.
    #[default]
    Exact,
    /// Every other wait of a thread is a spurious wake-up, as a signal or a late wake makes it in production.
    Early,
}

/// How locks are acquired and released in the current execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locks {
    /// By the full lock model: the steps that also run in production.
    #[default]
    Full,
    /// By the abstract lock, in one step. For models of code that uses a lock whose own laws are checked separately.
    Abstract,
}

/// A futex wait that has ended: the role of the thread, whether the wait had a deadline, and the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitRecord {
    pub role: usize,
    pub timed: bool,
    pub wait: Wait,
}

/// A thread that waits for a wake of an address, or for a change of an object.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    /// The address of the futex word, or the number of the object.
    key: usize,
    thread: thread::Thread,
    /// Whether the wait can end without a wake: it has a deadline, or returns early.
    may_end_unwoken: bool,
    is_woken: Rc<Cell<bool>>,
}

/// A thread that was spawned and that has not yet ended and dropped its thread-locals.
#[derive(Debug)]
pub struct Living {
    role: Option<usize>,
}

#[derive(Default)]
struct Scene {
    watcher: Option<thread::Thread>,
    blocked: Vec<Blocked>,
    spinning: Vec<Blocked>,
    /// The number of the execution, unique in the process. Zero outside a model.
    execution: u64,
    spawned: usize,
    living: usize,
    wait_records: Vec<WaitRecord>,
    has_blocked: bool,
    last_thread_id: usize,
    last_object: u32,
    /// The number of the word that the abstract lock replaces.
    abstract_lock: Option<u32>,
    accesses: Accesses,
    waits: Waits,
    locks: Locks,
    is_cancelled: bool,
    /// Whether each thread's role is its ordinal in the order of the spawns.
    numbers_threads: bool,
}

thread_local!(static SCENE: RefCell<Scene> = RefCell::default());

/// The executions of all models in the process.
static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

::loom::thread_local! {
    static ROLE: Cell<usize> = Cell::new(0);
    static WAS_EARLY: Cell<bool> = Cell::new(false);
}

fn scene<R>(access: impl FnOnce(&mut Scene) -> R) -> R {
    SCENE.with_borrow_mut(access)
}

/// Resets the state for a new execution, without blocked threads and without a watcher.
pub(super) fn begin(accesses: Accesses, waits: Waits, locks: Locks) {
    let execution = EXECUTIONS.fetch_add(1, Relaxed) + 1;
    scene(|scene| {
        *scene = Scene {
            execution,
            accesses,
            waits,
            locks,
            ..Scene::default()
        }
    });
}

/// Gives each thread of this execution its ordinal as its role.
pub(super) fn number_threads() {
    scene(|scene| scene.numbers_threads = true);
}

/// Makes the calling thread the watcher: the thread that waits for the others to end or
/// block. It must not join a thread before [`cancel`], because loom cannot unpark a
/// thread that joins (loom#249). For that reason a user's model has no watcher.
pub fn become_watcher() {
    let watcher = Some(step(thread::current));
    scene(|scene| scene.watcher = watcher);
}

/// Unparks the watcher. All writes of the calling thread are then visible to the watcher.
fn notify_watcher() {
    if let Some(watcher) = scene(|scene| scene.watcher.clone()) {
        step(|| watcher.unpark());
    }
}

/// Parks the watcher until a thread ends, or blocks without a deadline.
pub fn park_watcher() {
    step(thread::park);
}

/// Sets the role of the calling thread. A thread without a role has role 0.
pub fn set_role(role: usize) {
    step(|| ROLE.with(|current| current.set(role)));
}

/// The role of the calling thread.
pub(super) fn role() -> usize {
    step(|| ROLE.try_with(Cell::get)).unwrap_or_default() // loom may drop it before other thread-locals
}

/// The number of the current execution.
#[inline]
pub(super) fn execution() -> u64 {
    scene(|scene| scene.execution)
}

/// The number of threads that were spawned in this execution.
pub fn spawned() -> usize {
    scene(|scene| scene.spawned)
}

/// Whether every thread but main has ended or is blocked without a deadline.
pub fn is_quiescent() -> bool {
    scene(|scene| scene.blocked.iter().filter(|blocked| !blocked.may_end_unwoken).count() >= scene.living)
}

/// Whether any thread has blocked without a deadline in this execution.
pub fn has_blocked() -> bool {
    scene(|scene| scene.has_blocked)
}

/// The waits of this execution that have ended.
pub fn wait_records() -> Vec<WaitRecord> {
    scene(|scene| scene.wait_records.clone())
}

pub(super) fn record_wait(timed: bool, wait: Wait) {
    let role = role();
    scene(|scene| scene.wait_records.push(WaitRecord { role, timed, wait }));
}

/// Cancels the model: unwinds each blocked thread with [`Cancelled`], and each thread that blocks from now on.
pub fn cancel() {
    let blocked = scene(|scene| {
        scene.is_cancelled = true;
        scene.watcher = None;
        core::mem::take(&mut scene.blocked)
    });
    blocked.iter().for_each(Blocked::unblock);
}

pub(super) fn is_cancelled() -> bool {
    scene(|scene| scene.is_cancelled)
}

pub(super) fn unwind_if_cancelled() {
    if is_cancelled() {
        ::std::panic::resume_unwind(Box::new(Cancelled));
    }
}

impl Living {
    /// Called by the spawning thread.
    pub(super) fn begin() -> Living {
        scene(|scene| {
            scene.spawned += 1;
            scene.living += 1;
            Living {
                role: scene.numbers_threads.then_some(scene.spawned),
            }
        })
    }

    /// Called by the spawned thread: takes its role.
    pub(super) fn take_role(&self) {
        self.role.into_iter().for_each(set_role);
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        scene(|scene| scene.living -= 1);
        notify_watcher();
    }
}

impl Blocked {
    fn new(key: usize, may_end_unwoken: bool) -> Blocked {
        Blocked {
            key,
            thread: step(thread::current),
            may_end_unwoken,
            is_woken: Rc::default(),
        }
    }

    /// Registers the calling thread as blocked on the word at this address.
    pub(super) fn enqueue(address: usize, may_end_unwoken: bool) -> Blocked {
        let blocked = Blocked::new(address, may_end_unwoken);
        scene(|scene| {
            scene.has_blocked |= !may_end_unwoken;
            scene.blocked.push(blocked.clone());
        });
        if !may_end_unwoken {
            notify_watcher();
        }
        blocked
    }

    /// Removes the calling thread, whose wait ends without a wake.
    pub(super) fn dequeue(&self) {
        scene(|scene| {
            scene
                .blocked
                .retain(|other| !Rc::ptr_eq(&other.is_woken, &self.is_woken))
        });
    }

    pub(super) fn is_woken(&self) -> bool {
        self.is_woken.get()
    }

    fn unblock(&self) {
        self.is_woken.set(true);
        step(|| self.thread.unpark());
    }
}

/// Wakes up to `count` threads that are blocked on the word at this address. Returns their number.
pub(super) fn wake(address: usize, count: usize) -> usize {
    let woken: Vec<Blocked> = scene(|scene| {
        let mut left = count;
        let mut choose = |blocked: &Blocked| {
            let is_chosen = blocked.key == address && left > 0;
            left -= usize::from(is_chosen);
            is_chosen
        };
        let (woken, others) = scene.blocked.drain(..).partition(|blocked| choose(blocked));
        scene.blocked = others;
        woken
    });
    woken.iter().for_each(Blocked::unblock);
    woken.len()
}

/// Parks the calling thread until the value of the object changes. The thread does not count as blocked, because in
/// production it spins.
pub(super) fn await_change(object: u32) {
    let spinning = Blocked::new(object as usize, true);
    scene(|scene| scene.spinning.push(spinning.clone()));
    while !spinning.is_woken() {
        step(thread::park);
    }
}

/// Unparks the threads that wait for a change of the object.
pub(super) fn notify_change(object: u32) {
    let spinning: Vec<Blocked> = scene(|scene| {
        let (on_object, others) = scene
            .spinning
            .drain(..)
            .partition(|spinning| spinning.key == object as usize);
        scene.spinning = others;
        on_object
    });
    spinning.iter().for_each(Blocked::unblock);
}

pub(super) fn accesses_are_fresh() -> bool {
    scene(|scene| scene.accesses) == Accesses::Fresh
}

/// Whether a timed wait that is woken, or finds the word changed, returns only after its deadline. This detects a
/// caller that checks the clock before the state. It is true in one of the two runs of a model.
pub(super) fn waits_end_late() -> bool {
    accesses_are_fresh()
}

/// Decides whether the next wait of the calling thread returns early.
pub(super) fn next_wait_is_early() -> bool {
    scene(|scene| scene.waits) == Waits::Early && !step(|| WAS_EARLY.with(|was| was.replace(!was.get())))
}

pub(super) fn locks_are_abstract() -> bool {
    scene(|scene| scene.locks) == Locks::Abstract
}

/// Makes the word with this number the one that the abstract lock replaces.
pub(super) fn set_abstract_lock(number: u32) {
    let known = scene(|scene| *scene.abstract_lock.get_or_insert(number));
    assert!(known == number, "a model with the abstract lock has more than one lock");
}

/// Called by each operation on a word.
#[inline]
pub(super) fn assert_not_abstract_lock(number: u32) {
    if scene(|scene| scene.abstract_lock) == Some(number) {
        panic!("an atomic operation on a word that the abstract lock replaces");
    }
}

pub(super) fn next_object() -> u32 {
    scene(|scene| {
        scene.last_object += 1;
        scene.last_object
    })
}

pub(super) fn next_thread_id() -> NonZeroUsize {
    scene(|scene| {
        scene.last_thread_id += 1;
        NonZeroUsize::new(scene.last_thread_id).expect("the counter starts at one")
    })
}
