//! Queues of each order, with room for few or many, in every form of put and get, shut down at the end or in the midst.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::queue::{AnyQueue, Fifo, Lifo, Order, Priority};
use selvedge::{GetError, PutError, thread};
use std::iter;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What has become of each item, and what was in vain.
struct Accounts {
    ends: Vec<AtomicU64>, // how often it was got or given back
    got: AtomicU64,
    given_back: AtomicU64,
    in_vain: AtomicU64,
}

impl Accounts {
    fn end(&self, items: impl IntoIterator<Item = u32>, how: &AtomicU64) {
        for item in items {
            self.ends[item as usize].fetch_add(1, Relaxed);
            how.fetch_add(1, Relaxed);
        }
    }
}

struct Scene<O: Order<u32>> {
    queue: AnyQueue<u32, O>,
    accounts: Accounts,
}

impl<O: Order<u32>> Scene<O> {
    fn produce(&self, mut rng: Rng, mut items: impl Iterator<Item = u32>) {
        let Accounts {
            given_back, in_vain, ..
        } = &self.accounts;
        while let Some(item) = items.next() {
            let put = match rng.u8(..4) {
                0 => self.queue.put(item).map_err(PutError::from),
                1 => self.queue.try_put(item),
                2 => self.queue.put_timeout(item, moment(&mut rng)),
                _ => {
                    let many: Vec<_> = iter::once(item).chain(items.by_ref().take(rng.usize(..10))).collect();
                    if let Err(refused) = self.queue.put_many(many) {
                        self.accounts.end(refused.into_inner(), given_back);
                    }
                    Ok(())
                }
            };
            if let Err(refused) = put {
                in_vain.fetch_add(1, Relaxed);
                self.accounts.end([refused.into_inner()], given_back);
            }
        }
    }

    fn consume(&self, mut rng: Rng) {
        let Accounts { got, in_vain, .. } = &self.accounts;
        let finish = |item| {
            self.accounts.end([item], got);
            self.queue.task_done().expect("an item is done once");
        };
        loop {
            let result = match rng.u8(..5) {
                0 => self.queue.get().map(finish).map_err(GetError::from),
                1 => self.queue.try_get().map(finish),
                2 => self.queue.get_timeout(moment(&mut rng)).map(finish),
                3 => self
                    .queue
                    .get_task()
                    .map(|task| self.accounts.end([*task], got))
                    .map_err(GetError::from),
                _ => {
                    self.queue.drain().into_iter().for_each(finish);
                    Ok(())
                }
            };
            match result {
                Ok(()) => {}
                Err(GetError::Empty) => _ = in_vain.fetch_add(1, Relaxed),
                Err(GetError::ShutDown) => return,
            }
        }
    }

    /// At the end, when all is done, or at any time.
    fn shut_down(&self, mut rng: Rng, produced: impl FnOnce()) {
        match rng.u8(..4) {
            0 => {
                pause(&mut rng);
                self.queue.shutdown();
            }
            1 => {
                pause(&mut rng);
                self.accounts.end(self.queue.shutdown_now(), &self.accounts.given_back);
            }
            _ => {
                produced();
                while self.queue.join_timeout(moment(&mut rng)).is_err() {}
                assert!(
                    self.queue.is_empty() && self.queue.task_done().is_err(),
                    "join returned too early"
                );
                pause(&mut rng); // who gets may fall asleep
                self.queue.shutdown();
            }
        }
    }
}

fn play<O: Order<u32>>(mut rng: Rng) -> Counts
where
    Scene<O>: Sync,
{
    let queue = if rng.u8(..8) == 0 {
        AnyQueue::unbounded()
    } else {
        AnyQueue::bounded(1 << rng.u32(..8))
    };
    let (producers, consumers, items) = (rng.usize(1..=3), rng.usize(1..=3), rng.u32(1..2000));
    let ends = (0..items).map(|_| AtomicU64::new(0)).collect();
    let [got, given_back, in_vain] = Default::default();
    let scene = &Scene::<O> {
        queue,
        accounts: Accounts {
            ends,
            got,
            given_back,
            in_vain,
        },
    };
    thread::scope(|scope| {
        let start = |nth: usize| {
            let (rng, share) = (rng.fork(), (nth as u32..items).step_by(producers));
            scope.spawn(move || scene.produce(rng, share))
        };
        let producing: Vec<_> = (0..producers).map(start).collect();
        for _ in 0..consumers {
            let rng = rng.fork();
            scope.spawn(move || scene.consume(rng));
        }
        scene.shut_down(rng, || {
            producing
                .iter()
                .for_each(|producer| producer.join().expect("it does not panic"))
        });
    });
    assert!(
        scene.accounts.ends.iter().all(|ends| ends.load(Relaxed) == 1),
        "an item was not got or given back once"
    );
    assert_eq!((scene.queue.len(), scene.queue.unfinished()), (0, 0));
    let count = |count: &AtomicU64| count.load(Relaxed);
    let Accounts {
        got,
        given_back,
        in_vain,
        ..
    } = &scene.accounts;
    vec![
        ("items got", count(got)),
        ("items given back", count(given_back)),
        ("calls in vain", count(in_vain)),
    ]
}

pub fn scene(mut rng: Rng) -> Counts {
    let order = rng.u8(..3);
    match order {
        0 => play::<Fifo>(rng),
        1 => play::<Lifo>(rng),
        _ => play::<Priority>(rng),
    }
}
