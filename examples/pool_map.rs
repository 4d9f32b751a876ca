//! Four weavers, a dozen orders: the threads of a pool are started once, and each job has a result.
//!
//! Python's twin: `with ThreadPoolExecutor(4) as pool: for cloth in pool.map(weave, range(12))`, and `submit`, whose
//! `Future` has the result, or raises what the function raised.
//!
//! ```text
//! cargo run --example pool_map
//! ```
//! Notice that twelve orders need no more than four threads; that `map` gives the results in the order of the orders,
//! though the first take longest, and `as_completed` in the order in which they are done; that a job which panics
//! fails alone; and that `cancel` tells: true if the job will never run, false if it has begun.

use selvedge::pool::{self, as_completed};
use selvedge::{Event, Job, JobError, Outcome, SimpleQueue, ThreadPool, thread};
use std::collections::BTreeSet;
use std::error::Error;
use std::panic::resume_unwind;
use std::time::Duration;

const WEAVERS: usize = 4;
const ORDERS: u64 = 12;

static DONE: SimpleQueue<u64> = SimpleQueue::new();
static BEGUN: Event = Event::new();
static YARN: Event = Event::new();

/// The later the order, the sooner it is woven. Tells by whom.
fn weave(order: u64) -> (u64, String) {
    std::thread::sleep(Duration::from_millis(10 * (ORDERS - order)));
    DONE.put(order);
    (order, thread::current().name().to_owned())
}

fn in_the_order_of_the_items(pool: &ThreadPool) -> Result<(), JobError> {
    let (mut orders, mut weavers) = (Vec::new(), BTreeSet::new());
    for woven in pool.map(0..ORDERS, weave) {
        let (order, weaver) = woven?;
        orders.push(order);
        weavers.insert(weaver);
    }
    let done: Vec<_> = orders.iter().map(|_| DONE.get()).collect();
    println!("map:          {orders:?}");
    println!("they ended:   {done:?}");
    println!("woven by:     {weavers:?}");
    assert!(orders.iter().copied().eq(0..ORDERS) && weavers.len() <= WEAVERS);
    Ok(())
}

fn in_the_order_of_their_ends(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let jobs: Vec<_> = (ORDERS - 4..ORDERS)
        .map(|order| pool.submit(move || weave(order)))
        .collect::<Result<_, _>>()?;
    let woven: Result<Vec<_>, _> = as_completed(jobs).map(Job::result).collect();
    println!(
        "as_completed: {:?}",
        woven?.iter().map(|(order, _)| order).collect::<Vec<_>>()
    );
    Ok(())
}

fn one_fails_alone(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    // As `panic!`, but for the standard library's message on stderr.
    let torn = pool.submit(|| -> u32 { resume_unwind(Box::new("no yarn")) })?;
    let whole = pool.submit(|| 6 * 7)?;
    println!(
        "one failed:   {}; the other has {}",
        torn.result().unwrap_err(),
        whole.result()?
    );
    Ok(())
}

fn cancel_tells() -> Result<(), Box<dyn Error>> {
    let pool = pool::Builder::new().workers(1).name("apprentice").build();
    let first = pool.submit(|| {
        BEGUN.set();
        YARN.wait();
    })?;
    let second = pool.submit(|| unreachable!("it was cancelled"))?;
    second.on_done(|outcome| println!("told:         the second is {outcome:?}"));
    BEGUN.wait();
    let (late, in_time) = (first.cancel(), second.cancel());
    YARN.set();
    println!("cancelled:    the first, which runs: {late}; the second, which waits: {in_time}");
    assert_eq!(
        (late, in_time, first.wait(), second.wait()),
        (false, true, Outcome::Returned, Outcome::Cancelled)
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = pool::Builder::new().workers(WEAVERS).name("weaver").build();
    in_the_order_of_the_items(&pool)?;
    in_the_order_of_their_ends(&pool)?;
    one_fails_alone(&pool)?;
    cancel_tells()?;
    pool.shutdown(); // waits until all is done; to drop the pool does the same
    println!(
        "shut down:    threads alive, besides main: {}",
        thread::active_count() - 1
    );
    assert_eq!(thread::active_count(), 1);
    Ok(())
}
