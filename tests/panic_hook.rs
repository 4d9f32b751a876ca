//! The program's panic hook runs where a panic begins: wherever the kit panics, or lets user code panic, the hook may use
//! the kit.

use crate::child;
use crate::watchdog;
use selvedge::{Barrier, Condition, Mutex, PriorityQueue, Queue, RLock, Semaphore, ThreadPool, Timer, thread};
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Runs `body` while the panic hook uses `object`, and starts a thread.
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
    assert_eq!(PANICS.load(Relaxed), before + 1, "the hook has run");
}

struct Odd(u32);

impl PartialEq for Odd {
    fn eq(&self, other: &Odd) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Odd {}

impl PartialOrd for Odd {
    fn partial_cmp(&self, other: &Odd) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Odd {
    fn cmp(&self, other: &Odd) -> Ordering {
        assert!(self.0 != 13 && other.0 != 13, "an unlucky number");
        self.0.cmp(&other.0)
    }
}

/// It must not put into that queue, or get from it; the documentation says so.
#[test]
fn the_order_of_a_queue_panics() {
    child::passes(&[], || {
        let urgent = Arc::new(PriorityQueue::unbounded());
        let look = |urgent: &PriorityQueue<Odd>| assert_eq!((urgent.len(), urgent.unfinished()), (1, 1));
        watchdog::run(|watch| {
            under_a_hook(&urgent, look, || {
                urgent.put(Odd(1)).unwrap();
                panics(|| watch.waits("a put that panics", || urgent.put(Odd(13))));
                assert_eq!(urgent.get().unwrap().0, 1);
            });
        });
    });
}

#[test]
fn user_code_and_misuse_panic() {
    child::passes(&[], || {
        let log = Arc::new((Queue::unbounded(), Condition::new(), Mutex::new(0)));
        let write = |(queue, changed, count): &(Queue<u32>, Condition, Mutex<u32>)| {
            *count.acquire() += 1;
            changed.notify_all();
            queue.put(1).unwrap();
        };
        watchdog::run(|watch| {
            under_a_hook(&log, write, || {
                watch.waits("what panics", || {
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
