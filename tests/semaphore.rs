//! `Semaphore` and `BoundedSemaphore`: laws S1 to S8. Of a bounded one, the bound is its limit; of the other, the number of
//! permits that it can hold.

use crate::forms::{self, Acquire, Form, HASTY, PATIENT};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::{BoundedSemaphore, OverReleased, Permit, Semaphore};

const MAX: u32 = Semaphore::MAX_PERMITS;

/// The calls that both have.
pub trait AnySemaphore: Acquire + 'static {
    fn with(permits: u32) -> Self;
    fn available(&self) -> u32;
    fn release(&self, count: u32) -> Result<(), OverReleased>;
    fn permit(&self, form: Form) -> Option<Permit<'_>>;
}

macro_rules! any_semaphore {
    ($($semaphore:ident)*) => {$(
        impl AnySemaphore for $semaphore {
            fn with(permits: u32) -> $semaphore {
                $semaphore::new(permits)
            }
            fn available(&self) -> u32 {
                self.available()
            }
            fn release(&self, count: u32) -> Result<(), OverReleased> {
                self.release(count)
            }
            fn permit(&self, form: Form) -> Option<Permit<'_>> {
                self.acquire_by(form)
            }
        }
    )*};
}
any_semaphore!(Semaphore BoundedSemaphore);

/// Makes each property a test of both.
macro_rules! of_both {
    ($($property:ident)*) => {$(
        mod $property {
            #[test]
            fn semaphore() {
                super::$property::<selvedge::Semaphore>();
            }
            #[test]
            fn bounded_semaphore() {
                super::$property::<selvedge::BoundedSemaphore>();
            }
        }
    )*};
}

forms::laws!(in_all_forms: Semaphore::new(1));
forms::laws!(bounded_in_all_forms: BoundedSemaphore::new(1));

of_both! {
    it_starts_with_its_permits
    each_form_acquires_one_permit_and_its_drop_returns_it
    a_permit_dropped_on_a_full_semaphore_is_discarded
    a_forgotten_or_leaked_permit_is_returned_by_a_release
    n_permits_admit_n_waiters_without_a_further_release
}

fn it_starts_with_its_permits<S: AnySemaphore>() {
    for permits in [0, 1, 2, MAX - 1, MAX] {
        let semaphore = S::with(permits);
        assert_eq!(semaphore.available(), permits);
        assert_eq!((semaphore.release(0), semaphore.available()), (Ok(()), permits));
    }
    for permits in [MAX + 1, u32::MAX] {
        assert_eq!(panic_of(|| S::with(permits)), "a semaphore cannot hold so many permits");
    }
}

#[test]
fn the_default_is_one_permit_and_the_most_are_31_bits() {
    let bounded = BoundedSemaphore::default();
    assert_eq!((bounded.available(), bounded.limit()), (1, 1));
    assert_eq!((Semaphore::default().available(), MAX), (1, (1 << 31) - 1));
}

fn each_form_acquires_one_permit_and_its_drop_returns_it<S: AnySemaphore>() {
    let forms = || [Form::Plain].into_iter().chain(HASTY);
    let semaphore = S::with(6);
    let permits: Vec<_> = forms().map(|form| semaphore.permit(form).expect(form.name())).collect();
    assert_eq!(semaphore.available(), 0);
    for (returned, permit) in (1..).zip(permits) {
        assert!(
            HASTY
                .into_iter()
                .all(|form| returned > 1 || semaphore.permit(form).is_none())
        );
        drop(permit);
        assert_eq!(semaphore.available(), returned);
    }
}

#[test]
fn a_release_beyond_the_bound_is_an_error_and_adds_no_permit() {
    for (permits, count) in [
        (MAX, 1),
        (MAX, MAX),
        (MAX - 1, 2),
        (1, MAX),
        (0, MAX + 1),
        (0, u32::MAX),
        (MAX, u32::MAX),
    ] {
        let semaphore = Semaphore::new(permits);
        assert_eq!(
            (semaphore.release(count), semaphore.available()),
            (Err(OverReleased), permits)
        );
    }
    for limit in [0, 1, 3, MAX] {
        let bounded = BoundedSemaphore::new(limit);
        let taken = limit.min(2);
        (0..taken).for_each(|_| bounded.acquire().forget());
        for count in [taken + 1, taken + 2, MAX, u32::MAX] {
            assert_eq!(
                (bounded.release(count), bounded.available()),
                (Err(OverReleased), limit - taken)
            );
        }
        assert_eq!((bounded.release(taken), bounded.available()), (Ok(()), limit));
        assert_eq!((bounded.release(1), bounded.limit()), (Err(OverReleased), limit));
    }
}

#[test]
fn any_thread_may_release_any_number_within_the_bound() {
    let semaphore = Semaphore::new(0);
    let released = watchdog::run(|watch| watch.spawn("releaser", |_| semaphore.release(5)).join());
    assert_eq!(
        (released, semaphore.release(MAX - 5), semaphore.available()),
        (Ok(()), Ok(()), MAX)
    );
}

/// In each form: the permit of each knows the limit.
fn a_permit_dropped_on_a_full_semaphore_is_discarded<S: AnySemaphore>() {
    for form in [Form::Plain].into_iter().chain(HASTY) {
        let semaphore = S::with(MAX);
        let permit = semaphore.permit(form);
        assert_eq!(semaphore.release(1), Ok(()));
        drop(permit);
        assert_eq!(semaphore.available(), MAX, "{form:?}");
    }
}

fn a_forgotten_or_leaked_permit_is_returned_by_a_release<S: AnySemaphore>() {
    let semaphore = S::with(2);
    semaphore.permit(Form::Plain).unwrap().forget();
    std::mem::forget(semaphore.permit(Form::Plain));
    assert!(semaphore.available() == 0 && semaphore.permit(Form::Try).is_none());
    assert_eq!((semaphore.release(2), semaphore.available()), (Ok(()), 2));
}

/// Law S4: as one release and as several, of which only the first sees the flag of the blocked waiters.
fn n_permits_admit_n_waiters_without_a_further_release<S: AnySemaphore>() {
    let semaphore = &S::with(3);
    (0..3).for_each(|_| semaphore.permit(Form::Plain).unwrap().forget());
    watchdog::run(|watch| {
        for round in 0..160 {
            let form = PATIENT[round % PATIENT.len()];
            let acquire = move || semaphore.permit(form).expect("it never expires").forget();
            let waiter = |n| watch.spawn(format!("waiter {n}"), move |role| role.waits(form.name(), acquire));
            let waiters: Vec<_> = (0..3).map(waiter).collect();
            waiters.iter().for_each(|waiter| waiter.until_asleep());
            for count in [&[3][..], &[1, 1, 1], &[2, 1], &[0, 3]][round % 4] {
                assert_eq!(semaphore.release(*count), Ok(()));
            }
            waiters.into_iter().for_each(|waiter| waiter.join());
            assert_eq!(semaphore.available(), 0);
        }
    });
}
