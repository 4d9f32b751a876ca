//! Two threads hand each other the turn by two events, with timeouts that come too early, while others wait for an event
//! that is set and cleared at once.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::{Event, thread};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[derive(Default)]
struct Scene {
    turns: [Event; 2],
    handed: AtomicU64, // how often the turn was handed over; only who has it writes
    flash: Event,
    seen: AtomicU64,
    missed: AtomicU64,
    over: AtomicBool,
}

impl Scene {
    fn play(&self, mut rng: Rng, me: usize, times: u64) {
        for time in 0..times {
            while self.turns[me].wait_timeout(moment(&mut rng)).is_err() {}
            self.turns[me].clear();
            // A load and a store: right only if each sees what the other did before it set the event.
            let handed = self.handed.load(Relaxed);
            assert_eq!(handed, 2 * time + me as u64, "it was not our turn");
            self.handed.store(handed + 1, Relaxed);
            self.turns[1 - me].set();
        }
    }

    fn flash(&self, mut rng: Rng) {
        while !self.over.load(Relaxed) {
            self.flash.set();
            self.flash.clear();
            pause(&mut rng);
        }
        self.flash.set(); // and it stays
    }

    fn look(&self, mut rng: Rng) {
        while !self.over.load(Relaxed) {
            let seen = self.flash.wait_timeout(moment(&mut rng)).is_ok();
            (if seen { &self.seen } else { &self.missed }).fetch_add(1, Relaxed);
        }
        self.flash.wait();
    }
}

pub fn scene(mut rng: Rng) -> Counts {
    let (scene, times) = (&Scene::default(), rng.u64(1..500));
    scene.turns[0].set();
    thread::scope(|scope| {
        let start = |me| {
            let rng = rng.fork();
            scope.spawn(move || scene.play(rng, me, times))
        };
        let players = [0, 1].map(start);
        for rng in [rng.fork(), rng.fork()] {
            scope.spawn(move || scene.look(rng));
        }
        let rng = rng.fork();
        scope.spawn(move || scene.flash(rng));
        players
            .iter()
            .for_each(|player| player.join().expect("it does not panic"));
        scene.over.store(true, Relaxed);
    });
    let [handed, seen, missed] = [&scene.handed, &scene.seen, &scene.missed].map(|count| count.load(Relaxed));
    assert_eq!(handed, 2 * times);
    vec![
        ("turns handed over", handed),
        ("waits that saw a flash", seen),
        ("waits that timed out", missed),
    ]
}
