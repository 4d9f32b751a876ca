//! A futex that loom explores: the word's newest value is read by an RMW, and the sleepers stand on a list
//! that loom cannot see, touched only where no other thread can run in between.

use super::Instant;
use super::atomic::{AtomicU32, Ordering::Relaxed};
use super::explorer::thread;
use super::probe::{self, Sleeper};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    Woken,
    Changed,
    TimedOut,
}

pub fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Wait {
    probe::unwind_if_cancelled();
    let result = if deadline.is_some_and(Instant::has_passed) {
        Wait::TimedOut
    // An RMW reads the newest value, so it conflicts with each wake: loom explores both orders.
    } else if word.fetch_or(0, Relaxed) != expected {
        Wait::Changed
    } else {
        sleep(word, deadline)
    };
    if result == Wait::TimedOut || probe::clocks_are_late() {
        deadline.into_iter().for_each(Instant::fire);
    }
    probe::record(deadline.is_some(), result);
    result
}

fn sleep(word: &AtomicU32, deadline: Option<Instant>) -> Wait {
    let early = probe::may_return_early();
    let passing = early || deadline.is_some_and(|moment| moment.remaining().is_some());
    let sleeper = Sleeper::lie_down(word, passing);
    if !passing {
        while !sleeper.is_woken() {
            thread::park();
        }
        probe::unwind_if_cancelled();
        return Wait::Woken;
    }
    // Others may run at this RMW, and wake this thread. No yield: it would let all of them run first.
    word.fetch_or(0, Relaxed);
    if sleeper.is_woken() {
        probe::unwind_if_cancelled();
        return Wait::Woken;
    }
    sleeper.get_up();
    if early { Wait::Woken } else { Wait::TimedOut }
}

pub fn wake(word: &AtomicU32, count: u32) -> usize {
    word.fetch_or(0, Relaxed);
    probe::wake(word, count as usize)
}
