//! Waiters of a condition or a barrier, enqueued in a known order by handshakes.

use crate::forms::{Form, barrier_wait_by, blocking, wait_by};
use crate::watchdog::{TestThread, Watch};
use selvedge::sync::WaitError;
use selvedge::{Barrier, Condition, Instant, Mutex, MutexGuard, Turn};
use std::thread::yield_now;

/// A condition, and a count of the threads that have arrived to wait. An arriving thread releases the lock only when it
/// is enqueued: a thread that holds the lock and reads `n` knows that `n` threads have been enqueued.
#[derive(Default)]
pub struct Arrivals {
    pub count: Mutex<usize>,
    pub condition: Condition,
}

impl Arrivals {
    pub fn wait(&self, form: Form) -> bool {
        self.arrive(|count| wait_by(&self.condition, count, form))
    }

    pub fn wait_deadline(&self, deadline: Instant) -> bool {
        self.arrive(|count| self.condition.wait_deadline(count, deadline).is_ok())
    }

    fn arrive(&self, wait: impl FnOnce(&mut MutexGuard<'_, usize>) -> bool) -> bool {
        let mut count = self.count.acquire();
        *count += 1;
        wait(&mut count)
    }

    /// Returns once `n` threads have arrived.
    pub fn until(&self, n: usize) -> MutexGuard<'_, usize> {
        loop {
            let count = self.count.acquire();
            if *count >= n {
                return count;
            }
            drop(count);
            yield_now();
        }
    }

    /// Enqueues a waiter for each form, one after the other.
    pub fn enqueue<'scope, 'env>(
        &'env self,
        watch: &Watch<'scope, 'env>,
        forms: impl IntoIterator<Item = Form>,
    ) -> Vec<TestThread<'scope, bool>> {
        let waiter = |form| {
            let before = *self.count.acquire();
            let wait = move || self.wait(form);
            let waiter = watch.spawn(format!("waiter {before}"), move |role| role.waits("a wait", wait));
            watch.waits("a waiter's arrival", || drop(self.until(before + 1)));
            waiter
        };
        forms.into_iter().map(waiter).collect()
    }
}

pub fn all_notified<'a>(waiters: impl IntoIterator<Item = TestThread<'a, bool>>) {
    assert!(waiters.into_iter().all(|waiter| waiter.join()));
}

/// Two threads wait, and both are notified.
pub fn two_are_notified<'env>(watch: &Watch<'_, 'env>, arrivals: &'env Arrivals) {
    let waiters = arrivals.enqueue(watch, blocking(2));
    assert_eq!(arrivals.condition.notify_all(), 2);
    all_notified(waiters);
}

pub type Passed = Result<Turn, WaitError>;

pub const BROKEN: Passed = Err(WaitError::Broken);

pub const fn passed(index: usize, is_leader: bool) -> Passed {
    Ok(Turn { index, is_leader })
}

/// Spawns a thread that waits at the barrier.
pub fn party<'scope, A: FnMut() + Send>(
    watch: &Watch<'scope, '_>,
    barrier: &'scope Barrier<A>,
    form: Form,
) -> TestThread<'scope, Passed> {
    let wait = move || barrier_wait_by(barrier, form);
    watch.spawn(format!("party by {form:?}"), move |role| role.waits("a wait", wait))
}

/// Enqueues a thread for each form at the barrier, one after the other.
pub fn enqueue<'scope, A: FnMut() + Send>(
    watch: &Watch<'scope, '_>,
    barrier: &'scope Barrier<A>,
    forms: impl IntoIterator<Item = Form>,
) -> Vec<TestThread<'scope, Passed>> {
    let arrive = |form| {
        let before = barrier.waiting();
        let party = party(watch, barrier, form);
        // The barrier may break meanwhile: by the timeout of this thread or of one before it.
        watch.until("a party's arrival", || {
            barrier.waiting() > before || barrier.is_broken()
        });
        party
    };
    forms.into_iter().map(arrive).collect()
}

/// The threads arrived in this order, and another one was the leader.
pub fn all_passed(parties: Vec<TestThread<'_, Passed>>) {
    for (index, party) in parties.into_iter().enumerate() {
        assert_eq!(party.join(), passed(index, false));
    }
}

pub fn all_broken(parties: Vec<TestThread<'_, Passed>>) {
    parties.into_iter().for_each(|party| assert_eq!(party.join(), BROKEN));
}
