//! What the fuzzers need to know about a primitive.

use proptest::strategy::BoxedStrategy;
use selvedge::{Instant, TimedOut};
use spec::{Answer, Spec};
use std::convert::Infallible;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A call of the primitive's specification.
pub type Call<P> = <<P as Primitive>::Spec as Spec>::Call;

/// The message of a panic that [`Options::panics_at`] asks for.
pub const INJECTED_PANIC: &str = "the order of the items panicked";

/// A primitive of the kit and its specification.
pub trait Primitive: Send + Sync + Sized + 'static {
    /// The arguments of the constructor.
    type Start: Clone + Debug;
    /// The specification.
    type Spec: Spec<Call: Send> + 'static;
    /// What an acquire returns; [`Infallible`] if there are no guards.
    type Guard<'a>: Guard;

    /// The variable that holds the object in a reported program.
    const NAME: &'static str;
    /// How many threads use the object.
    const THREADS: RangeInclusive<usize> = 2..=3;
    /// How many runs there are for each case of proptest: more than one for a primitive that stands for several types.
    const RUNS: u32 = 1;
    /// The call that has the effect of dropping a guard. At the end of a run the harness makes the first call of
    /// `CLEANUP` and `RELEASE` that changes the state, repeatedly, until no thread is blocked.
    const RELEASE: Call<Self>;
    /// The weight of dropping a guard, beside the weights of the calls.
    const RELEASE_WEIGHT: u32 = 5;
    /// See `RELEASE`.
    const CLEANUP: &'static [Call<Self>] = &[];
    /// The calls with their weights. Failing runs shrink to the first ones.
    const CALLS: &'static [(u32, Call<Self>)];
    /// The calls that return a guard, with `Done` or with a count.
    const ACQUIRES: &'static [Call<Self>] = &[];
    /// The calls that observe the state without changing it. The harness makes them after every transition.
    const OBSERVERS: &'static [Call<Self>];
    /// Whether the object can still be released after its guard was forgotten.
    const FORGETS: bool = true;
    /// Whether some calls are made with [`Options::panics_at`].
    const PANICS: bool = false;
    /// The results of all calls: the generator must reach each of them.
    const ANSWERS: &'static [Answer];

    /// The arguments of the constructor, the simplest first.
    fn starts() -> BoxedStrategy<Self::Start>;
    /// The object, its specification, and the Rust code that creates it.
    fn create(start: &Self::Start) -> (Self, Self::Spec, String);
    /// Makes the call.
    fn perform<'a>(&'a self, call: Call<Self>, context: Context<'_, Self::Guard<'a>>) -> Answer;
    /// The call in Rust, without the timeout of a timed call.
    fn code(call: Call<Self>, _: Options) -> String {
        method_call(Self::NAME, call)
    }
    /// The call with an argument made from a random number, if it takes one.
    fn with_argument(call: Call<Self>, _random: u32) -> Call<Self> {
        call
    }
    /// The code of a call together with the code around it.
    fn surround(_: &Self::Start, _: Call<Self>, _: Options, code: String) -> String {
        code
    }
    /// Whether an object that was created like this has the call.
    fn offers(_: &Self::Start, _: Call<Self>, _: Options) -> bool {
        true
    }
    /// Whether exactly `waiters` threads are enqueued; true if their order does not matter. Does not block.
    fn has_enqueued(&self, waiters: usize) -> bool {
        let _ = waiters;
        true
    }
    /// The state after a call during which [`Options::panics_at`] took effect, given the state before it; none if the
    /// object is not in a state that the panic may leave.
    fn after_panic(&self, _before: &Self::Spec, _: Call<Self>) -> Option<Self::Spec> {
        None
    }
    /// Whether the object, which no thread uses any more, is in its final state.
    fn ends_as(self, _: &Self::Spec) -> bool {
        true
    }
}

/// `TryAcquire` becomes `lock.try_acquire()`, and `Release(2)` becomes `lock.release(2)`.
pub fn method_call(object: &str, call: impl Debug) -> String {
    let call = format!("{call:?}");
    let (name, arguments) = call.split_once('(').unwrap_or((&call, ")"));
    let mut method = String::new();
    for letter in name.trim_end_matches("Timeout").chars() {
        if letter.is_uppercase() && !method.is_empty() {
            method.push('_');
        }
        method.extend(letter.to_lowercase());
    }
    format!("{object}.{method}({arguments}")
}

/// A guard: dropping it releases the object.
pub trait Guard: Sized {
    /// Releases the object in one of two ways, if the guard has two.
    fn release(self, _variant: bool) {}
    /// [`Guard::release`] in Rust.
    fn release_code(_variant: bool) -> &'static str {
        "drop(guard)"
    }
    /// Leaves the object acquired.
    fn forget(self);
}

impl Guard for Infallible {
    fn forget(self) {
        match self {}
    }
}

/// How a call is made, where the specification makes no difference.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the thread keeps the guard. Otherwise it forgets it.
    pub keeps: bool,
    /// The timeout of a timed call: `Duration::MAX` never elapses, any other elapses if the call blocks.
    pub timeout: Duration,
    /// Whether a timed call gets a deadline instead of a timeout.
    pub by_deadline: bool,
    /// Whether the harness makes the next call without waiting until this one has blocked its thread.
    pub hurries: bool,
    /// Which of two equivalent forms the call takes, if it has two.
    pub variant: bool,
    /// How many comparisons of items succeed before one panics, if one does.
    pub panics_at: Option<u32>,
}

impl Options {
    /// The simplest ones.
    pub const PLAIN: Options = Options {
        keeps: false,
        timeout: Duration::ZERO,
        by_deadline: false,
        hurries: false,
        variant: false,
        panics_at: None,
    };

    /// Makes a timed call.
    pub fn within<R>(self, timeout: impl FnOnce(Duration) -> R, deadline: impl FnOnce(Instant) -> R) -> R {
        if self.by_deadline {
            deadline(Instant::now() + self.timeout)
        } else {
            timeout(self.timeout)
        }
    }

    /// The timeout or the deadline in Rust.
    pub fn time_code(self) -> String {
        let timeout = match self.timeout {
            Duration::ZERO => "Duration::ZERO".into(),
            Duration::MAX => "Duration::MAX".into(),
            timeout => format!("Duration::from_micros({})", timeout.as_micros()),
        };
        let now = if self.by_deadline { "Instant::now() + " } else { "" };
        format!("{now}{timeout}")
    }
}

/// The guards that a thread holds, and the options of its current call.
pub struct Context<'k, G> {
    /// The guard that was acquired last is released first.
    pub guards: &'k mut Vec<G>,
    /// How the thread makes the call.
    pub options: Options,
}

impl<G: Guard> Context<'_, G> {
    /// Keeps the guard or forgets it.
    pub fn take(self, guard: G) -> Answer {
        if self.options.keeps {
            self.guards.push(guard)
        } else {
            guard.forget()
        }
        Answer::Done
    }

    /// Takes the guard if there is one.
    pub fn try_take(self, guard: Option<G>) -> Answer {
        guard.map_or(Answer::Busy, |guard| self.take(guard))
    }

    /// Makes a timed call, and takes the guard if it returns one.
    pub fn take_within(
        self,
        timeout: impl FnOnce(Duration) -> Result<G, TimedOut>,
        deadline: impl FnOnce(Instant) -> Result<G, TimedOut>,
    ) -> Answer {
        let guard = self.options.within(timeout, deadline);
        guard.map_or(Answer::TimedOut, |guard| self.take(guard))
    }
}
