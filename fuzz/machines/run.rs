//! Runs a sequence of transitions on real threads, and compares every answer with the reference.

use crate::actors::{Actors, Reply, caught};
use crate::machine::Machine;
use crate::primitive::{Call, Hand, Manner, Primitive};
use crate::shorten::{LONGEST, shorten};
use crate::world::{Action, Transition, World};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use spec::{Answer, Spec, Step};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// The most transitions of a run.
pub const LENGTH: usize = 80;

/// How long a call may take that need not wait: a machine under load gets there, a lost wake-up does not.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same once a failure is established, and a mistake would only spoil how it is told.
const PATIENCE_WHILE_SHORTENING: Duration = Duration::from_millis(500);

/// The two tests of a primitive.
#[macro_export]
macro_rules! fuzzers {
    ($primitive:ty) => {
        #[test]
        fn any_sequence_of_calls_answers_as_specified() {
            $crate::run::fuzz::<$primitive>(file!());
        }

        #[test]
        fn the_generator_reaches_every_answer() {
            $crate::machine::reaches_everything::<$primitive>();
        }
    };
}

/// Fails with the shortest run that it finds in which the primitive differs from its specification.
pub fn fuzz<P: Primitive>(source_file: &'static str) {
    let mut config = Config {
        source_file: Some(source_file),
        ..Config::default()
    };
    if config.max_shrink_time == 0 {
        config.max_shrink_time = LONGEST.as_millis() as u32;
    }
    let patience = Cell::new(PATIENCE);
    let runs = Machine::<P>::sequential_strategy(1..=LENGTH);
    let result = TestRunner::new(config).run(&runs, |(world, transitions, seen)| {
        run(world, &transitions, seen.as_deref(), patience.get()).map_err(|story| {
            patience.set(PATIENCE_WHILE_SHORTENING);
            TestCaseError::fail(story)
        })
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(story, (world, transitions, _))) => {
            let fails = |shorter: &[_]| run(world.clone(), shorter, None, patience.get()).err();
            panic!("{}", shorten(transitions, story.to_string(), fails));
        }
        Err(TestError::Abort(reason)) => panic!("no run could be made: {reason}"),
    }
}

/// Runs on a new object; if something differs, the story of it.
fn run<P: Primitive>(
    world: World<P>,
    transitions: &[Transition<P>],
    seen: Option<&AtomicUsize>,
    patience: Duration,
) -> Result<(), String> {
    let object = Arc::new(P::object(&world.start));
    let actors = Actors::spawn(world.actors(), &object);
    let lines = vec![P::making(&world.start)];
    let mut run = Run {
        world,
        object,
        actors,
        patience,
        lines,
    };
    match run.play_all(transitions, seen) {
        Ok(()) => run.end(),
        Err(what) => Err(tell(&run.lines, &what)),
    }
}

fn tell(lines: &[String], what: &str) -> String {
    format!(
        "it differs from its specification:\n\n    {}\n\n{what}",
        lines.join("\n    ")
    )
}

struct Run<P: Primitive> {
    world: World<P>,
    object: Arc<P>,
    actors: Actors<P>,
    patience: Duration,
    /// What has happened, in Rust.
    lines: Vec<String>,
}

impl<P: Primitive> Run<P> {
    fn play_all(&mut self, transitions: &[Transition<P>], seen: Option<&AtomicUsize>) -> Result<(), String> {
        self.look()?;
        for transition in transitions {
            if let Some(seen) = seen {
                seen.fetch_add(1, SeqCst); // what was not reached need not be shrunk
            }
            // The generator guessed who of several waiters goes on. Where it was wrong, this may not make sense.
            if self.world.allows(transition) {
                self.play(transition)?;
            }
        }
        while self.world.waiting().next().is_some() {
            let rescue = self.world.rescue().expect("`allows` sees to it that all can be freed");
            self.play(&rescue)?;
        }
        while let Some(leftover) = self.world.leftover() {
            self.play(&leftover)?;
        }
        Ok(())
    }

    fn play(&mut self, transition: &Transition<P>) -> Result<(), String> {
        let actor = transition.actor;
        self.actors.tell(actor, transition.action);
        let mut expected = self.world.begin(transition);
        let line = self.lines.len();
        let what = match transition.action {
            _ if expected.is_some() => "does not return",
            Action::Call(_, manner) if manner.hurries => "waits",
            _ => "sleeps",
        };
        self.lines
            .push(comment(&self.world.code(transition.action), actor, what));
        if expected.is_none() {
            self.let_stand_in_line()?;
        }
        if what == "sleeps" {
            self.actors.let_sleep(actor);
        }

        let mut due = self.world.clone().settle().len() + usize::from(expected.is_some());
        while due > 0 {
            let Some((who, reply)) = self.actors.hear(self.patience) else {
                return Err(self.silence(expected.map(|_| transition), due));
            };
            match expected.take_if(|_| who == actor) {
                Some(answer) => {
                    self.lines[line] = comment(&self.world.code(transition.action), actor, &said(&reply));
                    compare(&reply, answer)?;
                }
                None => self.return_of(who, reply)?,
            }
            due -= 1;
        }
        while let Some((who, reply)) = self.actors.overhear() {
            self.return_of(who, reply)?;
        }
        self.look()
    }

    /// Gives a thread whose call has to wait the time to stand in line. Who comes next is behind it then.
    fn let_stand_in_line(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        while !self.object.has_in_line(self.world.waiting().count()) {
            if let Some((who, reply)) = self.actors.overhear() {
                self.return_of(who, reply)?;
            }
            if begun.elapsed() > self.patience {
                let waiters = self.named(self.world.waiting());
                return Err(format!(
                    "not these, and they alone, stand in line after {:?}: {waiters}",
                    self.patience
                ));
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// A call that had to wait has returned: is that right?
    fn return_of(&mut self, actor: usize, reply: Reply) -> Result<(), String> {
        self.lines
            .push(comment("", actor, &format!("goes on {}", said(&reply))));
        match self.world.finish(actor) {
            Some(answer) => compare(&reply, answer),
            None => Err(format!("thread {actor} should still wait")),
        }
    }

    /// Nobody says anything, though so many should.
    fn silence(&self, transition: Option<&Transition<P>>, due: usize) -> String {
        let silent = transition.map(|transition| (transition.actor, transition.action));
        let of = self.named(silent.into_iter().chain(self.world.waiting()));
        format!(
            "{due} of these should have returned, and did not within {:?}: {of}",
            self.patience
        )
    }

    fn named(&self, calls: impl Iterator<Item = (usize, Action<Call<P>>)>) -> String {
        let named = calls.map(|(actor, action)| format!("thread {actor} in `{}`", self.world.code(action)));
        named.collect::<Vec<_>>().join(", ")
    }

    /// Compares what can be seen from outside, and by the threads that have nothing to do.
    fn look(&mut self) -> Result<(), String> {
        let bystander = self.world.actors();
        for &look in P::LOOKS {
            let seen = caught(|| {
                self.object.perform(
                    look,
                    Hand {
                        kept: &mut Vec::new(),
                        manner: Manner::PLAIN,
                    },
                )
            });
            self.compare_look(bystander, look, &seen)?;
        }
        for &look in P::OWN_LOOKS {
            let idle: Vec<usize> = self.world.idle().collect();
            idle.iter()
                .for_each(|&actor| self.actors.tell(actor, Action::Call(look, Manner::PLAIN)));
            for _ in &idle {
                let Some((who, reply)) = self.actors.hear(self.patience) else {
                    return Err(format!("a thread does not return from `{}`", P::code(look)));
                };
                // Or else somebody has gone on meanwhile who should wait.
                if idle.contains(&who) {
                    self.compare_look(who, look, &reply)?
                } else {
                    self.return_of(who, reply)?
                }
            }
        }
        Ok(())
    }

    fn compare_look(&mut self, who: usize, look: Call<P>, seen: &Reply) -> Result<(), String> {
        let answer = match self.world.spec.clone().step(who, look) {
            Step::Done(answer) => answer,
            Step::WouldBlock => unreachable!("nobody waits to look"),
        };
        compare(seen, answer).inspect_err(|_| {
            let who = if who == self.world.actors() {
                "a bystander"
            } else {
                &format!("thread {who}")
            };
            self.lines
                .push(format!("{:<58} // {who} {}", format!("{};", P::code(look)), said(seen)));
        })
    }

    fn end(self) -> Result<(), String> {
        if let Some((who, reply)) = self.actors.dismiss() {
            return Err(tell(
                &self.lines,
                &format!("thread {who} has returned twice: {}", said(&reply)),
            ));
        }
        let object = Arc::into_inner(self.object).expect("the threads have ended");
        object
            .ends_as(&self.world.spec)
            .then_some(())
            .ok_or_else(|| tell(&self.lines, "what is left over differs"))
    }
}

fn compare(reply: &Reply, answer: Answer) -> Result<(), String> {
    if reply.as_ref() == Ok(&answer) {
        Ok(())
    } else {
        Err(format!("the specification says {answer:?}"))
    }
}

fn comment(code: &str, actor: usize, what: &str) -> String {
    let code = if code.is_empty() {
        String::new()
    } else {
        format!("{code};")
    };
    format!("{code:<58} // thread {actor} {what}")
}

fn said(reply: &Reply) -> String {
    match reply {
        Ok(answer) => format!("-> {answer:?}"),
        Err(text) => format!("-> panicked: {text}"),
    }
}
