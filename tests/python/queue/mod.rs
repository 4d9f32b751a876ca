//! `test_queue.py`: `any_queue.rs` has what is asked of all three queues. Queues of one class of its tests have a module.

mod any_queue;
mod failing_queue;
mod simple_queue;

mod fifo {
    super::any_queue::tests! { selvedge::queue::Fifo }
}

mod lifo {
    super::any_queue::tests! { selvedge::queue::Lifo }
}

mod priority {
    super::any_queue::tests! { selvedge::queue::Priority }
}
