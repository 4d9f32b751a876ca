//! The processes that this one starts. Each is a group with those that it starts itself, which ends when this process is
//! interrupted: no compiler goes on, and no law's verdict is taken from a child that a signal has ended.

use std::io;
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// From now on an interrupt (Ctrl-C, SIGTERM, SIGHUP) ends the children, and no more are started.
pub fn end_when_interrupted() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Relaxed);
        groups().drain(..).for_each(kill);
    })
}

/// Whether there was an interrupt: what has not ended has no result.
pub fn are_interrupted() -> bool {
    INTERRUPTED.load(Relaxed)
}

/// What this process ends with after an interrupt.
pub fn exit_code() -> ExitCode {
    ExitCode::from(130)
}

/// Starts a child. It is to be waited for, and then to be [forgotten](forget).
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut groups = groups();
    if are_interrupted() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let child = command.spawn()?;
    groups.push(child.id());
    Ok(child)
}

/// The child has ended.
pub fn forget(id: u32) {
    groups().retain(|&group| group != id);
}

fn groups() -> MutexGuard<'static, Vec<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn kill(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = i32::try_from(group).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process_group(pid, Signal::KILL)); // an error if it has just ended
}

#[cfg(not(unix))]
fn kill(_group: u32) {} // an interrupt reaches each process of the console
