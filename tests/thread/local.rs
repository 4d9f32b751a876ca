//! `Local`: a value for each thread and object.

use super::{Drops, Token};
use crate::support::{panic_of, shared};
use crate::watchdog;
use selvedge::thread::{self, Local};
use selvedge::{Barrier, Event, Semaphore};
use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};

/// An object whose values are counted when they are made and when they are dropped.
fn counted() -> (Arc<AtomicUsize>, Drops, Arc<Local<Token>>) {
    let ((made, count), drops) = (shared(AtomicUsize::new(0)), Drops::default());
    let tokens = drops.clone();
    let make = move || {
        count.fetch_add(1, SeqCst);
        tokens.token()
    };
    (made, drops, Arc::new(Local::new(make)))
}

#[test]
fn each_thread_makes_its_value_at_its_first_access() {
    let (made, drops, tokens) = counted();
    let (numbers, all_have_one) = (Local::new(|| Cell::new(1)), Barrier::new(4));
    watchdog::run(|watch| {
        assert_eq!(made.load(SeqCst), 0);
        let reader = |number| {
            let (tokens, numbers, all_have_one) = (&tokens, &numbers, &all_have_one);
            watch.spawn(format!("reader {number}"), move |role| {
                numbers.with(|own| own.set(own.get() + number));
                tokens.with(|_| ());
                role.waits("the others", || all_have_one.wait()).unwrap();
                tokens.with(|_| ());
                numbers.with(Cell::get)
            })
        };
        let readers = [0, 1, 2, 3].map(reader);
        assert_eq!(readers.map(|reader| reader.join()), [1, 2, 3, 4]);
        assert_eq!((made.load(SeqCst), drops.count()), (4, 4));
        assert_eq!(numbers.with(Cell::get), 1);
        assert_eq!(Local::<Cell<u8>>::default().with(Cell::get), 0);
    });
}

#[test]
fn each_object_has_its_own_value() {
    let numbers = [1, 3, 4].map(|number| Local::new(move || Cell::new(number)));
    let text = Local::new(|| RefCell::new(String::from("text")));
    numbers[0].with(|number| number.set(10));
    text.with(|text| text.borrow_mut().push('!'));
    numbers[1].with(|outer| numbers[2].with(|inner| inner.set(inner.get() + outer.get())));
    assert_eq!(numbers.each_ref().map(|number| number.with(Cell::get)), [10, 3, 7]);
    assert_eq!(text.with(|text| text.borrow().clone()), "text!");
}

#[test]
fn a_value_is_dropped_when_its_thread_ends() {
    watchdog::run(|watch| {
        let (made, drops, tokens) = counted();
        let own = || Arc::clone(&tokens);
        let access = |tokens: Arc<Local<Token>>| move || tokens.with(|_| ());
        thread::spawn(access(own())).join().unwrap();
        assert_eq!(drops.count(), 1, "a join waits for the drop");
        std::thread::spawn(access(own())).join().unwrap();
        assert_eq!(drops.count(), 2);
        std::thread::scope(|scope| {
            scope.spawn(access(own())).join().unwrap();
            watch.until("the drop", || drops.count() == 3); // the scope of std need not wait for it
        });
        let tokens = own();
        thread::spawn(move || tokens.with(|_| panic!("with a value")))
            .join()
            .unwrap_err();
        assert_eq!((drops.count(), made.load(SeqCst)), (4, 4));
    });
}

/// Runs `meanwhile` with the object when another thread has a value of it and has dropped its handle; then `after` on
/// that thread.
fn beside_a_value<T: 'static, R: Send>(
    object: Arc<Local<T>>,
    meanwhile: impl FnOnce(Arc<Local<T>>),
    after: impl FnOnce() -> R + Send,
) -> R {
    let (own, has_a_value, go_on) = (Arc::clone(&object), Event::new(), Event::new());
    watchdog::run(|watch| {
        let other = watch.spawn("other", |role| {
            own.with(|_| ());
            drop(own);
            has_a_value.set();
            role.waits("the other thread", || go_on.wait());
            after()
        });
        watch.waits("the value", || has_a_value.wait());
        meanwhile(object);
        go_on.set();
        other.join()
    })
}

#[test]
fn the_drop_of_an_object_drops_the_dropping_threads_value_and_others_go_with_their_threads_next_value() {
    let (_, drops, tokens) = counted();
    tokens.with(|_| ());
    let drop_object = |tokens| {
        drop(tokens);
        assert_eq!(drops.count(), 1);
    };
    let sweep = || {
        let before = drops.count();
        Local::new(|| 5).with(|_| ());
        (before, drops.count())
    };
    assert_eq!(beside_a_value(tokens, drop_object, sweep), (1, 2));
}

/// An object may have the address of a dropped one.
#[test]
fn values_of_dropped_objects_do_not_pile_up_and_no_new_object_finds_one() {
    let ((to_reader, objects), read) = (channel::<(usize, Arc<Local<(usize, Token)>>)>(), Semaphore::new(0));
    watchdog::run(|watch| {
        let (drops, read) = (Drops::default(), &read);
        let reader = watch.spawn("reader", move |role| {
            while let Ok((number, object)) = role.waits("recv", || objects.recv()) {
                object.with(|value| assert_eq!(value.0, number));
                drop(object);
                read.release(1).unwrap();
            }
        });
        for number in 0..400 {
            let tokens = drops.clone();
            let object = Arc::new(Local::new(move || (number, tokens.token())));
            to_reader.send((number, Arc::clone(&object))).unwrap();
            // In the first half it is dropped here last, in the second half most often by the reader.
            let kept = (number < 200).then_some(object);
            watch.waits("the access", || read.acquire().forget());
            drop(kept);
            assert!(drops.count() >= number, "{} of {number} were dropped", drops.count());
        }
        drop(to_reader);
        reader.join();
        assert_eq!(drops.count(), 400);
    });
}

#[test]
fn a_thread_that_has_dropped_many_objects_sweeps_as_one_with_few_values() {
    watchdog::run(|watch| {
        let many: Vec<_> = (0..1000).map(|_| Local::new(|| ())).collect();
        many.iter().for_each(|object| object.with(|_| ()));
        drop(many);
        let drops = Drops::default();
        let tokens = drops.clone();
        let object = Local::new(move || tokens.token());
        object.with(|_| ());
        watch.spawn("dropper", move |_| drop(object)).join();
        Local::new(|| ()).with(|_| ());
        assert_eq!(drops.count(), 1);
    });
}

/// A thread with many values sweeps them rarely, so that a new value does not cost a pass over all; but it does sweep.
#[test]
fn a_thread_with_many_values_sweeps_rarely_and_drops_many_at_once() {
    const VALUES: usize = 1000;
    watchdog::run(|watch| {
        let drops = Drops::default();
        let kept: Vec<_> = (0..VALUES).map(|_| Local::new(|| ())).collect();
        kept.iter().for_each(|object| object.with(|_| ()));
        let (mut sweeps, mut most) = (0, 0);
        for round in 0..4 * VALUES {
            let (tokens, before) = (drops.clone(), drops.count());
            let object = Local::new(move || tokens.token());
            object.with(|_| ());
            sweeps += usize::from(drops.count() > before);
            most = most.max(round - drops.count());
            watch.spawn("dropper", move |_| drop(object)).join(); // the value here remains
        }
        assert!(sweeps > 0, "no value of a dropped object was dropped");
        assert!(sweeps < 4 * VALUES / 100, "{sweeps} sweeps of {VALUES} values");
        assert!(most <= VALUES, "{most} values of dropped objects remained");
    });
}

#[test]
fn a_reset_drops_the_callers_value_only_and_not_while_it_is_lent() {
    let (made, drops, tokens) = counted();
    tokens.reset(); // there is no value
    tokens.with(|_| ());
    let others = Arc::clone(&tokens);
    let reset = |tokens: Arc<Local<Token>>| {
        (0..2).for_each(|_| tokens.reset());
        assert_eq!((made.load(SeqCst), drops.count()), (2, 1));
        tokens.with(|_| {
            tokens.reset();
            assert_eq!(drops.count(), 1, "it is lent");
        });
        assert_eq!((made.load(SeqCst), drops.count()), (3, 2));
    };
    beside_a_value(tokens, reset, || {
        others.with(|_| ());
        assert_eq!(made.load(SeqCst), 3, "its value remains");
    });
}

#[test]
fn a_value_need_not_be_send() {
    let object = Local::new(|| Rc::new(Cell::new(0)));
    let own = object.with(Rc::clone);
    let other = || object.with(|value| (value.set(1), Rc::strong_count(value)).1);
    assert_eq!(std::thread::scope(|scope| scope.spawn(other).join().unwrap()), 1);
    assert_eq!((Rc::strong_count(&own), own.get()), (2, 0));
    drop(object);
    assert_eq!(Rc::strong_count(&own), 1);
}

#[test]
fn a_panic_of_make_leaves_no_value_and_a_panic_of_an_access_leaves_it() {
    let (fails, own) = shared(AtomicBool::new(true));
    let values = Local::new(move || {
        assert!(!own.load(SeqCst), "no yarn");
        7
    });
    assert_eq!([(); 2].map(|()| panic_of(|| values.with(|_| ()))), ["no yarn"; 2]);
    fails.store(false, SeqCst);
    assert_eq!(
        panic_of(|| values.with(|_| panic!("an access that fails"))),
        "an access that fails"
    );
    fails.store(true, SeqCst);
    assert_eq!(values.with(|value| *value), 7);
}

/// A value whose drop accesses another object, and counts it. At the end of its thread it cannot.
struct Reads(u32);

impl Drop for Reads {
    fn drop(&mut self) {
        if catch_unwind(|| OTHER.with(|other| other.with(|_| other.reset()))).is_ok() {
            READS.set(READS.get() + 1);
        }
    }
}

thread_local! {
    static READS: Cell<u32> = const { Cell::new(0) };
    static OTHER: Local<Cell<u8>> = Local::default();
}

#[test]
fn a_make_may_access_its_own_object() {
    static DEPTH: AtomicUsize = AtomicUsize::new(0);
    static OBJECT: OnceLock<Local<Reads>> = OnceLock::new();
    let make = || {
        let depth = DEPTH.fetch_add(1, SeqCst);
        if depth < 2 {
            let object = OBJECT.get().unwrap();
            object.with(|inner| assert_eq!(inner.0, 2, "the innermost value was made first"));
        }
        Reads(depth as u32)
    };
    let object = OBJECT.get_or_init(|| Local::new(make));
    assert_eq!(object.with(|value| value.0), 2, "and it stays");
    assert_eq!(
        (DEPTH.load(SeqCst), READS.get()),
        (3, 2),
        "the other values are dropped"
    );
    object.reset();
    assert_eq!(READS.get(), 3);
}

/// No table is borrowed during a drop: of a reset, of an object, or of a sweep.
#[test]
fn a_drop_of_a_value_may_access_any_object() {
    let object = Arc::new(Local::new(|| Reads(0)));
    object.with(|_| ());
    object.reset();
    object.with(|_| ());
    let drop_object = |object| {
        drop(object);
        assert_eq!(READS.get(), 2);
    };
    let sweep = || {
        Local::new(|| 0).with(|_| ());
        READS.get()
    };
    assert_eq!(beside_a_value(object, drop_object, sweep), 1);
}

/// A thread-local of std that is dropped after the values of the thread, and accesses one.
struct Late(Arc<Local<u8>>, Arc<Mutex<String>>);

impl Drop for Late {
    fn drop(&mut self) {
        self.0.reset(); // there is no value
        *self.1.lock().unwrap() = panic_of(|| self.0.with(|_| ()));
    }
}

thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });

#[cfg(target_os = "linux")] // where thread-locals are dropped in reverse order
#[test]
fn a_thread_that_is_ending_has_no_values() {
    let (object, (message, own)) = (Arc::new(Local::new(|| 1)), shared(Mutex::default()));
    let late = Late(Arc::clone(&object), own);
    let thread = thread::spawn(move || {
        LATE.set(Some(late));
        object.with(|_| ());
    });
    thread.join().unwrap();
    let message = message.lock().unwrap();
    assert!(message.contains("during or after destruction"), "{message}");
}
