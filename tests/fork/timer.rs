//! Clocks and timers of the parent's.

use super::{SOON, WELL, child, fork, fork_here};
use selvedge::thread::{Clock, Registry};
use selvedge::{Event, Timer};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_clock_begins_anew_without_the_parents_timers() {
    child::passes(&[], || {
        let (gate, begun, clock) = (
            Arc::new(Event::new()),
            Arc::new(Event::new()),
            Clock::new(&Registry::new()),
        );
        let waits = clock.start(Duration::from_secs(3600), || ()).unwrap();
        let runs = Timer::start(Duration::ZERO, {
            let (gate, begun) = (Arc::clone(&gate), Arc::clone(&begun));
            move || {
                begun.set();
                gate.wait();
            }
        });
        begun.wait();
        let shut_down = Clock::new(&Registry::new());
        shut_down.shutdown();
        let ended = fork(|| {
            assert!(shut_down.is_shutdown() && shut_down.start(Duration::ZERO, || ()).is_err());
            for left in [&waits, &runs] {
                assert!(left.is_finished());
                assert_eq!(
                    left.join().unwrap_err().message(),
                    Some("it was left behind in the parent by a fork")
                );
                assert!(left.try_join().unwrap().is_err() && left.join_timeout(SOON).is_err());
                assert!(left.cancel());
            }
            assert_eq!(clock.pending(), 0);
            Timer::start(Duration::from_millis(1), || ())
                .join_timeout(SOON)
                .unwrap();
            clock
                .start(Duration::from_millis(1), || ())
                .unwrap()
                .join_timeout(SOON)
                .unwrap();
            clock.shutdown_timeout(SOON).unwrap();
        });
        gate.set(); // first, or a failure would wait for it
        assert_eq!(ended, WELL);
        runs.join().unwrap();
        assert!(!waits.is_finished() && waits.cancel(), "in the parent it waits on");
    });
}

#[test]
fn a_timer_that_forks_does_not_repeat_in_the_child() {
    child::passes(&[], || {
        let clock = Clock::new(&Registry::new());
        let (sender, ends) = std::sync::mpsc::channel();
        let mut sender = Some(sender);
        let repeats = clock.every(Duration::from_millis(1), move || {
            let Some(first) = sender.take() else { return };
            if let Some(end) = fork_here() {
                first.send(end).unwrap(); // the child leaves the function
            }
        });
        let end = ends.recv().unwrap();
        assert!(!repeats.unwrap().is_finished(), "in the parent");
        assert_eq!(end, WELL, "its only thread has ended");
    });
}
