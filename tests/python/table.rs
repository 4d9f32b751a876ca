//! The tables are complete, and every test that they name exists.

use std::collections::BTreeSet;

/// CPython's tests, as `names.py` prints them.
const NAMES: &str = include_str!("cpython-3.13.tsv");

/// A file of CPython's tests, or a folder.
struct Table {
    file: &'static str,
    text: &'static str,
    tests: usize,
    left_out: usize,
}

const TABLES: [Table; 5] = [
    Table {
        file: "lock_tests",
        text: include_str!("lock_tests.tsv"),
        tests: 85,
        left_out: 7,
    },
    Table {
        file: "test_queue",
        text: include_str!("test_queue.tsv"),
        tests: 82,
        left_out: 5,
    },
    Table {
        file: "test_threading",
        text: include_str!("test_threading.tsv"),
        tests: 85,
        left_out: 43,
    },
    Table {
        file: "test_threading_local",
        text: include_str!("test_threading_local.tsv"),
        tests: 10,
        left_out: 2,
    },
    Table {
        file: "test_concurrent_futures",
        text: include_str!("test_concurrent_futures.tsv"),
        tests: 65,
        left_out: 3,
    },
];

/// One of CPython's tests, and the Rust tests that answer it.
struct Row {
    class: &'static str,
    test: &'static str,
    answers: Option<&'static str>,
    note: &'static str,
}

impl Table {
    fn rows(&self) -> Vec<Row> {
        let row = |line: &'static str| {
            let columns: Vec<_> = line.split('\t').collect();
            let [class, test, answers, note] = columns[..] else {
                panic!("not four columns: {line}")
            };
            Row {
                class,
                test,
                answers: Some(answers).filter(|&answers| answers != "-"),
                note,
            }
        };
        let mut lines = self.text.lines();
        assert_eq!(lines.next(), Some("class\tCPython's test\tanswered by\tnote"));
        lines.map(row).collect()
    }
}

#[test]
fn no_test_of_cpython_is_missing() {
    let row_of = |table: &Table, row: &Row| format!("{}\t{}\t{}", table.file, row.class, row.test);
    let rows_of = |table: &Table| table.rows().iter().map(|row| row_of(table, row)).collect::<Vec<_>>();
    let rows: Vec<_> = TABLES.iter().flat_map(rows_of).collect();
    for (row, name) in rows.iter().zip(NAMES.lines()) {
        assert_eq!(row, name, "a test is missing, repeated or out of order");
    }
    assert_eq!(rows.len(), NAMES.lines().count());
    for table in &TABLES {
        assert_eq!(table.rows().len(), table.tests, "{}", table.file);
    }
}

#[test]
fn a_test_that_is_left_out_has_a_reason() {
    for table in &TABLES {
        let rows = table.rows();
        let left_out: Vec<_> = rows.iter().filter(|row| row.answers.is_none()).collect();
        for Row { class, test, note, .. } in &left_out {
            assert!(note.len() > 20, "{class} {test}: {note:?} is no reason");
        }
        assert_eq!(left_out.len(), table.left_out, "{}", table.file);
    }
}

/// Whether the target `fuzz` has this test: its module declares it, or invokes the macro that declares it.
#[cfg(target_os = "linux")]
fn is_in_fuzz(test: &str) -> bool {
    let machines = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/machines");
    let file = |module: &str| {
        let path = machines.join(module.replace("::", "/"));
        let source = std::fs::read_to_string(path.with_extension("rs"));
        source.or_else(|_| std::fs::read_to_string(path.join("mod.rs"))).ok()
    };
    let inline = |module: &str| {
        let (outer, name) = module.rsplit_once("::")?;
        let source = file(outer)?;
        let (_, body) = source.split_once(&format!("\nmod {name} {{"))?;
        Some(body.split("\n}").next()?.to_owned())
    };
    let source = |module: &str| file(module).or_else(|| inline(module)).unwrap_or_default();
    let (module, name) = test.rsplit_once("::").expect("a module and a test");
    let declaration = format!("fn {name}(");
    let declares = |source: &str| {
        let mut tests = source.split("#[test]").skip(1);
        tests.any(|test| test.trim_start().starts_with(&declaration))
    };
    let module = source(module);
    declares(&module) || module.contains("fuzzers!(") && declares(&source("run"))
}

/// The tests of this binary are those that it lists. On Linux: elsewhere some tests are not compiled.
#[cfg(target_os = "linux")]
#[test]
fn every_test_named_exists_and_every_test_here_is_named() {
    let this = std::env::current_exe().unwrap();
    let list = std::process::Command::new(this)
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let tests: BTreeSet<_> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let rows: Vec<_> = TABLES.iter().flat_map(Table::rows).collect();
    let answers = rows.iter().filter_map(|row| row.answers);
    let named: BTreeSet<_> = answers.flat_map(|answers| answers.split(' ')).collect();
    let exists = |test: &&&str| match test.strip_prefix("fuzz::") {
        Some(test) => is_in_fuzz(test),
        None => tests.contains(**test),
    };
    let missing: Vec<_> = named.iter().filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "named, but no tests: {missing:#?}");
    let is_port = |test: &&&str| test.starts_with("python::") && !test.starts_with("python::table::");
    let unnamed: Vec<_> = tests.difference(&named).filter(is_port).collect();
    assert!(unnamed.is_empty(), "tests here, but not named: {unnamed:#?}");
}
