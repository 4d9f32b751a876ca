//! Checks that the history of racing threads is linearizable.
//!
//! Each call takes effect at one instant between its invocation and its return. A timed call may time out if the
//! specification would block it at such an instant. A call that has not returned must be blocked in the final state.
//! The search tries each order of the calls that the times of the history permit, and visits no state twice.

use spec::{Answer, Spec, Step};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A call, its result, and the times of its invocation and return on a clock that all threads share.
#[derive(Clone, Debug)]
pub struct Event<C> {
    pub call: C,
    /// None if the call has not returned.
    pub answer: Option<Answer>,
    pub begun: u64,
    /// [`NEVER`] if the call has not returned.
    pub ended: u64,
}

/// The return time of a call that has not returned.
pub const NEVER: u64 = u64::MAX;

/// One list of calls per thread.
pub type History<C> = Vec<Vec<Event<C>>>;

/// Whether the history is linearizable, given the initial state.
pub fn is_legal<S: Spec>(start: &S, history: &[Vec<Event<S::Call>>]) -> bool {
    let mut visited = BTreeSet::new();
    let mut open = vec![(vec![0; history.len()], start.clone())];
    while let Some((positions, state)) = open.pop() {
        if !visited.insert((positions.clone(), state.clone())) {
            continue;
        }
        let next: Vec<_> = history
            .iter()
            .zip(&positions)
            .map(|(events, &position)| events.get(position))
            .collect();
        let is_over = next.iter().flatten().all(|event| event.answer.is_none());
        let blocks = |(thread, event): (usize, &Option<&Event<S::Call>>)| {
            event.is_none_or(|event| state.clone().step(thread, event.call) == Step::WouldBlock)
        };
        if is_over && next.iter().enumerate().all(blocks) {
            return true;
        }
        let first_end = next.iter().flatten().map(|event| event.ended).min().unwrap_or(NEVER);
        let begun = |event: &&Event<S::Call>| event.begun < first_end;
        let mut candidates: Vec<_> = (0..)
            .zip(next)
            .filter_map(|(n, event)| Some((n, event.filter(begun)?)))
            .collect();
        candidates.sort_by_key(|(_, event)| std::cmp::Reverse(event.ended)); // `pop` takes the call that returned first
        for (thread, event) in candidates {
            let mut after = state.clone();
            let answer = match after.step(thread, event.call) {
                Step::Done(answer) => answer,
                Step::WouldBlock => {
                    if after != state {
                        open.push((positions.clone(), after.clone())); // the thread is now a waiter
                    }
                    if !S::is_timed(event.call) {
                        continue;
                    }
                    after.time_out(thread)
                }
            };
            if event.answer == Some(answer) {
                let mut positions = positions.clone();
                positions[thread] += 1;
                open.push((positions, after));
            }
        }
    }
    false
}

/// Whether each thread began its first call before any thread returned from its last.
pub fn is_race<C>(history: &[Vec<Event<C>>]) -> bool {
    let last_calls = history.iter().filter_map(|events| events.last());
    let first_end = last_calls.map(|event| event.ended).min();
    let mut first_calls = history.iter().map(|events| events.first());
    first_calls.all(|first| first.is_some_and(|event| Some(event.begun) < first_end))
}

/// The number of calls, and how many of them overlap with a call of another thread.
pub fn overlap<C>(history: &[Vec<Event<C>>]) -> (usize, usize) {
    let all = || {
        let threads = history.iter().enumerate();
        threads.flat_map(|(thread, events)| events.iter().map(move |event| (thread, event)))
    };
    let overlaps = |&(thread, event): &(usize, &Event<C>)| {
        all().any(|(other, it)| other != thread && event.begun < it.ended && it.begun < event.ended)
    };
    (all().count(), all().filter(overlaps).count())
}

const WIDTH: usize = 34;

/// The history as text: one column per thread, one line per invocation or return.
pub fn columns<C: Copy + Debug>(history: &[Vec<Event<C>>]) -> String {
    let mut instants = Vec::new();
    for (thread, events) in history.iter().enumerate() {
        for (index, event) in events.iter().enumerate() {
            instants.push((event.begun, 2 * index, thread, format!("{:?}", event.call)));
            if let Some(answer) = event.answer {
                instants.push((event.ended, 2 * index + 1, thread, format!("-> {answer:?}")));
            }
        }
    }
    instants.sort();
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (_, _, thread, text) in instants {
        match lines.last_mut() {
            // The return follows the invocation immediately.
            Some((last, call)) if *last == thread && text.starts_with("->") && !call.contains("->") => {
                *call = format!("{call} {text}");
            }
            _ => lines.push((thread, text)),
        }
    }
    let line = |(thread, text): &(usize, String)| format!("    {}{text}\n", format!("{:WIDTH$}| ", "").repeat(*thread));
    lines.iter().map(line).collect()
}

/// Reads what [`columns`] writes. Lines may be separated by `;` as well.
pub fn read<C: Copy>(text: &str, call: impl Fn(&str) -> C, answer: impl Fn(&str) -> Answer) -> History<C> {
    let lines = text.split([';', '\n']);
    let threads = lines.clone().map(|line| line.matches('|').count() + 1).max();
    let mut history: History<C> = (0..threads.unwrap_or(0)).map(|_| Vec::new()).collect();
    let cells = lines.flat_map(|line| line.split('|').map(str::trim).enumerate());
    for (now, (thread, cell)) in (1..).zip(cells.filter(|(_, cell)| !cell.is_empty())) {
        let (invoked, returned) = cell.split_once("->").unwrap_or((cell, ""));
        if !invoked.is_empty() {
            history[thread].push(Event {
                call: call(invoked.trim()),
                answer: None,
                begun: 2 * now,
                ended: NEVER,
            });
        }
        if !returned.is_empty() {
            let event = history[thread].last_mut().expect("a call precedes its result");
            (event.answer, event.ended) = (Some(answer(returned.trim())), 2 * now + 1);
        }
    }
    history
}
