//! The backend facade: everything that a primitive may use of the platform, in three builds.
//!
//! Every primitive of this crate is ordinary Rust over this module. Your own code can be too: written on [`futex`],
//! [`atomic`], [`cell`] and [`thread`], the same source runs in production and is explored by `model`.
//!
//! | build | when | blocks a thread by |
//! |---|---|---|
//! | `std` | Linux, by default | the kernel's futexes, called through `rustix` |
//! | `parking_lot` | feature `parking_lot`, or any other system | `parking_lot_core`'s table of parked threads |
//! | `loom` | `RUSTFLAGS="--cfg loom"` | a futex whose interleavings loom explores |
//!
//! # The contract
//! - No item of this module reveals its build. Builds differ in cost, never in meaning.
//! - [`futex::wait`] is the only function that blocks a thread.
//! - A futex guarantees no memory ordering: publish and observe data by the ordering of an atomic operation.
//! - A waiter that a wake has counted returns [`Woken`](futex::Wait::Woken), never `TimedOut`.
//! - In a child made by `fork` the waiters of its parent do not exist, and no wake counts one.
//! - A wait may return early (a spurious wake-up), so a caller decides by the state. After `Woken` or `Changed`
//!   it retries *before* it checks the clock: otherwise the wake-up that it has consumed is lost.
//! - Under `model` each thread has its own clock. It moves only when a wait with a deadline ends: to the deadline if
//!   the wait timed out, and in half of the executions also if it did not, as if the thread was delayed. Every timed
//!   wait is explored woken, changed and timed out; `model_within` may leave some out, since a wake-up takes two
//!   preemptions. A spin budget is zero. A panic that leaves a thread fails the model.
//! - [`Arc`] is std's in every build, so loom does not see that the drop of the last
//!   clone happens after the other drops. In a model, join the threads before one of
//!   them drops what they shared. Otherwise loom may report a data race on a `cell`.

#[cfg(loom)]
#[path = "loom.rs"]
mod platform;
#[cfg(not(loom))]
#[path = "std.rs"]
mod platform;

#[cfg(all(not(loom), target_os = "linux"))]
mod linux;

#[cfg(all(not(loom), target_os = "linux", not(feature = "parking_lot")))]
use linux as blocking;
#[cfg(loom)]
use platform::futex as blocking;
#[cfg(all(not(loom), any(not(target_os = "linux"), feature = "parking_lot")))]
#[path = "parking_lot.rs"]
mod blocking;

mod abort;
#[cfg(all(not(loom), unix, not(target_os = "linux")))]
mod census;
#[cfg_attr(
    any(
        loom,
        miri,
        not(any(
            target_os = "linux",
            target_os = "android",
            target_vendor = "apple",
            target_os = "freebsd",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "dragonfly",
            target_os = "solaris",
            target_os = "illumos"
        ))
    ),
    path = "no_fork.rs"
)]
mod fork;
pub(crate) mod process;
mod signatures;
mod wait;

pub use platform::{Arc, Instant, Weak, atomic, cell, hint, model_lock, thread};

pub(crate) use platform::unobserved_panic;

/// Blocking on the value of an atomic word.
pub mod futex {
    /// Blocks the thread while `word` holds `expected`, until a [`wake`] or the deadline.
    ///
    /// If the deadline has passed, returns [`Wait::TimedOut`] without blocking, whatever the value of
    /// the word. Guarantees no memory ordering. May return early, so decide by the state.
    ///
    /// ```
    /// use selvedge::backend::{atomic::AtomicU32, futex};
    /// let word = AtomicU32::new(1);
    /// assert_eq!(futex::wait(&word, 0, None), futex::Wait::Changed);
    /// assert_eq!(futex::wake(&word, 1), 0);
    /// ```
    pub use super::blocking::wait;

    /// Wakes up to `count` threads that are blocked on `word`. Returns their number.
    pub use super::blocking::wake;

    pub use super::wait::Wait;
}

/// The message of a panic, if its payload is a string.
pub(crate) fn panic_text(payload: &(dyn core::any::Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// `model`, `model_within` and `Model`, which explore a program. They exist only under `--cfg loom`: in
/// another build a test would run its body once and pass, without having explored anything.
///
/// ```compile_fail,E0432
/// use selvedge::model;
/// ```
pub mod explored {
    #[cfg(loom)]
    pub use super::platform::{Model, model, model_within};
}

/// The interface for the harness of `loom-tests`.
#[cfg(loom)]
#[doc(hidden)]
pub use platform::probe;

/// What the macros below expand to: loom, so that a user's crate need not depend on it, and the type of thread-locals.
#[cfg(loom)]
#[doc(hidden)]
pub use platform::{local_key, loom_crate};

/// Makes a constructor `const`, except under loom, whose atomics have no `const` constructor.
///
/// ```
/// selvedge::backend::const_fn! {
///     /// Twice `n`.
///     pub fn twice(n: u32) -> u32 { 2 * n }
/// }
/// assert_eq!(twice(2), 4);
/// ```
pub use crate::__const_fn as const_fn;

#[cfg(not(loom))]
#[doc(hidden)]
#[macro_export]
macro_rules! __const_fn {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}

#[cfg(loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! __const_fn {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}

/// A static that is initialized on first use; under `model`, on first use in each execution.
///
/// ```
/// selvedge::backend::global! {
///     static NAMES: selvedge::Mutex<Vec<String>> = selvedge::Mutex::new(Vec::new());
/// }
/// NAMES.acquire().push("Ada".to_owned());
/// ```
pub use crate::__global as global;

#[cfg(not(loom))]
#[doc(hidden)]
#[macro_export]
macro_rules! __global {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;) => {
        $(#[$meta])* static $name: ::std::sync::LazyLock<$type> = ::std::sync::LazyLock::new(|| $value);
    };
}

#[cfg(loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! __global {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;) => {
        $crate::backend::loom_crate::lazy_static! { $(#[$meta])* static ref $name: $type = $value; }
    };
}

/// A thread-local static. It is initialized when a thread first uses it, and dropped when that thread ends.
///
/// ```
/// selvedge::backend::local! {
///     static CALLS: std::cell::Cell<u32> = std::cell::Cell::new(0);
/// }
/// CALLS.with(|calls| calls.set(calls.get() + 1));
/// ```
pub use crate::__local as local;

#[cfg(not(loom))]
#[doc(hidden)]
#[macro_export]
macro_rules! __local {
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $value:expr;) => {
        ::std::thread_local! { $(#[$meta])* $vis static $name: $type = $value; }
    };
}

#[cfg(loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! __local {
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $value:expr;) => {
        $(#[$meta])* $vis static $name: $crate::backend::local_key::LocalKey<$type> = {
            $crate::backend::loom_crate::thread_local! {
                static KEPT: $crate::backend::local_key::Kept<$type> = $crate::backend::local_key::Kept::new(|| $value);
            }
            $crate::backend::local_key::LocalKey::new(&KEPT)
        };
    };
}
