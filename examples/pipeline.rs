//! Prints the SHA-256 of all files below a directory in `sha256sum`'s format: one thread finds
//! the files and submits them to a pool, and the main thread prints.
//!
//! ```text
//! cargo run --release --example pipeline -- src > sums && sha256sum --quiet -c sums
//! ```
//! The lines are in the order in which the files were found, whichever was read first: the
//! queue contains jobs, not results. The queue is bounded, so that the first thread does not
//! run far ahead of the pool. A queue that is shut down ends the loops on both sides.

use selvedge::{Job, Queue, ThreadPool};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs, thread};
use walkdir::WalkDir;

static JOBS: Queue<Job<Line>> = Queue::bounded(256);

/// A line of the output, or why the file could not be read.
type Line = io::Result<String>;

fn hash(path: PathBuf) -> Line {
    let sum = Sha256::digest(fs::read(&path)?);
    let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{digits}  {}\n", path.display()))
}

fn submit_all(dir: &Path, pool: &ThreadPool) -> Result<(), Box<dyn Error + Send + Sync>> {
    for entry in WalkDir::new(dir).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let job = pool.submit(move || hash(entry.into_path()))?;
            if JOBS.put(job).is_err() {
                break; // the printer has failed
            }
        }
    }
    Ok(())
}

fn print_all() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for job in &JOBS {
        out.write_all(job.result()??.as_bytes())?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).ok_or("usage: pipeline DIR")?;
    let pool = ThreadPool::new(thread::available_parallelism()?.get());
    thread::scope(|scope| {
        let finder = scope.spawn(|| {
            let submitted = submit_all(dir.as_ref(), &pool);
            JOBS.shutdown(); // the printer gets the remaining jobs
            submitted
        });
        let printed = print_all();
        JOBS.shutdown_now(); // after an error: ends the finder
        let found = finder.join().expect("the finder panicked");
        found.map_err(|error| -> Box<dyn Error> { error })?;
        printed
    })
}
