//! A value for each thread, by object.

use super::{Drops, Token};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::thread::{self, Local};
use selvedge::{Barrier, Event};
use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Values that count themselves, and those that were dropped.
fn counted() -> (Arc<AtomicUsize>, Drops, Arc<Local<Token>>) {
    let (made, drops) = (Arc::new(AtomicUsize::new(0)), Drops::default());
    let (count, tokens) = (Arc::clone(&made), drops.clone());
    let make = move || {
        count.fetch_add(1, SeqCst);
        tokens.token()
    };
    (made, drops, Arc::new(Local::new(make)))
}

#[test]
fn each_thread_makes_its_own_when_it_first_looks() {
    let (made, drops, tokens) = counted();
    let numbers = Local::new(|| Cell::new(1));
    let all_looked = Barrier::new(4);
    watchdog::run(|watch| {
        assert_eq!(made.load(SeqCst), 0);
        let player = |number| {
            let (tokens, numbers, all_looked) = (&tokens, &numbers, &all_looked);
            watch.spawn(format!("player {number}"), move |role| {
                numbers.with(|own| own.set(own.get() + number));
                tokens.with(|_| ());
                role.waits("the others", || all_looked.wait()).unwrap();
                tokens.with(|_| ());
                numbers.with(Cell::get)
            })
        };
        let players: Vec<_> = (0..4).map(player).collect();
        let seen: Vec<_> = players.into_iter().map(|player| player.join()).collect();
        assert_eq!(seen, [1, 2, 3, 4]);
        assert_eq!((made.load(SeqCst), drops.count()), (4, 4));
        assert_eq!(numbers.with(Cell::get), 1);
        assert_eq!(format!("{numbers:?}"), "Local { .. }");
        assert_eq!(Local::<Cell<u8>>::default().with(Cell::get), 0);
    });
}

#[test]
fn objects_have_values_of_their_own() {
    let (one, other) = (
        Local::new(|| Cell::new(1)),
        Local::new(|| RefCell::new(String::from("other"))),
    );
    let (third, same_type) = (Local::new(|| Cell::new(3)), Local::new(|| Cell::new(4)));
    one.with(|value| value.set(10));
    other.with(|value| value.borrow_mut().push('!'));
    third.with(|outer| same_type.with(|inner| inner.set(inner.get() + outer.get())));
    assert_eq!(
        (one.with(Cell::get), third.with(Cell::get), same_type.with(Cell::get)),
        (10, 3, 7)
    );
    assert_eq!(other.with(|value| value.borrow().clone()), "other!");
}

#[test]
fn a_value_is_dropped_when_its_thread_ends() {
    watchdog::run(|watch| {
        let (made, drops, tokens) = counted();
        let theirs = Arc::clone(&tokens);
        let of_the_kit = thread::spawn(move || theirs.with(|_| ()));
        watch.waits("join", || of_the_kit.join()).unwrap();
        assert_eq!(drops.count(), 1, "a join waits for it");
        std::thread::scope(|scope| {
            scope.spawn(|| tokens.with(|_| ())).join().unwrap();
            watch.until("the drop", || drops.count() == 2); // std's scope need not wait for it
        });
        let theirs = Arc::clone(&tokens);
        std::thread::spawn(move || theirs.with(|_| ())).join().unwrap();
        assert_eq!((drops.count(), made.load(SeqCst)), (3, 3));
        let theirs = Arc::clone(&tokens);
        thread::spawn(move || theirs.with(|_| panic!("with a value")))
            .join()
            .unwrap_err();
        assert_eq!(drops.count(), 4);
    });
}

#[test]
fn a_value_of_who_drops_the_object_is_dropped_with_it_and_others_are_not() {
    let (_, drops, tokens) = counted();
    let (looked, go_on) = (Event::new(), Event::new());
    watchdog::run(|watch| {
        let theirs = Arc::clone(&tokens);
        let other = watch.spawn("other", |role| {
            theirs.with(|_| ());
            drop(theirs);
            looked.set();
            role.waits("the object's drop", || go_on.wait());
            let before = drops.count();
            Local::new(|| 5).with(|_| ()); // makes a value, and sweeps
            (before, drops.count())
        });
        tokens.with(|_| ());
        watch.waits("the other's look", || looked.wait());
        drop(tokens);
        assert_eq!(drops.count(), 1);
        go_on.set();
        assert_eq!(other.join(), (1, 2));
    });
}

#[test]
fn values_of_dropped_objects_do_not_pile_up() {
    let (to_other, objects) = std::sync::mpsc::channel::<Arc<Local<Token>>>();
    let done = &selvedge::Semaphore::new(0);
    watchdog::run(|watch| {
        let drops = Drops::default();
        let looker = watch.spawn("looker", move |role| {
            while let Ok(object) = role.waits("recv", || objects.recv()) {
                object.with(|_| ());
                drop(object); // the other drops it last
                done.release(1).unwrap();
            }
        });
        for round in 0..200 {
            let tokens = drops.clone();
            let object = Arc::new(Local::new(move || tokens.token()));
            to_other.send(Arc::clone(&object)).unwrap();
            watch.waits("the look", || done.acquire().forget());
            let _not_before = object;
            assert!(drops.count() >= round, "{} of {round} are dropped", drops.count());
        }
        drop(to_other);
        looker.join();
        assert_eq!(drops.count(), 200);
    });
}

#[test]
fn a_thread_that_has_dropped_its_objects_has_few_values() {
    watchdog::run(|watch| {
        (0..1000)
            .map(|_| Local::new(|| ()))
            .collect::<Vec<_>>()
            .iter()
            .for_each(|object| object.with(|_| ()));
        let drops = Drops::default();
        let tokens = drops.clone();
        let object = Local::new(move || tokens.token());
        object.with(|_| ());
        watch.spawn("who drops the object", move |_| drop(object)).join();
        Local::new(|| ()).with(|_| ());
        assert_eq!(drops.count(), 1);
    });
}

/// A thread with many values does not sweep all of them for each that it adds, or each would drop the value of the object
/// dropped just before. But none is left for long.
#[test]
fn values_of_dropped_objects_go_many_at_once_where_there_are_many() {
    const VALUES: usize = 1000;
    watchdog::run(|watch| {
        let (drops, kept) = (
            Drops::default(),
            (0..VALUES).map(|_| Local::new(|| ())).collect::<Vec<_>>(),
        );
        kept.iter().for_each(|object| object.with(|_| ()));
        let (mut sweeps, mut most) = (0, 0);
        for round in 0..4 * VALUES {
            let (tokens, before) = (drops.clone(), drops.count());
            let object = Local::new(move || tokens.token());
            object.with(|_| ());
            sweeps += usize::from(drops.count() > before);
            most = most.max(round - drops.count());
            // Its value here is an orphan now.
            watch.spawn("who drops the object", move |_| drop(object)).join();
        }
        assert!(sweeps > 0, "no value of a dropped object was dropped");
        assert!(sweeps < 4 * VALUES / 100, "{sweeps} sweeps of {VALUES} values");
        assert!(most <= VALUES, "{most} values of dropped objects were left");
    });
}

/// An object may be where another was.
#[test]
fn a_new_object_finds_no_value_of_a_dropped_one() {
    let (to_other, objects) = std::sync::mpsc::channel::<(usize, Arc<Local<usize>>)>();
    let done = &selvedge::Semaphore::new(0);
    watchdog::run(|watch| {
        let looker = watch.spawn("looker", move |role| {
            while let Ok((number, object)) = role.waits("recv", || objects.recv()) {
                object.with(|value| assert_eq!(*value, number));
                drop(object);
                done.release(1).unwrap();
            }
        });
        for number in 0..200 {
            let object = Arc::new(Local::new(move || number));
            to_other.send((number, Arc::clone(&object))).unwrap();
            watch.waits("the look", || done.acquire().forget());
        }
        drop(to_other);
        looker.join();
    });
}

#[test]
fn reset_drops_the_value_of_the_caller_alone() {
    let (made, drops, tokens) = counted();
    let (looked, go_on) = (Event::new(), Event::new());
    watchdog::run(|watch| {
        tokens.reset(); // there is none
        tokens.with(|_| ());
        let other = watch.spawn("other", |role| {
            tokens.with(|_| ());
            looked.set();
            role.waits("the reset", || go_on.wait());
            let before = made.load(SeqCst);
            tokens.with(|_| ());
            assert_eq!(made.load(SeqCst), before, "its own is still there");
        });
        watch.waits("the other's look", || looked.wait());
        tokens.reset();
        tokens.reset();
        assert_eq!((made.load(SeqCst), drops.count()), (2, 1));
        tokens.with(|_| {
            tokens.reset();
            assert_eq!(drops.count(), 1, "it is lent");
        });
        assert_eq!((made.load(SeqCst), drops.count()), (3, 2));
        go_on.set();
        other.join();
    });
}

#[test]
fn a_value_need_not_be_send() {
    let shared = Local::new(|| Rc::new(Cell::new(0)));
    let mine = shared.with(Rc::clone);
    watchdog::run(|watch| {
        let theirs = || shared.with(|value| (value.set(1), Rc::strong_count(value)).1);
        assert_eq!(watch.spawn("other", move |_| theirs()).join(), 1);
    });
    assert_eq!((Rc::strong_count(&mine), mine.get()), (2, 0));
    drop(shared);
    assert_eq!(Rc::strong_count(&mine), 1);
}

#[test]
fn a_make_that_panics_makes_nothing() {
    let fails = Arc::new(AtomicBool::new(true));
    let theirs = Arc::clone(&fails);
    let values = Local::new(move || {
        assert!(!theirs.load(SeqCst), "no yarn");
        7
    });
    assert_eq!(panic_of(|| values.with(|_| ())), "no yarn");
    assert_eq!(panic_of(|| values.with(|_| ())), "no yarn");
    fails.store(false, SeqCst);
    assert_eq!(values.with(|value| *value), 7);
    assert_eq!(
        panic_of(|| values.with(|_| panic!("a look that fails"))),
        "a look that fails"
    );
    assert_eq!(values.with(|value| *value), 7);
}

/// Looks at an object of its own kind when it is made, and at another when it is dropped.
struct Curious(u32);

impl Drop for Curious {
    fn drop(&mut self) {
        let look = || FRESH.with(|fresh| fresh.with(|_| fresh.reset()));
        // At the end of its thread it may not look.
        if catch_unwind(look).is_ok() {
            LOOKED_AT.set(LOOKED_AT.get() + 1);
        }
    }
}

thread_local! {
    static LOOKED_AT: Cell<u32> = const { Cell::new(0) };
    static FRESH: Local<Cell<u8>> = Local::default();
}

#[test]
fn a_make_may_look_at_the_same_object() {
    static DEPTH: AtomicUsize = AtomicUsize::new(0);
    static INNER: std::sync::OnceLock<Arc<Local<Curious>>> = std::sync::OnceLock::new();
    let make = || {
        let depth = DEPTH.fetch_add(1, SeqCst);
        if depth < 2 {
            INNER
                .get()
                .unwrap()
                .with(|inner| assert_eq!(inner.0, 2, "the innermost was made first"));
        }
        Curious(depth as u32)
    };
    let object = INNER.get_or_init(|| Arc::new(Local::new(make)));
    assert_eq!(object.with(|value| value.0), 2, "and stays");
    assert_eq!((DEPTH.load(SeqCst), LOOKED_AT.get()), (3, 2), "the others are dropped");
    object.reset();
    assert_eq!(LOOKED_AT.get(), 3);
}

/// Whatever a value does in its drop: no table is borrowed.
#[test]
fn a_drop_may_look_at_any_object() {
    let object = Local::new(|| Curious(0));
    object.with(|_| ());
    object.reset();
    object.with(|_| ());
    drop(object);
    assert_eq!(LOOKED_AT.get(), 2);
    let object = Arc::new(Local::new(|| Curious(0)));
    let (theirs, looked, go_on) = (Arc::clone(&object), Event::new(), Event::new());
    watchdog::run(|watch| {
        let sweeper = watch.spawn("sweeper", |role| {
            theirs.with(|_| ());
            drop(theirs);
            looked.set();
            role.waits("the object's drop", || go_on.wait());
            Local::new(|| 0).with(|_| ());
            LOOKED_AT.get()
        });
        watch.waits("the look", || looked.wait());
        drop(object);
        go_on.set();
        assert_eq!(sweeper.join(), 1);
    });
}

/// A thread-local of std that looks when the thread has dropped its values.
struct Late(Arc<Local<u8>>, Arc<std::sync::Mutex<Option<String>>>);

impl Drop for Late {
    fn drop(&mut self) {
        self.0.reset(); // there is nothing to drop
        let said = panic_of(|| self.0.with(|_| ()));
        *self.1.lock().unwrap() = Some(said);
    }
}

thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });

#[cfg(target_os = "linux")] // where thread-locals go in the reverse order
#[test]
fn a_thread_that_is_ending_has_no_values() {
    watchdog::run(|_| {
        let (object, said) = (Arc::new(Local::new(|| 1)), Arc::new(std::sync::Mutex::new(None)));
        let late = Late(Arc::clone(&object), Arc::clone(&said));
        let thread = thread::spawn(move || {
            LATE.set(Some(late));
            object.with(|_| ());
        });
        thread.join().unwrap();
        let said = said.lock().unwrap().take().expect("it was dropped");
        assert!(said.contains("during or after destruction"), "{said}");
    });
}
