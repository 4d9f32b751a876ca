//! Every blocking call of every order in all of its forms: see [`forms::waits`].

use super::{get_by, join_by, put_by, put_many_by, task_by};
use crate::forms::{self, Await, Form};
use crate::queue::AnyOrder;
use selvedge::queue::{AnyQueue, Fifo, Lifo, Priority};
use selvedge::{Instant, SimpleQueue};

enum Call {
    Get,
    GetTask,
    Put,
    PutMany,
    Join,
}

/// A queue on which the call blocks: an empty one, a full one, or one with an unfinished item.
struct Wait<O: AnyOrder<u32>> {
    queue: AnyQueue<u32, O>,
    call: Call,
}

impl<O: AnyOrder<u32>> Wait<O> {
    fn of(call: Call) -> Wait<O> {
        let queue = AnyQueue::bounded(1);
        if !matches!(call, Call::Get | Call::GetTask) {
            queue.put(1).unwrap();
        }
        Wait { queue, call }
    }
}

impl<O: AnyOrder<u32>> Await for Wait<O> {
    fn wait_by(&self, form: Form) -> bool {
        match self.call {
            Call::Get => get_by(&self.queue, form).is_ok(),
            Call::GetTask => task_by(&self.queue, form).is_ok(),
            Call::Put => put_by(&self.queue, 1, form).is_ok(),
            Call::PutMany => put_many_by(&self.queue, [1], form).is_ok(),
            Call::Join => join_by(&self.queue, form).is_ok(),
        }
    }

    fn end_a_wait(&self) {
        match self.call {
            Call::Get | Call::GetTask => self.queue.put(1).unwrap(),
            Call::Put | Call::PutMany => assert_eq!(self.queue.get(), Ok(1)),
            Call::Join => self.queue.task_done().unwrap(),
        }
    }

    fn mend(&self) {
        if matches!(self.call, Call::Join) && self.queue.try_join() {
            self.queue.drain();
            self.queue.put(1).unwrap();
        }
    }
}

macro_rules! waits_in_each_order {
    ($($module:ident: $call:ident;)*) => {$(
        mod $module {
            use super::*;
            forms::waits!(fifo: Wait::<Fifo>::of(Call::$call));
            forms::waits!(lifo: Wait::<Lifo>::of(Call::$call));
            forms::waits!(priority: Wait::<Priority>::of(Call::$call));
        }
    )*};
}

waits_in_each_order! {
    get: Get;
    get_task: GetTask;
    put: Put;
    put_many: PutMany;
    join: Join;
}
forms::waits!(simple_get: SimpleQueue::new());

impl Await for SimpleQueue<u32> {
    fn wait_by(&self, form: Form) -> bool {
        let got = match form {
            Form::Try => self.try_get(),
            Form::Plain => Some(self.get()),
            Form::Timeout(time) => self.get_timeout(time).ok(),
            Form::Deadline(time) => self.get_deadline(Instant::now() + time).ok(),
        };
        got.is_some()
    }

    fn end_a_wait(&self) {
        self.put(1);
    }
}
