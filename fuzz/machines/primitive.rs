//! What the fuzzers must know about a primitive.

use proptest::strategy::BoxedStrategy;
use selvedge::{Instant, TimedOut};
use spec::{Answer, Spec};
use std::convert::Infallible;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A call of the primitive's specification.
pub type Call<P> = <<P as Primitive>::Spec as Spec>::Call;

/// A primitive of the kit beside its specification.
pub trait Primitive: Send + Sync + Sized + 'static {
    /// With what an object is made.
    type Start: Clone + Debug;
    /// What it means.
    type Spec: Spec<Call: Send> + 'static;
    /// What an acquire gives; [`Infallible`] if there is no such thing.
    type Guard<'a>: Guard;

    /// How many threads use it.
    const THREADS: RangeInclusive<usize> = 2..=3;
    /// What the drop of a guard does. It also ends every run, after `ENDS`: the first of these calls that changes anything,
    /// made as long as there is one, lets all who wait go on.
    const GIVES_BACK: Call<Self>;
    /// What must be done before, if giving back is not enough.
    const ENDS: &'static [Call<Self>] = &[];
    /// How often each call is made, and which there are. Those that say most of a failure come first.
    const CALLS: &'static [(u32, Call<Self>)];
    /// What anybody may look at after every transition.
    const LOOKS: &'static [Call<Self>];
    /// What each thread sees its own way.
    const OWN_LOOKS: &'static [Call<Self>] = &[];
    /// Whether a guard can be forgotten and the object still be released.
    const FORGETS: bool = true;
    /// All that calls can answer: the generator must reach each.
    const ANSWERS: &'static [Answer];

    /// Objects to begin with, the simplest first.
    fn starts() -> BoxedStrategy<Self::Start>;
    /// The specification of such an object.
    fn spec(start: &Self::Start) -> Self::Spec;
    /// Such an object.
    fn object(start: &Self::Start) -> Self;
    /// The line of Rust that makes it.
    fn making(start: &Self::Start) -> String;

    /// Makes the call.
    fn perform<'a>(&'a self, call: Call<Self>, hand: Hand<'_, Self::Guard<'a>>) -> Answer;
    /// The call in Rust; of a timed one, the form without a time.
    fn code(call: Call<Self>) -> String;
    /// The call in Rust, all of it, with what is done around it.
    fn surrounded(_: &Self::Start, _: Call<Self>, _: Manner, code: String) -> String {
        code
    }
    /// Whether the call gives a guard when it is `Done`, or counts what it gives.
    fn takes(_: Call<Self>) -> bool {
        false
    }
    /// Whether the call goes through a guard that the thread keeps.
    fn needs_guard(_: Call<Self>) -> bool {
        false
    }
    /// Whether so many stand in line, if it matters in which order they wait: then the next call may be made. It does not
    /// wait itself.
    fn has_in_line(&self, _waiters: usize) -> bool {
        true
    }
    /// Whether the object, given up by all, is as the specification says.
    fn ends_as(self, _: &Self::Spec) -> bool {
        true
    }
}

/// What dropping gives back.
pub trait Guard {
    /// Leaves it taken.
    fn forget(self);
}

impl Guard for Infallible {
    fn forget(self) {
        match self {}
    }
}

/// How a call is made, where the specification sees no difference.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Whether the guard is kept on its thread, or forgotten at once.
    pub keeps: bool,
    /// How long a timed call waits.
    pub patience: Patience,
    /// Whether a timed call is given a deadline instead of a timeout.
    pub by_deadline: bool,
    /// Whether others go on at once when the call has to wait, instead of letting its thread fall asleep.
    pub hurries: bool,
    /// Whether a lock is held that the call could do without.
    pub locked: bool,
}

impl Manner {
    /// The simplest.
    pub const PLAIN: Manner = Manner {
        keeps: false,
        patience: Patience::Zero,
        by_deadline: false,
        hurries: false,
        locked: false,
    };

    /// Makes a timed call.
    pub fn within<R>(self, timeout: impl FnOnce(Duration) -> R, deadline: impl FnOnce(Instant) -> R) -> R {
        let patience = self.patience.duration();
        if self.by_deadline {
            deadline(Instant::now() + patience)
        } else {
            timeout(patience)
        }
    }
}

/// How long a timed call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// One attempt.
    Zero,
    /// Long enough to fall asleep, and to give up soon.
    Brief,
    /// So long that it never gives up.
    Endless,
}

impl Patience {
    /// The duration.
    pub fn duration(self) -> Duration {
        match self {
            Patience::Zero => Duration::ZERO,
            Patience::Brief => Duration::from_millis(1),
            Patience::Endless => Duration::MAX,
        }
    }

    /// The duration in Rust.
    pub fn code(self) -> &'static str {
        match self {
            Patience::Zero => "Duration::ZERO",
            Patience::Brief => "Duration::from_millis(1)",
            Patience::Endless => "Duration::MAX",
        }
    }
}

/// The guards that a thread keeps, and how it makes the present call.
pub struct Hand<'k, G> {
    /// The last is dropped first.
    pub kept: &'k mut Vec<G>,
    /// How it makes the call.
    pub manner: Manner,
}

impl<G: Guard> Hand<'_, G> {
    /// Keeps the guard or forgets it.
    pub fn take(self, guard: G) -> Answer {
        if self.manner.keeps {
            self.kept.push(guard)
        } else {
            guard.forget()
        }
        Answer::Done
    }

    /// Takes the guard if there is one.
    pub fn try_take(self, guard: Option<G>) -> Answer {
        guard.map_or(Answer::Busy, |guard| self.take(guard))
    }

    /// Makes a timed call, and takes the guard if it gives one.
    pub fn take_within(
        self,
        timeout: impl FnOnce(Duration) -> Result<G, TimedOut>,
        deadline: impl FnOnce(Instant) -> Result<G, TimedOut>,
    ) -> Answer {
        self.manner
            .within(timeout, deadline)
            .map_or(Answer::TimedOut, |guard| self.take(guard))
    }
}
