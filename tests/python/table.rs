//! The tables are whole, and they are true.

use std::collections::BTreeSet;

const NAMES: &str = include_str!("cpython-3.13.tsv");

/// A file of CPython's tests, or a folder.
struct Table {
    file: &'static str,
    text: &'static str,
    /// How many tests each class has.
    classes: &'static [(&'static str, usize)],
    left_out: usize,
}

const TABLES: [Table; 5] = [
    Table {
        file: "lock_tests",
        text: include_str!("lock_tests.tsv"),
        classes: &[
            ("LockTests", 17),
            ("RLockTests", 19),
            ("EventTests", 6),
            ("ConditionTests", 7),
            ("SemaphoreTests", 12),
            ("BoundedSemaphoreTests", 12),
            ("BarrierTests", 12),
        ],
        left_out: 7,
    },
    Table {
        file: "test_queue",
        text: include_str!("test_queue.tsv"),
        classes: &[
            ("CQueueTest", 24),
            ("CLifoQueueTest", 24),
            ("CPriorityQueueTest", 24),
            ("CFailingQueueTest", 1),
            ("CSimpleQueueTest", 9),
        ],
        left_out: 5,
    },
    Table {
        file: "test_threading",
        text: include_str!("test_threading.tsv"),
        classes: &[
            ("ThreadTests", 43),
            ("ThreadJoinOnShutdown", 7),
            ("SubinterpThreadingTests", 6),
            ("ThreadingExceptionTests", 12),
            ("ExceptHookTests", 6),
            ("TimerTests", 1),
            ("MiscTestCase", 1),
            ("InterruptMainTests", 6),
            ("AtexitTests", 3),
        ],
        left_out: 42,
    },
    Table {
        file: "test_threading_local",
        text: include_str!("test_threading_local.tsv"),
        classes: &[("ThreadLocalTest", 10)],
        left_out: 2,
    },
    Table {
        file: "test_concurrent_futures",
        text: include_str!("test_concurrent_futures.tsv"),
        classes: &[
            ("ThreadPoolAsCompletedTest", 5),
            ("FutureTests", 20),
            ("ThreadPoolInitializerTest", 1),
            ("ThreadPoolFailingInitializerTest", 1),
            ("ThreadPoolShutdownTest", 14),
            ("ThreadPoolExecutorTest", 15),
            ("ThreadPoolWaitTests", 9),
        ],
        left_out: 3,
    },
];

/// A test of CPython's, and what became of it.
struct Row {
    class: &'static str,
    test: &'static str,
    ours: Option<&'static str>,
    note: &'static str,
}

impl Table {
    fn rows(&self) -> Vec<Row> {
        let row = |line: &'static str| {
            let columns: Vec<_> = line.split('\t').collect();
            let [class, test, ours, note] = columns[..] else {
                panic!("not four columns: {line}")
            };
            Row {
                class,
                test,
                ours: Some(ours).filter(|&ours| ours != "-"),
                note,
            }
        };
        let mut lines = self.text.lines();
        assert_eq!(lines.next(), Some("class\tCPython's\tours\tnote"));
        lines.map(row).collect()
    }
}

#[test]
fn none_of_cpythons_tests_is_missing() {
    let row_of = |table: &Table, row: &Row| format!("{}\t{}\t{}", table.file, row.class, row.test);
    let rows_of = |table: &Table| table.rows().iter().map(|row| row_of(table, row)).collect::<Vec<_>>();
    let rows: Vec<_> = TABLES.iter().flat_map(rows_of).collect();
    for (row, name) in rows.iter().zip(NAMES.lines()) {
        assert_eq!(row, name, "one is missing, or there twice, or out of order");
    }
    assert_eq!(rows.len(), NAMES.lines().count());
    assert_eq!(
        rows.iter().collect::<BTreeSet<_>>().len(),
        rows.len(),
        "one is there twice"
    );
    for table in &TABLES {
        for &(class, count) in table.classes {
            assert_eq!(
                table.rows().iter().filter(|row| row.class == class).count(),
                count,
                "{class}"
            );
        }
        assert_eq!(
            table.rows().len(),
            table.classes.iter().map(|class| class.1).sum(),
            "{}",
            table.file
        );
    }
}

#[test]
fn whatever_is_left_out_says_why() {
    for table in &TABLES {
        let rows = table.rows();
        let left_out: Vec<_> = rows.iter().filter(|row| row.ours.is_none()).collect();
        for row in &left_out {
            assert!(
                row.note.len() > 20,
                "{} {}: {:?} is no reason",
                row.class,
                row.test,
                row.note
            );
        }
        assert_eq!(left_out.len(), table.left_out, "{}", table.file);
    }
}

/// What this binary says when it is asked for its tests. On Linux, for elsewhere some tests are left out.
#[cfg(target_os = "linux")]
#[test]
fn the_tables_name_our_tests_and_all_that_are_here() {
    let this = std::env::current_exe().unwrap();
    let list = std::process::Command::new(this)
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let tests: BTreeSet<_> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let rows: Vec<_> = TABLES.iter().flat_map(Table::rows).collect();
    let named: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.ours)
        .flat_map(|ours| ours.split(' '))
        .collect();
    assert_eq!(
        named.difference(&tests).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "named, but no tests"
    );
    let is_restated = |test: &&str| test.starts_with("python::") && !test.starts_with("python::table::");
    let here: BTreeSet<_> = tests.into_iter().filter(is_restated).collect();
    assert_eq!(
        here.difference(&named).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "tests, but not named"
    );
}
