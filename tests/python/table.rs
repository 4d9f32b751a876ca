//! The table is whole, and it is true.

use std::collections::BTreeSet;

const TABLE: &str = include_str!("lock_tests.tsv");
const NAMES: &str = include_str!("cpython-3.13.tsv");

/// A test of CPython's, and what became of it.
struct Row {
    class: &'static str,
    test: &'static str,
    ours: Option<&'static str>,
    note: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let columns: Vec<_> = line.split('\t').collect();
        let [class, test, ours, note] = columns[..] else { panic!("not four columns: {line}") };
        Row { class, test, ours: Some(ours).filter(|&ours| ours != "-"), note }
    };
    let mut lines = TABLE.lines();
    assert_eq!(lines.next(), Some("class\tCPython's\tours\tnote"));
    lines.map(row).collect()
}

#[test]
fn none_of_cpythons_tests_is_missing() {
    let table: Vec<_> = rows().iter().map(|row| format!("{}\t{}", row.class, row.test)).collect();
    for (row, name) in table.iter().zip(NAMES.lines()) {
        assert_eq!(row, name, "one is missing, or there twice, or out of order");
    }
    assert_eq!(table.len(), NAMES.lines().count());
    assert_eq!(table.iter().collect::<BTreeSet<_>>().len(), table.len(), "one is there twice");
    let counts = [
        ("LockTests", 17),
        ("RLockTests", 19),
        ("EventTests", 6),
        ("ConditionTests", 7),
        ("SemaphoreTests", 12),
        ("BoundedSemaphoreTests", 12),
        ("BarrierTests", 12),
    ];
    for (class, count) in counts {
        assert_eq!(rows().iter().filter(|row| row.class == class).count(), count, "{class}");
    }
    assert_eq!(table.len(), 85);
}

#[test]
fn whatever_is_left_out_says_why() {
    let rows = rows();
    let left_out: Vec<_> = rows.iter().filter(|row| row.ours.is_none()).collect();
    for row in &left_out {
        assert!(row.note.len() > 20, "{} {}: {:?} is no reason", row.class, row.test, row.note);
    }
    assert_eq!(left_out.len(), 7);
}

/// What this binary says when it is asked for its tests. On Linux, for elsewhere some tests are left out.
#[cfg(target_os = "linux")]
#[test]
fn the_table_names_our_tests_and_all_that_are_here() {
    let this = std::env::current_exe().unwrap();
    let list = std::process::Command::new(this).args(["--list", "--format", "terse"]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let tests: BTreeSet<_> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let named: BTreeSet<_> = rows().iter().filter_map(|row| row.ours).flat_map(|ours| ours.split(' ')).collect();
    assert_eq!(named.difference(&tests).collect::<Vec<_>>(), Vec::<&&str>::new(), "named, but no tests");
    let is_restated = |test: &&str| test.starts_with("python::") && !test.starts_with("python::table::");
    let here: BTreeSet<_> = tests.into_iter().filter(is_restated).collect();
    assert_eq!(here.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "tests, but not named");
}
