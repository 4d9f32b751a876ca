//! Clocks and timers of the parent.

use super::{SOON, SUCCESS, child, fork_here, in_a_child};
use crate::support::shared;
use selvedge::thread::{Clock, Registry};
use selvedge::{Event, Timer};
use std::time::Duration;

#[test]
fn a_childs_clock_starts_anew_without_the_parents_timers() {
    child::passes(&[], || {
        let [clock, shut_down] = [(); 2].map(|()| Clock::new(&Registry::new()));
        let ((gate, waits), (started, starts)) = (shared(Event::new()), shared(Event::new()));
        let waiting = clock.start(Duration::from_secs(3600), || ()).unwrap();
        let running = Timer::start(Duration::ZERO, move || {
            starts.set();
            waits.wait();
        });
        started.wait();
        shut_down.shutdown();
        in_a_child(
            || gate.set(),
            || {
                assert!(shut_down.is_shutdown() && shut_down.start(Duration::ZERO, || ()).is_err());
                for parents in [&waiting, &running] {
                    assert!(parents.is_finished() && parents.cancel());
                    let error = parents.join().unwrap_err();
                    assert_eq!(error.message(), Some("it was left behind in the parent by a fork"));
                    assert!(parents.try_join().unwrap().is_err() && parents.join_timeout(SOON).is_err());
                }
                assert_eq!(clock.pending(), 0);
                let of_the_program = Timer::start(Duration::from_millis(1), || ());
                of_the_program.join_timeout(SOON).unwrap();
                let of_the_clock = clock.start(Duration::from_millis(1), || ()).unwrap();
                of_the_clock.join_timeout(SOON).unwrap();
                clock.shutdown_timeout(SOON).unwrap();
            },
        );
        running.join().unwrap();
        assert!(
            !waiting.is_finished() && waiting.cancel(),
            "in the parent it still waits"
        );
    });
}

#[test]
fn a_timer_that_forks_does_not_repeat_in_the_child() {
    child::passes(&[], || {
        let clock = Clock::new(&Registry::new());
        let (sender, ends) = std::sync::mpsc::channel();
        let mut sender = Some(sender);
        let timer = clock.every(Duration::from_millis(1), move || {
            let Some(first) = sender.take() else { return };
            if let Some(end) = fork_here() {
                first.send(end).unwrap(); // the child returns from the function
            }
        });
        let end = ends.recv().unwrap();
        assert!(!timer.unwrap().is_finished(), "in the parent");
        assert_eq!(end, SUCCESS, "the child's only thread has ended");
    });
}
