//! The panic hook: who is told, and when.

use super::{Bomb, Drops};
use crate::support::panic_of;
use crate::{child, watchdog};
use selvedge::Event;
use selvedge::thread::{self, Clock, Registry, Thread};
use std::any::Any;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Told = Arc<Mutex<Vec<(Thread, Option<i32>)>>>;

/// A hook that notes whom it was told of.
fn noting() -> (Told, impl Fn(&Thread, &(dyn Any + Send)) + Send + Sync + 'static) {
    let told = Told::default();
    let theirs = Arc::clone(&told);
    let hook = move |thread: &Thread, payload: &(dyn Any + Send)| {
        assert_eq!(thread, &thread::current(), "the thread that has panicked calls it");
        assert!(thread.is_alive());
        theirs
            .lock()
            .unwrap()
            .push((thread.clone(), payload.downcast_ref().copied()));
    };
    (told, hook)
}

fn panics(registry: &Registry) -> Thread {
    let thread = registry.builder().spawn(|| panic_any(7)).unwrap();
    assert_eq!(thread.join().unwrap_err().message(), None);
    thread.thread().clone()
}

#[test]
fn a_hook_is_told_of_each_panic_and_of_nothing_else() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let (told, hook) = noting();
        registry.set_panic_hook(hook);
        let failed = [panics(&registry), panics(&registry)];
        registry.builder().spawn(|| ()).unwrap().join().unwrap();
        registry
            .builder()
            .spawn(|| panic_of(|| panic_any(7)))
            .unwrap()
            .join()
            .unwrap();
        panics(&Registry::new()); // each registry has its own
        assert_eq!(*told.lock().unwrap(), failed.map(|thread| (thread, Some(7))));
        thread::scope(|scope| {
            registry
                .builder()
                .spawn_scoped(scope, || panic_any(8))
                .unwrap()
                .join()
                .unwrap_err();
        });
        assert_eq!(told.lock().unwrap().len(), 3, "also in a scope");
    });
}

#[test]
fn joiners_are_told_after_the_hook_and_take_the_payload_all_the_same() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        let (told, go_on) = (Arc::new(Event::new()), Arc::new(Event::new()));
        let (tells, waits) = (Arc::clone(&told), Arc::clone(&go_on));
        registry.set_panic_hook(move |_, _| {
            tells.set();
            waits.wait();
        });
        let thread = registry.builder().spawn(|| panic_any(7)).unwrap();
        let joiner = watch.spawn("joiner", {
            let thread = thread.clone();
            move |role| role.waits("join", || thread.join())
        });
        watch.waits("the hook", || told.wait());
        joiner.until_asleep();
        assert!(thread.is_alive() && thread.take_panic().is_none());
        assert_eq!(thread.try_join(), None);
        assert!(registry.enumerate().contains(&thread));
        go_on.set();
        joiner.join().unwrap_err();
        assert_eq!(thread.take_panic().unwrap().downcast_ref(), Some(&7));
    });
}

#[test]
fn a_hook_that_panics_strands_no_joiner() {
    watchdog::run(|watch| {
        let (registry, drops) = (Registry::new(), Drops::default());
        let theirs = drops.clone();
        registry.set_panic_hook(move |_, _| _ = Bomb::new(&theirs)); // its payload's drop is harmless
        for round in 1..=3 {
            let thread = registry.builder().spawn(|| panic!("the thread's own")).unwrap();
            let told = watch.waits("join", || thread.join()).unwrap_err();
            assert_eq!((told.message(), drops.count()), (Some("the thread's own"), round));
        }
        registry.set_panic_hook(|_, _| panic_any(Bomb::new(&Drops::default()))); // and this one's is not
        watch.waits("join", || panics(&registry));
        assert_eq!(registry.active_count(), 1);
    });
}

#[test]
fn a_hook_can_be_replaced_and_taken_away() {
    watchdog::run(|_| {
        let registry = Registry::new();
        assert!(registry.take_panic_hook().is_none());
        let [(first, hook), (second, other)] = [noting(), noting()];
        let drops = Drops::default();
        let token = drops.token();
        registry.set_panic_hook(move |thread, payload| {
            let _held = &token;
            hook(thread, payload);
        });
        panics(&registry);
        registry.clone().set_panic_hook(other); // clones are the same registry
        assert_eq!(drops.count(), 1, "the one before is dropped");
        let failed = panics(&registry);
        let taken = registry.take_panic_hook().unwrap();
        assert!(registry.take_panic_hook().is_none());
        panics(&registry);
        let count = |told: &Told| told.lock().unwrap().len();
        assert_eq!((count(&first), count(&second)), (1, 1));
        assert_eq!(second.lock().unwrap()[0].0, failed);
        let thread = thread::spawn(move || taken(&thread::current(), &9_i32));
        thread.join().unwrap();
        assert_eq!(second.lock().unwrap()[1], (thread.thread().clone(), Some(9)));
    });
}

/// Whatever the hook does with its registry: no lock is held.
#[test]
fn a_hook_may_use_its_registry() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        let theirs = registry.clone();
        registry.set_panic_hook(move |thread, _| {
            assert!(theirs.enumerate().contains(thread));
            drop(theirs.take_panic_hook());
            let child = theirs.builder().spawn(|| 1).unwrap();
            child.join().unwrap();
            let keeper = theirs.clone();
            theirs.set_panic_hook(move |_, _| drop(keeper.enumerate()));
        });
        watch.waits("join", || panics(&registry));
        watch.waits("join", || panics(&registry));
        assert_eq!(registry.active_count(), 1);
        registry.take_panic_hook(); // it holds its registry
    });
}

#[test]
fn a_dropped_hook_may_use_its_registry() {
    struct Asks(Registry);
    impl Drop for Asks {
        fn drop(&mut self) {
            assert!(self.0.take_panic_hook().is_some());
        }
    }
    watchdog::run(|watch| {
        let registry = Registry::new();
        let asks = Asks(registry.clone());
        registry.set_panic_hook(move |_, _| _ = &asks);
        watch.waits("the drop of the hook", || registry.set_panic_hook(|_, _| ()));
        assert!(registry.take_panic_hook().is_none());
    });
}

#[test]
fn a_clock_tells_the_hook_of_its_registry() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        let (told, hook) = noting();
        registry.set_panic_hook(hook);
        let clock = Clock::new(&registry);
        let timer = clock.start(Duration::ZERO, || panic_any(5)).unwrap();
        watch.waits("join", || timer.join()).unwrap_err();
        let timer = clock.every(Duration::ZERO, || panic_any(6)).unwrap();
        watch.waits("join", || timer.join()).unwrap_err();
        let told: Vec<_> = told.lock().unwrap().drain(..).collect();
        assert_eq!(
            told.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
            [Some(5), Some(6)]
        );
        assert_eq!(told[0].0.name(), "timer");
        registry.take_panic_hook();
        let timer = clock.start(Duration::ZERO, || panic_any(5)).unwrap();
        watch.waits("join", || timer.join()).unwrap_err();
    });
}

#[test]
fn the_programs_hook_is_told_of_its_threads_and_timers() {
    child::passes(&[], || {
        let (told, hook) = noting();
        thread::set_panic_hook(hook);
        let thread = thread::spawn(|| panic_any(1));
        thread.join().unwrap_err();
        selvedge::Timer::start(Duration::ZERO, || panic_any(2))
            .join()
            .unwrap_err();
        panics(&Registry::new());
        assert!(thread::take_panic_hook().is_some());
        thread::spawn(|| panic_any(3)).join().unwrap_err();
        let told = told.lock().unwrap();
        assert_eq!(
            told.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
            [Some(1), Some(2)]
        );
        assert_eq!(&told[0].0, thread.thread());
        assert!(thread::take_panic_hook().is_none());
    });
}
