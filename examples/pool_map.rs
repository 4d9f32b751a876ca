//! `ThreadPool`: a few threads run many jobs, each of which has a result.
//!
//! In Python: `with ThreadPoolExecutor(4) as pool: for cloth in pool.map(weave, range(12))`,
//! and `submit`, whose `Future` returns the result or raises the exception.
//!
//! ```text
//! cargo run --example pool_map
//! ```
//! `map` returns the results in the order of the items, although the first take longest; `as_completed` returns
//! the jobs as they end. A job that panics fails alone. `cancel` returns true if the job will never run.

use selvedge::pool::{self, as_completed};
use selvedge::{Event, Job, Outcome, ThreadPool, thread};
use std::error::Error;
use std::panic::resume_unwind;
use std::time::Duration;

const ITEMS: u64 = 12;

static BEGUN: Event = Event::new();
static GO: Event = Event::new();

/// The greater the item, the sooner the function returns.
fn weave(item: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(10 * (ITEMS - item)));
    item
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::new(4);
    let mapped: Vec<u64> = pool.map(0..ITEMS, weave).collect::<Result<_, _>>()?;
    println!("map:          {mapped:?}");
    assert!(mapped.into_iter().eq(0..ITEMS));

    let submit = |item| pool.submit(move || weave(item));
    let jobs: Vec<_> = (ITEMS - 4..ITEMS).map(submit).collect::<Result<_, _>>()?;
    let completed: Vec<u64> = as_completed(jobs).map(Job::result).collect::<Result<_, _>>()?;
    println!("as_completed: {completed:?}");

    // A panic without the message on stderr.
    let torn = pool.submit(|| -> u32 { resume_unwind(Box::new("no yarn")) })?;
    let whole = pool.submit(|| 6 * 7)?;
    println!(
        "a panic:      {}; the other job returned {}",
        torn.result().unwrap_err(),
        whole.result()?
    );

    let single = pool::Builder::new().workers(1).name("single").build();
    let first = single.submit(|| {
        BEGUN.set();
        GO.wait();
    })?;
    let second = single.submit(|| unreachable!("it was cancelled"))?;
    second.on_done(|outcome| println!("callback:     the second job is {outcome:?}"));
    BEGUN.wait();
    let (running, waiting) = (first.cancel(), second.cancel());
    GO.set();
    println!("cancel:       of the running job {running}, of the waiting one {waiting}");
    assert_eq!((running, waiting), (false, true));
    assert_eq!((first.wait(), second.wait()), (Outcome::Returned, Outcome::Cancelled));

    drop(single); // as `shutdown`: waits until all jobs have ended
    pool.shutdown();
    assert_eq!(thread::active_count(), 1, "only main is alive");
    Ok(())
}
