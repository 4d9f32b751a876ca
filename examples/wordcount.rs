//! Counts the words in all files below a directory: one thread finds the files, others read them, and between them
//! is a queue with room for a few hundred paths.
//!
//! A word is a run of ASCII letters and digits, case kept; what else is in a file need not be text. Links are not
//! followed, and directories called `target` or `.git` not entered. A file is read in pieces, so that its size does not
//! matter. What can't be read is named on stderr, the rest is counted, and the exit code is 1.
//!
//! ```text
//! cargo run --release --example wordcount -- src | head
//! ```
//! Notice that the workers need no signal but `shutdown`: they get what is left, and their loops end. It prints what the
//! shell does, the most frequent word first:
//!
//! ```text
//! export LC_ALL=C
//! find src/ -mindepth 1 -type d \( -name target -o -name .git \) -prune -o -type f \
//!     -exec sh -c 'for file; do cat "$file"; echo; done' sh {} + |
//!     tr -cs 'A-Za-z0-9' '\n' | grep . | sort | uniq -c | awk '{ print $1, $2 }' | sort -k 1,1nr -k 2 |
//!     diff - <(cargo run --release --example wordcount -- src) && echo equal
//! ```

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use selvedge::Queue;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use walkdir::{DirEntry, WalkDir};

/// Counts the words in all files below a directory.
#[derive(Parser)]
struct Arguments {
    /// Where to look
    dir: PathBuf,
    /// How many threads read [default: as many as there are cores]
    #[arg(long, short)]
    workers: Option<NonZero<usize>>,
}

const ROOM: usize = 256; // paths that were found and not read
const PIECE: usize = 64 * 1024; // of a file, in bytes

type Counts = HashMap<Box<[u8]>, u64>;

/// Counts words in bytes that come in pieces.
#[derive(Default)]
struct Counter {
    counts: Counts,
    begun: Vec<u8>, // a word that may go on in the next piece
}

impl Counter {
    fn piece(&mut self, piece: &[u8]) {
        let mut runs = piece.split(|byte| !byte.is_ascii_alphanumeric());
        self.begun.extend(runs.next().unwrap_or_default());
        if let Some(last) = runs.next_back() {
            self.end();
            runs.for_each(|word| count(&mut self.counts, word, 1));
            self.begun.extend(last);
        }
    }

    fn end(&mut self) {
        count(&mut self.counts, &self.begun, 1);
        self.begun.clear();
    }

    fn file(&mut self, path: &Path, buffer: &mut [u8]) -> io::Result<()> {
        let mut file = File::open(path)?;
        let read = loop {
            match file.read(buffer) {
                Ok(0) => break Ok(()),
                Ok(length) => self.piece(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.end();
        read
    }
}

fn count(counts: &mut Counts, word: &[u8], times: u64) {
    match counts.get_mut(word) {
        _ if word.is_empty() => {} // between two bytes that belong to no word
        Some(count) => *count += times,
        None => drop(counts.insert(word.into(), times)),
    }
}

/// What those who find and those who read share.
struct Work {
    paths: Queue<PathBuf>,
    bar: ProgressBar, // draws nothing unless stderr is a terminal
    failed: AtomicBool,
}

impl Work {
    fn find(&self, dir: &Path) {
        let entries = WalkDir::new(dir)
            .min_depth(1)
            .into_iter()
            .filter_entry(|entry| !is_left_out(entry));
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    self.bar.inc_length(1);
                    self.paths.put(entry.into_path()).expect("only we shut it down");
                }
                Ok(_) => {}
                Err(error) => self.fail(&error.to_string()),
            }
        }
        self.paths.shutdown();
    }

    fn read(&self) -> Counts {
        let (mut counter, mut buffer) = (Counter::default(), vec![0; PIECE]);
        for path in &self.paths {
            if let Err(error) = counter.file(&path, &mut buffer) {
                self.fail(&format!("{}: {error}", path.display()));
            }
            self.bar.inc(1);
        }
        counter.counts
    }

    fn fail(&self, message: &str) {
        self.failed.store(true, Relaxed);
        self.bar.suspend(|| eprintln!("wordcount: {message}"));
    }
}

fn is_left_out(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && (entry.file_name() == "target" || entry.file_name() == ".git")
}

/// The most frequent first; equally frequent ones by their bytes.
fn print(counts: Counts) -> io::Result<()> {
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort_unstable_by(|(a, times_a), (b, times_b)| (Reverse(times_a), a).cmp(&(Reverse(times_b), b)));
    let mut out = BufWriter::new(io::stdout().lock());
    for (word, times) in words {
        write!(out, "{times} ")?;
        out.write_all(&word)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn main() -> ExitCode {
    let Arguments { dir, workers } = Arguments::parse();
    if !dir.is_dir() {
        eprintln!("wordcount: {}: not a directory", dir.display());
        return ExitCode::FAILURE;
    }
    let workers = workers
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZero::get);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {elapsed}").expect("it is well-formed");
    let work = Work {
        paths: Queue::bounded(ROOM),
        bar: ProgressBar::new(0).with_style(style),
        failed: AtomicBool::new(false),
    };
    let each: Vec<Counts> = thread::scope(|scope| {
        let readers: Vec<_> = (0..workers).map(|_| scope.spawn(|| work.read())).collect();
        work.find(&dir);
        readers
            .into_iter()
            .map(|reader| reader.join().expect("a reader panicked"))
            .collect()
    });
    work.bar.finish_and_clear();
    let all = each.into_iter().reduce(|mut all, some| {
        some.iter().for_each(|(word, &times)| count(&mut all, word, times));
        all
    });
    match print(all.unwrap_or_default()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("wordcount: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::from(u8::from(work.failed.into_inner())), // a pipe to `head` breaks, and that is well
    }
}
