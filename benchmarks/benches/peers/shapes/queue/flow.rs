//! The measurement loops of all queues.

use super::channel::Channel;
use crate::load::{SETTLING, alone, nanoseconds};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// The item that ends a consumer; it has the lowest priority.
const END: u64 = u64::MAX;

/// The range of the items' distances from the current item, in a queue that is ordered by time.
const AHEAD: u64 = 1 << 20;

/// An item with a number.
pub trait Item: Send + Unpin + 'static {
    /// An item with this number.
    fn new(number: u64) -> Self;
    /// Its number.
    fn number(&self) -> u64;
}

impl Item for u64 {
    #[inline(always)]
    fn new(number: u64) -> Self {
        number
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        *self
    }
}

/// An item of 256 bytes.
pub type Big = [u64; 32];

impl Item for Big {
    #[inline(always)]
    fn new(number: u64) -> Self {
        [number; 32]
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        self[31]
    }
}

/// A fast generator of pseudorandom numbers other than `END`.
struct Numbers(u64);

impl Numbers {
    #[inline(always)]
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 1
    }
}

/// Nanoseconds per item that one thread puts and gets.
pub fn single<C: Channel<I>, I: Item>(capacity: Option<usize>) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let channel = CachePadded::new(C::new(capacity));
        alone(slice, || {
            channel.put(I::new(black_box(7)));
            black_box(&channel.get()); // the whole item, not only its number
        })
    }
}

/// The position of a new item among the queued items.
#[derive(Clone, Copy)]
pub enum Position {
    /// Before all of them: the path through the heap is always the same, and the processor predicts it.
    First,
    /// Anywhere after the item that was got last, like the alarms
    /// of a clock: the distribution of the items stays the same.
    Anywhere,
}

/// Nanoseconds per pair of a put into a queue of this depth and a get, on one thread.
pub fn at_depth<C: Channel<u64>>(depth: usize, position: Position) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let channel = CachePadded::new(C::new(None));
        let mut numbers = Numbers(1);
        (0..depth).for_each(|_| channel.put(AHEAD + numbers.next() % AHEAD));
        let (state, now) = (Cell::new(numbers.0), Cell::new(0));
        alone(slice, || {
            let mut numbers = Numbers(state.get());
            channel.put(now.get() + numbers.next() % AHEAD);
            state.set(numbers.0);
            let first = channel.get();
            match position {
                Position::First => drop(black_box(first)),
                Position::Anywhere => now.set(first),
            }
        })
    }
}

/// The result of one thread.
struct Part {
    began: Instant,
    ended: Instant,
    count: u64,
    sum: u64, // of the items' numbers, modulo 2^64
}

impl Part {
    /// Runs `step` from the time when all threads are ready until it returns `None`.
    #[inline(always)]
    fn of(ready: &Barrier, mut step: impl FnMut() -> Option<u64>) -> Part {
        ready.wait();
        let (began, mut count, mut sum) = (Instant::now(), 0, 0_u64);
        while let Some(number) = step() {
            (count, sum) = (count + 1, sum.wrapping_add(number));
        }
        Part {
            began,
            ended: Instant::now(),
            count,
            sum,
        }
    }
}

/// Nanoseconds per item, from producers to consumers. The producers put while the
/// threads settle and for the given time; then the consumers get all remaining items.
pub fn flow<C: Channel<I>, I: Item>(
    producers: u64,
    consumers: usize,
    capacity: Option<usize>,
) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let channel = &CachePadded::new(C::new(capacity));
        let stop = &CachePadded::new(AtomicBool::new(false));
        let ready = &Barrier::new(producers as usize + consumers + 1);
        let produce = move |producer| {
            let mut numbers = Numbers(producer);
            Part::of(ready, || {
                let number = (!stop.load(Relaxed)).then(|| numbers.next())?;
                channel.put(I::new(number));
                Some(number)
            })
        };
        let get = || {
            let item = channel.get();
            black_box(&item).number()
        };
        let consume = move || Part::of(ready, || Some(get()).filter(|&number| number != END));
        let (put, got): (Vec<Part>, Vec<Part>) = thread::scope(|scope| {
            let consumers: Vec<_> = (0..consumers).map(|_| scope.spawn(consume)).collect();
            let producers: Vec<_> = (1..=producers)
                .map(|producer| scope.spawn(move || produce(producer)))
                .collect();
            ready.wait();
            thread::sleep(SETTLING + slice);
            stop.store(true, Relaxed);
            let put = producers
                .into_iter()
                .map(|producer| producer.join().expect("a producer panicked"))
                .collect();
            (0..consumers.len()).for_each(|_| channel.put(I::new(END)));
            (
                put,
                consumers
                    .into_iter()
                    .map(|consumer| consumer.join().expect("a consumer panicked"))
                    .collect(),
            )
        });
        let count = |parts: &[Part]| parts.iter().map(|part| part.count).sum::<u64>();
        let sum = |parts: &[Part]| parts.iter().fold(0_u64, |sum, part| sum.wrapping_add(part.sum));
        // In a LIFO queue `END` precedes the remaining items.
        let left = (count(&got)..count(&put)).map(|_| get()).fold(0, u64::wrapping_add);
        assert_eq!(
            sum(&put),
            sum(&got).wrapping_add(left),
            "an item was lost or duplicated"
        );
        let began = put.iter().map(|part| part.began).min().expect("there are producers");
        let ended = got.iter().map(|part| part.ended).max().expect("there are consumers");
        nanoseconds(ended - began) / count(&got) as f64
    }
}
