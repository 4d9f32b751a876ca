//! loom's atomics, with three changes: loads and stores can run as read-modify-writes,
//! each ordering can be weakened alone, and each atomic is an [`Object`].
//!
//! loom's partial-order reduction remembers one last access of each atomic. A thread that loads before it writes,
//! as every CAS loop does, hides the loads of other threads, so loom does not try some interleavings. If each
//! access is a read-modify-write, loom tries them all, but then no load is stale. So a model runs both ways: see
//! [`Accesses`](super::scene::Accesses). It is not enough to change only the loads: loom does not know that no
//! store can come between a read-modify-write and the store that it reads from.

use super::object::Object;
use super::verdict::step;
use super::{log, scene, site};
use ::loom::sync::atomic as loom_atomic;
use ::loom::thread;
use ::std::panic::Location;
use core::mem::{self, ManuallyDrop};
use core::ptr;

pub use loom_atomic::Ordering;

type Caller = &'static Location<'static>;

#[track_caller]
pub fn fence(order: Ordering) {
    let at = Location::caller();
    match site::ordering(at, 0, order) {
        Ordering::Relaxed if order != Ordering::Relaxed => {} // a mutant: loom has no Relaxed fence
        order => step(|| loom_atomic::fence(order)),
    }
    site::reach(at, 0, order);
    log::event(at, 0, || format!("fence {order:?}"));
}

/// A value of an atomic.
trait Value {
    /// The text in the trace: the same in every run.
    fn shown(self) -> String;

    /// The number that [`Object`] keeps.
    fn bits(self) -> usize;
}

macro_rules! shared {
    ($atomic:ident, $inner:ty, $value:ty) => {
        #[track_caller]
        pub fn new(value: $value) -> Self {
            let object = Object::new(stringify!($atomic));
            object.changed_to(value.bits());
            Self {
                object,
                inner: loom_atomic::$atomic::new(value),
            }
        }

        #[track_caller]
        pub fn load(&self, order: Ordering) -> $value {
            self.load_at(Location::caller(), 0, order)
        }

        #[track_caller]
        pub fn store(&self, value: $value, order: Ordering) {
            let at = Location::caller();
            let weak = site::ordering(at, 0, order);
            self.during(at, |inner| match scene::accesses_are_fresh() {
                true => drop(inner.swap(value, weak)),
                false => inner.store(value, weak),
            });
            site::reach(at, 0, order);
            self.object
                .log(at, |number| format!("store #{number}: {}", value.shown()));
            self.object.changed_to(value.bits());
        }

        #[track_caller]
        pub fn swap(&self, value: $value, order: Ordering) -> $value {
            self.rmw(
                Location::caller(),
                "swap",
                order,
                |inner, order| inner.swap(value, order),
                |_| value,
            )
        }

        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            self.exchange(Location::caller(), [current, new], [success, failure])
        }

        /// Never fails spuriously, because the caller would only retry.
        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            self.exchange(Location::caller(), [current, new], [success, failure])
        }

        #[track_caller]
        pub fn fetch_update(
            &self,
            set: Ordering,
            fetch: Ordering,
            mut update: impl FnMut($value) -> Option<$value>,
        ) -> Result<$value, $value> {
            let at = Location::caller();
            let mut value = self.load_at(at, 1, fetch);
            while let Some(new) = update(value) {
                match self.exchange(at, [value, new], [set, fetch]) {
                    Ok(_) => return Ok(value),
                    Err(newer) => value = newer,
                }
            }
            Err(value)
        }

        fn load_at(&self, at: Caller, operand: usize, order: Ordering) -> $value {
            let weak = site::ordering(at, operand, order);
            let value = self.during(at, |inner| match scene::accesses_are_fresh() {
                true => Self::newest_of(inner, weak),
                false => inner.load(weak),
            });
            site::reach(at, operand, order);
            self.object
                .log(at, |number| format!("load #{number}: {}", value.shown()));
            value
        }

        fn exchange(&self, at: Caller, [current, new]: [$value; 2], orders: [Ordering; 2]) -> Result<$value, $value> {
            let [success, failure] = [0, 1].map(|operand| site::ordering(at, operand, orders[operand]));
            let result = self.during(at, |inner| inner.compare_exchange(current, new, success, failure));
            let operand = usize::from(result.is_err());
            site::reach(at, operand, orders[operand]);
            self.object.log(at, |number| {
                let current = current.shown();
                match result {
                    Ok(_) => format!("cas #{number}: {current} → {}", new.shown()),
                    Err(value) => format!("cas #{number} failed: {}, not {current}", value.shown()),
                }
            });
            if result.is_ok() {
                self.object.changed_to(new.bits());
            }
            result
        }

        fn rmw(
            &self,
            at: Caller,
            name: &str,
            order: Ordering,
            operation: impl FnOnce(&$inner, Ordering) -> $value,
            after: impl FnOnce($value) -> $value,
        ) -> $value {
            let weak = site::ordering(at, 0, order);
            let before = self.during(at, |inner| operation(inner, weak));
            site::reach(at, 0, order);
            let now = after(before);
            self.object.log(at, |number| {
                format!("{name} #{number}: {} → {}", before.shown(), now.shown())
            });
            if now != before {
                self.object.changed_to(now.bits());
            }
            before
        }

        /// Runs an operation. Other threads may run before it and drop the object, so loom gets a copy of its handle.
        #[inline]
        fn during<R>(&self, at: Caller, operation: impl FnOnce(&$inner) -> R) -> R {
            const { assert!(!mem::needs_drop::<$inner>()) };
            let number = self.object.assert_alive("an atomic", at);
            scene::assert_not_abstract_lock(number);
            // SAFETY: the object is alive. loom's handle is an index without
            // a destructor, so a copy is as good as the original.
            let inner = ManuallyDrop::new(unsafe { ptr::read(&self.inner) });
            let result = step(|| operation(&inner));
            self.object.assert_still_alive("an atomic", number, at);
            result
        }
    };
}

macro_rules! operations {
    ($atomic:ident, $value:ty: $($operation:ident = $after:expr),*) => {$(
        #[track_caller]
        pub fn $operation(&self, value: $value, order: Ordering) -> $value {
            let operation = |inner: &loom_atomic::$atomic, order| inner.$operation(value, order);
            let name = stringify!($operation);
            self.rmw(Location::caller(), name, order, operation, |before| $after(before, value))
        }
    )*};
}

macro_rules! integers {
    ($($(#[$cfg:meta])? $atomic:ident of $value:ty),* $(,)?) => {$(
        $(#[$cfg])?
        #[derive(Debug)]
        pub struct $atomic {
            object: Object,
            inner: loom_atomic::$atomic,
        }

        $(#[$cfg])?
        impl Default for $atomic {
            #[track_caller]
            fn default() -> Self {
                Self::new(0)
            }
        }

        $(#[$cfg])?
        impl Value for $value {
            fn shown(self) -> String {
                self.to_string()
            }

            fn bits(self) -> usize {
                self as usize
            }
        }

        $(#[$cfg])?
        impl $atomic {
            shared!($atomic, loom_atomic::$atomic, $value);
            operations! { $atomic, $value:
                fetch_add = <$value>::wrapping_add,
                fetch_sub = <$value>::wrapping_sub,
                fetch_and = |before, value| before & value,
                fetch_or = |before, value| before | value,
                fetch_xor = |before, value| before ^ value,
                fetch_max = <$value>::max,
                fetch_min = <$value>::min
            }

            fn newest_of(inner: &loom_atomic::$atomic, order: Ordering) -> $value {
                inner.fetch_or(0, order)
            }
        }
    )*};
}

integers! {
    AtomicU8 of u8,
    AtomicU16 of u16,
    AtomicU32 of u32,
    #[cfg(target_has_atomic = "64")] AtomicU64 of u64,
    AtomicUsize of usize,
    AtomicI32 of i32,
    #[cfg(target_has_atomic = "64")] AtomicI64 of i64,
    AtomicIsize of isize,
}

impl AtomicUsize {
    /// Loads the value after each change, until it is `ready`. A loop of loads
    /// would not end: loom could run two such loops alternately without end.
    pub(super) fn spin_until(&self, at: Caller, order: Ordering, ready: impl Fn(usize) -> bool) {
        while !ready(self.load_at(at, 0, order)) {
            if ready(self.object.newest()) {
                step(thread::yield_now); // the loaded value is stale: after a yield loom returns a newer one
            } else {
                self.object.await_change();
            }
        }
    }
}

impl AtomicU32 {
    /// The newest value, read by a read-modify-write. Not an operation of the program: only the futex uses it.
    pub(super) fn newest(&self, at: Caller) -> u32 {
        self.during(at, |inner| Self::newest_of(inner, Ordering::Relaxed))
    }

    pub(super) fn log(&self, at: Caller, text: impl FnOnce(u32) -> String) {
        self.object.log(at, text);
    }

    #[track_caller]
    pub(super) fn number(&self) -> u32 {
        self.object.assert_alive("an atomic", Location::caller())
    }
}

#[derive(Debug)]
pub struct AtomicBool {
    object: Object,
    inner: loom_atomic::AtomicBool,
}

impl Default for AtomicBool {
    #[track_caller]
    fn default() -> Self {
        Self::new(false)
    }
}

impl Value for bool {
    fn shown(self) -> String {
        self.to_string()
    }

    fn bits(self) -> usize {
        usize::from(self)
    }
}

impl AtomicBool {
    shared!(AtomicBool, loom_atomic::AtomicBool, bool);
    operations! { AtomicBool, bool:
        fetch_and = |before, value| before & value,
        fetch_or = |before, value| before | value,
        fetch_xor = |before, value| before ^ value
    }

    fn newest_of(inner: &loom_atomic::AtomicBool, order: Ordering) -> bool {
        inner.fetch_or(false, order)
    }
}

#[derive(Debug)]
pub struct AtomicPtr<T> {
    object: Object,
    inner: loom_atomic::AtomicPtr<T>,
}

impl<T> Default for AtomicPtr<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(ptr::null_mut())
    }
}

impl<T> Value for *mut T {
    fn shown(self) -> String {
        if self.is_null() { "null" } else { "a pointer" }.into()
    }

    fn bits(self) -> usize {
        self.addr()
    }
}

impl<T> AtomicPtr<T> {
    shared!(AtomicPtr, loom_atomic::AtomicPtr<T>, *mut T);

    fn newest_of(inner: &loom_atomic::AtomicPtr<T>, order: Ordering) -> *mut T {
        let null = ptr::null_mut();
        inner
            .compare_exchange(null, null, order, order)
            .unwrap_or_else(|value| value)
    }
}
