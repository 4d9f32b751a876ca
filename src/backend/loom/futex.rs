//! A futex that loom explores.
//!
//! A wait and a wake read the newest value of the word by a read-modify-write, which
//! loom orders in every way. The blocked threads are in a list that loom does not
//! see. The list is used only where no other thread can run in between.

use super::atomic::AtomicU32;
use super::instant::Instant;
use super::scene::{self, Blocked};
use super::verdict::step;
use crate::backend::futex::Wait;
use ::loom::thread;
use ::std::panic::Location;
use core::ptr;

type Caller = &'static Location<'static>;

#[track_caller]
pub fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Wait {
    let at = Location::caller();
    scene::unwind_if_cancelled();
    let result = if deadline.is_some_and(Instant::has_passed) {
        word.log(at, |number| format!("timed out at #{number}"));
        Wait::TimedOut
    } else {
        // A read-modify-write conflicts with that of each wake, so loom explores both orders.
        match word.newest(at) {
            value if value == expected => block(word, expected, deadline, at),
            value => {
                word.log(at, |number| format!("changed #{number}: {value}, not {expected}"));
                Wait::Changed
            }
        }
    };
    if result == Wait::TimedOut || scene::waits_end_late() {
        deadline.into_iter().for_each(Instant::advance_clock);
    }
    scene::record_wait(deadline.is_some(), result);
    result
}

fn block(word: &AtomicU32, expected: u32, deadline: Option<Instant>, at: Caller) -> Wait {
    let is_early = scene::next_wait_is_early();
    let is_timed = deadline.is_some_and(|deadline| deadline.remaining().is_some());
    let may_end_unwoken = is_early || is_timed;
    let until = if is_timed { ", timed" } else { "" };
    word.log(at, |number| format!("blocks on #{number} while {expected}{until}"));
    let blocked = Blocked::enqueue(address(word), may_end_unwoken);
    if !may_end_unwoken {
        while !blocked.is_woken() {
            step(thread::park);
        }
        return woken(word, at);
    }
    // Other threads may run before this read-modify-write, and wake
    // this thread. A yield would instead run all of them first.
    word.newest(at);
    if blocked.is_woken() {
        return woken(word, at);
    }
    blocked.dequeue();
    word.log(at, |_| if is_early { "woken early" } else { "timed out" }.into());
    if is_early { Wait::Woken } else { Wait::TimedOut }
}

fn woken(word: &AtomicU32, at: Caller) -> Wait {
    scene::unwind_if_cancelled();
    word.log(at, |_| "woken".into());
    Wait::Woken
}

#[track_caller]
pub fn wake(word: &AtomicU32, count: u32) -> usize {
    let at = Location::caller();
    word.newest(at);
    let woken = scene::wake(address(word), count as usize);
    word.log(at, |number| format!("wakes {woken} of #{number}"));
    woken
}

fn address(word: &AtomicU32) -> usize {
    ptr::from_ref(word).addr()
}
