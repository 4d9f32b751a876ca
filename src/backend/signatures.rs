//! The signature of every item of the facade. It is compiled in each build, so a build whose signatures differ fails.

use super::{Arc, Instant, atomic, cell, futex, hint, model_lock, process, thread};
use core::num::NonZeroUsize;
use core::time::Duration;

macro_rules! integer {
    ($($atomic:ident of $value:ty),*) => {$({
        use atomic::{$atomic as Atomic, Ordering};
        let _: fn($value) -> Atomic = Atomic::new;
        let _: fn(&Atomic, Ordering) -> $value = Atomic::load;
        let _: fn(&Atomic, $value, Ordering) = Atomic::store;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::swap;
        let _: fn(&Atomic, $value, $value, Ordering, Ordering) -> Result<$value, $value> = Atomic::compare_exchange;
        let _: fn(&Atomic, $value, $value, Ordering, Ordering) -> Result<$value, $value> = Atomic::compare_exchange_weak;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_add;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_sub;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_and;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_or;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_xor;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_max;
        let _: fn(&Atomic, $value, Ordering) -> $value = Atomic::fetch_min;
    })*};
}

#[expect(dead_code, reason = "it is compiled but never called")]
fn contract() {
    integer!(AtomicU8 of u8, AtomicU16 of u16, AtomicU32 of u32, AtomicUsize of usize, AtomicI32 of i32, AtomicIsize of isize);
    #[cfg(target_has_atomic = "64")]
    integer!(AtomicU64 of u64, AtomicI64 of i64);
    let _: fn(bool) -> atomic::AtomicBool = atomic::AtomicBool::new;
    let _: fn(*mut u8) -> atomic::AtomicPtr<u8> = atomic::AtomicPtr::new;
    let _: fn(atomic::Ordering) = atomic::fence;

    let _: fn(u8) -> Arc<u8> = Arc::new;
    let _: fn(u8) -> cell::UnsafeCell<u8> = cell::UnsafeCell::new;
    let _: fn(cell::UnsafeCell<u8>) -> u8 = cell::UnsafeCell::into_inner;
    let _ = |cell: &cell::UnsafeCell<[u8]>| -> (usize, *mut [u8]) { (cell.with(|p| p.len()), cell.with_mut(|p| p)) };

    let _: fn(&atomic::AtomicU32, u32, Option<Instant>) -> futex::Wait = futex::wait;
    let _: fn(&atomic::AtomicU32, u32) -> usize = futex::wake;
    let _ = [futex::Wait::Woken, futex::Wait::Changed, futex::Wait::TimedOut];

    let _: fn(&atomic::AtomicU32, fn()) = model_lock::acquire;
    let _: fn(&atomic::AtomicU32, fn() -> u8, u8) -> u8 = model_lock::release;

    let _: [fn(Option<Instant>) -> hint::Spin; 2] = [hint::Spin::for_lock, hint::Spin::for_hand_off];
    let _: fn(&mut hint::Spin) -> bool = hint::Spin::again;
    let _: fn() -> hint::Backoff = hint::Backoff::new;
    let _: fn(&hint::Backoff) = hint::Backoff::spin;
    type Ready = fn(usize) -> bool;
    let _: fn(&atomic::AtomicUsize, atomic::Ordering, Ready) = hint::spin_until;

    let _: fn() -> Instant = Instant::now;
    let _: fn(Instant) -> bool = Instant::has_passed;
    let _: fn(Instant) -> Option<Duration> = Instant::remaining;
    let _: fn(Instant, Duration) -> Instant = core::ops::Add::add;

    let _: fn() -> NonZeroUsize = thread::id;
    let _: fn() -> thread::NewId = thread::NewId::reserve;
    let _: fn(&thread::NewId) -> NonZeroUsize = thread::NewId::get;
    let _: fn(thread::NewId) -> NonZeroUsize = thread::NewId::adopt;
    let _: fn() -> Option<NonZeroUsize> = thread::native_id;
    let _: fn() -> Option<NonZeroUsize> = thread::native_id_of_the_first;
    let _: fn() -> Option<String> = thread::name;
    let _: fn() -> usize = thread::processors;
    let _: fn() = thread::yield_now;
    let _: fn(fn() -> u8) -> thread::JoinHandle<u8> = thread::spawn;
    let _: fn(thread::JoinHandle<u8>) -> std::thread::Result<u8> = thread::JoinHandle::join;
    let _ = |builder: thread::Builder| -> std::io::Result<thread::JoinHandle<()>> {
        builder.name(String::new()).stack_size(1).spawn(|| {})
    };

    let _: fn() -> Option<NonZeroUsize> = process::survivor;
    let _: unsafe extern "C" fn() = process::enter_child;

    super::global! { static GLOBAL: u8 = 1; }
    let _: &u8 = &GLOBAL;
    super::local! { static LOCAL: u8 = 1; }
    let _: u8 = LOCAL.with(|value| *value);
}
