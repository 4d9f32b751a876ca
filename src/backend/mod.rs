//! The seam: everything that a primitive may ask of the machine, in three worlds.
//!
//! Every primitive of the kit is ordinary Rust over this module, and so can your own code be: written on
//! [`futex`], [`atomic`], [`cell`] and [`thread`], the same source runs in production and is explored by
//! `model`.
//!
//! | world | when | sleeps on |
//! |---|---|---|
//! | `std` | Linux, by default | the kernel's futexes, called through `rustix` |
//! | `parking_lot` | feature `parking_lot`, or any other system | `parking_lot_core`'s table of sleeping threads |
//! | `loom` | `RUSTFLAGS="--cfg loom"` | loom's explorer of interleavings |
//!
//! # The contract
//! - Nothing here tells its caller which world it is in. Worlds differ in cost, never in meaning.
//! - [`futex::wait`] is the only place where a thread sleeps.
//! - A futex promises no memory ordering: publish and observe with the ordering of an atomic operation.
//! - A waiter that a wake has counted returns [`Woken`](futex::Wait::Woken), never `TimedOut`.
//! - In a child made by `fork` no waiter of the parent's exists, and no wake counts one.
//! - A wait may return early, so callers decide by state; after `Woken` or `Changed` they try again
//!   *before* they look at the clock, or the wake-up that they were given is lost.
//! - Under `model` each thread has its own clock, which moves only when a wait with a deadline ends: to the
//!   deadline if it has fired, and also, in half of the runs, if it has not, as if the thread had come late to
//!   look. Every timed wait is explored woken, changed and timed out (`model_within` may leave
//!   some out: to be woken takes two preemptions); a spin is exhausted at once; and a
//!   panic that leaves a thread fails the model.
//! - [`Arc`] is std's in every world, so loom does not see that the drop of the last clone comes after the others'. In a
//!   model, threads meet before one of them drops what they shared, or its `cell`s seem to be touched at once.

#[cfg(loom)]
#[path = "loom.rs"]
mod world;
#[cfg(not(loom))]
#[path = "std.rs"]
mod world;

#[cfg(all(not(loom), target_os = "linux"))]
mod linux;
#[cfg(all(not(loom), target_os = "linux", not(feature = "parking_lot")))]
use linux as sleep;
#[cfg(all(not(loom), any(not(target_os = "linux"), feature = "parking_lot")))]
#[path = "parking_lot.rs"]
mod sleep;

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

pub(crate) use world::lost;

/// What a panic says, if that was a text.
pub(crate) fn text(payload: &(dyn core::any::Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
pub use world::{Arc, Instant, Weak, atomic, cell, futex, hint, proved, thread};

/// `model`, `model_within` and `Model`, which explore a program. They exist only under `--cfg loom`, where they do: a test that
/// silently ran its body once, and passed, would be a lie.
///
/// ```compile_fail,E0432
/// use selvedge::model;
/// ```
pub mod explored {
    #[cfg(loom)]
    pub use super::world::{Model, model, model_within};
}

/// What only the harness of `loom-tests` may touch; it exists in no other world.
#[cfg(loom)]
#[doc(hidden)]
pub use world::probe;

/// Where the macros below find loom, on which a user's crate need not depend, and what they make of its thread-locals.
#[cfg(loom)]
#[doc(hidden)]
pub use world::{explorer, local_key};

/// Makes a constructor `const` wherever atomics have a `const` constructor, and an ordinary function under
/// loom, whose atomics are made at run time.
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

/// A static that is made when it is first used; under `model`, anew in each interleaving.
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
        $crate::backend::explorer::lazy_static! { $(#[$meta])* static ref $name: $type = $value; }
    };
}

/// A static of which each thread has its own, made when the thread first uses it and dropped when the thread ends.
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
            $crate::backend::explorer::thread_local! {
                static KEPT: $crate::backend::local_key::Kept<$type> = $crate::backend::local_key::Kept::new(|| $value);
            }
            $crate::backend::local_key::LocalKey::new(&KEPT)
        };
    };
}
