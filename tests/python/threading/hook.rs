//! `ExceptHookTests`. The standard library's hook, which prints, is told of each panic; the kit's is one more.

use super::program;
use crate::watchdog;
use selvedge::thread::{self, Builder, JoinHandle, Panicked, Registry};
use std::sync::{Arc, Mutex};

fn fails(builder: Builder) -> (JoinHandle<()>, Panicked) {
    let thread = builder.spawn(|| panic!("run failed")).unwrap();
    let panicked = watchdog::run(|watch| watch.waits("its end", || thread.join())).unwrap_err();
    (thread, panicked)
}

fn hooked() -> Builder {
    Builder::new().name("excepthook thread")
}

#[test]
fn excepthook() {
    let program = program::run(|| drop(fails(hooked())));
    assert_eq!(program.code, Some(0));
    assert!(program.stderr.contains("thread 'excepthook thread'"), "{program:?}");
    assert!(program.stderr.contains("run failed"), "{program:?}");
    assert!(
        program.stderr.contains(file!().rsplit(['/', '\\']).next().unwrap()),
        "{program:?}"
    );
    assert_eq!(program.stderr.matches("panicked").count(), 1, "{program:?}");
}

#[test]
fn custom_excepthook() {
    let (registry, told) = (Registry::new(), Arc::new(Mutex::new(Vec::new())));
    let theirs = Arc::clone(&told);
    registry.set_panic_hook(move |thread, payload| {
        let text = payload.downcast_ref::<&str>().copied();
        theirs.lock().unwrap().push((thread.clone(), text, thread.is_alive()));
    });
    let (thread, panicked) = fails(registry.builder());
    assert_eq!(
        *told.lock().unwrap(),
        [(thread.thread().clone(), Some("run failed"), true)]
    );
    assert_eq!(
        (panicked.thread(), panicked.message()),
        (thread.name(), Some("run failed"))
    );
    assert!(registry.take_panic_hook().is_some());
    drop(fails(registry.builder()));
    assert_eq!(told.lock().unwrap().len(), 1, "it is told though it was taken");
}

#[test]
fn custom_excepthook_fail() {
    let program = program::run(|| {
        thread::set_panic_hook(|_, _| panic!("threading_hook failed"));
        let (thread, panicked) = fails(hooked());
        assert_eq!(panicked.message(), Some("run failed"));
        assert_eq!(thread.take_panic().unwrap().downcast_ref(), Some(&"run failed"));
        assert!(!thread::enumerate().contains(&thread));
    });
    assert_eq!(program.code, Some(0), "{program:?}");
    let (run, hook) = program
        .stderr
        .split_at(program.stderr.rfind("thread 'excepthook thread'").unwrap());
    assert!(
        run.contains("run failed") && hook.contains("threading_hook failed"),
        "{program:?}"
    );
}

#[test]
fn original_excepthook() {
    let program = program::run(|| {
        let fails = || {
            drop(fails(hooked()));
            eprintln!("---");
        };
        fails();
        thread::set_panic_hook(|_, _| eprintln!("Running a thread failed"));
        fails();
        assert!(thread::take_panic_hook().is_some());
        fails();
    });
    assert_eq!(program.code, Some(0), "{program:?}");
    // A newer standard library tells the system's number of the thread, too.
    let stderr: String = program.stderr.chars().filter(|char| !char.is_ascii_digit()).collect();
    let outputs: Vec<_> = stderr.split("---").map(str::trim).collect();
    let [default, custom, recovered, ""] = outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(first_line(default), first_line(recovered));
    assert!(!default.contains("Running a thread failed") && !recovered.contains("Running a thread failed"));
    assert!(custom.starts_with(first_line(default)), "{custom}");
    assert!(custom.ends_with("\nRunning a thread failed"), "{custom}");
}

/// Where it panicked. The hint at backtraces is given but once.
fn first_line(output: &str) -> &str {
    output.lines().next().unwrap_or_default()
}
