//! Queues of each order and of any capacity, in every form of put and get, shut down at the end or during the work.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::queue::{AnyQueue, Fifo, Lifo, Order, Priority};
use selvedge::{GetError, PutError, thread};
use std::any::TypeId;
use std::iter;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A queue, and how often each item was got or given back. The items of a producer are equal modulo `producers`.
struct Scene<'a, O: Order<u32>> {
    queue: AnyQueue<u32, O>,
    ends: Vec<AtomicU64>,
    producers: usize,
    counts: &'a Counts,
}

impl<O: Order<u32> + 'static> Scene<'_, O> {
    fn end(&self, items: impl IntoIterator<Item = u32>, how: &'static str) {
        for item in items {
            self.ends[item as usize].fetch_add(1, Relaxed);
            self.counts.add(how, 1);
        }
    }

    fn produce(&self, mut rng: Rng, mut items: impl Iterator<Item = u32>) {
        while let Some(item) = items.next() {
            let put = match rng.u8(..4) {
                0 => self.queue.put(item).map_err(PutError::from),
                1 => self.queue.try_put(item),
                2 => self.queue.put_timeout(item, moment(&mut rng)),
                _ => {
                    let many: Vec<_> = iter::once(item).chain(items.by_ref().take(rng.usize(..10))).collect();
                    if let Err(refused) = self.queue.put_many(many) {
                        self.end(refused.into_inner(), "items given back");
                    }
                    Ok(())
                }
            };
            if let Err(refused) = put {
                self.counts.add("calls without success", 1);
                self.end([refused.into_inner()], "items given back");
            }
        }
    }

    fn consume(&self, mut rng: Rng) {
        let mut last = vec![None; self.producers];
        let mut got = |item| {
            // A consumer gets the items of a producer in their order.
            let before = last[item as usize % self.producers].replace(item);
            let is_fifo = TypeId::of::<O>() == TypeId::of::<Fifo>();
            assert!(!is_fifo || before < Some(item), "{item} was got after {before:?}");
            self.end([item], "items got");
        };
        let finish = |()| self.queue.task_done().expect("an item is finished once");
        loop {
            let result = match rng.u8(..5) {
                0 => self.queue.get().map(&mut got).map(finish).map_err(GetError::from),
                1 => self.queue.try_get().map(&mut got).map(finish),
                2 => self.queue.get_timeout(moment(&mut rng)).map(&mut got).map(finish),
                3 => self.queue.get_task().map(|task| got(*task)).map_err(GetError::from),
                _ => {
                    let items = self.queue.drain();
                    // A producer puts its items in increasing order.
                    let is_increasing = |producer| {
                        items
                            .iter()
                            .filter(|&&item| item as usize % self.producers == producer)
                            .is_sorted()
                    };
                    let is_decreasing = |producer| {
                        items
                            .iter()
                            .rev()
                            .filter(|&&item| item as usize % self.producers == producer)
                            .is_sorted()
                    };
                    let is_lifo = TypeId::of::<O>() == TypeId::of::<Lifo>();
                    assert!((0..self.producers).all(|producer| if is_lifo {
                        is_decreasing(producer)
                    } else {
                        is_increasing(producer)
                    }));
                    items.into_iter().map(&mut got).for_each(finish);
                    Ok(())
                }
            };
            match result {
                Ok(()) => {}
                Err(GetError::Empty) => self.counts.add("calls without success", 1),
                Err(GetError::ShutDown) => return,
            }
        }
    }

    /// Shuts the queue down, after all items are finished or at any time.
    fn shut_down(&self, mut rng: Rng, join_producers: impl FnOnce()) {
        match rng.u8(..4) {
            0 => {
                pause(&mut rng);
                self.queue.shutdown();
            }
            1 => {
                pause(&mut rng);
                self.end(self.queue.shutdown_now(), "items given back");
            }
            _ => {
                join_producers();
                while self.queue.join_timeout(moment(&mut rng)).is_err() {}
                let is_finished = self.queue.is_empty() && self.queue.task_done().is_err();
                assert!(is_finished, "join returned too early");
                pause(&mut rng); // the consumers may block
                self.queue.shutdown();
            }
        }
    }
}

fn run<O: Order<u32> + 'static>(mut rng: Rng, counts: &Counts)
where
    AnyQueue<u32, O>: Sync,
{
    let is_unbounded = rng.u8(..8) == 0;
    let queue = if is_unbounded {
        AnyQueue::unbounded()
    } else {
        AnyQueue::bounded(1 << rng.u32(..8))
    };
    let (producers, consumers, items) = (rng.usize(1..=3), rng.usize(1..=3), rng.u32(1..2000));
    let ends = (0..items).map(|_| AtomicU64::new(0)).collect();
    let scene = &Scene::<O> {
        queue,
        ends,
        producers,
        counts,
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
    let once = |ends: &AtomicU64| ends.load(Relaxed) == 1;
    assert!(
        scene.ends.iter().all(once),
        "an item was not got or given back exactly once"
    );
    assert_eq!((scene.queue.len(), scene.queue.unfinished()), (0, 0));
}

pub fn scene(mut rng: Rng, counts: &Counts) {
    match rng.u8(..3) {
        0 => run::<Fifo>(rng, counts),
        1 => run::<Lifo>(rng, counts),
        _ => run::<Priority>(rng, counts),
    }
}
