//! A limit on the connections of a server, which can be closed: a user's code on selvedge's primitives, checked by
//! selvedge's models.
//!
//! # State
//! `open` counts the open connections; its highest bit says that the limiter is closed.
//!
//! # Invariants
//! 1. Who counts itself in `open` has a permit of `gate`, and keeps it until it is counted no more.
//! 2. Once CLOSED is set, `open` only falls.
//! 3. Whoever brings `open` to CLOSED and zero, the closer or the last connection, sets `drained`.
//!
//! # How it is checked
//! `tests/models.rs` says what must hold. The same file runs once on real threads, and through all interleavings:
//! ```text
//! cargo test --manifest-path downstream/Cargo.toml
//! RUSTFLAGS="--cfg loom" cargo test --manifest-path downstream/Cargo.toml --target-dir downstream/target/loom
//! ```
//! To see that the models can fail, break the code and run the second command:
//! - in `count_in`, look and then count with `fetch_add(1, Relaxed)` instead of the exchange: a `close` that comes
//!   between the two lets somebody in, and `nobody_is_let_in_after_the_drain` fails;
//! - in `Connection::drop`, count with `Release` instead of `AcqRel`: the last connection to end does not pass on
//!   what the others did, and `the_drain_shows_what_every_connection_did` fails;
//! - in `close`, do not set the event: `a_close_without_connections_is_drained` fails, as a deadlock;
//! - in `no_room`, always answer `Full`: `nobody_is_let_in_after_the_drain` fails. (So it was written at first, and
//!   the model found it.)
//!
//! On real threads the first, the second and the fourth passed each of a hundred runs.

use selvedge::backend::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use selvedge::backend::const_fn;
use selvedge::{BoundedSemaphore, Event, Permit, TimedOut};
use std::error::Error;
use std::fmt;
use std::time::Duration;

const CLOSED: u32 = 1 << 31;

/// Lets a limited number of connections be open at once, until it is closed.
#[derive(Debug)]
pub struct Limiter {
    gate: BoundedSemaphore,
    open: AtomicU32,
    most: AtomicU32,
    drained: Event,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The limiter is closed, and stays so.
    Closed,
    /// As many connections as there may be are open.
    Full,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Closed => "the limiter is closed",
            Refused::Full => "too many connections are open",
        })
    }
}

impl Error for Refused {}

impl Limiter {
    const_fn! {
        /// A limiter for at most `limit` connections at once.
        pub fn new(limit: u32) -> Limiter {
            Limiter {
                gate: BoundedSemaphore::new(limit),
                open: AtomicU32::new(0),
                most: AtomicU32::new(0),
                drained: Event::new(),
            }
        }
    }

    /// Opens a connection, and waits until there is room for it.
    ///
    /// # Errors
    /// [`Refused::Closed`]. Who waits when the limiter is closed learns it once a connection ends.
    pub fn connect(&self) -> Result<Connection<'_>, Refused> {
        self.count_in(self.gate.acquire())
    }

    /// Opens a connection if there is room for it.
    ///
    /// # Errors
    /// [`Refused::Closed`], or [`Refused::Full`].
    pub fn try_connect(&self) -> Result<Connection<'_>, Refused> {
        self.count_in(self.gate.try_acquire().ok_or_else(|| self.no_room())?)
    }

    /// Opens a connection, waiting for room for at most `timeout`.
    ///
    /// # Errors
    /// [`Refused::Closed`], or [`Refused::Full`] if there was none all the time.
    pub fn connect_timeout(&self, timeout: Duration) -> Result<Connection<'_>, Refused> {
        self.count_in(self.gate.acquire_timeout(timeout).map_err(|TimedOut| self.no_room())?)
    }

    /// Refuses new connections from now on. Those that are open stay open.
    pub fn close(&self) {
        // ORDERING: Release pairs with the Acquire in `count_in`: who is refused sees what led to it. Acquire pairs
        // with the Release in `Connection::drop`: `drained` passes on what ended connections did.
        if self.open.fetch_or(CLOSED, AcqRel) == 0 {
            self.drained.set();
        }
    }

    /// Waits until the limiter is closed and the last connection has ended; sees all that connections did.
    pub fn drain(&self) {
        self.drained.wait();
    }

    /// Waits as [`drain`](Limiter::drain) does, for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if a connection was open, or the limiter not closed, all the time.
    pub fn drain_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.drained.wait_timeout(timeout)
    }

    /// How many connections are open; by the time you look, that may have changed.
    pub fn open(&self) -> u32 {
        self.open.load(Relaxed) & !CLOSED
    }

    /// The most connections that were open at once so far.
    pub fn most_at_once(&self) -> u32 {
        self.most.load(Relaxed)
    }

    /// One connection more, unless the limiter is closed: a look and an addition would let a `close` in between.
    fn count_in<'a>(&'a self, permit: Permit<'a>) -> Result<Connection<'a>, Refused> {
        // ORDERING: Acquire pairs with the Release in `close`.
        let mut open = self.open.load(Acquire);
        while open & CLOSED == 0 {
            match self.open.compare_exchange_weak(open, open + 1, Relaxed, Acquire) {
                Ok(_) => {
                    self.most.fetch_max(open + 1, Relaxed);
                    return Ok(Connection {
                        limiter: self,
                        _permit: permit,
                    });
                }
                Err(newer) => open = newer,
            }
        }
        Err(Refused::Closed)
    }

    /// Why there is no permit. The last connection sets `drained` before it gives its permit back: whoever comes in
    /// between must be told that the limiter is closed.
    fn no_room(&self) -> Refused {
        // ORDERING: Acquire, as in `count_in`.
        if self.open.load(Acquire) & CLOSED == 0 {
            Refused::Full
        } else {
            Refused::Closed
        }
    }
}

/// An open connection; dropping it ends it and makes room for another.
#[derive(Debug)]
#[must_use = "the connection ends when it is dropped"]
pub struct Connection<'a> {
    limiter: &'a Limiter,
    _permit: Permit<'a>, // dropped after `drop` has run (invariant 1)
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // ORDERING: Release and Acquire pair with each other: the last one passes on what all did, by `drained`.
        if self.limiter.open.fetch_sub(1, AcqRel) == CLOSED | 1 {
            self.limiter.drained.set(); // invariant 3
        }
    }
}
