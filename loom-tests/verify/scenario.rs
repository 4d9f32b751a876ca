//! The harness of one execution of a model: spawns the threads, runs them until none can proceed, and collects their
//! answers.

use selvedge_loom::backend::probe::{self, log};
use selvedge_loom::backend::thread;
use spec::Answer;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

/// The answers of a thread so far, and whether the thread has ended. loom does not track this memory, so accesses to it
/// add no interleavings.
#[derive(Default)]
struct Record {
    answers: Vec<Answer>,
    ended: bool,
}

struct Thread {
    handle: thread::JoinHandle<()>,
    record: Arc<Mutex<Record>>,
}

/// One execution of a model, used by its main thread.
#[derive(Default)]
pub struct Scenario {
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

impl Scenario {
    /// Spawns a thread that runs `body` on `shared` and reports its answer. Thread roles are numbered from 1.
    pub fn thread<T: Send + Sync + 'static>(&self, shared: &Arc<T>, body: impl FnOnce(&T) -> Answer + Send + 'static) {
        self.program(shared, |shared, report| report(body(shared)));
    }

    /// Spawns a thread whose `body` reports any number of answers.
    pub fn program<T: Send + Sync + 'static>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, &mut dyn FnMut(Answer)) + Send + 'static,
    ) {
        let role = self.threads.borrow().len() + 1;
        let (shared, record) = (Arc::clone(shared), Arc::new(Mutex::new(Record::default())));
        let own_record = Arc::clone(&record);
        let handle = thread::spawn(move || {
            probe::set_role(role);
            let mut report = |answer| {
                log::note(role, || format!("reports {answer:?}"));
                own_record
                    .lock()
                    .expect("no panic while it is held")
                    .answers
                    .push(answer);
            };
            let result = catch_unwind(AssertUnwindSafe(|| body(&shared, &mut report)));
            own_record.lock().expect("no panic while it is held").ended = true;
            log::note(role, || if result.is_ok() { "ends" } else { "panics" }.into());
            match result {
                Err(payload) if !payload.is::<probe::Cancelled>() => resume_unwind(payload),
                _ => {}
            }
        });
        self.threads.borrow_mut().push(Thread { handle, record });
    }

    /// Waits until every thread has ended or is blocked without a deadline. Afterwards main counts as an acting thread.
    pub fn settle(&self) {
        self.main_acts.set(true);
        self.quiesce();
    }

    /// Waits as [`settle`](Scenario::settle) does, then ends the blocked threads. Returns each thread's answers in order;
    /// the last answer of a blocked thread is `Blocked`.
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
            log::note(index + 1, || "stays blocked".into());
        }
        probe::cancel();
        for thread in self.threads.take() {
            thread.handle.join().unwrap_or_else(|payload| resume_unwind(payload));
        }
        answers
    }

    /// [`finish`](Scenario::finish), followed by what main observes while no thread can proceed.
    pub fn finish_observing(&self, observe: impl FnOnce() -> Answer) -> Vec<Answer> {
        self.quiesce();
        let observed = observe();
        let mut answers = self.finish();
        answers.push(observed);
        answers
    }

    /// The number of acting threads: the threads of the scenario, threads spawned by them, and main after `settle`.
    pub fn thread_count(&self) -> usize {
        probe::spawned() + usize::from(self.main_acts.get())
    }

    /// Blocks until every thread, of the scenario or spawned by another, has ended or is blocked without a deadline. What
    /// the threads did happens-before the return.
    fn quiesce(&self) {
        while !probe::is_quiescent() {
            probe::park_watcher();
        }
    }
}

/// Runs `body`, which must panic with this message. Resumes any other panic: loom's own, or the end of a blocked thread.
pub fn panics(message: &str, body: impl FnOnce()) {
    let payload: Box<dyn Any + Send> = catch_unwind(AssertUnwindSafe(body)).expect_err("the body panics");
    let literal = payload.downcast_ref::<&str>().copied();
    if literal.or(payload.downcast_ref::<String>().map(String::as_str)) != Some(message) {
        resume_unwind(payload);
    }
}
