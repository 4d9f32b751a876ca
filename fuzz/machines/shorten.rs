//! Takes out of a failing run what it can do without.
//!
//! proptest looks at each transition once. What it could not leave out then may be idle since others are gone, and
//! an acquire goes only together with its release.

use std::time::{Duration, Instant};

/// How long proptest may shrink, and then we.
pub const LONGEST: Duration = Duration::from_secs(30);
/// A lost wake-up needs some luck to be seen.
const ATTEMPTS: usize = 2;

/// Leaves out transitions, many at once or a pair, as long as the run fails; the story of the shortest.
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
        let pairs: Vec<_> = (0..run.len())
            .flat_map(|one| (one + 1..run.len()).map(move |two| (one, two)))
            .collect();
        pairs
            .iter()
            .any(|&(one, two)| fails_without(&mut run, &|index| index == one || index == two));
        if run.len() == before {
            return story;
        }
    }
}

#[test]
fn what_does_not_matter_is_left_out() {
    // It fails with a 7, unless there is an unmatched 1.
    let fails = |run: &[u8]| {
        let matched = run.iter().filter(|&&call| call == 1).count() == run.iter().filter(|&&call| call == 2).count();
        (run.contains(&7) && matched).then(|| format!("{run:?}"))
    };
    assert_eq!(shorten(vec![3, 1, 3, 7, 2, 1, 7, 2], "too long".into(), fails), "[7]");
    assert_eq!(
        shorten(vec![1, 7, 2, 2], "does not fail again".into(), |_| None),
        "does not fail again"
    );
}
