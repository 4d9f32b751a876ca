//! Real threads that do what they are told, one thing at a time, and say how it went.

use crate::primitive::{Call, Hand, Primitive};
use crate::world::Action;
use spec::Answer;
use std::any::Any;
use std::fs;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Once, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a thread says: what its call answered, or with what it panicked.
pub type Reply = Result<Answer, String>;

/// The name of threads whose panics are answers.
pub const NAME: &str = "actor";

/// The threads of one run.
pub struct Actors<P: Primitive> {
    threads: Vec<Thread<Action<Call<P>>>>,
    replies: Receiver<(usize, Reply)>,
}

struct Thread<C> {
    commands: Sender<C>,
    handle: JoinHandle<()>,
    pulse: Arc<Pulse>,
}

/// What is known of a thread without asking it.
#[derive(Default)]
struct Pulse {
    /// Whether it has begun what it was told.
    begun: AtomicBool,
    /// Where the system says how it is; on Linux only.
    stat: OnceLock<PathBuf>,
}

impl<P: Primitive> Actors<P> {
    /// As many threads around one object.
    pub fn spawn(count: usize, object: &Arc<P>) -> Actors<P> {
        silence_actors();
        let (sender, replies) = channel();
        let threads = (0..count)
            .map(|actor| {
                let (object, sender) = (object.clone(), sender.clone());
                let (commands, orders) = channel();
                let pulse = Arc::new(Pulse::default());
                let own_pulse = pulse.clone();
                let body = move || {
                    act(&*object, orders, &own_pulse, |reply| {
                        sender.send((actor, reply)).is_ok()
                    })
                };
                let handle = thread::Builder::new()
                    .name(NAME.into())
                    .spawn(body)
                    .expect("a thread can be started");
                Thread {
                    commands,
                    handle,
                    pulse,
                }
            })
            .collect();
        Actors { threads, replies }
    }

    /// Tells a thread what to do.
    pub fn tell(&self, actor: usize, action: Action<Call<P>>) {
        self.threads[actor].pulse.begun.store(false, SeqCst);
        self.threads[actor]
            .commands
            .send(action)
            .expect("a thread listens until it is dismissed");
    }

    /// Gives a thread whose call has to wait the time to fall asleep in it. Where that can't be seen, or not soon,
    /// the run goes on: it is right either way, and only less likely to find a lost wake-up.
    pub fn let_sleep(&self, actor: usize) {
        let pulse = &self.threads[actor].pulse;
        let asleep = || {
            let stat = pulse.stat.get().and_then(|path| fs::read_to_string(path).ok());
            pulse.begun.load(SeqCst) && stat.is_none_or(|stat| stat.contains(") S "))
        };
        for _ in 0..10_000 {
            if asleep() {
                return;
            }
            thread::yield_now();
        }
    }

    /// Who says something first, and what; nothing if all are silent for so long.
    pub fn hear(&self, patience: Duration) -> Option<(usize, Reply)> {
        match self.replies.recv_timeout(patience) {
            Ok(said) => Some(said),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("a thread stays until it is dismissed"),
        }
    }

    /// What has been said and not been heard.
    pub fn overhear(&self) -> Option<(usize, Reply)> {
        self.replies.try_recv().ok()
    }

    /// Ends the threads, none of which may be waiting: what was said after all had been heard. Without this call,
    /// threads that are stuck are left behind.
    pub fn dismiss(self) -> Option<(usize, Reply)> {
        for Thread { commands, handle, .. } in self.threads {
            drop(commands);
            handle.join().expect("a thread catches all panics of its calls");
        }
        self.replies.try_recv().ok()
    }
}

fn act<P: Primitive>(object: &P, orders: Receiver<Action<Call<P>>>, pulse: &Pulse, say: impl Fn(Reply) -> bool) {
    if let Ok(task) = fs::read_link("/proc/thread-self") {
        pulse
            .stat
            .get_or_init(|| PathBuf::from("/proc").join(task).join("stat"));
    }
    let mut kept = Vec::new();
    for action in orders {
        pulse.begun.store(true, SeqCst);
        let reply = caught(|| match action {
            Action::Call(call, manner) => object.perform(
                call,
                Hand {
                    kept: &mut kept,
                    manner,
                },
            ),
            Action::DropGuard => {
                drop(
                    kept.pop()
                        .expect("only a thread that keeps a guard is told to drop one"),
                );
                Answer::Done
            }
        });
        if !say(reply) {
            break; // the run has failed, and nobody listens
        }
    }
    // After a good run there are none. After a failure their drops could panic, or wait for ever.
    mem::forget(kept);
}

/// The answer of a call that may panic.
pub fn caught(call: impl FnOnce() -> Answer) -> Reply {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| panic_text(&*payload))
}

/// What a panic said.
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
        .unwrap_or_default()
}

/// Their panics are answers like others, to be compared and not printed.
pub fn silence_actors() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(NAME) {
                print(info);
            }
        }));
    });
}
