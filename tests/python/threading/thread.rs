//! What `ThreadTests`, `ThreadingExceptionTests` and `InterruptMainTests` check of threads and no behaviour test does.

use super::OnDrop;
use crate::watchdog;
use selvedge::thread::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// An empty name is a name; in Python it is none.
#[test]
fn name() {
    let registry = Registry::new();
    let name = |builder: selvedge::thread::Builder| builder.spawn(|| ()).unwrap().name().to_owned();
    assert_eq!(name(registry.builder().name("")), "");
    assert_eq!(name(registry.builder()), "Thread-1");
}

#[test]
fn repr_daemon() {
    for daemon in [false, true] {
        let thread = Registry::new().builder().daemon(daemon).spawn(|| ()).unwrap();
        let shown = format!("{thread:?}");
        assert!(shown.contains(&format!("daemon: {daemon}")), "{shown}");
    }
}

#[test]
fn can_interrupt_tight_loops() {
    let (started, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let seen = (Arc::clone(&started), Arc::clone(&ends));
    let run = move || {
        seen.0.store(true, Relaxed);
        while !seen.1.load(Relaxed) {
            std::hint::spin_loop();
        }
    };
    let thread = Registry::new().builder().spawn(run).unwrap();
    watchdog::run(|watch| {
        watch.until("the start", || started.load(Relaxed));
        ends.store(true, Relaxed);
        watch.waits("join", || thread.join()).unwrap();
    });
}

/// A thread can print where it is though its files change.
#[test]
fn multithread_modify_file_noerror() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("modified-{}", std::process::id()));
    let _remove = OnDrop(|| std::fs::remove_file(&path).unwrap());
    for _ in 0..100 {
        let modified = path.clone();
        let modify = move || {
            std::fs::write(&modified, " ").unwrap();
            std::backtrace::Backtrace::force_capture().to_string()
        };
        let thread = Registry::new().builder().spawn(modify).unwrap();
        thread.join().unwrap();
        assert!(!thread.take_result().unwrap().is_empty());
    }
}
