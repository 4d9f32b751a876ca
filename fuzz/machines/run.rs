//! Runs a sequence of transitions on real threads, and compares each result with the reference.

use crate::generator::{Generator, LENGTH};
use crate::primitive::{Call, Context, INJECTED_PANIC, Options, Primitive};
use crate::reference::{Action, Reference, Transition};
use crate::shorten::{LONGEST, shorten};
use crate::threads::{Reply, Threads, catch};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use spec::{Answer, Spec, Step};
use std::cell::Cell;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// How long a call that does not block may take: long enough for a busy machine. A lost wake-up takes longer.
pub const LIMIT: Duration = Duration::from_secs(20);
/// The limit while a failing run is shortened: a false failure then only makes the report worse.
pub const LIMIT_WHILE_SHORTENING: Duration = Duration::from_millis(500);

/// The two tests of a primitive.
#[macro_export]
macro_rules! fuzzers {
    ($primitive:ty) => {
        #[test]
        fn any_sequence_of_calls_answers_as_specified() {
            $crate::run::fuzz::<$primitive>($crate::run::config(file!())).unwrap_or_else(|story| panic!("{story}"));
        }

        #[test]
        fn the_generator_reaches_every_answer() {
            $crate::generator::reaches_everything::<$primitive>();
        }
    };
}

/// proptest's configuration for the tests of a file.
pub fn config(source_file: &'static str) -> Config {
    let mut config = Config {
        source_file: Some(source_file),
        ..Config::default()
    };
    if config.max_shrink_time == 0 {
        config.max_shrink_time = LONGEST.as_millis() as u32;
    }
    config
}

/// Compares random runs with the specification. The error contains the shortest failing run that was found.
pub fn fuzz<P: Primitive>(mut config: Config) -> Result<(), String> {
    config.cases *= P::RUNS;
    let limit = Cell::new(LIMIT);
    let runs = Generator::<P>::sequential_strategy(1..=LENGTH);
    let result = TestRunner::new(config).run(&runs, |(reference, transitions, seen)| {
        run(reference, &transitions, seen.as_deref(), limit.get()).map_err(|story| {
            limit.set(LIMIT_WHILE_SHORTENING);
            TestCaseError::fail(story)
        })
    });
    Err(match result {
        Ok(()) => return Ok(()),
        Err(TestError::Fail(story, (reference, transitions, _))) => {
            let fails = |shorter: &[_]| run(reference.clone(), shorter, None, limit.get()).err();
            shorten(transitions, story.to_string(), fails)
        }
        Err(TestError::Abort(reason)) => format!("no run could be generated: {reason}"),
    })
}

/// Performs the transitions on a new object. The error contains the program and the difference.
fn run<P: Primitive>(
    reference: Reference<P>,
    transitions: &[Transition<Call<P>>],
    seen: Option<&AtomicUsize>,
    limit: Duration,
) -> Result<(), String> {
    let (object, _, line) = P::create(&reference.start);
    let object = Arc::new(object);
    let mut run = Run {
        threads: Threads::spawn(reference.threads(), &object),
        reference,
        object,
        limit,
        lines: vec![line],
    };
    let result = run.perform_all(transitions, seen);
    let lines = run.lines.join("\n    ");
    let result = result.and_then(|()| end(run.reference, run.object, run.threads));
    result.map_err(|what| format!("it differs from its specification:\n\n    {lines}\n\n{what}"))
}

/// Joins the threads, and checks the final state.
fn end<P: Primitive>(reference: Reference<P>, object: Arc<P>, threads: Threads<P>) -> Result<(), String> {
    if let Some((thread, reply)) = threads.join() {
        return Err(format!("thread {thread} returned twice: {}", shown(&reply)));
    }
    let object = Arc::into_inner(object).expect("the threads have ended");
    let is_right = object.ends_as(&reference.spec);
    is_right.then_some(()).ok_or_else(|| "the final state differs".into())
}

struct Run<P: Primitive> {
    reference: Reference<P>,
    object: Arc<P>,
    threads: Threads<P>,
    limit: Duration,
    /// The program so far, in Rust.
    lines: Vec<String>,
}

impl<P: Primitive> Run<P> {
    fn perform_all(&mut self, transitions: &[Transition<Call<P>>], seen: Option<&AtomicUsize>) -> Result<(), String> {
        self.observe()?;
        for transition in transitions {
            if let Some(seen) = seen {
                seen.fetch_add(1, SeqCst); // proptest drops the transitions that were not reached
            }
            // The generator guessed which of several waiters returned. After a wrong guess the
            // transition may be impossible.
            if self.reference.allows(transition) {
                self.perform(transition)?;
            }
        }
        while self.reference.waiting().next().is_some() {
            let unblocking = self.reference.unblocking();
            self.perform(&unblocking.expect("`allows` ensures that all waiters can be unblocked"))?;
        }
        while let Some(release) = self.reference.pending_release() {
            self.perform(&release)?;
        }
        Ok(())
    }

    fn perform(&mut self, transition: &Transition<Call<P>>) -> Result<(), String> {
        let Transition {
            thread,
            action,
            options,
        } = *transition;
        let before = self.reference.clone();
        self.threads.send(transition);
        let mut expected = self.reference.invoke(transition);
        let (line, code) = (self.lines.len(), self.reference.code(transition));
        let blocks = expected.is_none();
        let what = if blocks { "blocks" } else { "does not return" };
        self.lines.push(comment(&code, thread, what));
        if blocks {
            self.await_enqueued()?;
            if !options.hurries {
                self.threads.await_block(thread);
            }
        }

        let mut due = self.reference.clone().settle().len() + usize::from(!blocks);
        while due > 0 {
            let Some((from, reply)) = self.threads.receive(self.limit) else {
                return Err(self.silence(expected.map(|_| *transition), due));
            };
            match (expected.take_if(|_| from == thread), action, &reply) {
                (None, _, _) => self.resumed(from, reply)?,
                (Some(_), Action::Call(call), Err(message)) if message == INJECTED_PANIC => {
                    self.lines[line] = comment(&code, thread, &shown(&reply));
                    let spec = self.object.after_panic(&before.spec, call);
                    self.reference = before.clone();
                    self.reference.spec = spec.ok_or("the panic has left it in an impossible state")?;
                }
                (Some(answer), _, _) => {
                    self.lines[line] = comment(&code, thread, &shown(&reply));
                    compare(&reply, answer)?;
                }
            }
            due -= 1;
        }
        self.receive_unexpected()?;
        self.observe()
    }

    fn receive_unexpected(&mut self) -> Result<(), String> {
        while let Some((thread, reply)) = self.threads.receive(Duration::ZERO) {
            self.resumed(thread, reply)?;
        }
        Ok(())
    }

    /// Waits until the thread of a blocking call is enqueued, so that the thread of the next call comes after it.
    fn await_enqueued(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        while !self.object.has_enqueued(self.reference.waiting().count()) {
            self.receive_unexpected()?;
            if begun.elapsed() > self.limit {
                let waiters = self.named(self.reference.waiting());
                let limit = self.limit;
                return Err(format!("after {limit:?} the waiters are not exactly these: {waiters}"));
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// A call that was blocked has returned: compares its result.
    fn resumed(&mut self, thread: usize, reply: Reply) -> Result<(), String> {
        let what = format!("returns {}", shown(&reply));
        self.lines.push(comment("", thread, &what));
        match self.reference.resume(thread) {
            Some(answer) => compare(&reply, answer),
            None => Err(format!("thread {thread} should still be blocked")),
        }
    }

    /// The report of `due` calls that should have returned.
    fn silence(&self, current: Option<Transition<Call<P>>>, due: usize) -> String {
        let calls = self.named(current.into_iter().chain(self.reference.waiting()));
        let limit = self.limit;
        format!("{due} of these calls should have returned within {limit:?}: {calls}")
    }

    fn named(&self, calls: impl Iterator<Item = Transition<Call<P>>>) -> String {
        let named = calls.map(|call| format!("thread {} in `{}`", call.thread, self.reference.code(&call)));
        named.collect::<Vec<_>>().join(", ")
    }

    /// Makes the calls of the observers, and compares their results.
    fn observe(&mut self) -> Result<(), String> {
        let (harness, options) = (self.reference.threads(), Options::PLAIN);
        for &call in P::OBSERVERS {
            if !P::offers(&self.reference.start, call, options) {
                continue;
            }
            let reply = catch(|| {
                let guards = &mut Vec::new();
                self.object.perform(call, Context { guards, options })
            });
            let Step::Done(answer) = self.reference.spec.clone().step(harness, call) else {
                unreachable!("an observer does not block")
            };
            compare(&reply, answer).inspect_err(|_| {
                let code = P::code(call, options);
                self.lines.push(comment(&code, "of the harness", &shown(&reply)));
            })?;
        }
        Ok(())
    }
}

fn compare(reply: &Reply, answer: Answer) -> Result<(), String> {
    let is_equal = reply.as_ref() == Ok(&answer);
    is_equal
        .then_some(())
        .ok_or_else(|| format!("the specification says {answer:?}"))
}

fn comment(code: &str, thread: impl Display, what: &str) -> String {
    let semicolon = if code.is_empty() { "" } else { ";" };
    format!("{:<58} // thread {thread} {what}", format!("{code}{semicolon}"))
}

fn shown(reply: &Reply) -> String {
    match reply {
        Ok(answer) => format!("-> {answer:?}"),
        Err(message) => format!("-> panicked: {message}"),
    }
}
