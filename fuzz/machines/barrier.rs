//! `Barrier`: each party's place in its round, and how often the action has run.

use crate::primitive::{Hand, Manner, Primitive};
use proptest::prelude::*;
use selvedge::Barrier;
use selvedge::sync::WaitError;
use spec::Answer::{self, Broken, Count, Done, Is, TimedOut};
use spec::{Spec, Step, barrier};
use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

crate::fuzzers!(Counting);

/// A barrier, and how often its action has run.
pub struct Counting {
    barrier: AnyBarrier,
    rounds: Arc<AtomicU32>,
}

enum AnyBarrier {
    Plain(Barrier),
    Acting(Barrier<Box<dyn FnMut() + Send>>),
}

/// For how many, and whether there is an action, which counts its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    parties: usize,
    acts: bool,
}

/// The barrier, and how many rounds its action has seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    start: Start,
    barrier: barrier::Barrier,
    rounds: u32,
}

/// A call of the barrier, or a look at the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Barrier(barrier::Call),
    Rounds,
}

impl Spec for Counted {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        let Call::Barrier(call) = call else {
            return Step::Done(Count(self.rounds));
        };
        let step = self.barrier.step(thread, call);
        let comes = matches!(call, barrier::Call::Wait | barrier::Call::WaitTimeout);
        if self.start.acts && comes && step == Step::Done(Count(self.start.parties as u32 - 1)) {
            self.rounds += 1; // it came last
        }
        step
    }

    fn is_timed(call: Call) -> bool {
        matches!(call, Call::Barrier(call) if barrier::Barrier::is_timed(call))
    }

    fn give_up(&mut self, thread: usize) -> Answer {
        self.barrier.give_up(thread)
    }

    fn observe(&self) -> Answer {
        self.barrier.observe()
    }
}

impl Primitive for Counting {
    type Start = Start;
    type Spec = Counted;
    type Guard<'a> = Infallible;

    const THREADS: RangeInclusive<usize> = 2..=4;
    const GIVES_BACK: Call = Call::Barrier(barrier::Call::Reset);
    const CALLS: &'static [(u32, Call)] = &[
        (12, Call::Barrier(barrier::Call::Wait)),
        (4, Call::Barrier(barrier::Call::WaitTimeout)),
        (1, Call::Barrier(barrier::Call::Abort)),
        (4, Call::Barrier(barrier::Call::Reset)),
    ];
    const LOOKS: &'static [Call] = &[
        Call::Barrier(barrier::Call::IsBroken),
        Call::Barrier(barrier::Call::Waiting),
        Call::Rounds,
    ];
    const ANSWERS: &'static [Answer] = &[Done, TimedOut, Broken, Count(0), Count(1), Count(2)];

    fn starts() -> BoxedStrategy<Start> {
        let parties = prop_oneof![1 => Just(1usize), 4 => 2usize..=3];
        (parties, any::<bool>())
            .prop_map(|(parties, acts)| Start { parties, acts })
            .boxed()
    }

    fn spec(&start: &Start) -> Counted {
        Counted {
            start,
            barrier: barrier::Barrier::new(start.parties),
            rounds: 0,
        }
    }

    fn object(&Start { parties, acts }: &Start) -> Counting {
        let rounds = Arc::new(AtomicU32::new(0));
        let barrier = if acts {
            let rounds = rounds.clone();
            let count = move || _ = rounds.fetch_add(1, SeqCst);
            AnyBarrier::Acting(Barrier::with_action(parties, Box::new(count)))
        } else {
            AnyBarrier::Plain(Barrier::new(parties))
        };
        Counting { barrier, rounds }
    }

    fn making(&Start { parties, acts }: &Start) -> String {
        if acts {
            let count = "|| _ = rounds.fetch_add(1, SeqCst)";
            format!("let rounds = AtomicU32::new(0); let barrier = Barrier::with_action({parties}, {count});")
        } else {
            format!("let barrier = Barrier::new({parties});")
        }
    }

    fn perform(&self, call: Call, Hand { manner, .. }: Hand<'_, Infallible>) -> Answer {
        match (call, &self.barrier) {
            (Call::Rounds, _) => Count(self.rounds.load(SeqCst)),
            (Call::Barrier(call), AnyBarrier::Plain(barrier)) => perform(barrier, call, manner),
            (Call::Barrier(call), AnyBarrier::Acting(barrier)) => perform(barrier, call, manner),
        }
    }

    fn code(call: Call) -> String {
        let code = match call {
            Call::Barrier(barrier::Call::Wait | barrier::Call::WaitTimeout) => "barrier.wait()",
            Call::Barrier(barrier::Call::Abort) => "barrier.abort()",
            Call::Barrier(barrier::Call::Reset) => "barrier.reset()",
            Call::Barrier(barrier::Call::Waiting) => "barrier.waiting()",
            Call::Barrier(barrier::Call::IsBroken) => "barrier.is_broken()",
            Call::Rounds => "rounds.load(SeqCst)",
        };
        code.into()
    }

    fn has_in_line(&self, waiters: usize) -> bool {
        let in_line = match &self.barrier {
            AnyBarrier::Plain(barrier) => barrier.waiting(),
            AnyBarrier::Acting(barrier) => barrier.waiting(),
        };
        in_line == waiters
    }
}

fn perform<A: FnMut() + Send>(barrier: &Barrier<A>, call: barrier::Call, manner: Manner) -> Answer {
    let turn = match call {
        barrier::Call::Wait => barrier.wait().map_err(|_| WaitError::Broken),
        barrier::Call::WaitTimeout => {
            manner.within(|timeout| barrier.wait_timeout(timeout), |at| barrier.wait_deadline(at))
        }
        barrier::Call::Abort => {
            barrier.abort();
            return Done;
        }
        barrier::Call::Reset => {
            barrier.reset();
            return Done;
        }
        barrier::Call::Waiting => return Count(barrier.waiting() as u32),
        barrier::Call::IsBroken => return Is(barrier.is_broken()),
    };
    match turn {
        Ok(turn) => {
            assert_eq!(
                turn.is_leader,
                turn.index + 1 == barrier.parties(),
                "the last party, and no other, leads"
            );
            Count(turn.index as u32)
        }
        Err(WaitError::TimedOut) => TimedOut,
        Err(WaitError::Broken) => Broken,
    }
}
