//! `Event`: one `set` releases all waiters.

use crate::primitive::{Context, Primitive};
use proptest::prelude::*;
use selvedge::Event;
use spec::Answer::{self, Done, Is, TimedOut};
use spec::event::{self, Call};
use std::convert::Infallible;

crate::fuzzers!(Event);

impl Primitive for Event {
    type Start = ();
    type Spec = event::Event;
    type Guard<'a> = Infallible;

    const NAME: &'static str = "event";
    const RELEASE: Call = Call::Set;
    // With more sets, no thread would block.
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Wait),
        (2, Call::Set),
        (4, Call::Clear),
        (6, Call::WaitTimeout),
        (1, Call::IsSet),
    ];
    const OBSERVERS: &'static [Call] = &[Call::IsSet];
    const ANSWERS: &'static [Answer] = &[Done, TimedOut, Is(false), Is(true)];

    fn starts() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn create(_: &()) -> (Event, event::Event, String) {
        (
            Event::new(),
            event::Event::default(),
            "let event = Event::new();".into(),
        )
    }

    fn perform(&self, call: Call, Context { options, .. }: Context<'_, Infallible>) -> Answer {
        match call {
            Call::Wait => self.wait(),
            Call::WaitTimeout => {
                let waited = options.within(|time| self.wait_timeout(time), |at| self.wait_deadline(at));
                return waited.map_or(TimedOut, |()| Done);
            }
            Call::Set => self.set(),
            Call::Clear => self.clear(),
            Call::IsSet => return Is(self.is_set()),
        }
        Done
    }
}
