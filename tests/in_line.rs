//! Those who wait for a condition or a barrier, put in line one after the other by shaking hands.

use crate::forms::{Form, come_by, patient, wait_by};
use crate::watchdog::{Player, Watch};
use selvedge::sync::WaitError;
use selvedge::{Barrier, Condition, Instant, Mutex, MutexGuard, Turn};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;

/// Where those who come to wait are counted. They release the lock only by standing in line: so whoever holds it, and
/// reads that n have come, knows that they stand there.
#[derive(Default)]
pub struct Post {
    pub came: Mutex<usize>,
    pub condition: Condition,
    pub returned: AtomicUsize,
}

impl Post {
    pub fn wait(&self, form: Form) -> bool {
        self.come(|came| wait_by(&self.condition, came, form))
    }

    pub fn wait_deadline(&self, deadline: Instant) -> bool {
        self.come(|came| self.condition.wait_deadline(came, deadline).is_ok())
    }

    fn come(&self, wait: impl FnOnce(&mut MutexGuard<'_, usize>) -> bool) -> bool {
        let mut came = self.came.acquire();
        *came += 1;
        let notified = wait(&mut came);
        self.returned.fetch_add(1, Relaxed);
        notified
    }

    pub fn until_came(&self, count: usize) -> MutexGuard<'_, usize> {
        loop {
            let came = self.came.acquire();
            if *came >= count {
                return came;
            }
            drop(came);
            yield_now();
        }
    }

    /// Lets one waiter a form come, one after the other.
    pub fn line_up<'scope, 'env>(
        &'env self,
        watch: &Watch<'scope, 'env>,
        forms: impl IntoIterator<Item = Form>,
    ) -> Vec<Player<'scope, bool>> {
        let waiter = |form| {
            let before = *self.came.acquire();
            let wait = move || self.wait(form);
            let waiter = watch.spawn(format!("waiter {before}"), move |role| role.waits("a wait", wait));
            watch.waits("a waiter to come", || drop(self.until_came(before + 1)));
            waiter
        };
        forms.into_iter().map(waiter).collect()
    }
}

pub fn all_notified<'a>(waiters: impl IntoIterator<Item = Player<'a, bool>>) {
    assert!(waiters.into_iter().all(|waiter| waiter.join()));
}

/// Two come, and both are notified.
pub fn all_notified_once<'env>(watch: &Watch<'_, 'env>, post: &'env Post) {
    let waiters = post.line_up(watch, patient(2));
    assert_eq!(post.condition.notify_all(), 2);
    all_notified(waiters);
}

pub type Passed = Result<Turn, WaitError>;

pub const BROKEN: Passed = Err(WaitError::Broken);
pub const LEADER: fn(usize) -> Passed = |index| Ok(Turn { index, is_leader: true });

pub fn party<'scope, A: FnMut() + Send>(
    watch: &Watch<'scope, '_>,
    barrier: &'scope Barrier<A>,
    form: Form,
) -> Player<'scope, Passed> {
    watch.spawn(format!("party by {form:?}"), move |role| {
        role.waits("a wait", || come_by(barrier, form))
    })
}

/// Lets one party a form come, one after the other, to wait.
pub fn line_up<'scope, A: FnMut() + Send>(
    watch: &Watch<'scope, '_>,
    barrier: &'scope Barrier<A>,
    forms: impl IntoIterator<Item = Form>,
) -> Vec<Player<'scope, Passed>> {
    let come = |form| {
        let before = barrier.waiting();
        let party = party(watch, barrier, form);
        let has_come = || barrier.waiting() > before || barrier.is_broken(); // it, or the time of one before it
        watch.until("a party to come", has_come);
        party
    };
    forms.into_iter().map(come).collect()
}

/// These came in this order, and another one led.
pub fn all_passed(parties: Vec<Player<'_, Passed>>) {
    for (index, party) in parties.into_iter().enumerate() {
        assert_eq!(
            party.join(),
            Ok(Turn {
                index,
                is_leader: false
            })
        );
    }
}

pub fn all_turned_away(parties: Vec<Player<'_, Passed>>) {
    parties.into_iter().for_each(|party| assert_eq!(party.join(), BROKEN));
}
