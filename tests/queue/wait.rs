//! What every call that waits promises in all of its forms, for each call and each order: see [`forms::waits`].

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

/// A queue in which one waits for ever: an empty one, a full one, or one with work that nobody does.
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

forms::waits!(a_get_of_fifo: Wait::<Fifo>::of(Call::Get));
forms::waits!(a_get_of_lifo: Wait::<Lifo>::of(Call::Get));
forms::waits!(a_get_of_priority: Wait::<Priority>::of(Call::Get));
forms::waits!(a_get_task_of_fifo: Wait::<Fifo>::of(Call::GetTask));
forms::waits!(a_get_task_of_lifo: Wait::<Lifo>::of(Call::GetTask));
forms::waits!(a_get_task_of_priority: Wait::<Priority>::of(Call::GetTask));
forms::waits!(a_put_of_fifo: Wait::<Fifo>::of(Call::Put));
forms::waits!(a_put_of_lifo: Wait::<Lifo>::of(Call::Put));
forms::waits!(a_put_of_priority: Wait::<Priority>::of(Call::Put));
forms::waits!(a_put_many_of_fifo: Wait::<Fifo>::of(Call::PutMany));
forms::waits!(a_put_many_of_lifo: Wait::<Lifo>::of(Call::PutMany));
forms::waits!(a_put_many_of_priority: Wait::<Priority>::of(Call::PutMany));
forms::waits!(a_join_of_fifo: Wait::<Fifo>::of(Call::Join));
forms::waits!(a_join_of_lifo: Wait::<Lifo>::of(Call::Join));
forms::waits!(a_join_of_priority: Wait::<Priority>::of(Call::Join));
forms::waits!(a_get_of_a_simple_one: SimpleQueue::new());

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
