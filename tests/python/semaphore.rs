//! `SemaphoreTests`.

use super::any_semaphore::{self, AnySemaphore};
use selvedge::Semaphore;

any_semaphore::tests!(Semaphore);

#[test]
fn release_unacquired() {
    let semaphore = Semaphore::new(1);
    assert_eq!(semaphore.release(1), Ok(()));
    for left in [1, 0] {
        semaphore.take();
        assert_eq!(semaphore.available(), left);
    }
    assert_eq!(semaphore.release(1), Ok(()));
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn repr() {
    let semaphore = Semaphore::new(3);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 3 }");
    semaphore.take();
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 2 }");
    assert_eq!(semaphore.release(2), Ok(()));
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 4 }");
}
