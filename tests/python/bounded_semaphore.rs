//! `BoundedSemaphoreTests`.

use super::any_semaphore::{self, AnySemaphore};
use selvedge::{BoundedSemaphore, OverReleased};

any_semaphore::tests!(BoundedSemaphore);

#[test]
fn release_unacquired() {
    let semaphore = BoundedSemaphore::default();
    assert_eq!(semaphore.release(1), Err(OverReleased));
    semaphore.take();
    assert_eq!(semaphore.release(1), Ok(()));
    assert_eq!(semaphore.release(1), Err(OverReleased));
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn repr() {
    let semaphore = BoundedSemaphore::new(3);
    assert_eq!(format!("{semaphore:?}"), "BoundedSemaphore { available: 3, limit: 3 }");
    semaphore.take();
    assert_eq!(format!("{semaphore:?}"), "BoundedSemaphore { available: 2, limit: 3 }");
}
