//! Why a pool takes no job, and why a job has no value.

use crate::backend::text;
use crate::unwind::Payload;
use core::{error::Error, fmt};
use std::io;

/// Why a pool did not take a function, which is given back.
pub enum SubmitError<R> {
    /// The pool is shut down.
    ShutDown(R),
    /// The pool's initializer has panicked.
    Broken(R),
    /// The pool has no thread, and the system refuses it the first.
    NoThread(R, io::Error),
}

impl<R> SubmitError<R> {
    /// What was to be run.
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

/// Why a job has no value.
pub enum JobError {
    /// It was cancelled before it began.
    Cancelled,
    /// The pool's initializer has panicked before the job began.
    Broken,
    /// It had not ended when the process was forked, and this is the child: the parent runs it.
    Forked,
    /// It has panicked, with this: [`std::panic::resume_unwind`] passes it on.
    Panicked(Payload),
}

impl JobError {
    /// What the job panicked with, if it did and that was a text.
    pub fn message(&self) -> Option<&str> {
        match self {
            JobError::Panicked(payload) => text(&**payload),
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
