//! `Semaphore` and `BoundedSemaphore`: the bounds of laws S5 and S8.

use crate::forms::{self, Acquire, BLOCKING, EXPIRING};
use crate::support::panic_of;
use selvedge::{BoundedSemaphore, OverReleased, Semaphore};

const MAX: u32 = Semaphore::MAX_PERMITS;

forms::laws!(in_all_forms: Semaphore::new(1));
forms::laws!(bounded_in_all_forms: BoundedSemaphore::new(1));

#[test]
fn a_new_one_has_its_permits_and_more_than_it_can_hold_are_refused() {
    assert_eq!((Semaphore::default().available(), MAX), (1, (1 << 31) - 1));
    let bounded = BoundedSemaphore::default();
    assert_eq!((bounded.available(), bounded.limit()), (1, 1));
    for permits in [MAX + 1, u32::MAX] {
        const REFUSAL: &str = "a semaphore holds at most MAX_PERMITS permits";
        assert_eq!(panic_of(|| Semaphore::new(permits)), REFUSAL);
        assert_eq!(panic_of(|| BoundedSemaphore::new(permits)), REFUSAL);
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
    ] {
        let semaphore = Semaphore::new(permits);
        assert_eq!(
            (semaphore.release(count), semaphore.available()),
            (Err(OverReleased), permits)
        );
        assert_eq!((semaphore.release(MAX - permits), semaphore.available()), (Ok(()), MAX));
        let permit = semaphore.acquire();
        assert_eq!(semaphore.release(1), Ok(()));
        drop(permit); // it has no room
        assert_eq!((semaphore.release(0), semaphore.available()), (Ok(()), MAX));
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

/// In each form: the permit of each knows the limit.
#[test]
fn a_permit_dropped_on_a_full_bounded_semaphore_is_discarded() {
    let bounded = BoundedSemaphore::new(1);
    for form in EXPIRING.into_iter().chain(BLOCKING) {
        let permit = bounded.acquire_by(form);
        assert_eq!(bounded.release(1), Ok(()));
        drop(permit);
        assert_eq!(bounded.available(), 1, "{form:?}");
    }
}
