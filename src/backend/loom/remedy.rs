//! Messages for failures of a model: the cause and the remedy, in place of loom's own words.

pub(super) const STACK: &str = "a thread of the model has overflowed its stack. The main thread has 32 KiB, each other thread \
    256 KiB. Run code that needs more in a thread with a larger `Builder::stack_size`, or keep large values in a `Box`";

pub(super) const STUCK: &str = "no thread of the model has made a step for 10 seconds. loom runs all of them one at a time on one \
    system thread, so a thread that blocks outside selvedge (a lock, a channel or a join of std, a sleep, a read) blocks all \
    threads: use selvedge's own. A loop that waits must make steps, for example by `hint::spin_until`";

pub(super) const UNOBSERVED: &str = "this panic has ended a job, a callback, a timer or a thread, and the program cannot observe it. \
    If the model expects the panic, take its result (`Job::result`), or catch the panic where it starts";

pub(super) const FOREIGN_OBJECT: &str = "an object is used that was constructed in another execution or outside the model, or a \
    thread of std uses an object of the model. Each execution starts from nothing, but a `static` of std (`LazyLock`, `OnceLock`, \
    `thread_local!`) keeps the value of the first execution: declare it with `selvedge::backend::global!` or `local!`, or \
    construct the object in the model's body. Spawn threads by `selvedge::thread` or `selvedge::backend::thread`";

pub(super) const SLOW: &str = "; `model_within(2, ..)` explores fewer, which finds most bugs but proves less";

const THREADS: &str = "the model has too many threads: five at most. The main thread counts, and so do the workers of its pools and \
    the threads of its timers";

const BRANCHES: &str = "an execution has too many steps. Perhaps it has no end: a loop around a timed wait, since each wait may \
    time out again (limit the iterations); a `Timer::every` that is not cancelled (start it for a number of runs); a loop that \
    polls (use `hint::spin_until`). Or the model is too large: give it fewer threads and steps, or raise \
    `Model::max_branches`";

const STATICS: &str = "a static is used after the model's body has returned, when loom drops all statics, in any order. Join the \
    threads that use it before the body returns. An object whose drop uses selvedge's own statics, such as a `ThreadPool`, \
    belongs in the body";

/// The message for a failure that loom reports by this text. `None` if the text is not one of loom's.
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

const DEADLOCK: &str = "a deadlock: each thread that has not ended is blocked indefinitely";

const OWNER: &str = "a thread uses an atomic object while another thread constructs or drops it, and neither happens before the \
    other. Join the threads before the drop. An object that a `LazyLock` or a `OnceLock` constructs belongs in \
    `selvedge::backend::global!`";

const RACE: &str =
    "two threads access a cell, at least one of them writes, and neither access happens before the other";
