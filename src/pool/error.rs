//! The error of a submission, and the error of a job.

use crate::backend::panic_text;
use crate::unwind::Payload;
use core::{error::Error, fmt};
use std::io;

/// The error of a pool that rejects a function. It contains the function.
pub enum SubmitError<R> {
    /// The pool is shut down.
    ShutDown(R),
    /// The pool's initializer panicked.
    Broken(R),
    /// The pool has no worker, and the system can't create the first one.
    NoThread(R, io::Error),
}

impl<R> SubmitError<R> {
    /// The function that was rejected.
    pub fn into_inner(self) -> R {
        match self {
            SubmitError::ShutDown(run) | SubmitError::Broken(run) | SubmitError::NoThread(run, _) => run,
        }
    }
}

impl<R> fmt::Debug for SubmitError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::ShutDown(_) => f.write_str("ShutDown(..)"),
            SubmitError::Broken(_) => f.write_str("Broken(..)"),
            SubmitError::NoThread(_, error) => write!(f, "NoThread(.., {error:?})"),
        }
    }
}

impl<R> fmt::Display for SubmitError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SubmitError::ShutDown(_) => "the pool is shut down",
            SubmitError::Broken(_) => "the pool's initializer has panicked",
            SubmitError::NoThread(..) => "the pool could not start a thread",
        })
    }
}

impl<R> Error for SubmitError<R> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SubmitError::NoThread(_, error) => Some(error),
            SubmitError::ShutDown(_) | SubmitError::Broken(_) => None,
        }
    }
}

/// The reason why a job has no value.
pub enum JobError {
    /// The job was cancelled before it started.
    Cancelled,
    /// The pool's initializer panicked before the job started.
    Broken,
    /// The job had not ended when the process called `fork`, and this process is the child. The parent runs the job.
    Forked,
    /// The job's function panicked, with this payload; [`std::panic::resume_unwind`] continues the panic.
    Panicked(Payload),
}

impl JobError {
    /// The message of the panic, if the job panicked and the payload is a string.
    pub fn message(&self) -> Option<&str> {
        match self {
            JobError::Panicked(payload) => panic_text(&**payload),
            JobError::Cancelled | JobError::Broken | JobError::Forked => None,
        }
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::Cancelled => f.write_str("Cancelled"),
            JobError::Broken => f.write_str("Broken"),
            JobError::Forked => f.write_str("Forked"),
            JobError::Panicked(_) => f.debug_tuple("Panicked").field(&self.message()).finish(),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::Cancelled => f.write_str("the job was cancelled"),
            JobError::Broken => f.write_str("the pool's initializer has panicked"),
            JobError::Forked => f.write_str("the job was left behind in the parent by a fork"),
            JobError::Panicked(_) => {
                f.write_str("the job panicked")?;
                self.message().map_or(Ok(()), |message| write!(f, ": {message}"))
            }
        }
    }
}

impl Error for JobError {}
