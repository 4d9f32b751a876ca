//! A futex that loom explores: the word's newest value is read by an RMW, and the sleepers stand on a list
//! that loom cannot see, touched only where no other thread can run in between.

use super::Instant;
use super::atomic::AtomicU32;
use super::explorer::thread;
use super::probe::{self, Sleeper};
use super::verdict::step;
use ::std::panic::Location;

type At = &'static Location<'static>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    Woken,
    Changed,
    TimedOut,
}

#[track_caller]
pub fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Wait {
    let at = Location::caller();
    probe::unwind_if_cancelled();
    let result = if deadline.is_some_and(Instant::has_passed) {
        word.log(at, |number| format!("timed out at #{number}"));
        Wait::TimedOut
    } else {
        // An RMW reads the newest value, so it conflicts with each wake: loom explores both orders.
        match word.newest(at) {
            seen if seen == expected => sleep(word, expected, deadline, at),
            seen => {
                word.log(at, |number| format!("changed #{number}: {seen}, not {expected}"));
                Wait::Changed
            }
        }
    };
    if result == Wait::TimedOut || probe::clocks_are_late() {
        deadline.into_iter().for_each(Instant::fire);
    }
    probe::record(deadline.is_some(), result);
    result
}

fn sleep(word: &AtomicU32, expected: u32, deadline: Option<Instant>, at: At) -> Wait {
    let early = probe::may_return_early();
    let timed = deadline.is_some_and(|moment| moment.remaining().is_some());
    let passing = early || timed;
    let until = if timed { ", timed" } else { "" };
    word.log(at, |number| format!("sleeps on #{number} while {expected}{until}"));
    let sleeper = Sleeper::lie_down(word, passing);
    if !passing {
        while !sleeper.is_woken() {
            step(thread::park);
        }
        return woken(word, at);
    }
    // Others may run at this RMW, and wake this thread. No yield: it would let all of them run first.
    word.newest(at);
    if sleeper.is_woken() {
        return woken(word, at);
    }
    sleeper.get_up();
    word.log(at, |_| if early { "woken early" } else { "timed out" }.into());
    if early { Wait::Woken } else { Wait::TimedOut }
}

fn woken(word: &AtomicU32, at: At) -> Wait {
    probe::unwind_if_cancelled();
    word.log(at, |_| "woken".into());
    Wait::Woken
}

#[track_caller]
pub fn wake(word: &AtomicU32, count: u32) -> usize {
    let at = Location::caller();
    word.newest(at);
    let woken = probe::wake(word, count as usize);
    word.log(at, |number| format!("wakes {woken} of #{number}"));
    woken
}
