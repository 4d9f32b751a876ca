//! Waits on a condition, all with a timeout: as many end by a notification as were notified.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::{Condition, Mutex, thread};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
struct Scene {
    /// Waits in which somebody is: under the mutex it is what the condition must know of.
    inside: Mutex<u64>,
    condition: Condition,
    woken: AtomicU64,
    timed_out: AtomicU64,
    notified: AtomicU64,
}

impl Scene {
    fn wait(&self, mut rng: Rng, waits: u32) {
        for _ in 0..waits {
            let mut inside = self.inside.acquire();
            *inside += 1;
            let waited = self.condition.wait_timeout(&mut inside, moment(&mut rng));
            *inside -= 1;
            drop(inside);
            let how = if waited.is_ok() { &self.woken } else { &self.timed_out };
            how.fetch_add(1, Relaxed);
        }
    }

    fn notify(&self, mut rng: Rng, times: u32) {
        for _ in 0..times {
            let inside = rng.bool().then(|| self.inside.acquire());
            let notified = match rng.u8(..4) {
                0 => self.condition.notify_all(),
                1 => self.condition.notify(rng.usize(..4)),
                _ => usize::from(self.condition.notify_one()),
            };
            assert!(
                inside.is_none_or(|inside| notified as u64 <= *inside),
                "it has notified more than wait"
            );
            self.notified.fetch_add(notified as u64, Relaxed);
            if rng.u8(..4) == 0 {
                pause(&mut rng);
            }
        }
    }
}

pub fn scene(mut rng: Rng) -> Counts {
    let scene = &Scene::default();
    thread::scope(|scope| {
        for _ in 0..rng.u32(1..=4) {
            let (waits, rng) = (rng.u32(..100), rng.fork());
            scope.spawn(move || scene.wait(rng, waits));
        }
        for _ in 0..rng.u32(1..=2) {
            let (times, rng) = (rng.u32(..300), rng.fork());
            scope.spawn(move || scene.notify(rng, times));
        }
    });
    let [woken, timed_out, notified] =
        [&scene.woken, &scene.timed_out, &scene.notified].map(|count| count.load(Relaxed));
    assert_eq!(woken, notified, "a notification was lost, or made up");
    assert!(!scene.condition.notify_one(), "somebody is still in line");
    vec![("waits that were notified", woken), ("waits that timed out", timed_out)]
}
