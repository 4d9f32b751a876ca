//! loom's atomics, whose loads and stores can be made RMWs, and whose orderings can be weakened one by one.
//!
//! loom remembers one last access an object, so a thread that loads before it writes, as every CAS loop does,
//! hides the loads of others, and orders that it should try are never tried. Where each access is an RMW, loom
//! tries them all, but then no load is ever stale. So a model runs both ways: see
//! [`Accesses`](super::probe::Accesses). (Loads alone would not do: loom does not know that a store cannot come
//! between an RMW and the value it has read.)

use super::explorer::{sync::atomic as explorer, thread};
use super::object::Object;
use super::verdict::step;
use super::{log, probe, proved, site};
use ::std::panic::Location;
use core::mem::{self, ManuallyDrop};
use core::ptr;

pub use explorer::Ordering;

type At = &'static Location<'static>;

#[track_caller]
pub fn fence(order: Ordering) {
    let at = Location::caller();
    match site::ordering(at, 0, order) {
        Ordering::Relaxed if order != Ordering::Relaxed => {} // a mutant: no fence
        order => step(|| explorer::fence(order)),
    }
    site::reach(at, 0, order);
    log::event(at, 0, || format!("fence {order:?}"));
}

/// A value as the log shows it: the same in every run.
trait Shown {
    fn shown(self) -> String;

    /// As the number that [`Object`] remembers.
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
                inner: explorer::$atomic::new(value),
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
            self.during(at, |inner| match probe::accesses_are_fresh() {
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

        /// Never fails spuriously: a loop would try again, to no other end.
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
            let mut seen = self.load_at(at, 1, fetch);
            while let Some(new) = update(seen) {
                match self.exchange(at, [seen, new], [set, fetch]) {
                    Ok(_) => return Ok(seen),
                    Err(newer) => seen = newer,
                }
            }
            Err(seen)
        }

        fn load_at(&self, at: At, operand: usize, order: Ordering) -> $value {
            let weak = site::ordering(at, operand, order);
            let seen = self.during(at, |inner| match probe::accesses_are_fresh() {
                true => Self::newest_of(inner, weak),
                false => inner.load(weak),
            });
            site::reach(at, operand, order);
            self.object
                .log(at, |number| format!("load #{number}: {}", seen.shown()));
            seen
        }

        fn exchange(&self, at: At, [current, new]: [$value; 2], orders: [Ordering; 2]) -> Result<$value, $value> {
            let [success, failure] = [0, 1].map(|operand| site::ordering(at, operand, orders[operand]));
            let result = self.during(at, |inner| inner.compare_exchange(current, new, success, failure));
            let operand = usize::from(result.is_err());
            site::reach(at, operand, orders[operand]);
            self.object.log(at, |number| {
                let current = current.shown();
                match result {
                    Ok(_) => format!("cas #{number}: {current} → {}", new.shown()),
                    Err(seen) => format!("cas #{number} failed: {}, not {current}", seen.shown()),
                }
            });
            if result.is_ok() {
                self.object.changed_to(new.bits());
            }
            result
        }

        fn rmw(
            &self,
            at: At,
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

        /// Others may run during an operation, and end the object: so loom gets a copy, and finds no ruins.
        #[inline]
        fn during<R>(&self, at: At, operation: impl FnOnce(&$inner) -> R) -> R {
            const { assert!(!mem::needs_drop::<$inner>()) };
            let number = self.object.assert_lives("an atomic", at);
            proved::assert_no_stand_in(number);
            // SAFETY: it lives, and a copy of loom's index of the object is as good as the original.
            let inner = ManuallyDrop::new(unsafe { ptr::read(&self.inner) });
            let result = step(|| operation(&inner));
            self.object.assert_survived("an atomic", number, at);
            result
        }
    };
}

macro_rules! operations {
    ($atomic:ident, $value:ty: $($operation:ident = $after:expr),*) => {$(
        #[track_caller]
        pub fn $operation(&self, value: $value, order: Ordering) -> $value {
            let operation = |inner: &explorer::$atomic, order| inner.$operation(value, order);
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
            inner: explorer::$atomic,
        }

        $(#[$cfg])?
        impl Default for $atomic {
            #[track_caller]
            fn default() -> Self {
                Self::new(0)
            }
        }

        $(#[$cfg])?
        impl Shown for $value {
            fn shown(self) -> String {
                self.to_string()
            }

            fn bits(self) -> usize {
                self as usize
            }
        }

        $(#[$cfg])?
        impl $atomic {
            shared!($atomic, explorer::$atomic, $value);
            operations! { $atomic, $value:
                fetch_add = <$value>::wrapping_add,
                fetch_sub = <$value>::wrapping_sub,
                fetch_and = |before, value| before & value,
                fetch_or = |before, value| before | value,
                fetch_xor = |before, value| before ^ value,
                fetch_max = <$value>::max,
                fetch_min = <$value>::min
            }

            fn newest_of(inner: &explorer::$atomic, order: Ordering) -> $value {
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
    /// Looks again, whenever the value has changed, until it is `ready`. To look again and again would have no end where two do it:
    /// they could take turns for ever.
    pub(super) fn spin_until(&self, at: At, order: Ordering, ready: impl Fn(usize) -> bool) {
        while !ready(self.load_at(at, 0, order)) {
            if ready(self.object.newest()) {
                step(thread::yield_now); // what we have seen is old: the next look sees something newer
            } else {
                self.object.await_change();
            }
        }
    }
}

impl AtomicU32 {
    /// The newest value, which the futex reads by an RMW: no operation of the model's.
    pub(super) fn newest(&self, at: At) -> u32 {
        self.during(at, |inner| Self::newest_of(inner, Ordering::Relaxed))
    }

    pub(super) fn log(&self, at: At, text: impl FnOnce(u32) -> String) {
        self.object.log(at, text);
    }

    #[track_caller]
    pub(super) fn number(&self) -> u32 {
        self.object.assert_lives("an atomic", Location::caller())
    }
}

#[derive(Debug)]
pub struct AtomicBool {
    object: Object,
    inner: explorer::AtomicBool,
}

impl Default for AtomicBool {
    #[track_caller]
    fn default() -> Self {
        Self::new(false)
    }
}

impl Shown for bool {
    fn shown(self) -> String {
        self.to_string()
    }

    fn bits(self) -> usize {
        usize::from(self)
    }
}

impl AtomicBool {
    shared!(AtomicBool, explorer::AtomicBool, bool);
    operations! { AtomicBool, bool:
        fetch_and = |before, value| before & value,
        fetch_or = |before, value| before | value,
        fetch_xor = |before, value| before ^ value
    }

    fn newest_of(inner: &explorer::AtomicBool, order: Ordering) -> bool {
        inner.fetch_or(false, order)
    }
}

#[derive(Debug)]
pub struct AtomicPtr<T> {
    object: Object,
    inner: explorer::AtomicPtr<T>,
}

impl<T> Default for AtomicPtr<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(ptr::null_mut())
    }
}

impl<T> Shown for *mut T {
    fn shown(self) -> String {
        if self.is_null() { "null" } else { "a pointer" }.into()
    }

    fn bits(self) -> usize {
        self.addr()
    }
}

impl<T> AtomicPtr<T> {
    shared!(AtomicPtr, explorer::AtomicPtr<T>, *mut T);

    fn newest_of(inner: &explorer::AtomicPtr<T>, order: Ordering) -> *mut T {
        let nobody = ptr::null_mut();
        inner
            .compare_exchange(nobody, nobody, order, order)
            .unwrap_or_else(|seen| seen)
    }
}
