//! The threads of a run: each performs one action at a time and reports the result.

use crate::primitive::{Call, Context, Guard, Primitive};
use crate::reference::{Action, Transition};
use spec::Answer;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Once, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, mem};

/// The result of a call, or the message of its panic.
pub type Reply = Result<Answer, String>;

/// The name of threads whose panics are reported and not printed.
const NAME: &str = "fuzzed";

/// The threads of one run.
pub struct Threads<P: Primitive> {
    threads: Vec<Thread<P>>,
    replies: Receiver<(usize, Reply)>,
}

struct Thread<P: Primitive> {
    commands: Sender<Transition<Call<P>>>,
    handle: JoinHandle<()>,
    status: Arc<Status>,
}

#[derive(Default)]
struct Status {
    /// Whether the thread has begun its current action.
    has_begun: AtomicBool,
    /// The file in which Linux reports whether the thread is blocked.
    stat: OnceLock<PathBuf>,
}

impl<P: Primitive> Threads<P> {
    /// Starts `count` threads that share one object.
    pub fn spawn(count: usize, object: &Arc<P>) -> Threads<P> {
        let (sender, replies) = channel();
        let start = |thread| {
            let (object, sender): (_, Sender<(usize, Reply)>) = (object.clone(), sender.clone());
            let (commands, transitions) = channel();
            let status = Arc::<Status>::default();
            let own_status = status.clone();
            let body = move || {
                perform_all(&*object, transitions, &own_status, |reply| {
                    sender.send((thread, reply)).is_ok()
                })
            };
            Thread {
                commands,
                handle: spawn(body),
                status,
            }
        };
        Threads {
            threads: (0..count).map(start).collect(),
            replies,
        }
    }

    /// Lets the thread of the transition perform it.
    pub fn send(&self, transition: &Transition<Call<P>>) {
        let thread = &self.threads[transition.thread];
        thread.status.has_begun.store(false, SeqCst);
        let sent = thread.commands.send(*transition);
        sent.expect("a thread receives until it is joined");
    }

    /// Waits for a while until the thread is blocked. Where that cannot be seen the run goes
    /// on: it stays correct, and only finds a lost wake-up less often.
    pub fn await_block(&self, thread: usize) {
        let status = &self.threads[thread].status;
        let is_blocked = || {
            let stat = status.stat.get().and_then(|path| fs::read_to_string(path).ok());
            status.has_begun.load(SeqCst) && stat.is_none_or(|stat| stat.contains(") S "))
        };
        for _ in 0..10_000 {
            if is_blocked() {
                return;
            }
            thread::yield_now();
        }
    }

    /// The next result with its thread; none if there is none within `timeout`.
    pub fn receive(&self, timeout: Duration) -> Option<(usize, Reply)> {
        match self.replies.recv_timeout(timeout) {
            Ok(reply) => Some(reply),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("a thread runs until it is joined"),
        }
    }

    /// Ends the threads, none of which may be blocked; returns a result that was not received. Without this call, the
    /// threads of a failed run are leaked.
    pub fn join(self) -> Option<(usize, Reply)> {
        for Thread { commands, handle, .. } in self.threads {
            drop(commands);
            handle.join().expect("a thread catches the panics of its calls");
        }
        self.replies.try_recv().ok()
    }
}

fn perform_all<P: Primitive>(
    object: &P,
    transitions: Receiver<Transition<Call<P>>>,
    status: &Status,
    report: impl Fn(Reply) -> bool,
) {
    if let Ok(task) = fs::read_link("/proc/thread-self") {
        let stat = PathBuf::from("/proc").join(task).join("stat");
        status.stat.get_or_init(|| stat);
    }
    let mut guards = Vec::new();
    for Transition { action, options, .. } in transitions {
        status.has_begun.store(true, SeqCst);
        let reply = catch(|| match action {
            Action::Call(call) => {
                let guards = &mut guards;
                object.perform(call, Context { guards, options })
            }
            Action::Release => {
                let guard: P::Guard<'_> = guards.pop().expect("the reference counts the guards");
                guard.release(options.variant);
                Answer::Done
            }
        });
        if !report(reply) {
            break; // the run has failed, and its receiver is dropped
        }
    }
    // Empty unless the run has failed. Then dropping a guard could panic or block.
    mem::forget(guards);
}

/// The result of a call that may panic.
pub fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| message(&*payload))
}

/// The message of a panic.
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
        .unwrap_or_default()
}

/// Starts a thread whose panics are not printed.
pub fn spawn(body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(NAME) {
                print(info);
            }
        }));
    });
    let builder = thread::Builder::new().name(NAME.into());
    builder.spawn(body).expect("failed to spawn a thread")
}
