//! What each primitive means, as a small sequential machine: no threads, no memory, nothing of the kit.
//!
//! The fuzzers hold real objects to these machines, and the models of `loom-tests` hold every interleaving to
//! [`outcomes`].

use std::collections::BTreeSet;
use std::fmt::Debug;

pub mod barrier;
pub mod condition;
pub mod event;
pub mod lock;
pub mod queue;
pub mod rlock;
pub mod semaphore;

/// What a call gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It did what it says.
    Done,
    /// It would have had to wait, and may not.
    Busy,
    /// It waited for nothing.
    TimedOut,
    /// A release without an acquire.
    NotHeld,
    /// A release beyond the limit.
    OverReleased,
    /// An acquire beyond the limit.
    TooDeep,
    /// A barrier, or its round, is broken.
    Broken,
    /// A queue is shut down.
    ShutDown,
    /// More items were to be counted done than had been put.
    TooManyDone,
    /// A job has not run, and will not.
    Cancelled,
    /// A thread has ended by a panic.
    Panicked,
    /// Several items, or numbers, as one.
    Items(u64),
    /// A yes or a no.
    Is(bool),
    /// A number.
    Count(u32),
    /// It waits for ever.
    Blocked,
}

/// What a call does in the present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It takes effect and returns.
    Done(Answer),
    /// It waits. Nothing has changed, unless who waits, and since when, is part of the machine's meaning.
    WouldBlock,
}

/// A sequential machine: the whole meaning of a primitive.
pub trait Spec: Clone + Debug + Ord {
    /// A call with its arguments.
    type Call: Copy + Debug + Ord;

    /// `thread` makes `call`; or, if it waits in it, tries to return.
    fn step(&mut self, thread: usize, call: Self::Call) -> Step;

    /// Whether the call gives up when its time is over instead of waiting for ever.
    fn is_timed(call: Self::Call) -> bool;

    /// The time of the timed call in which `thread` waits is over. It answers, and nothing else has changed but that it does
    /// not wait any more; unless, as for a barrier, that means something.
    fn give_up(&mut self, thread: usize) -> Answer {
        let _ = thread;
        Answer::TimedOut
    }

    /// What can be seen of the state from outside, by a thread that holds nothing.
    fn observe(&self) -> Answer;
}

/// How a program ended: each thread's answers in order, the last one `Blocked` if it never returned, and what
/// could be observed when nothing moved any more.
pub type Outcome = (Vec<Vec<Answer>>, Answer);

/// Every way in which threads that make these calls, one list a thread, can end: the machine takes one whole
/// call at a time, in any order. A timed call may time out only where it would block, and a call is left
/// blocked only when nobody can move.
pub fn outcomes<S: Spec>(start: &S, programs: &[Vec<S::Call>]) -> BTreeSet<Outcome> {
    let mut found = BTreeSet::new();
    let mut visited = BTreeSet::new();
    let mut open = vec![(start.clone(), vec![Vec::new(); programs.len()])];
    while let Some((state, answers)) = open.pop() {
        if !visited.insert((state.clone(), answers.clone())) {
            continue;
        }
        let mut moved = false;
        for (thread, program) in programs.iter().enumerate() {
            let Some(&call) = program.get(answers[thread].len()) else {
                continue;
            };
            let mut next = state.clone();
            let answer = match next.step(thread, call) {
                Step::Done(answer) => Some(answer),
                Step::WouldBlock => {
                    if next != state {
                        open.push((next.clone(), answers.clone())); // it waits from now on
                        moved = true;
                    }
                    S::is_timed(call).then(|| next.give_up(thread))
                }
            };
            let Some(answer) = answer else { continue };
            let mut answers: Vec<Vec<Answer>> = answers.clone();
            answers[thread].push(answer);
            open.push((next, answers));
            moved = true;
        }
        if !moved {
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
