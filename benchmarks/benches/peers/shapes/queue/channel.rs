//! Channels: selvedge's and the peers'. All are MPMC, and block threads that wait long.

use dary_heap::OctonaryHeap;
use parking_lot::{Condvar, Mutex};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A queue that threads share.
pub trait Channel<T>: Send + Sync + 'static {
    /// An empty channel of this capacity, or an unbounded one.
    fn new(capacity: Option<usize>) -> Self;
    /// Waits for a free slot, and puts an item.
    fn put(&self, item: T);
    /// Waits for an item, and gets it.
    fn get(&self) -> T;
}

/// Calls `task_done` for each item that it gets.
pub struct CountedDone<Q>(Q);

macro_rules! ours {
    ($($build:ident)+) => {$(
        impl<T, O> Channel<T> for $build::queue::AnyQueue<T, O>
        where
            O: $build::queue::Order<T>,
            Self: Send + Sync + 'static,
        {
            fn new(capacity: Option<usize>) -> Self {
                capacity.map_or_else(Self::unbounded, Self::bounded)
            }

            #[inline(always)]
            fn put(&self, item: T) {
                self.put(item).expect("the queue is not shut down");
            }

            #[inline(always)]
            fn get(&self) -> T {
                self.get().expect("the queue is not shut down")
            }
        }

        impl<T: Send + 'static> Channel<T> for CountedDone<$build::Queue<T>> {
            fn new(capacity: Option<usize>) -> Self {
                CountedDone(Channel::new(capacity))
            }

            #[inline(always)]
            fn put(&self, item: T) {
                Channel::put(&self.0, item);
            }

            #[inline(always)]
            fn get(&self) -> T {
                let item = Channel::get(&self.0);
                self.0.task_done().expect("the item was put");
                item
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot selvedge_without_yields);

/// The two ends of a channel, both shared by all threads.
pub struct Ends<S, R> {
    sender: S,
    receiver: R,
}

/// A channel of kanal.
pub type Kanal<T> = Ends<kanal::Sender<T>, kanal::Receiver<T>>;

/// A channel of crossbeam.
pub type Crossbeam<T> = Ends<crossbeam_channel::Sender<T>, crossbeam_channel::Receiver<T>>;

/// A channel of flume.
pub type Flume<T> = Ends<flume::Sender<T>, flume::Receiver<T>>;

/// A bounded channel of crossfire.
pub type CrossfireArray<T> = Ends<crossfire::MTx<crossfire::mpmc::Array<T>>, crossfire::MRx<crossfire::mpmc::Array<T>>>;

/// An unbounded channel of crossfire.
pub type CrossfireList<T> = Ends<crossfire::MTx<crossfire::mpmc::List<T>>, crossfire::MRx<crossfire::mpmc::List<T>>>;

macro_rules! peers {
    ($($channel:ident: |$capacity:ident| $ends:expr;)+) => {$(
        impl<T: Send + Unpin + 'static> Channel<T> for $channel<T> {
            fn new($capacity: Option<usize>) -> Self {
                let (sender, receiver) = $ends;
                Ends { sender, receiver }
            }

            #[inline(always)]
            fn put(&self, item: T) {
                assert!(self.sender.send(item).is_ok(), "both ends exist");
            }

            #[inline(always)]
            fn get(&self) -> T {
                self.receiver.recv().expect("both ends exist")
            }
        }
    )+};
}
peers! {
    Kanal: |capacity| capacity.map_or_else(kanal::unbounded, kanal::bounded);
    Crossbeam: |capacity| capacity.map_or_else(crossbeam_channel::unbounded, crossbeam_channel::bounded);
    Flume: |capacity| capacity.map_or_else(flume::unbounded, flume::bounded);
    CrossfireArray: |capacity| crossfire::mpmc::bounded_blocking(capacity.expect("the channel is bounded"));
    CrossfireList: |capacity| {
        assert!(capacity.is_none(), "the channel is unbounded");
        crossfire::mpmc::unbounded_blocking()
    };
}

/// The usual way: a collection under parking_lot's mutex, and two conditions.
pub struct Monitor<S> {
    items: Mutex<S>,
    capacity: usize,
    not_full: Condvar,
    not_empty: Condvar,
}

/// A collection in some order.
pub trait Store<T>: Default + Send + 'static {
    /// Inserts an item.
    fn push(&mut self, item: T);
    /// Removes the next item.
    fn pop(&mut self) -> Option<T>;
    /// The number of items.
    fn len(&self) -> usize;
}

macro_rules! stores {
    ($($store:ty where $T:ident: $($bound:path),+; |$items:ident, $item:ident| $push:expr, $pop:expr;)+) => {$(
        impl<$T: Send + 'static $(+ $bound)+> Store<$T> for $store {
            #[inline(always)]
            fn push(&mut self, $item: $T) {
                let $items = self;
                $push
            }

            #[inline(always)]
            fn pop(&mut self) -> Option<$T> {
                let $items = self;
                $pop
            }

            #[inline(always)]
            fn len(&self) -> usize {
                self.len()
            }
        }
    )+};
}
stores! {
    VecDeque<T> where T: Sized; |items, item| items.push_back(item), items.pop_front();
    Vec<T> where T: Sized; |items, item| items.push(item), items.pop();
    BinaryHeap<Reverse<T>> where T: Ord; |items, item| items.push(Reverse(item)), Some(items.pop()?.0);
    OctonaryHeap<Reverse<T>> where T: Ord; |items, item| items.push(Reverse(item)), Some(items.pop()?.0);
}

impl<T, S: Store<T>> Channel<T> for Monitor<S> {
    fn new(capacity: Option<usize>) -> Self {
        Monitor {
            items: Mutex::default(),
            capacity: capacity.unwrap_or(usize::MAX),
            not_full: Condvar::new(),
            not_empty: Condvar::new(),
        }
    }

    #[inline(always)]
    fn put(&self, item: T) {
        let mut items = self.items.lock();
        while items.len() == self.capacity {
            self.not_full.wait(&mut items);
        }
        items.push(item);
        drop(items);
        self.not_empty.notify_one();
    }

    #[inline(always)]
    fn get(&self) -> T {
        let mut items = self.items.lock();
        let item = loop {
            match items.pop() {
                Some(item) => break item,
                None => self.not_empty.wait(&mut items),
            }
        };
        drop(items);
        self.not_full.notify_one();
        item
    }
}
