//! Queues: alone with one thread, beside threads that wait, and in the middle of threads that race.

mod alone;
mod forms;
mod histories;
mod together;
mod waiting;
mod wares;
