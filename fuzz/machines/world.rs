//! The reference: the specification, and what each thread is doing.

use crate::primitive::{Call, Manner, Patience, Primitive};
use spec::{Answer, Spec, Step};
use std::fmt;

/// One thread does one thing.
pub struct Transition<P: Primitive> {
    pub actor: usize,
    pub action: Action<Call<P>>,
}

/// What a thread does.
#[derive(Clone, Copy, Debug)]
pub enum Action<C> {
    /// It makes a call.
    Call(C, Manner),
    /// It drops the guard that it took last.
    DropGuard,
}

impl<C: Copy> Action<C> {
    /// In Rust, without what is done around a call.
    fn code<P: Primitive>(self) -> String
    where
        P::Spec: Spec<Call = C>,
    {
        let Action::Call(call, manner) = self else {
            return "drop(guard)".into();
        };
        let mut code = P::code(call);
        if P::Spec::is_timed(call) {
            let (form, now) = if manner.by_deadline {
                ("deadline", "Instant::now() + ")
            } else {
                ("timeout", "")
            };
            let (name, arguments) = code.split_once('(').expect("a call");
            // `wait(&mut guard)` becomes `wait_timeout(&mut guard, Duration::ZERO)`.
            let comma = if arguments == ")" { "" } else { ", " };
            let arguments = arguments.trim_end_matches(')');
            code = format!("{name}_{form}({arguments}{comma}{now}{})", manner.patience.code());
        }
        match (P::takes(call), manner.keeps) {
            (true, true) => format!("let guard = {code}"),
            (true, false) => format!("forget({code})"),
            (false, _) => code,
        }
    }
}

/// What a thread has in hand.
#[derive(Clone, Debug, Default)]
struct Actor<C> {
    /// The call that it waits in.
    waits: Option<(C, Manner)>,
    /// How many guards it keeps.
    kept: usize,
}

/// The specification, and what each thread is doing.
pub struct World<P: Primitive> {
    /// With what the object is made.
    pub start: P::Start,
    /// What it is now.
    pub spec: P::Spec,
    actors: Vec<Actor<Call<P>>>,
    /// Who waits, the longest first.
    waiting: Vec<usize>,
}

impl<P: Primitive> World<P> {
    /// A new object, and threads that have nothing to do.
    pub fn new(start: P::Start, actors: usize) -> World<P> {
        let idle = Actor { waits: None, kept: 0 };
        World {
            spec: P::spec(&start),
            start,
            actors: vec![idle; actors],
            waiting: Vec::new(),
        }
    }

    /// How many threads there are. The next number belongs to a bystander, who never holds anything.
    pub fn actors(&self) -> usize {
        self.actors.len()
    }

    /// Who does not wait.
    pub fn idle(&self) -> impl Iterator<Item = usize> {
        (0..self.actors.len()).filter(|&actor| self.actors[actor].waits.is_none())
    }

    /// Who waits, and in which call.
    pub fn waiting(&self) -> impl Iterator<Item = (usize, Action<Call<P>>)> {
        self.waiting.iter().map(|&actor| {
            let (call, manner) = self.actors[actor].waits.expect("whoever is in the queue waits");
            (actor, Action::Call(call, manner))
        })
    }

    /// In Rust.
    pub fn code(&self, action: Action<Call<P>>) -> String {
        let code = action.code::<P>();
        match action {
            Action::Call(call, manner) => P::surrounded(&self.start, call, manner, code),
            Action::DropGuard => code,
        }
    }

    /// Does what the thread does: its answer, or nothing if it waits now.
    pub fn begin(&mut self, transition: &Transition<P>) -> Option<Answer> {
        let actor = transition.actor;
        let Action::Call(call, manner) = transition.action else {
            self.actors[actor].kept -= 1;
            // Somebody else may have given it back already, which a drop does not mind.
            self.spec.step(actor, P::GIVES_BACK);
            return Some(Answer::Done);
        };
        match self.spec.step(actor, call) {
            Step::Done(answer) => {
                self.keep(actor, call, manner, answer);
                Some(answer)
            }
            Step::WouldBlock if P::Spec::is_timed(call) && manner.patience != Patience::Endless => {
                Some(self.spec.give_up(actor))
            }
            Step::WouldBlock => {
                self.actors[actor].waits = Some((call, manner));
                self.waiting.push(actor);
                None
            }
        }
    }

    /// Lets a thread's call return: its answer, or nothing if it must go on waiting.
    pub fn finish(&mut self, actor: usize) -> Option<Answer> {
        let (call, manner) = self.actors[actor].waits?;
        let Step::Done(answer) = self.spec.step(actor, call) else {
            return None;
        };
        self.actors[actor].waits = None;
        self.waiting.retain(|&waiter| waiter != actor);
        self.keep(actor, call, manner, answer);
        Some(answer)
    }

    fn keep(&mut self, actor: usize, call: Call<P>, manner: Manner, answer: Answer) {
        if matches!(answer, Answer::Done | Answer::Count(_)) && P::takes(call) && manner.keeps {
            self.actors[actor].kept += 1;
        }
    }

    /// Lets return whoever can, the longest waiting first. How many go on is not free, and which of them only as far as
    /// the specification doesn't know who waits.
    pub fn settle(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.waiting.clone().into_iter().find_map(|actor| self.finish(actor)) {
            answers.push(answer);
        }
        answers
    }

    /// What a thread can do towards letting go on those who wait.
    pub fn rescue(&self) -> Option<Transition<P>> {
        self.idle().find_map(|actor| {
            let changes = |call: &Call<P>| {
                let mut spec = self.spec.clone();
                spec.step(actor, *call);
                spec != self.spec
            };
            let is_made = |end: &Call<P>| P::CALLS.iter().any(|(_, call)| call == end);
            let mut ends = P::ENDS.iter().copied().chain([P::GIVES_BACK]).filter(is_made);
            let action = match self.actors[actor].kept > 0 && changes(&P::GIVES_BACK) {
                true => Action::DropGuard,
                false => Action::Call(ends.find(changes)?, Manner::PLAIN),
            };
            Some(Transition { actor, action })
        })
    }

    /// The drop of a guard that is still kept.
    pub fn leftover(&self) -> Option<Transition<P>> {
        let actor = self.idle().find(|&actor| self.actors[actor].kept > 0)?;
        Some(Transition {
            actor,
            action: Action::DropGuard,
        })
    }

    /// Whether the thread can do that, and nobody waits afterwards for what no one can give.
    pub fn allows(&self, transition: &Transition<P>) -> bool {
        let Some(actor) = self.actors.get(transition.actor) else {
            return false;
        };
        let guarded = match transition.action {
            Action::Call(call, manner) => {
                (actor.kept > 0 || !P::needs_guard(call)) && (manner.keeps || P::FORGETS || !P::takes(call))
            }
            Action::DropGuard => actor.kept > 0,
        };
        actor.waits.is_none() && guarded && {
            let mut next = self.clone();
            next.begin(transition);
            next.settle();
            next.waiting.is_empty() || next.rescue().is_some()
        }
    }
}

impl<P: Primitive> Clone for World<P> {
    fn clone(&self) -> World<P> {
        World {
            start: self.start.clone(),
            spec: self.spec.clone(),
            actors: self.actors.clone(),
            waiting: self.waiting.clone(),
        }
    }
}

impl<P: Primitive> Clone for Transition<P> {
    fn clone(&self) -> Transition<P> {
        Transition { ..*self }
    }
}

// Both are written beside the seeds of failures.
impl<P: Primitive> fmt::Debug for World<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} threads, {}", self.actors(), P::making(&self.start))
    }
}

impl<P: Primitive> fmt::Debug for Transition<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {}: {}", self.actor, self.action.code::<P>())
    }
}
