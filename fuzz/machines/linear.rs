//! Histories of threads that race, and whether a sequential machine could have made them.
//!
//! A call takes effect at one instant between its invocation and its return; a timed one may time out if the machine
//! would block it at some such instant; and one that has not returned must be blocked in the end. The search tries
//! each order that the stamps allow, and no state twice.

use spec::{Answer, Spec, Step};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A call and its answer, and the stamps of a clock that all threads share.
#[derive(Clone, Debug)]
pub struct Event<C> {
    pub call: C,
    /// None if it has not returned.
    pub answer: Option<Answer>,
    pub begun: u64,
    /// `NEVER` if it has not returned.
    pub ended: u64,
}

/// The end of what does not return.
pub const NEVER: u64 = u64::MAX;

/// One list of calls a thread.
pub type History<C> = Vec<Vec<Event<C>>>;

/// Whether the machine, from `start` on, could have answered so.
pub fn is_legal<S: Spec>(start: &S, history: &[Vec<Event<S::Call>>]) -> bool {
    let mut visited = BTreeSet::new();
    let mut open = vec![(vec![0; history.len()], start.clone())];
    while let Some((places, state)) = open.pop() {
        if !visited.insert((places.clone(), state.clone())) {
            continue;
        }
        let next: Vec<_> = history
            .iter()
            .zip(&places)
            .map(|(events, &place)| events.get(place))
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
        candidates.sort_by_key(|(_, event)| std::cmp::Reverse(event.ended)); // the last is tried first
        for (thread, event) in candidates {
            let mut after = state.clone();
            let answer = match after.step(thread, event.call) {
                Step::Done(answer) => answer,
                Step::WouldBlock => {
                    if after != state {
                        open.push((places.clone(), after.clone())); // it waits from now on
                    }
                    if !S::is_timed(event.call) {
                        continue;
                    }
                    after.give_up(thread)
                }
            };
            if event.answer == Some(answer) {
                let mut places = places.clone();
                places[thread] += 1;
                open.push((places, after));
            }
        }
    }
    false
}

/// Whether each thread began its first call before any thread ended its last.
pub fn is_race<C>(history: &[Vec<Event<C>>]) -> bool {
    let first_end = history
        .iter()
        .filter_map(|events| events.last())
        .map(|event| event.ended)
        .min();
    history
        .iter()
        .all(|events| events.first().is_some_and(|event| Some(event.begun) < first_end))
}

/// How many calls there are, and how many of them overlap with a call of another thread.
pub fn overlap<C>(history: &[Vec<Event<C>>]) -> (usize, usize) {
    let meets = |one: &Event<C>, other: &Event<C>| one.begun < other.ended && other.begun < one.ended;
    let overlapping = |(thread, event): (usize, &Event<C>)| {
        let mut others = history.iter().enumerate().filter(|&(other, _)| other != thread);
        others.any(|(_, events)| events.iter().any(|other| meets(event, other)))
    };
    let all = history
        .iter()
        .enumerate()
        .flat_map(|(thread, events)| events.iter().map(move |event| (thread, event)));
    (all.clone().count(), all.filter(|&call| overlapping(call)).count())
}

const WIDTH: usize = 34;

/// One column a thread and one line an instant.
pub fn columns<C: Copy + Debug>(history: &[Vec<Event<C>>]) -> String {
    let mut instants: Vec<(u64, usize, String)> = Vec::new();
    for (thread, events) in history.iter().enumerate() {
        for (index, event) in events.iter().enumerate() {
            instants.push((event.begun, 2 * index, format!("{thread}{:?}", event.call)));
            if let Some(answer) = event.answer {
                instants.push((event.ended, 2 * index + 1, format!("{thread}-> {answer:?}")));
            }
        }
    }
    instants.sort();
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (_, _, text) in instants {
        let (thread, text) = text.split_at(1);
        let thread = thread.parse().expect("fewer than ten threads");
        match lines.last_mut() {
            Some((last, call)) if *last == thread && text.starts_with("->") && !call.contains("->") => {
                *call = format!("{call} {text}");
            }
            _ => lines.push((thread, text.to_string())),
        }
    }
    let line = |(thread, text): &(usize, String)| format!("    {}{text}\n", format!("{:WIDTH$}| ", "").repeat(*thread));
    lines.iter().map(line).collect()
}

/// Reads what [`columns`] writes.
pub fn parse<C: Copy>(text: &str, call: impl Fn(&str) -> C, answer: impl Fn(&str) -> Answer) -> History<C> {
    let threads = text
        .lines()
        .map(|line| line.matches('|').count() + 1)
        .max()
        .unwrap_or(0);
    let mut history: History<C> = (0..threads).map(|_| Vec::new()).collect();
    let cells = text
        .lines()
        .flat_map(|line| line.split('|').map(str::trim).enumerate().collect::<Vec<_>>());
    for (now, (thread, cell)) in (1..).zip(cells.filter(|(_, cell)| !cell.is_empty())) {
        let (made, answered) = cell
            .split_once("->")
            .map_or((cell, None), |(call, answer)| (call, Some(answer)));
        if !made.trim().is_empty() {
            let open = Event {
                call: call(made.trim()),
                answer: None,
                begun: 2 * now,
                ended: NEVER,
            };
            history[thread].push(open);
        }
        if let Some(text) = answered {
            let event = history[thread].last_mut().expect("a call comes before its answer");
            (event.answer, event.ended) = (Some(answer(text.trim())), 2 * now + 1);
        }
    }
    history
}
