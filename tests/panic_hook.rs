//! The program's panic hook runs inside the panicking call: wherever selvedge panics, or calls user code that panics,
//! the hook may use selvedge.

use crate::child;
use crate::watchdog;
use selvedge::{Barrier, Condition, Mutex, PriorityQueue, Queue, RLock, Semaphore, ThreadPool, Timer, thread};
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Runs `body` under a panic hook that uses `object` and spawns a thread.
fn under_a_hook<T: Send + Sync + 'static>(object: &Arc<T>, hook: fn(&T), body: impl FnOnce()) {
    let object = Arc::clone(object);
    set_hook(Box::new(move |_| {
        PANICS.fetch_add(1, Relaxed);
        hook(&object);
        thread::spawn(|| thread::enumerate().len()).join().unwrap();
    }));
    body();
    drop(std::panic::take_hook());
}

fn panics<R>(call: impl FnOnce() -> R) {
    let before = PANICS.load(Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(call()))).is_err());
    assert_eq!(PANICS.load(Relaxed), before + 1, "the hook runs once");
}

/// An item whose comparison panics.
#[derive(PartialEq, Eq)]
struct Unordered;

impl PartialOrd for Unordered {
    fn partial_cmp(&self, other: &Unordered) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Unordered {
    fn cmp(&self, _: &Unordered) -> Ordering {
        panic!("no order")
    }
}

/// The documentation forbids the hook to put into that queue, or to get from it.
#[test]
fn a_hook_may_read_the_counts_of_a_queue_whose_order_panics() {
    child::passes(&[], || {
        let urgent = Arc::new(PriorityQueue::unbounded());
        let read = |urgent: &PriorityQueue<Unordered>| assert_eq!((urgent.len(), urgent.unfinished()), (1, 1));
        watchdog::run(|watch| {
            under_a_hook(&urgent, read, || {
                urgent.put(Unordered).unwrap();
                panics(|| watch.waits("a put that panics", || urgent.put(Unordered)));
                assert!(urgent.get().is_ok());
            });
        });
    });
}

#[test]
fn a_hook_may_use_other_objects_when_user_code_or_misuse_panics() {
    child::passes(&[], || {
        let log = Arc::new((Queue::unbounded(), Condition::new(), Mutex::new(0)));
        let write = |(queue, changed, count): &(Queue<u32>, Condition, Mutex<u32>)| {
            *count.acquire() += 1;
            changed.notify_all();
            queue.put(1).unwrap();
        };
        watchdog::run(|watch| {
            under_a_hook(&log, write, || {
                watch.waits("calls that panic", || {
                    let pool = ThreadPool::new(1);
                    assert!(pool.submit(|| panic!("a job")).unwrap().result().is_err());
                    assert!(thread::spawn(|| panic!("a thread")).join().is_err());
                    assert!(Timer::start(Duration::ZERO, || panic!("a timer")).join().is_err());
                    let barrier = Barrier::with_action(1, || panic!("an action"));
                    panics(|| barrier.wait());
                    let shallow = RLock::with_max_depth(1);
                    let held = shallow.acquire();
                    panics(|| shallow.acquire().forget());
                    drop(held);
                    panics(|| Semaphore::new(u32::MAX));
                    panics(|| thread::current().join());
                });
                assert_eq!(log.0.len(), PANICS.load(Relaxed));
            });
        });
    });
}
