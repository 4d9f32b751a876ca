//! `TimerTests`.

use crate::watchdog;
use selvedge::Semaphore;
use selvedge::thread::{Clock, Registry};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn init_immutable_default_args() {
    let (clock, called) = (Clock::new(&Registry::new()), Arc::new(Semaphore::new(0)));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (see, call, mut args) = (Arc::clone(&seen), Arc::clone(&called), Vec::<&str>::new());
    let spy = move || {
        see.lock().unwrap().push(args.clone());
        args.push("blah");
        call.release(1).unwrap();
    };
    watchdog::run(|watch| {
        let start = || {
            let timer = clock.start(Duration::from_millis(10), spy.clone()).unwrap();
            watch.waits("its call", || called.acquire().forget());
            timer
        };
        let timers = [start(), start()];
        watch
            .waits("their ends", || timers.iter().try_for_each(|timer| timer.join()))
            .unwrap();
    });
    assert_eq!(*seen.lock().unwrap(), [vec![""; 0], vec![]]);
}
