//! The child processes of this process. Each child leads a process group of its own. An interrupt of this process kills
//! all groups, so that no compiler keeps running and no child's end by a signal is taken for a verdict.

use std::io;
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Installs the handler of interrupts (Ctrl-C, SIGTERM, SIGHUP): an interrupt kills all children and prevents new ones.
pub fn kill_on_interrupt() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Relaxed);
        groups().drain(..).for_each(kill);
    })
}

/// Whether this process was interrupted. Work that had not finished has no result then.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Relaxed)
}

/// The exit code of this process after an interrupt.
pub fn exit_code() -> ExitCode {
    ExitCode::from(130)
}

/// Starts a child. The caller must wait for the child and then [unregister](unregister) it.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut groups = groups();
    if is_interrupted() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let child = command.spawn()?;
    groups.push(child.id());
    Ok(child)
}

/// Removes the group of a child that has ended.
pub fn unregister(id: u32) {
    groups().retain(|&group| group != id);
}

fn groups() -> MutexGuard<'static, Vec<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn kill(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = i32::try_from(group).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process_group(pid, Signal::KILL)); // an error if the child has just ended
}

#[cfg(not(unix))]
fn kill(_group: u32) {} // an interrupt reaches every process of the console
