//! SHA-256 of all regular files below a directory, in `sha256sum`'s format: one thread finds the files, another hands them
//! to a pool, whose threads read them, and the main thread prints. Between them are queues with room for a few hundred.
//!
//! Links are not followed. What can't be read is named on stderr, the rest is printed, and the exit code is 1. Ctrl-C takes
//! no new files, finishes those that are being read, and ends with 130; a second one ends at once.
//!
//! ```text
//! cargo run --release --example pipeline -- src > sums && sha256sum --quiet -c sums
//! ```
//! Notice that the lines come in the order in which the files were found, whichever was read first: the second queue holds
//! jobs, not results. And that an interruption needs no signal of its own: a queue that is shut down ends the loops on
//! both sides, and a pool that is shut down cancels what it has not begun.

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use selvedge::{Job, JobError, Queue, ThreadPool};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::available_parallelism;
use walkdir::WalkDir;

/// Prints the SHA-256 of all files below a directory.
#[derive(Parser)]
struct Arguments {
    /// Where to look
    dir: PathBuf,
    /// How many threads read [default: as many as there are cores]
    #[arg(long, short)]
    workers: Option<NonZero<usize>>,
}

const ROOM: usize = 256; // files that were found, and files that were handed to the pool
const PIECE: usize = 64 * 1024; // of a file, in bytes
const INTERRUPTED: u8 = 128 + 2; // as shells say that a SIGINT has ended a program

/// A file, and its sum or why there is none.
type Hashed = (PathBuf, io::Result<[u8; 32]>);

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut sum, mut piece) = (File::open(path)?, Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(sum.finalize().into()),
            Ok(length) => sum.update(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The sum and the name. A name that would not fit into a line is escaped, which a backslash before the sum tells.
fn line(path: &Path, sum: [u8; 32]) -> Vec<u8> {
    let name = path.as_os_str().as_encoded_bytes(); // on Unix the name as it is
    let escape = |byte: u8| match byte {
        b'\\' => Some(b"\\\\"),
        b'\n' => Some(b"\\n"),
        b'\r' => Some(b"\\r"),
        _ => None,
    };
    let is_escaped = name.iter().any(|&byte| escape(byte).is_some());
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut line = format!("{}{sum}  ", if is_escaped { "\\" } else { "" }).into_bytes();
    for &byte in name {
        match escape(byte) {
            Some(escaped) => line.extend(escaped),
            None => line.push(byte),
        }
    }
    line.push(b'\n');
    line
}

struct Pipeline {
    found: Queue<PathBuf>,
    handed: Queue<Job<Hashed>>,
    pool: ThreadPool,
    bar: ProgressBar, // draws nothing unless stderr is a terminal
    failed: AtomicBool,
    interrupted: AtomicBool,
}

impl Pipeline {
    fn find(&self, dir: &Path) {
        for entry in WalkDir::new(dir).min_depth(1).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    self.bar.inc_length(1);
                    if self.found.put(entry.into_path()).is_err() {
                        return; // we were stopped
                    }
                }
                Ok(_) => {}
                Err(error) => self.fail(&error.to_string()),
            }
        }
        self.found.shutdown();
    }

    fn hand_over(&self) {
        for path in &self.found {
            let read = move || {
                let sum = hash(&path);
                (path, sum)
            };
            match self.pool.submit(read) {
                Ok(job) => self.handed.put(job).expect("only we shut it down"),
                Err(_) if self.interrupted.load(Relaxed) => break,
                Err(refused) => {
                    self.fail(&refused.to_string());
                    self.stop();
                }
            }
        }
        self.handed.shutdown();
    }

    /// Prints what is handed over, to the last job: who hands over is not left waiting for room.
    fn print(&self, mut out: impl Write) -> io::Result<()> {
        let mut printed = Ok(());
        for job in &self.handed {
            match job.result() {
                Ok((path, Ok(sum))) if printed.is_ok() => {
                    printed = self.bar.suspend(|| out.write_all(&line(&path, sum)));
                    if printed.is_err() {
                        self.stop();
                    }
                }
                Ok((_, Ok(_))) | Err(JobError::Cancelled) => {}
                Ok((path, Err(error))) => self.fail(&format!("{}: {error}", path.display())),
                Err(error) => self.fail(&error.to_string()),
            }
            self.bar.inc(1);
        }
        printed.and_then(|()| out.flush())
    }

    /// Takes no more files, and forgets those that nobody reads yet. It waits for nobody.
    fn stop(&self) {
        drop(self.found.shutdown_now());
        let _ = self.pool.try_shutdown_cancel();
    }

    fn interrupt(&self) {
        if self.interrupted.swap(true, Relaxed) {
            process::exit(INTERRUPTED.into());
        }
        self.stop();
    }

    fn fail(&self, message: &str) {
        self.failed.store(true, Relaxed);
        self.bar.suspend(|| eprintln!("pipeline: {message}"));
    }
}

fn main() -> ExitCode {
    let Arguments { dir, workers } = Arguments::parse();
    if !dir.is_dir() {
        eprintln!("pipeline: {}: not a directory", dir.display());
        return ExitCode::FAILURE;
    }
    let workers = workers.or_else(|| available_parallelism().ok()).map_or(1, NonZero::get);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {elapsed}").expect("it is well-formed");
    let pipeline = Arc::new(Pipeline {
        found: Queue::bounded(ROOM),
        handed: Queue::bounded(ROOM),
        pool: ThreadPool::new(workers),
        bar: ProgressBar::new(0).with_style(style),
        failed: AtomicBool::new(false),
        interrupted: AtomicBool::new(false),
    });
    let theirs = Arc::clone(&pipeline);
    ctrlc::set_handler(move || theirs.interrupt()).expect("nobody else handles Ctrl-C");

    let printed = selvedge::thread::scope(|scope| {
        scope.spawn(|| pipeline.find(&dir));
        scope.spawn(|| pipeline.hand_over());
        pipeline.print(io::stdout())
    });
    pipeline.bar.finish_and_clear();
    match printed {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => pipeline.fail(&error.to_string()),
        _ => {} // a pipe to `head` breaks, and that is well
    }
    if pipeline.interrupted.load(Relaxed) {
        return ExitCode::from(INTERRUPTED);
    }
    ExitCode::from(u8::from(pipeline.failed.load(Relaxed)))
}
