//! `Barrier`: the index of each thread in its generation, and how often the action has run.

use crate::primitive::{Context, Options, Primitive};
use proptest::prelude::*;
use selvedge::Barrier;
use selvedge::sync::WaitError;
use spec::Answer::{self, Broken, Count, Done, Is, TimedOut};
use spec::barrier::{self, Call};
use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

crate::fuzzers!(Subject);

/// A barrier, how many of its generations are complete, and how often its action has run.
pub struct Subject {
    barrier: AnyBarrier,
    generations: AtomicU32,
    runs: Arc<AtomicU32>,
}

enum AnyBarrier {
    Plain(Barrier),
    Acting(Barrier<Box<dyn FnMut() + Send>>),
}

impl Primitive for Subject {
    /// The number of threads in a generation, and whether there is an action.
    type Start = (usize, bool);
    type Spec = barrier::Barrier;
    type Guard<'a> = Infallible;

    const NAME: &'static str = "barrier";
    const THREADS: RangeInclusive<usize> = 2..=4;
    const RELEASE: Call = Call::Reset;
    const CALLS: &'static [(u32, Call)] = &[
        (12, Call::Wait),
        (4, Call::WaitTimeout),
        (1, Call::Abort),
        (4, Call::Reset),
    ];
    const OBSERVERS: &'static [Call] = &[Call::IsBroken, Call::Waiting];
    const ANSWERS: &'static [Answer] = &[Done, TimedOut, Broken, Count(0), Count(1), Count(2)];

    fn starts() -> BoxedStrategy<(usize, bool)> {
        (prop_oneof![1 => Just(1), 4 => 2_usize..=3], any::<bool>()).boxed()
    }

    fn create(&(parties, acts): &(usize, bool)) -> (Subject, barrier::Barrier, String) {
        let runs = Arc::new(AtomicU32::new(0));
        let counter = runs.clone();
        let action: Box<dyn FnMut() + Send> = Box::new(move || _ = counter.fetch_add(1, SeqCst));
        let (barrier, constructor) = match acts {
            true => (
                AnyBarrier::Acting(Barrier::with_action(parties, action)),
                format!("with_action({parties}, || ())"),
            ),
            false => (AnyBarrier::Plain(Barrier::new(parties)), format!("new({parties})")),
        };
        let generations = AtomicU32::new(0);
        let subject = Subject {
            barrier,
            generations,
            runs,
        };
        let line = format!("let barrier = Barrier::{constructor};");
        (subject, barrier::Barrier::new(parties), line)
    }

    fn perform(&self, call: Call, Context { options, .. }: Context<'_, Infallible>) -> Answer {
        match &self.barrier {
            AnyBarrier::Plain(barrier) => self.perform_on(barrier, call, options, 0),
            AnyBarrier::Acting(barrier) => self.perform_on(barrier, call, options, 1),
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

impl Subject {
    /// Makes the call on a barrier with this many actions.
    fn perform_on<A>(&self, barrier: &Barrier<A>, call: Call, options: Options, actions: u32) -> Answer
    where
        A: FnMut() + Send,
    {
        let result = match call {
            Call::Wait => barrier.wait().map_err(|_| WaitError::Broken),
            Call::WaitTimeout => options.within(|time| barrier.wait_timeout(time), |at| barrier.wait_deadline(at)),
            Call::Abort => {
                barrier.abort();
                return Done;
            }
            Call::Reset => {
                barrier.reset();
                return Done;
            }
            Call::Waiting => {
                // The harness makes this call while every other call is blocked, so both counters are up to date.
                let expected = actions * self.generations.load(SeqCst);
                assert_eq!(self.runs.load(SeqCst), expected, "the action runs once per generation");
                return Count(barrier.waiting() as u32);
            }
            Call::IsBroken => return Is(barrier.is_broken()),
        };
        match result {
            Ok(result) => {
                let is_last = result.index + 1 == barrier.parties();
                assert_eq!(result.is_leader, is_last, "only the last thread of a generation leads");
                self.generations.fetch_add(is_last.into(), SeqCst);
                Count(result.index as u32)
            }
            Err(WaitError::TimedOut) => TimedOut,
            Err(WaitError::Broken) => Broken,
        }
    }
}
