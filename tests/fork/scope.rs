//! Scopes that are left in a child.

use super::{End, WELL, child};
use selvedge::{Event, ThreadPool, thread};

const ABORTED: End = End::Signal(libc::SIGABRT);

#[test]
fn a_scope_of_threads_ends_only_if_they_had() {
    child::passes(&[], || {
        let (gate, begun) = (Event::new(), Event::new());
        let leaves_with = |running: bool| {
            fork_within(|fork| {
                thread::scope(|scope| {
                    scope.spawn(|| ()).join().unwrap();
                    if running {
                        scope.spawn(|| {
                            begun.set();
                            gate.wait();
                        });
                        begun.wait();
                    }
                    fork();
                    gate.set();
                })
            })
        };
        assert_eq!(leaves_with(false), WELL);
        gate.clear();
        assert_eq!(leaves_with(true), ABORTED);
    });
}

#[test]
fn a_scope_of_jobs_ends_only_if_they_had() {
    child::passes(&[], || {
        let (pool, gate) = (ThreadPool::new(1), Event::new());
        let leaves_with = |running: bool| {
            fork_within(|fork| {
                pool.scope(|scope| {
                    scope.submit(|| ()).unwrap().result().unwrap();
                    // The scope is told of the end after the job is.
                    super::until_others_block();
                    if running {
                        scope.submit(|| gate.wait()).unwrap();
                    }
                    fork();
                    gate.set();
                })
            })
        };
        assert_eq!(leaves_with(false), WELL);
        gate.clear();
        assert_eq!(leaves_with(true), ABORTED);
    });
}

/// How a child has ended that was forked in the midst of `body`, and goes on with it.
fn fork_within(body: impl FnOnce(&mut dyn FnMut())) -> End {
    let mut ended = None;
    body(&mut || ended = super::fork_here());
    ended.unwrap_or_else(|| super::exit(0))
}
