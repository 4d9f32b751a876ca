//! Ends the program when something is wrong, and tells where it was. It trusts nothing of the kit.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use std::{panic, process, thread};

const STUCK_AFTER: u32 = 60; // seconds

pub struct Watch {
    seed: u64,
    round: AtomicU64,
    scenes: Vec<(&'static str, AtomicUsize)>, // and how many of it are played
}

impl Watch {
    /// Looks every second which round it is. A round lasts some hundredths of a second; one that goes on may be busy, with
    /// a timer that was cancelled and ticks, and is stuck all the same.
    pub fn start(seed: u64, scenes: impl IntoIterator<Item = &'static str>) -> &'static Watch {
        let scenes = scenes.into_iter().map(|name| (name, AtomicUsize::new(0))).collect();
        let watch: &Watch = Box::leak(Box::new(Watch {
            seed,
            round: AtomicU64::new(0),
            scenes,
        }));
        thread::spawn(move || {
            let (mut before, mut still) = (0, 0);
            while still < STUCK_AFTER {
                thread::sleep(Duration::from_secs(1));
                let now = watch.round.load(Relaxed);
                still = if now == before { still + 1 } else { 0 };
                before = now;
            }
            eprintln!(
                "stuck: the round has not ended in about {STUCK_AFTER} s, {}",
                watch.place()
            );
            process::abort();
        });
        watch
    }

    pub fn round(&self, number: u64) {
        self.round.store(number, Relaxed);
    }

    /// A scene is being played, until this is dropped.
    pub fn playing(&self, scene: usize) -> impl Drop + use<'_> {
        struct Playing<'a>(&'a AtomicUsize);
        impl Drop for Playing<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Relaxed);
            }
        }
        let count = &self.scenes[scene].1;
        count.fetch_add(1, Relaxed);
        Playing(count)
    }

    fn place(&self) -> String {
        let playing = self
            .scenes
            .iter()
            .filter(|(_, count)| count.load(Relaxed) > 0)
            .map(|(name, _)| *name);
        let (seed, round) = (self.seed, self.round.load(Relaxed));
        let playing: Vec<_> = playing.collect();
        format!("in {playing:?}: come back to it with --seed {seed} --from {round}")
    }
}

/// Who panics would leave others waiting. Panics that are meant come from `resume_unwind`, which asks no hook.
pub fn exit_at_panics(watch: &'static Watch) {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tell(info);
        eprintln!("failed {}", watch.place());
        process::exit(1);
    }));
}
