//! Four producers, four consumers and one queue, in every form of `put` and `get`, and no item that is not accounted for.
//!
//! ```text
//! cargo run --release --example stress -- --items 10000000 --order fifo --seed 7
//! ```
//! The seed decides the capacity, from 1 to 1024, and who calls what. With room for one, nearly every item costs a change
//! of threads, which is slow. Notice in the last line that each item was got once, that some calls found the queue full or
//! empty, and that it ended at all: a lost wake-up would leave somebody asleep, and then a watchdog tells who was where.

use clap::{Parser, ValueEnum};
use crossbeam_utils::CachePadded;
use fastrand::Rng;
use selvedge::queue::{AnyQueue, Fifo, Lifo, Order, Priority};
use selvedge::{GetError, Prioritized, PutError};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{array, iter, panic, process, thread};

/// Stresses a queue and accounts for every item.
#[derive(Clone, Copy, Parser)]
struct Arguments {
    /// How many items
    #[arg(long, default_value_t = 100_000)]
    items: u32,
    /// In which order they come out
    #[arg(long, value_enum, default_value_t = Out::Fifo)]
    order: Out,
    /// What decides the capacity and who calls what
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Out {
    Fifo,
    Lifo,
    Priority,
}

/// Compared by its urgency. The number tells the producer, and the urgency follows from it: no item can be made up.
type Item = Prioritized<usize, u32>;

const PRODUCERS: usize = 4;
const CONSUMERS: usize = 4;
const URGENCIES: usize = 8;
const CAPACITIES: [usize; 8] = [1, 2, 3, 7, 16, 32, 128, 1024];
const PUTS: [&str; 8] = [
    "put",
    "put",
    "put",
    "try_put",
    "try_put",
    "put_timeout",
    "put_timeout",
    "put_many",
];
const GETS: [&str; 8] = [
    "get",
    "get",
    "get_task",
    "get_task",
    "get_timeout",
    "get_timeout",
    "try_get",
    "drain",
];
const MOST_AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_micros(50);
const STUCK_AFTER: u32 = 30; // seconds

struct Stress<O: Order<Item>> {
    arguments: Arguments,
    queue: AnyQueue<Item, O>,
    got: Vec<AtomicU64>, // a bit for each item
    producers: [CachePadded<Post>; PRODUCERS],
    consumers: [CachePadded<Post>; CONSUMERS],
    over: AtomicBool,
}

/// What a thread has done. Only that thread writes to it.
#[derive(Default)]
struct Post {
    moved: AtomicU64, // items
    in_vain: AtomicU64,
    last_call: AtomicUsize,
}

impl Post {
    fn choose(&self, calls: &[&'static str], rng: &mut Rng) -> &'static str {
        let call = rng.usize(..calls.len());
        self.last_call.store(call, Relaxed);
        calls[call]
    }

    fn add(count: &AtomicU64, more: usize) {
        count.store(count.load(Relaxed) + more as u64, Relaxed);
    }
}

impl<O: Order<Item>> Stress<O> {
    fn new(arguments: Arguments) -> Stress<O> {
        let capacity = CAPACITIES[Rng::with_seed(arguments.seed).usize(..CAPACITIES.len())];
        Stress {
            arguments,
            queue: AnyQueue::bounded(capacity),
            got: (0..arguments.items.div_ceil(u64::BITS))
                .map(|_| AtomicU64::new(0))
                .collect(),
            producers: array::from_fn(|_| CachePadded::default()),
            consumers: array::from_fn(|_| CachePadded::default()),
            over: AtomicBool::new(false),
        }
    }

    fn rng(&self, thread: usize) -> Rng {
        Rng::with_seed(self.arguments.seed ^ (thread as u64 + 1) << 32)
    }

    fn item(&self, number: u32) -> Item {
        let mixed = (u64::from(number) ^ self.arguments.seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Prioritized {
            priority: (mixed >> 32) as usize % URGENCIES,
            item: number,
        }
    }

    fn produce(&self, producer: usize) {
        let (post, mut rng) = (&self.producers[producer], self.rng(producer));
        let mut items = (producer as u32..self.arguments.items)
            .step_by(PRODUCERS)
            .map(|number| self.item(number));
        while let Some(item) = items.next() {
            let mut moved = 1;
            match post.choose(&PUTS, &mut rng) {
                "put" => self.queue.put(item).expect("it is not shut down"),
                "try_put" => self.insist(post, self.queue.try_put(item)),
                "put_timeout" => self.insist(post, self.queue.put_timeout(item, PATIENCE)),
                _ => {
                    let more = items.by_ref().take(rng.usize(..MOST_AT_ONCE));
                    let many: Vec<Item> = iter::once(item).chain(more).collect();
                    moved = many.len();
                    self.queue.put_many(many).expect("it is not shut down");
                }
            }
            Post::add(&post.moved, moved);
        }
    }

    /// Waits for room if there was none.
    fn insist(&self, post: &Post, put: Result<(), PutError<Item>>) {
        if let Err(refused) = put {
            assert!(refused.is_full(), "it is not shut down");
            Post::add(&post.in_vain, 1);
            self.queue.put(refused.into_inner()).expect("it is not shut down");
        }
    }

    fn consume(&self, consumer: usize) {
        let (post, mut rng) = (&self.consumers[consumer], self.rng(PRODUCERS + consumer));
        let mut consumer = Consumer {
            stress: self,
            post,
            last: [[None; URGENCIES]; PRODUCERS],
        };
        loop {
            let got = match post.choose(&GETS, &mut rng) {
                "get" => self
                    .queue
                    .get()
                    .map(|item| consumer.finish(item))
                    .map_err(GetError::from),
                "get_task" => self
                    .queue
                    .get_task()
                    .map(|task| consumer.note(*task))
                    .map_err(GetError::from),
                "get_timeout" => self.queue.get_timeout(PATIENCE).map(|item| consumer.finish(item)),
                "try_get" => self.queue.try_get().map(|item| consumer.finish(item)),
                _ => {
                    let items = self.queue.drain();
                    consumer.check_drained(&items);
                    items.into_iter().for_each(|item| consumer.finish(item));
                    Ok(())
                }
            };
            match got {
                Ok(()) => {}
                Err(GetError::Empty) => Post::add(&post.in_vain, 1),
                Err(GetError::ShutDown) => break,
            }
        }
    }

    /// Ends the program when nothing has moved for too long. It trusts nothing of the kit.
    fn watch(&self) {
        let (mut before, mut still) = (0, 0);
        while !self.over.load(Relaxed) {
            thread::park_timeout(Duration::from_secs(1));
            let now = moved(&self.producers) + moved(&self.consumers);
            still = if now == before { still + 1 } else { 0 };
            before = now;
            if still == STUCK_AFTER {
                eprintln!(
                    "stuck: nothing has moved for about {STUCK_AFTER} s; {}\n{:?}",
                    self.name(),
                    self.queue
                );
                let each = |name, posts: &[CachePadded<Post>], calls: &[&str]| {
                    for (number, post) in posts.iter().enumerate() {
                        let call = calls[post.last_call.load(Relaxed)];
                        eprintln!("{name} {number}: {} items, last call {call}", post.moved.load(Relaxed));
                    }
                };
                each("producer", &self.producers, &PUTS);
                each("consumer", &self.consumers, &GETS);
                process::abort();
            }
        }
    }

    fn name(&self) -> String {
        let Arguments { items, order, seed } = self.arguments;
        let capacity = self.queue.capacity().expect("it is bounded");
        format!("{order:?}, seed {seed}, so capacity {capacity}, {items} items")
    }
}

struct Consumer<'a, O: Order<Item>> {
    stress: &'a Stress<O>,
    post: &'a Post,
    last: [[Option<u32>; URGENCIES]; PRODUCERS],
}

impl<O: Order<Item>> Consumer<'_, O> {
    fn finish(&mut self, item: Item) {
        self.note(item);
        self.stress.queue.task_done().expect("an item is done once");
    }

    fn note(&mut self, Prioritized { priority, item: number }: Item) {
        assert_eq!(
            self.stress.item(number).priority,
            priority,
            "item {number} is not what was put"
        );
        let bit = 1 << (number % u64::BITS);
        let before = self.stress.got[(number / u64::BITS) as usize].fetch_or(bit, Relaxed);
        assert_eq!(before & bit, 0, "item {number} was got twice");

        // Among those that nothing but their arrival puts in order, a producer's items come in its order.
        let lane = match self.stress.arguments.order {
            Out::Fifo => Some(0),
            Out::Priority => Some(priority),
            Out::Lifo => None,
        };
        if let Some(lane) = lane {
            let last = self.last[producer_of(number)][lane].replace(number);
            assert!(last < Some(number), "item {number} was got after {last:?}");
        }
        Post::add(&self.post.moved, 1);
    }

    /// What was taken out at once is in order; first in first out is checked in `note`.
    fn check_drained(&self, items: &[Item]) {
        match self.stress.arguments.order {
            Out::Fifo => {}
            Out::Priority => assert!(items.is_sorted(), "the less urgent was got first"),
            Out::Lifo => {
                let of = |producer| items.iter().filter(move |item| producer_of(item.item) == producer);
                let in_order = |producer| of(producer).is_sorted_by(|a, b| a.item > b.item);
                assert!((0..PRODUCERS).all(in_order), "the first in was got first");
            }
        }
    }
}

fn producer_of(number: u32) -> usize {
    number as usize % PRODUCERS
}

fn sum(posts: &[CachePadded<Post>], count: impl Fn(&Post) -> &AtomicU64) -> u64 {
    posts.iter().map(|post| count(post).load(Relaxed)).sum()
}

fn moved(posts: &[CachePadded<Post>]) -> u64 {
    sum(posts, |post| &post.moved)
}

fn run<O: Order<Item>>(arguments: Arguments)
where
    Stress<O>: Sync,
{
    let (stress, start) = (&Stress::<O>::new(arguments), Instant::now());
    let items = u64::from(arguments.items);
    thread::scope(|scope| {
        let watchdog = scope.spawn(|| stress.watch());
        let consumers = array::from_fn::<_, CONSUMERS, _>(|consumer| scope.spawn(move || stress.consume(consumer)));
        let producers = array::from_fn::<_, PRODUCERS, _>(|producer| scope.spawn(move || stress.produce(producer)));
        producers.into_iter().for_each(|producer| producer.join().unwrap());

        stress.queue.join();
        assert_eq!(
            moved(&stress.consumers),
            items,
            "join returned before all items were done"
        );
        assert_eq!(
            (stress.queue.unfinished(), stress.queue.len()),
            (0, 0),
            "join returned before the last item"
        );
        assert!(stress.queue.task_done().is_err(), "one item more was done than put");

        stress.queue.shutdown();
        consumers.into_iter().for_each(|consumer| consumer.join().unwrap());
        stress.over.store(true, Relaxed);
        watchdog.thread().unpark();
    });
    let got: u64 = stress
        .got
        .iter()
        .map(|word| u64::from(word.load(Relaxed).count_ones()))
        .sum();
    assert_eq!(got, items, "an item was lost");

    let seconds = start.elapsed().as_secs_f64();
    let (full, empty) = (
        sum(&stress.producers, |post| &post.in_vain),
        sum(&stress.consumers, |post| &post.in_vain),
    );
    println!(
        "{}: {seconds:.2} s, {:.0} ns an item; each was got once; {full} puts found it full, {empty} gets empty",
        stress.name(),
        seconds * 1e9 / items.max(1) as f64,
    );
}

fn main() {
    // Who panics would leave the others waiting.
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tell(info);
        process::exit(1);
    }));
    let arguments = Arguments::parse();
    match arguments.order {
        Out::Fifo => run::<Fifo>(arguments),
        Out::Lifo => run::<Lifo>(arguments),
        Out::Priority => run::<Priority>(arguments),
    }
}
