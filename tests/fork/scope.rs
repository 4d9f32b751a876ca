//! Scopes that a child leaves.

use super::{End, SUCCESS, child};
use selvedge::{Event, ThreadPool, thread};

const ABORTED: End = End::Signal(libc::SIGABRT);

/// The end of a child that is forked inside `body`, and continues there.
fn fork_within(body: impl FnOnce(&mut dyn FnMut())) -> End {
    let mut ended = None;
    body(&mut || ended = super::fork_here());
    ended.unwrap_or_else(|| super::exit(0))
}

#[test]
fn a_child_leaves_a_scope_of_threads_only_if_they_had_ended() {
    child::passes(&[], || {
        for (running, expected) in [(false, SUCCESS), (true, ABORTED)] {
            let (gate, started) = (Event::new(), Event::new());
            let end = fork_within(|fork| {
                thread::scope(|scope| {
                    scope.spawn(|| ()).join().unwrap();
                    if running {
                        scope.spawn(|| {
                            started.set();
                            gate.wait();
                        });
                        started.wait();
                    }
                    fork();
                    gate.set();
                })
            });
            assert_eq!(end, expected);
        }
    });
}

#[test]
fn a_child_leaves_a_scope_of_jobs_only_if_they_had_ended() {
    child::passes(&[], || {
        let pool = ThreadPool::new(1);
        for (running, expected) in [(false, SUCCESS), (true, ABORTED)] {
            let gate = Event::new();
            let end = fork_within(|fork| {
                pool.scope(|scope| {
                    scope.submit(|| ()).unwrap().result().unwrap();
                    super::until_others_block(); // the scope is notified after the job's waiters
                    if running {
                        scope.submit(|| gate.wait()).unwrap();
                    }
                    fork();
                    gate.set();
                })
            });
            assert_eq!(end, expected);
        }
    });
}
