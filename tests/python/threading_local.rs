//! `test_threading_local.py`.

use crate::support::Line;
use crate::watchdog::{self, Watch};
use selvedge::Event;
use selvedge::thread::{Local, Registry};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};

/// Does it in a thread of the kit, and waits for the thread's end.
fn in_a_thread(watch: &Watch<'_, '_>, run: impl FnOnce() + Send + 'static) {
    let thread = Registry::new().builder().spawn(run).unwrap();
    watch.waits("a thread's end", || thread.join()).unwrap();
}

#[test]
fn local_refs() {
    for threads in [20, 50, 100] {
        let local = Arc::new(Local::<RefCell<Option<Arc<()>>>>::default());
        let value = Arc::new(());
        let mut seen: Vec<Weak<()>> = Vec::new();
        watchdog::run(|watch| {
            for _ in 0..threads {
                let (theirs, value) = (Arc::clone(&local), Arc::new(()));
                seen.push(Arc::downgrade(&value));
                in_a_thread(watch, move || theirs.with(|place| *place.borrow_mut() = Some(value)));
            }
        });
        assert_eq!(seen.iter().filter(|value| value.strong_count() == 0).count(), threads);
        local.with(|place| *place.borrow_mut() = Some(Arc::clone(&value)));
        drop(local);
        assert_eq!(
            Arc::strong_count(&value),
            1,
            "the value of the thread that drops the object is kept"
        );
    }
}

#[test]
fn derived() {
    let local = Local::new(|| {
        (0..100).for_each(|_| std::thread::yield_now());
        Cell::new(None)
    });
    let line = Line::new(10);
    watchdog::run(|watch| {
        for n in 0..10 {
            let (line, local) = (&line, &local);
            watch.spawn(format!("setter {n}"), move |_| {
                line.cross();
                local.with(|value| value.set(Some(n)));
                std::thread::yield_now();
                assert_eq!(local.with(Cell::get), Some(n));
            });
        }
    });
    assert_eq!(local.with(Cell::get), None);
}

/// New objects come to the places of old ones, of which a thread has values.
#[test]
fn derived_cycle_dealloc() {
    type Object = Local<Cell<Option<u32>>>;
    const OBJECTS: usize = 10;
    let objects = || (0..OBJECTS).map(|_| Object::default()).collect::<Vec<_>>();
    let set = |objects: &Vec<Object>| objects.iter().for_each(|local| local.with(|value| value.set(Some(5))));
    let (shared, have_set, have_changed) = (Mutex::new(objects()), Event::new(), Event::new());
    watchdog::run(|watch| {
        let setter = watch.spawn("setter", |role| {
            let own = objects();
            set(&own);
            drop(own); // by the thread that has the values
            set(&shared.lock().unwrap());
            have_set.set();
            role.waits("the new objects", || have_changed.wait());
            assert!(
                objects().iter().all(|local| local.with(Cell::get).is_none()),
                "one has an old one's value"
            );
            assert!(
                shared
                    .lock()
                    .unwrap()
                    .iter()
                    .all(|local| local.with(Cell::get).is_none())
            );
        });
        watch.waits("the values", || have_set.wait());
        shared.lock().unwrap().clear(); // by another
        shared.lock().unwrap().extend(objects());
        have_changed.set();
        setter.join();
    });
}

#[test]
fn arguments() {
    let made = Arc::new(AtomicU32::new(0));
    let (theirs, arguments) = (Arc::clone(&made), ("warp".to_owned(), 5));
    let local = Local::new(move || {
        theirs.fetch_add(1, Relaxed);
        arguments.clone()
    });
    let looks_twice = || (0..2).for_each(|_| local.with(|value| assert_eq!(*value, ("warp".to_owned(), 5))));
    looks_twice();
    watchdog::run(|watch| watch.spawn("other", |_| looks_twice()).join());
    assert_eq!(made.load(Relaxed), 2, "once for each thread");
}

/// What one thread has set, another does not see.
fn is_seen_by_its_setter_alone<T: PartialEq + Debug>(local: &Local<RefCell<T>>, new: fn() -> T, set: fn() -> T) {
    let (have_set, have_looked) = (Event::new(), Event::new());
    watchdog::run(|watch| {
        let setter = watch.spawn("setter", |role| {
            local.with(|value| value.replace(set()));
            have_set.set();
            role.waits("the look", || have_looked.wait());
            local.with(|value| assert_eq!(*value.borrow(), set()));
        });
        watch.waits("the value", || have_set.wait());
        watch
            .spawn("looker", |_| local.with(|value| assert_eq!(*value.borrow(), new())))
            .join();
        have_looked.set();
        setter.join();
    });
}

#[test]
fn threading_local() {
    is_seen_by_its_setter_alone(&Local::default(), || None, || Some("foo"));
}

#[test]
fn threading_local_subclass() {
    #[derive(PartialEq, Debug)]
    struct Own {
        words: Vec<&'static str>,
    }
    let new = || Own { words: vec!["new"] };
    is_seen_by_its_setter_alone(&Local::new(move || RefCell::new(new())), new, || Own {
        words: vec!["foo", "bar"],
    });
}

#[test]
fn cycle_collection() {
    #[derive(Default)]
    struct InACycle {
        local: Local<RefCell<Option<Arc<InACycle>>>>,
    }
    let object = Arc::new(InACycle::default());
    let seen = Arc::downgrade(&object);
    watchdog::run(|watch| {
        in_a_thread(watch, move || {
            let itself = Arc::clone(&object);
            object.local.with(|value| *value.borrow_mut() = Some(itself));
        });
    });
    assert!(seen.upgrade().is_none());
}

/// A thread ends, and drops its values, while their objects are dropped.
#[test]
fn threading_local_clear_race() {
    type Object = Arc<Local<Arc<()>>>;
    let (value, rounds) = (Arc::new(()), 50);
    watchdog::run(|watch| {
        for _ in 0..rounds {
            let theirs = Arc::clone(&value);
            let make = move || {
                let value = Arc::clone(&theirs);
                Arc::new(Local::new(move || Arc::clone(&value)))
            };
            let objects: Vec<Object> = (0..20).map(|_| make()).collect();
            let line = Arc::new(Line::new(2));
            let (shared, crossed) = (objects.clone(), Arc::clone(&line));
            let ends = move || {
                shared
                    .iter()
                    .for_each(|local| assert!(local.with(|value| Arc::strong_count(value) > 1)));
                drop(shared);
                crossed.cross();
            };
            let thread = Registry::new().builder().spawn(ends).unwrap();
            line.cross();
            drop(objects);
            watch.waits("its end", || thread.join()).unwrap();
        }
    });
    assert_eq!(Arc::strong_count(&value), 1);
}
