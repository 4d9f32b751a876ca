//! The sequential specification of each primitive: a small state machine without threads and without code of the kit.
//!
//! The fuzzers compare real objects with these machines. The models of `loom-tests` compare the outcomes of all
//! interleavings with [`outcomes`].

use std::collections::BTreeSet;
use std::fmt::Debug;

pub mod barrier;
pub mod condition;
pub mod event;
pub mod lock;
pub mod queue;
pub mod rlock;
pub mod semaphore;

/// What a call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Success, without a value.
    Done,
    /// A call that never blocks would have had to block.
    Busy,
    /// The timeout elapsed.
    TimedOut,
    /// A release without an acquire.
    NotHeld,
    /// A release beyond the limit.
    OverReleased,
    /// An acquire beyond the limit.
    TooDeep,
    /// A barrier, or one of its generations, is broken.
    Broken,
    /// A queue is shut down.
    ShutDown,
    /// `task_done` was called more often than items were put.
    TooManyDone,
    /// A job was cancelled before it ran.
    Cancelled,
    /// A thread or a job panicked.
    Panicked,
    /// Several items or numbers, encoded as one number.
    Items(u64),
    /// A truth value.
    Is(bool),
    /// A number.
    Count(u32),
    /// The call never returns.
    Blocked,
}

/// What a call does in the current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The call takes effect and returns.
    Done(Answer),
    /// The call blocks. The state is unchanged, except where the machine records its waiters.
    WouldBlock,
}

/// A sequential state machine that specifies a primitive.
pub trait Spec: Clone + Debug + Ord {
    /// A call with its arguments.
    type Call: Copy + Debug + Ord;

    /// Performs `call` on `thread`. A thread that is blocked in `call` repeats it in order to return.
    fn step(&mut self, thread: usize, call: Self::Call) -> Step;

    /// Whether the call has a timeout.
    fn is_timed(call: Self::Call) -> bool;

    /// Ends the timed call in which `thread` is blocked, because its timeout elapsed; returns the result
    /// of the call. The thread is no longer a waiter. Only a barrier changes otherwise: it breaks.
    fn time_out(&mut self, thread: usize) -> Answer {
        let _ = thread;
        Answer::TimedOut
    }

    /// What a thread that holds nothing can observe of the state.
    fn observe(&self) -> Answer;
}

/// How a program ended: the results of each thread in order, the last one `Blocked` if the call never returned, and
/// what [`Spec::observe`] returns in the final state.
pub type Outcome = (Vec<Vec<Answer>>, Answer);

/// All outcomes of a program with one list of calls per thread: the calls run one at a time, in any order. A timed call
/// may time out only in a state in which it blocks. A call stays blocked only if no thread can proceed.
pub fn outcomes<S: Spec>(start: &S, programs: &[Vec<S::Call>]) -> BTreeSet<Outcome> {
    let mut found = BTreeSet::new();
    let mut visited = BTreeSet::new();
    let mut open = vec![(start.clone(), vec![Vec::new(); programs.len()])];
    while let Some((state, answers)) = open.pop() {
        if !visited.insert((state.clone(), answers.clone())) {
            continue;
        }
        let mut proceeded = false;
        for (thread, program) in programs.iter().enumerate() {
            let Some(&call) = program.get(answers[thread].len()) else {
                continue;
            };
            let mut next = state.clone();
            let answer = match next.step(thread, call) {
                Step::Done(answer) => Some(answer),
                Step::WouldBlock => {
                    if next != state {
                        open.push((next.clone(), answers.clone())); // the thread is now a waiter
                        proceeded = true;
                    }
                    S::is_timed(call).then(|| next.time_out(thread))
                }
            };
            let Some(answer) = answer else { continue };
            let mut answers: Vec<Vec<Answer>> = answers.clone();
            answers[thread].push(answer);
            open.push((next, answers));
            proceeded = true;
        }
        if !proceeded {
            let mut answers = answers;
            for (answers, program) in answers.iter_mut().zip(programs) {
                if answers.len() < program.len() {
                    answers.push(Answer::Blocked);
                }
            }
            found.insert((answers, state.observe()));
        }
    }
    found
}
