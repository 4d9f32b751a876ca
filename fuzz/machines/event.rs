//! `Event`: one `set` lets all go on.

use crate::primitive::{Hand, Primitive};
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

    const GIVES_BACK: Call = Call::Set;
    // An event is seldom set, or nobody would ever wait.
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Wait),
        (2, Call::Set),
        (4, Call::Clear),
        (6, Call::WaitTimeout),
        (1, Call::IsSet),
    ];
    const LOOKS: &'static [Call] = &[Call::IsSet];
    const ANSWERS: &'static [Answer] = &[Done, TimedOut, Is(false), Is(true)];

    fn starts() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn spec(_: &()) -> event::Event {
        event::Event::default()
    }

    fn object(_: &()) -> Event {
        Event::new()
    }

    fn making(_: &()) -> String {
        "let event = Event::new();".into()
    }

    fn perform(&self, call: Call, hand: Hand<'_, Infallible>) -> Answer {
        match call {
            Call::Wait => self.wait(),
            Call::WaitTimeout => {
                let set = hand
                    .manner
                    .within(|timeout| self.wait_timeout(timeout), |at| self.wait_deadline(at));
                return set.map_or(TimedOut, |()| Done);
            }
            Call::Set => self.set(),
            Call::Clear => self.clear(),
            Call::IsSet => return Is(self.is_set()),
        }
        Done
    }

    fn code(call: Call) -> String {
        let code = match call {
            Call::Wait | Call::WaitTimeout => "event.wait()",
            Call::Set => "event.set()",
            Call::Clear => "event.clear()",
            Call::IsSet => "event.is_set()",
        };
        code.into()
    }
}
