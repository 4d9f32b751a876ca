//! The pools: selvedge's and the peers'.

use super::{Pool, Results};
use crossbeam_channel::Sender;
use std::thread::{self, JoinHandle};

macro_rules! ours {
    ($($build:ident)+) => {$(
        impl Pool for $build::ThreadPool {
            fn new(workers: usize) -> Self {
                Self::new(workers)
            }

            #[inline(always)]
            fn execute(&self, task: impl FnOnce() + Send + 'static) {
                drop(self.submit(task).unwrap_or_else(|_| panic!("the pool is not shut down")));
            }
        }

        impl Results for $build::ThreadPool {
            type Job = $build::Job<u32>;

            #[inline(always)]
            fn submit(&self, run: impl FnOnce() -> u32 + Send + 'static) -> Self::Job {
                self.submit(run).unwrap_or_else(|_| panic!("the pool is not shut down"))
            }

            #[inline(always)]
            fn result(job: Self::Job) -> u32 {
                job.result().expect("the job does not panic")
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot selvedge_without_yields);

/// The usual hand-written pool: workers that receive boxed functions from a channel.
pub struct Crossbeam {
    tasks: Option<Sender<Box<dyn FnOnce() + Send>>>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool for Crossbeam {
    fn new(workers: usize) -> Self {
        let (sender, receiver) = crossbeam_channel::unbounded::<Box<dyn FnOnce() + Send>>();
        let start = |_| {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.into_iter().for_each(|task| task()))
        };
        Crossbeam {
            tasks: Some(sender),
            workers: (0..workers).map(start).collect(),
        }
    }

    #[inline(always)]
    fn execute(&self, task: impl FnOnce() + Send + 'static) {
        let tasks = self.tasks.as_ref().expect("the pool is not dropped");
        tasks.send(Box::new(task)).expect("the workers receive");
    }
}

impl Drop for Crossbeam {
    fn drop(&mut self) {
        self.tasks = None; // the workers' loops end
        self.workers
            .drain(..)
            .for_each(|worker| worker.join().expect("no task panics"));
    }
}

impl Pool for rayon::ThreadPool {
    fn new(workers: usize) -> Self {
        rayon::ThreadPoolBuilder::new()
            .num_threads(workers)
            .build()
            .expect("the system starts the threads")
    }

    #[inline(always)]
    fn execute(&self, task: impl FnOnce() + Send + 'static) {
        self.spawn(task);
    }
}

/// rayon with a worker that submits, as is usual for many tasks.
pub struct RayonScope(rayon::ThreadPool);

impl Pool for RayonScope {
    fn new(workers: usize) -> Self {
        RayonScope(Pool::new(workers))
    }

    #[inline(always)]
    fn execute(&self, task: impl FnOnce() + Send + 'static) {
        self.0.spawn(task);
    }

    #[inline(always)]
    fn execute_all(&self, times: u32, task: impl FnOnce() + Copy + Send + 'static) {
        self.0
            .scope(move |scope| (0..times).for_each(|_| scope.spawn(move |_| task())));
    }
}

impl Pool for threadpool::ThreadPool {
    fn new(workers: usize) -> Self {
        threadpool::ThreadPool::new(workers)
    }

    #[inline(always)]
    fn execute(&self, task: impl FnOnce() + Send + 'static) {
        self.execute(task);
    }
}

/// A pool without results, and a oneshot channel for each job.
pub struct Oneshot<P>(P);

impl<P: Pool> Pool for Oneshot<P> {
    fn new(workers: usize) -> Self {
        Oneshot(P::new(workers))
    }

    #[inline(always)]
    fn execute(&self, task: impl FnOnce() + Send + 'static) {
        self.0.execute(task);
    }
}

impl<P: Pool> Results for Oneshot<P> {
    type Job = oneshot::Receiver<u32>;

    #[inline(always)]
    fn submit(&self, run: impl FnOnce() -> u32 + Send + 'static) -> Self::Job {
        let (sender, receiver) = oneshot::channel();
        self.0.execute(move || _ = sender.send(run()));
        receiver
    }

    #[inline(always)]
    fn result(job: Self::Job) -> u32 {
        job.recv().expect("no task panics")
    }
}
