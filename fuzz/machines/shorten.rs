//! Shortens a failing run.
//!
//! proptest tries to leave out each transition once. A transition that it could not leave out may have become
//! superfluous later, and an acquire can only be left out together with its release.

use std::time::{Duration, Instant};

/// How long proptest may shrink a run, and how long [`shorten`] may take after it.
pub const LONGEST: Duration = Duration::from_secs(30);
/// How often a shorter run is tried: a lost wake-up does not occur in every run.
const ATTEMPTS: usize = 2;

/// Leaves out ranges and pairs of transitions as long as the run still fails; returns the report of the shortest run.
pub fn shorten<T: Clone>(mut run: Vec<T>, mut story: String, fails: impl Fn(&[T]) -> Option<String>) -> String {
    let begun = Instant::now();
    let mut fails_without = |run: &mut Vec<T>, left_out: &dyn Fn(usize) -> bool| {
        let kept = run.iter().enumerate().filter(|&(index, _)| !left_out(index));
        let shorter: Vec<T> = kept.map(|(_, transition)| transition.clone()).collect();
        let attempts = if begun.elapsed() < LONGEST { ATTEMPTS } else { 0 };
        let found = (0..attempts).find_map(|_| fails(&shorter));
        found.map(|found| (*run, story) = (shorter, found)).is_some()
    };
    loop {
        let before = run.len();
        let mut size = before / 2;
        while size > 0 {
            let mut from = 0;
            while from < run.len() {
                if !fails_without(&mut run, &|index| (from..from + size).contains(&index)) {
                    from += size;
                }
            }
            size /= 2;
        }
        let ends = 0..run.len();
        let mut pairs = ends.clone().flat_map(|one| ends.clone().map(move |two| (one, two)));
        pairs.any(|(one, two)| one < two && fails_without(&mut run, &|index| index == one || index == two));
        if run.len() == before {
            return story;
        }
    }
}

#[test]
fn what_does_not_matter_is_left_out() {
    // A run fails if it contains a 7 and as many 1s as 2s.
    let fails = |run: &[u8]| {
        let matched = run.iter().filter(|&&call| call == 1).count() == run.iter().filter(|&&call| call == 2).count();
        (run.contains(&7) && matched).then(|| format!("{run:?}"))
    };
    assert_eq!(shorten(vec![3, 1, 3, 7, 2, 1, 7, 2], "too long".into(), fails), "[7]");
    let never_fails_again = |_: &[u8]| None;
    assert_eq!(
        shorten(vec![1, 7, 2, 2], "the first".into(), never_fails_again),
        "the first"
    );
}
