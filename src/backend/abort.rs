//! The end of a process that cannot go on.

/// Prints `reason` and aborts the process. Takes no lock: a child made by `fork` may inherit the lock of the standard
/// error while it is held.
#[cold]
pub fn abort(reason: &str) -> ! {
    #[cfg(unix)]
    {
        use ::core::mem::ManuallyDrop;
        use ::std::io::Write;
        use ::std::os::fd::FromRawFd;
        // SAFETY: the file is never dropped, so the descriptor stays open. If it is closed already, the write fails.
        let mut stderr = ManuallyDrop::new(unsafe { ::std::fs::File::from_raw_fd(2) });
        let _ = writeln!(stderr, "selvedge: {reason}");
    }
    #[cfg(not(unix))]
    eprintln!("selvedge: {reason}");
    ::std::process::abort()
}
