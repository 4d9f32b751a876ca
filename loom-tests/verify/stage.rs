//! Where the threads of a model play: they are spawned, run until nobody can move, and say what became of each.

use selvedge_loom::backend::probe::{self, log};
use selvedge_loom::backend::thread;
use spec::Answer;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

/// What a thread has answered so far, and whether it has ended. Plain memory that loom does not see: it takes
/// no part in the interleavings.
#[derive(Default)]
struct Record {
    answers: Vec<Answer>,
    ended: bool,
}

struct Thread {
    handle: thread::JoinHandle<()>,
    record: Arc<Mutex<Record>>,
}

/// One execution of a model, as its main thread sees it.
#[derive(Default)]
pub struct Stage {
    threads: RefCell<Vec<Thread>>,
    main_acts: Cell<bool>,
}

impl Thread {
    fn has_ended(&self) -> bool {
        self.record.lock().expect("no panic while it is held").ended
    }

    fn answers(&self) -> Vec<Answer> {
        let record = self.record.lock().expect("no panic while it is held");
        let blocked = (!record.ended).then_some(Answer::Blocked);
        record.answers.iter().copied().chain(blocked).collect()
    }
}

impl Stage {
    /// Spawns a thread that plays `role` on what is shared and gives its answer. The first is role 1.
    pub fn thread<T: Send + Sync + 'static>(&self, shared: &Arc<T>, role: impl FnOnce(&T) -> Answer + Send + 'static) {
        self.program(shared, |shared, say| say(role(shared)));
    }

    /// Spawns a thread that answers more than once, each time it has something to `say`.
    pub fn program<T: Send + Sync + 'static>(
        &self,
        shared: &Arc<T>,
        role: impl FnOnce(&T, &mut dyn FnMut(Answer)) + Send + 'static,
    ) {
        let number = self.threads.borrow().len() + 1;
        let (shared, record) = (Arc::clone(shared), Arc::new(Mutex::new(Record::default())));
        let mine = Arc::clone(&record);
        let handle = thread::spawn(move || {
            probe::enter(number);
            let mut say = |answer| {
                log::note(number, || format!("answers {answer:?}"));
                mine.lock().expect("no panic while it is held").answers.push(answer);
            };
            let played = catch_unwind(AssertUnwindSafe(|| role(&shared, &mut say)));
            mine.lock().expect("no panic while it is held").ended = true;
            log::note(number, || if played.is_ok() { "has ended" } else { "panics" }.into());
            match played {
                Err(payload) if !payload.is::<probe::Cancelled>() => resume_unwind(payload),
                _ => {}
            }
        });
        self.threads.borrow_mut().push(Thread { handle, record });
    }

    /// Waits until every thread has ended or sleeps for good; what main does next, it does as a party.
    pub fn settle(&self) {
        self.main_acts.set(true);
        self.quiesce();
    }

    /// Waits as [`settle`](Stage::settle) does, then ends the sleepers. Each thread's answers in order, `Blocked`
    /// the last one of a thread that slept.
    pub fn finish(&self) -> Vec<Answer> {
        self.quiesce();
        let answers = self.threads.borrow().iter().flat_map(Thread::answers).collect();
        for (index, _) in self
            .threads
            .borrow()
            .iter()
            .enumerate()
            .filter(|(_, thread)| !thread.has_ended())
        {
            log::note(index + 1, || "sleeps for ever".into());
        }
        probe::cancel();
        for thread in self.threads.take() {
            thread.handle.join().unwrap_or_else(|payload| resume_unwind(payload));
        }
        answers
    }

    /// [`finish`](Stage::finish), and then what main sees when nobody moves, before the sleepers end.
    pub fn finish_seeing(&self, look: impl FnOnce() -> Answer) -> Vec<Answer> {
        self.quiesce();
        let seen = look();
        let mut answers = self.finish();
        answers.push(seen);
        answers
    }

    /// How many threads act: those of the roles, those that these have started, and main if it does more than look on.
    pub fn cast(&self) -> usize {
        probe::started() + usize::from(self.main_acts.get())
    }

    /// Sleeps until every thread has ended or sleeps, those too that others have started; main then sees all they did.
    fn quiesce(&self) {
        while !probe::all_rest() {
            probe::watch();
        }
    }
}

/// Runs `body`, which panics with this message; any other panic, loom's own and the end of a sleeper too, goes on.
pub fn panics(message: &str, body: impl FnOnce()) {
    let payload: Box<dyn Any + Send> = catch_unwind(AssertUnwindSafe(body)).expect_err("the body is there to panic");
    let literal = payload.downcast_ref::<&str>().copied();
    if literal.or(payload.downcast_ref::<String>().map(String::as_str)) != Some(message) {
        resume_unwind(payload);
    }
}
