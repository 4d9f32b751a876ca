//! Parties that meet at a barrier, some with a timeout, some late, while a timer aborts it: a round is whole or broken.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::{Barrier, Broken, Mutex, Timer, Turn, sync::WaitError, thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Scene<A> {
    /// What is tried: timeouts and aborts break it.
    shaky: Arc<Barrier<A>>,
    /// Where all come together between two rounds; nothing breaks it.
    firm: Barrier,
    rounds: u32,
    round: Mutex<Vec<Result<Turn, WaitError>>>,
    whole: AtomicU64,
    broken: AtomicU64,
    timed_out: AtomicU64,
}

impl<A: FnMut() + Send> Scene<A> {
    fn take_part(&self, mut rng: Rng) {
        for _ in 0..self.rounds {
            if rng.u8(..4) == 0 {
                pause(&mut rng);
            }
            let turn = match rng.u8(..16) {
                0 => {
                    self.shaky.abort();
                    Err(WaitError::Broken)
                }
                1..4 => self.shaky.wait_timeout(moment(&mut rng)),
                _ => self.shaky.wait().map_err(|Broken| WaitError::Broken),
            };
            self.round.acquire().push(turn);
            if self.firm.wait().expect("nothing breaks it").is_leader {
                self.check();
                self.shaky.reset();
            }
            self.firm.wait().expect("nothing breaks it"); // it is repaired
        }
    }

    /// The others wait.
    fn check(&self) {
        let mut round = self.round.acquire();
        let turns: Vec<_> = round.iter().filter_map(|turn| turn.ok()).collect();
        if turns.is_empty() {
            self.broken.fetch_add(1, Relaxed);
        } else {
            let mut places: Vec<_> = turns.iter().map(|turn| turn.index).collect();
            places.sort_unstable();
            assert!(
                places.into_iter().eq(0..self.firm.parties()),
                "the round is neither whole nor broken: {round:?}"
            );
            assert_eq!(turns.iter().filter(|turn| turn.is_leader).count(), 1);
            self.whole.fetch_add(1, Relaxed);
        }
        let late = round
            .iter()
            .filter(|turn| matches!(turn, Err(WaitError::TimedOut)))
            .count();
        self.timed_out.fetch_add(late as u64, Relaxed);
        round.clear();
    }
}

pub fn scene(mut rng: Rng) -> Counts {
    let (parties, rounds, actions) = (rng.usize(2..=4), rng.u32(1..30), Arc::new(AtomicU64::new(0)));
    let theirs = Arc::clone(&actions);
    let shaky = Arc::new(Barrier::with_action(parties, move || _ = theirs.fetch_add(1, Relaxed)));
    let theirs = Arc::clone(&shaky);
    let abort = Timer::start(moment(&mut rng), move || theirs.abort());
    let [whole, broken, timed_out] = Default::default();
    let scene = &Scene {
        shaky,
        firm: Barrier::new(parties),
        rounds,
        round: Mutex::default(),
        whole,
        broken,
        timed_out,
    };
    thread::scope(|scope| {
        for _ in 0..parties {
            let rng = rng.fork();
            scope.spawn(move || scene.take_part(rng));
        }
    });
    abort.join().expect("to abort is no panic");
    let [whole, broken, timed_out] = [&scene.whole, &scene.broken, &scene.timed_out].map(|count| count.load(Relaxed));
    assert_eq!(whole + broken, rounds.into());
    assert_eq!(actions.load(Relaxed), whole, "the action runs once in each whole round");
    vec![
        ("rounds whole", whole),
        ("rounds broken", broken),
        ("parties that timed out", timed_out),
    ]
}
