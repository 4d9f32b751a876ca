//! Counts the words in all files below a directory: one thread finds the files, others read
//! them, and a bounded queue of paths is between them.
//!
//! A word is a run of ASCII letters and digits. Links are not followed.
//!
//! ```text
//! cargo run --release --example wordcount -- src > words
//! ```
//! `shutdown` is the only signal that the readers need: they get the remaining paths, and then their loops end.

use selvedge::Queue;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::{env, fs, thread};
use walkdir::WalkDir;

static PATHS: Queue<PathBuf> = Queue::bounded(256);

type Counts = HashMap<Vec<u8>, u64>;

fn find(dir: &Path) -> Result<(), walkdir::Error> {
    for entry in WalkDir::new(dir) {
        let entry = entry?;
        if entry.file_type().is_file() {
            PATHS.put(entry.into_path()).expect("only `main` shuts it down");
        }
    }
    Ok(())
}

fn read() -> io::Result<Counts> {
    let mut counts = Counts::new();
    for path in &PATHS {
        for word in fs::read(path)?.split(|byte| !byte.is_ascii_alphanumeric()) {
            *counts.entry(word.to_vec()).or_default() += 1;
        }
    }
    Ok(counts)
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).ok_or("usage: wordcount DIR")?;
    let readers = thread::available_parallelism()?.get();
    let all = thread::scope(|scope| -> Result<Counts, Box<dyn Error>> {
        let readers: Vec<_> = (0..readers).map(|_| scope.spawn(read)).collect();
        let found = find(dir.as_ref());
        PATHS.shutdown();
        let mut all = Counts::new();
        for reader in readers {
            for (word, count) in reader.join().expect("a reader panicked")? {
                *all.entry(word).or_default() += count;
            }
        }
        all.remove(&Vec::new()); // between two bytes that belong to no word
        found.map(|()| all).map_err(Into::into)
    })?;
    let mut words: Vec<_> = all.into_iter().collect();
    words.sort_unstable_by(|(a, count_a), (b, count_b)| (Reverse(count_a), a).cmp(&(Reverse(count_b), b)));
    let mut out = BufWriter::new(io::stdout().lock());
    for (word, count) in words {
        writeln!(out, "{count} {}", String::from_utf8_lossy(&word))?;
    }
    Ok(out.flush()?)
}
