//! `Barrier`: the index of each thread in its generation, and how often the action has run.

use crate::primitive::{Context, Options, Primitive, method_call};
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
    runs: Arc<AtomicU32>,
}

enum AnyBarrier {
    Plain(Barrier),
    Acting(Barrier<Box<dyn FnMut() + Send>>),
}

/// The number of threads in a generation, and whether there is an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    parties: usize,
    acts: bool,
}

/// The state of the barrier, and how often its action has run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    start: Start,
    barrier: barrier::Barrier,
    runs: u32,
}

/// A call of the barrier, or a load of the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Barrier(barrier::Call),
    Runs,
}

impl Spec for Counted {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        let Call::Barrier(call) = call else {
            return Step::Done(Count(self.runs));
        };
        let step = self.barrier.step(thread, call);
        let arrives = matches!(call, barrier::Call::Wait | barrier::Call::WaitTimeout);
        if self.start.acts && arrives && step == Step::Done(Count(self.start.parties as u32 - 1)) {
            self.runs += 1; // the last thread of the generation
        }
        step
    }

    fn is_timed(call: Call) -> bool {
        matches!(call, Call::Barrier(call) if barrier::Barrier::is_timed(call))
    }

    fn time_out(&mut self, thread: usize) -> Answer {
        self.barrier.time_out(thread)
    }

    fn observe(&self) -> Answer {
        self.barrier.observe()
    }
}

impl Primitive for Counting {
    type Start = Start;
    type Spec = Counted;
    type Guard<'a> = Infallible;

    const NAME: &'static str = "barrier";
    const THREADS: RangeInclusive<usize> = 2..=4;
    const RELEASE: Call = Call::Barrier(barrier::Call::Reset);
    const CALLS: &'static [(u32, Call)] = &[
        (12, Call::Barrier(barrier::Call::Wait)),
        (4, Call::Barrier(barrier::Call::WaitTimeout)),
        (1, Call::Barrier(barrier::Call::Abort)),
        (4, Call::Barrier(barrier::Call::Reset)),
    ];
    const OBSERVERS: &'static [Call] = &[
        Call::Barrier(barrier::Call::IsBroken),
        Call::Barrier(barrier::Call::Waiting),
        Call::Runs,
    ];
    const ANSWERS: &'static [Answer] = &[Done, TimedOut, Broken, Count(0), Count(1), Count(2)];

    fn starts() -> BoxedStrategy<Start> {
        let start = (prop_oneof![1 => Just(1usize), 4 => 2usize..=3], any::<bool>());
        start.prop_map(|(parties, acts)| Start { parties, acts }).boxed()
    }

    fn create(&start: &Start) -> (Counting, Counted, String) {
        let Start { parties, acts } = start;
        let runs = Arc::new(AtomicU32::new(0));
        let counter = runs.clone();
        let (barrier, line) = if acts {
            let barrier = Barrier::with_action(parties, Box::new(move || _ = counter.fetch_add(1, SeqCst)) as _);
            let line = format!("Barrier::with_action({parties}, || _ = runs.fetch_add(1, SeqCst));");
            (
                AnyBarrier::Acting(barrier),
                format!("let runs = AtomicU32::new(0); let barrier = {line}"),
            )
        } else {
            let line = format!("let barrier = Barrier::new({parties});");
            (AnyBarrier::Plain(Barrier::new(parties)), line)
        };
        let spec = Counted {
            start,
            barrier: barrier::Barrier::new(parties),
            runs: 0,
        };
        (Counting { barrier, runs }, spec, line)
    }

    fn perform(&self, call: Call, Context { options, .. }: Context<'_, Infallible>) -> Answer {
        match (call, &self.barrier) {
            (Call::Runs, _) => Count(self.runs.load(SeqCst)),
            (Call::Barrier(call), AnyBarrier::Plain(barrier)) => perform(barrier, call, options),
            (Call::Barrier(call), AnyBarrier::Acting(barrier)) => perform(barrier, call, options),
        }
    }

    fn code(call: Call, _: Options) -> String {
        match call {
            Call::Barrier(call) => method_call("barrier", call),
            Call::Runs => "runs.load(SeqCst)".into(),
        }
    }

    fn has_enqueued(&self, waiters: usize) -> bool {
        let waiting = match &self.barrier {
            AnyBarrier::Plain(barrier) => barrier.waiting(),
            AnyBarrier::Acting(barrier) => barrier.waiting(),
        };
        waiting == waiters
    }
}

fn perform<A: FnMut() + Send>(barrier: &Barrier<A>, call: barrier::Call, options: Options) -> Answer {
    let result = match call {
        barrier::Call::Wait => barrier.wait().map_err(|_| WaitError::Broken),
        barrier::Call::WaitTimeout => options.within(|time| barrier.wait_timeout(time), |at| barrier.wait_deadline(at)),
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
    match result {
        Ok(result) => {
            let is_last = result.index + 1 == barrier.parties();
            assert_eq!(
                result.is_leader, is_last,
                "exactly the last thread of a generation leads"
            );
            Count(result.index as u32)
        }
        Err(WaitError::TimedOut) => TimedOut,
        Err(WaitError::Broken) => Broken,
    }
}
