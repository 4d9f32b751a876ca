//! What the explorer says of a failure, in words that name the cause and the remedy.

pub(super) const STACK: &str = "a thread of the model has overflowed its stack. That of the main thread has 32 KiB, those of \
    others 256 KiB: let a thread do what needs more, with `Builder::stack_size`, or keep large values in a `Box`";

pub(super) const STUCK: &str = "no thread of the model has made a step for 10 seconds. All of them run in turn on one thread of \
    the system, so one that blocks outside the kit (a lock, a channel or a join of std's, a sleep, a read) blocks them all: \
    use the kit's own; and a loop that waits must do so by a step, such as `hint::spin_until`";

pub(super) const LOST: &str = "this panic has ended a job, a callback, a timer or a thread, and the program does not learn of it. \
    If the model expects it, ask for it (`Job::result`), or catch it where it begins";

pub(super) const STRANGER: &str = "an object is used that was made in another execution, or outside the model. A model begins \
    each execution anew, but a `static` of std's (`LazyLock`, `OnceLock`, `thread_local!`) keeps what the first has made: \
    declare it with `selvedge::backend::global!` or `local!`, or make the object in the model's body";

const THREADS: &str = "the model has too many threads: five at most, with the main thread, and the workers of its pools and the \
    threads of its timers count";

const BRANCHES: &str = "an execution has too many steps. Either it has no end: a loop around a timed wait, for each wait may \
    time out again (bound its rounds); a `Timer::every` that is not cancelled (start it for a number of runs); a loop that \
    polls (use `hint::spin_until`). Or the model is too large: give it fewer threads and steps, or raise \
    `Model::max_branches`";

const STATICS: &str = "a static is used when the model's body has returned, which drops all of them, in no order. Let the threads \
    that use it end before that; and an object whose drop uses the kit's own statics, such as a `ThreadPool`, belongs in the body";

/// What is to be said instead of the explorer's own words.
pub(super) fn of(text: &str) -> Option<String> {
    let text = text.trim();
    let says = |part: &str| text.contains(part);
    let remedy = match () {
        () if says("Model exceeded maximum number of branches") => BRANCHES.to_owned(),
        () if says("self.threads.len() < self.max()") || says("threads.len() < self.max_threads") => THREADS.to_owned(),
        () if says("cannot access Loom execution state from outside") => STACK.to_owned(),
        () if says("access lazy_static during shutdown") => STATICS.to_owned(),
        () if text.starts_with("deadlock; threads") => DEADLOCK.to_owned(),
        () if says("Causality violation") && says("mut accesses") => format!("a data race: {OWNER}\n{text}"),
        () if says("Causality violation") => format!("a data race: {RACE}\n{text}"),
        () => return None,
    };
    Some(remedy)
}

const DEADLOCK: &str = "a deadlock: each thread that has not ended is blocked for ever";

const OWNER: &str = "a thread uses an atomic object while another makes or drops it, and neither happens before the other. Let the \
    threads meet before the drop; and what a `LazyLock` or a `OnceLock` makes belongs in `selvedge::backend::global!`";

const RACE: &str = "two threads touch a cell, one of them writes, and neither access happens before the other";
