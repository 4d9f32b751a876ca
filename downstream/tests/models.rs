//! What must hold of a [`Limiter`], once on real threads and in all interleavings under `--cfg loom`.
//!
//! `Relaxed` here is what an observer may do without helping the code under test: these loads and stores order
//! nothing, so that whatever they must show has to be ordered by the limiter.

use downstream::{Limiter, Refused};
use selvedge::backend::atomic::{AtomicU32, Ordering::Relaxed};
use selvedge::backend::{Arc, thread};
#[cfg(loom)]
use selvedge::{model, model_within};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(20);

/// Once, on real threads: a test, and no proof.
#[cfg(not(loom))]
fn model(body: impl Fn()) {
    body();
}

#[cfg(not(loom))]
fn model_within(_: usize, body: impl Fn()) {
    body();
}

/// A limiter, how many were seen inside, and a note that each visitor leaves.
struct Server {
    limiter: Limiter,
    inside: AtomicU32,
    notes: [AtomicU32; 2],
}

impl Server {
    fn shared(limit: u32) -> Arc<Server> {
        let notes = [AtomicU32::new(0), AtomicU32::new(0)];
        Arc::new(Server {
            limiter: Limiter::new(limit),
            inside: AtomicU32::new(0),
            notes,
        })
    }

    fn spawn<T: Send + 'static>(
        self: &Arc<Server>,
        role: impl FnOnce(&Server) -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let server = Arc::clone(self);
        thread::spawn(move || role(&server))
    }

    /// Connects, leaves a note, and goes; tells whether it was let in.
    fn visit(&self, number: usize) -> Result<(), Refused> {
        let connection = self.limiter.connect()?;
        self.notes[number].store(1, Relaxed);
        drop(connection);
        Ok(())
    }
}

/// The limit is a property of what is seen inside, and of the limiter's own count.
#[test]
fn no_more_than_the_limit_are_open() {
    fn visitor(server: &Server) {
        let connection = server.limiter.connect().expect("nobody closes it");
        assert!(server.inside.fetch_add(1, Relaxed) == 0, "two are inside");
        server.inside.fetch_sub(1, Relaxed);
        drop(connection);
    }
    model(|| {
        let server = Server::shared(1);
        let other = server.spawn(visitor);
        visitor(&server);
        other.join().unwrap();
        assert_eq!((server.limiter.most_at_once(), server.limiter.open()), (1, 0));
    });
}

/// As above with room for two of three: too many interleavings to run them all.
#[test]
fn no_more_than_two_of_three_are_open() {
    model_within(2, || {
        let server = Server::shared(2);
        let others = [(); 2].map(|()| server.spawn(|server| drop(server.limiter.connect().unwrap())));
        drop(server.limiter.connect().unwrap());
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!((1..=2).contains(&server.limiter.most_at_once()));
    });
}

/// Once the drain is over nobody is inside, nobody comes in, and it stays so.
#[test]
fn nobody_is_let_in_after_the_drain() {
    model(|| {
        let server = Server::shared(1);
        let visitor = server.spawn(|server| {
            let connection = server.limiter.connect()?;
            server.inside.store(1, Relaxed);
            server.inside.store(0, Relaxed);
            drop(connection);
            Ok::<(), Refused>(())
        });
        server.limiter.close();
        server.limiter.drain();
        let open = server.limiter.open();
        assert_eq!(open, 0, "it is drained, and a connection is open");
        assert_eq!(server.limiter.try_connect().unwrap_err(), Refused::Closed);
        let let_in = visitor.join().unwrap().is_ok();
        assert_eq!(u32::from(let_in), server.limiter.most_at_once());
    });
}

/// Whoever ends last passes on what the others did.
#[test]
fn the_drain_shows_what_every_connection_did() {
    model_within(3, || {
        let server = Server::shared(2);
        let visitors = [0, 1].map(|number| server.spawn(move |server| server.visit(number)));
        server.limiter.close();
        server.limiter.drain();
        let notes = [0, 1].map(|number: usize| server.notes[number].load(Relaxed));
        let let_in = visitors.map(|visitor| visitor.join().unwrap().is_ok());
        assert_eq!(notes, let_in.map(u32::from));
    });
}

/// There is no last connection to set the event.
#[test]
fn a_close_without_connections_is_drained() {
    model(|| {
        let server = Server::shared(1);
        let closer = server.spawn(|server| server.limiter.close());
        server.limiter.drain();
        closer.join().unwrap();
    });
}

/// A close does not strand those who wait for room.
#[test]
fn who_waits_at_a_close_learns_it() {
    model_within(3, || {
        let server = Server::shared(1);
        let connection = server.limiter.connect().unwrap();
        let waiter = server.spawn(|server| server.visit(0));
        server.limiter.close();
        drop(connection);
        assert_eq!(waiter.join().unwrap(), Err(Refused::Closed));
        server.limiter.drain();
    });
}

/// A timed connect is let in or refused, and takes no room if it was refused.
#[test]
fn a_connect_that_gives_up_takes_no_room() {
    model(|| {
        let server = Server::shared(1);
        let hasty = server.spawn(|server| match server.limiter.connect_timeout(SOON) {
            Ok(connection) => drop(connection),
            Err(refused) => assert_eq!(refused, Refused::Full),
        });
        drop(server.limiter.connect().unwrap());
        hasty.join().unwrap();
        assert_eq!(server.limiter.open(), 0);
        drop(server.limiter.try_connect().expect("there is room"));
        assert!(
            server.limiter.drain_timeout(Duration::ZERO).is_err(),
            "it is not closed"
        );
    });
}
