//! The reference: the specification of the object, and the state of each thread.

use crate::primitive::{Call, Guard, Options, Primitive};
use spec::{Answer, Spec, Step};
use std::fmt;
use std::time::Duration;

/// One action of one thread.
#[derive(Clone, Copy, Debug)]
pub struct Transition<C> {
    pub thread: usize,
    pub action: Action<C>,
    pub options: Options,
}

#[derive(Clone, Copy, Debug)]
pub enum Action<C> {
    Call(C),
    /// The thread drops the guard that it acquired last.
    Release,
}

impl<C> Transition<C> {
    pub fn plain(thread: usize, action: Action<C>) -> Transition<C> {
        Transition {
            thread,
            action,
            options: Options::PLAIN,
        }
    }
}

/// The state of a thread.
#[derive(Clone, Debug, Default)]
struct Thread<C> {
    /// The call in which the thread is blocked.
    blocked_in: Option<(C, Options)>,
    /// How many guards the thread holds.
    guards: usize,
}

/// The specification of the object, and the state of each thread.
pub struct Reference<P: Primitive> {
    /// The arguments of the constructor.
    pub start: P::Start,
    /// The current state of the object.
    pub spec: P::Spec,
    threads: Vec<Thread<Call<P>>>,
    /// The blocked threads in the order in which they blocked.
    waiters: Vec<usize>,
}

impl<P: Primitive> Reference<P> {
    /// A new object, and threads that hold nothing.
    pub fn new(start: P::Start, threads: usize) -> Reference<P> {
        let thread = Thread {
            blocked_in: None,
            guards: 0,
        };
        Reference {
            spec: P::create(&start).1,
            start,
            threads: vec![thread; threads],
            waiters: Vec::new(),
        }
    }

    /// How many threads there are. The next index is that of the harness itself, which never holds a guard.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// The threads that are not blocked.
    pub fn idle(&self) -> impl Iterator<Item = usize> {
        (0..self.threads.len()).filter(|&thread| self.threads[thread].blocked_in.is_none())
    }

    /// The blocked threads with the calls in which they are blocked.
    pub fn waiting(&self) -> impl Iterator<Item = Transition<Call<P>>> {
        self.waiters.iter().map(|&thread| {
            let (call, options) = self.threads[thread].blocked_in.expect("a waiter is blocked");
            Transition {
                thread,
                action: Action::Call(call),
                options,
            }
        })
    }

    /// The action in Rust.
    pub fn code(&self, &Transition { action, options, .. }: &Transition<Call<P>>) -> String {
        let Action::Call(call) = action else {
            return P::Guard::release_code(options.variant).into();
        };
        let mut code = P::code(call, options);
        if P::Spec::is_timed(call) {
            let form = if options.by_deadline { "deadline" } else { "timeout" };
            let (name, arguments) = code.split_once('(').expect("a call");
            // `wait(&mut guard)` becomes `wait_timeout(&mut guard, Duration::ZERO)`.
            let comma = if arguments == ")" { "" } else { ", " };
            let arguments = arguments.strip_suffix(')').expect("a call");
            code = format!("{name}_{form}({arguments}{comma}{})", options.time_code());
        }
        if P::ACQUIRES.contains(&call) {
            code = if options.keeps {
                format!("let guard = {code}")
            } else {
                format!("forget({code})")
            };
        }
        P::surround(&self.start, call, options, code)
    }

    /// Performs the action; returns its result, or none if the thread is now blocked.
    pub fn invoke(
        &mut self,
        &Transition {
            thread,
            action,
            options,
        }: &Transition<Call<P>>,
    ) -> Option<Answer> {
        let Action::Call(call) = action else {
            self.threads[thread].guards -= 1;
            // Another thread may have released the object already: then dropping the guard has no effect.
            self.spec.step(thread, P::RELEASE);
            return Some(Answer::Done);
        };
        match self.spec.step(thread, call) {
            Step::Done(answer) => {
                self.count_guard(thread, call, options, answer);
                Some(answer)
            }
            Step::WouldBlock if P::Spec::is_timed(call) && options.timeout != Duration::MAX => {
                Some(self.spec.time_out(thread))
            }
            Step::WouldBlock => {
                self.threads[thread].blocked_in = Some((call, options));
                self.waiters.push(thread);
                None
            }
        }
    }

    /// Lets the call of a blocked thread return; returns its result, or none if the thread stays blocked.
    pub fn resume(&mut self, thread: usize) -> Option<Answer> {
        let (call, options) = self.threads[thread].blocked_in?;
        let Step::Done(answer) = self.spec.step(thread, call) else {
            return None;
        };
        self.threads[thread].blocked_in = None;
        self.waiters.retain(|&waiter| waiter != thread);
        self.count_guard(thread, call, options, answer);
        Some(answer)
    }

    fn count_guard(&mut self, thread: usize, call: Call<P>, options: Options, answer: Answer) {
        if matches!(answer, Answer::Done | Answer::Count(_)) && P::ACQUIRES.contains(&call) && options.keeps {
            self.threads[thread].guards += 1;
        }
    }

    /// Lets all calls return that can, in the order in which they blocked. The specification
    /// determines how many return. It determines which ones return only if it records its waiters.
    pub fn settle(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.waiters.clone().into_iter().find_map(|thread| self.resume(thread)) {
            answers.push(answer);
        }
        answers
    }

    /// An action that changes the state, by which a thread helps to unblock the waiters.
    pub fn unblocking(&self) -> Option<Transition<Call<P>>> {
        self.idle().find_map(|thread| {
            let changes = |call: &Call<P>| {
                let mut spec = self.spec.clone();
                spec.step(thread, *call);
                spec != self.spec
            };
            let is_public = |call: &Call<P>| P::CALLS.iter().any(|(_, other)| call == other);
            let mut calls = P::CLEANUP.iter().copied().chain([P::RELEASE]).filter(is_public);
            let action = match self.threads[thread].guards > 0 && changes(&P::RELEASE) {
                true => Action::Release,
                false => Action::Call(calls.find(changes)?),
            };
            Some(Transition::plain(thread, action))
        })
    }

    /// The drop of a guard that a thread still holds.
    pub fn pending_release(&self) -> Option<Transition<Call<P>>> {
        let thread = self.idle().find(|&thread| self.threads[thread].guards > 0)?;
        Some(Transition::plain(thread, Action::Release))
    }

    /// Whether the thread can perform the action, and all threads that are blocked afterwards can be unblocked.
    pub fn allows(&self, transition: &Transition<Call<P>>) -> bool {
        let Some(thread) = self.threads.get(transition.thread) else {
            return false;
        };
        let is_possible = match transition.action {
            Action::Call(call) => {
                let options = transition.options;
                P::offers(&self.start, call, options) && (options.keeps || P::FORGETS || !P::ACQUIRES.contains(&call))
            }
            Action::Release => thread.guards > 0,
        };
        thread.blocked_in.is_none() && is_possible && {
            let mut next = self.clone();
            next.invoke(transition);
            next.settle();
            next.waiters.is_empty() || next.unblocking().is_some()
        }
    }
}

impl<P: Primitive> Clone for Reference<P> {
    fn clone(&self) -> Reference<P> {
        Reference {
            start: self.start.clone(),
            spec: self.spec.clone(),
            threads: self.threads.clone(),
            waiters: self.waiters.clone(),
        }
    }
}

// proptest writes it beside the seed of a failing run.
impl<P: Primitive> fmt::Debug for Reference<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} threads, {}", self.threads(), P::create(&self.start).2)
    }
}
