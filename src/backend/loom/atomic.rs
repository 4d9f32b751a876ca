//! loom's atomics, whose loads and stores can be made RMWs.
//!
//! loom remembers one last access an object, so a thread that loads before it writes, as every CAS loop does,
//! hides the loads of others, and orders that it should try are never tried. Where each access is an RMW, loom
//! tries them all, but then no load is ever stale. So a model runs both ways: see
//! [`Accesses`](super::probe::Accesses). (Loads alone would not do: loom does not know that a store cannot come
//! between an RMW and the value it has read.)

use super::explorer::sync::atomic as explorer;
use super::probe;

pub use explorer::{Ordering, fence};

macro_rules! shared {
    ($atomic:ident, $value:ty) => {
        #[track_caller]
        pub fn new(value: $value) -> Self {
            Self(explorer::$atomic::new(value))
        }

        #[track_caller]
        pub fn store(&self, value: $value, order: Ordering) {
            if probe::accesses_are_fresh() {
                self.0.swap(value, order);
            } else {
                self.0.store(value, order);
            }
        }

        #[track_caller]
        pub fn swap(&self, value: $value, order: Ordering) -> $value {
            self.0.swap(value, order)
        }

        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            self.0.compare_exchange(current, new, success, failure)
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
            self.compare_exchange(current, new, success, failure)
        }

        #[track_caller]
        pub fn fetch_update(
            &self,
            set: Ordering,
            fetch: Ordering,
            mut update: impl FnMut($value) -> Option<$value>,
        ) -> Result<$value, $value> {
            let mut seen = self.load(fetch);
            while let Some(new) = update(seen) {
                match self.compare_exchange_weak(seen, new, set, fetch) {
                    Ok(_) => return Ok(seen),
                    Err(newer) => seen = newer,
                }
            }
            Err(seen)
        }
    };
}

macro_rules! operations {
    ($value:ty: $($operation:ident)*) => {$(
        #[track_caller]
        pub fn $operation(&self, value: $value, order: Ordering) -> $value {
            self.0.$operation(value, order)
        }
    )*};
}

macro_rules! integers {
    ($($(#[$cfg:meta])? $atomic:ident of $value:ty),* $(,)?) => {$(
        $(#[$cfg])?
        #[derive(Debug, Default)]
        pub struct $atomic(explorer::$atomic);

        $(#[$cfg])?
        impl $atomic {
            shared!($atomic, $value);
            operations!($value: fetch_add fetch_sub fetch_and fetch_or fetch_xor fetch_max fetch_min);

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                if probe::accesses_are_fresh() { self.0.fetch_or(0, order) } else { self.0.load(order) }
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

#[derive(Debug, Default)]
pub struct AtomicBool(explorer::AtomicBool);

impl AtomicBool {
    shared!(AtomicBool, bool);
    operations!(bool: fetch_and fetch_or fetch_xor);

    #[track_caller]
    pub fn load(&self, order: Ordering) -> bool {
        if probe::accesses_are_fresh() { self.0.fetch_or(false, order) } else { self.0.load(order) }
    }
}

#[derive(Debug)]
pub struct AtomicPtr<T>(explorer::AtomicPtr<T>);

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(core::ptr::null_mut())
    }
}

impl<T> AtomicPtr<T> {
    shared!(AtomicPtr, *mut T);

    #[track_caller]
    pub fn load(&self, order: Ordering) -> *mut T {
        let nobody = core::ptr::null_mut();
        match probe::accesses_are_fresh() {
            true => self.0.compare_exchange(nobody, nobody, order, order).unwrap_or_else(|seen| seen),
            false => self.0.load(order),
        }
    }
}
