//! Every call of the queues in every form: how it is made, and how it is written.

use super::wares::{Ledger, Ware};
use crate::primitive::Patience;
use selvedge::queue::{AnyQueue, GetError, Order, PutError, SimpleQueue, Task};
use selvedge::{Instant, TimedOut};
use spec::queue::Item;
use std::fmt::{Debug, Write};

/// In which form a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Try,
    /// It waits as long as it takes.
    Plain,
    Timeout(Patience),
    Deadline(Patience),
}

/// What becomes of an item that was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not got as a task.
    Plain,
    /// Its task is dropped.
    Drop,
    IntoInner,
    Forget,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    Put(Form, Item),
    PutMany(Form, Vec<Item>),
    /// Through a shared reference, or through the only one.
    Extend {
        shared: bool,
        items: Vec<Item>,
    },
    Get(Form, Fate),
    Drain,
    /// So many steps.
    Iter(usize),
    TryIter(usize),
    TaskDone,
    Join(Form),
    Shutdown,
    ShutdownNow,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    Done,
    Full(Vec<Item>),
    ShutDown(Vec<Item>),
    Empty,
    Items(Vec<Item>),
    TimedOut,
    Is(bool),
    TooManyDone,
}

/// What is fuzzed: one of the queues.
pub trait Subject: Send + 'static {
    /// The form of the call that it offers, if it does.
    fn offered(call: Do) -> Option<Do>;
    fn perform(&mut self, call: &Do, ledger: &Ledger) -> Got;
    /// The call in Rust, to be compared with what the other string says.
    fn code(call: &Do, expected: &Got) -> (String, String);
    /// What can be seen of it, in Rust and as it is.
    fn looks(&self) -> Vec<(&'static str, String)>;
}

impl<O: Order<Ware> + 'static> Subject for AnyQueue<Ware, O>
where
    AnyQueue<Ware, O>: Send,
{
    fn offered(call: Do) -> Option<Do> {
        Some(call)
    }

    fn perform(&mut self, call: &Do, ledger: &Ledger) -> Got {
        let wares = |items: &[Item]| -> Vec<Ware> { items.iter().map(|&item| ledger.ware(item)).collect() };
        match call {
            &Do::Put(form, item) => {
                let ware = ledger.ware(item);
                let put = match form {
                    Form::Try => self.try_put(ware),
                    Form::Plain => self.put(ware).map_err(PutError::from),
                    Form::Timeout(patience) => self.put_timeout(ware, patience.duration()),
                    Form::Deadline(patience) => self.put_deadline(ware, deadline(patience)),
                };
                refused(put.map_err(|error| error.map_item(|ware| vec![ware])))
            }
            Do::PutMany(form, items) => {
                let wares = wares(items);
                refused(match *form {
                    Form::Try => self.try_put_many(wares),
                    Form::Plain => self.put_many(wares).map_err(PutError::from),
                    Form::Timeout(patience) => self.put_many_timeout(wares, patience.duration()),
                    Form::Deadline(patience) => self.put_many_deadline(wares, deadline(patience)),
                })
            }
            Do::Extend { shared, items } => {
                if *shared {
                    (&*self).extend(wares(items))
                } else {
                    self.extend(wares(items))
                }
                Got::Done
            }
            &Do::Get(form, Fate::Plain) => got(match form {
                Form::Try => self.try_get(),
                Form::Plain => self.get().map_err(GetError::from),
                Form::Timeout(patience) => self.get_timeout(patience.duration()),
                Form::Deadline(patience) => self.get_deadline(deadline(patience)),
            }),
            &Do::Get(form, fate) => {
                let task = match form {
                    Form::Try => self.try_get_task(),
                    Form::Plain => self.get_task().map_err(GetError::from),
                    Form::Timeout(patience) => self.get_task_timeout(patience.duration()),
                    Form::Deadline(patience) => self.get_task_deadline(deadline(patience)),
                };
                match fate {
                    Fate::IntoInner => got(task.map(Task::into_inner)),
                    Fate::Forget => got(task.map(Task::forget)),
                    _ => task.map_or_else(not_got, |task| Got::Items(vec![task.item.number])),
                }
            }
            Do::Drain => Got::Items(numbers(self.drain())),
            &Do::Iter(steps) => Got::Items(numbers(self.iter().take(steps))),
            &Do::TryIter(steps) => Got::Items(numbers(self.try_iter().take(steps))),
            Do::TaskDone => self.task_done().map_or(Got::TooManyDone, |()| Got::Done),
            &Do::Join(form) => match form {
                Form::Try => Got::Is(self.try_join()),
                Form::Plain => {
                    self.join();
                    Got::Done
                }
                Form::Timeout(patience) => in_time(self.join_timeout(patience.duration())),
                Form::Deadline(patience) => in_time(self.join_deadline(deadline(patience))),
            },
            Do::Shutdown => {
                self.shutdown();
                Got::Done
            }
            Do::ShutdownNow => Got::Items(numbers(self.shutdown_now())),
        }
    }

    fn code(call: &Do, expected: &Got) -> (String, String) {
        let code = match call {
            Do::Put(form, item) => format!("queue.{}", form.code("put", &at(item))),
            Do::PutMany(form, items) => format!("queue.{}", form.code("put_many", &list(items, at))),
            Do::Extend { shared: true, items } => format!("(&queue).extend({})", list(items, at)),
            Do::Extend { shared: false, items } => format!("queue.extend({})", list(items, at)),
            Do::Get(form, Fate::Plain) => format!("queue.{}.map(|it| it.item)", form.code("get", "")),
            Do::Get(form, Fate::Drop) => format!("queue.{}.map(|task| task.item)", form.code("get_task", "")),
            Do::Get(form, Fate::IntoInner) => {
                format!("queue.{}.map(|task| task.into_inner().item)", form.code("get_task", ""))
            }
            Do::Get(form, Fate::Forget) => {
                format!("queue.{}.map(|task| task.forget().item)", form.code("get_task", ""))
            }
            Do::Drain => "numbers(queue.drain())".into(),
            Do::Iter(steps) => format!("numbers(queue.iter().take({steps}).collect())"),
            Do::TryIter(steps) => format!("numbers(queue.try_iter().take({steps}).collect())"),
            Do::TaskDone => "queue.task_done()".into(),
            Do::Join(form) => format!("queue.{}", form.code("join", "")),
            Do::Shutdown => "queue.shutdown()".into(),
            Do::ShutdownNow => "numbers(queue.shutdown_now())".into(),
        };
        let waits_for_ever = matches!(
            call,
            Do::Put(Form::Plain, _) | Do::PutMany(Form::Plain, _) | Do::Get(Form::Plain, _)
        );
        let one = |items: &[Item]| match call {
            Do::Put(..) => items.iter().map(at).collect(),
            _ => format!("vec!{}", list(items, at)),
        };
        let is_get = matches!(call, Do::Get(..));
        let answers_nothing = matches!(call, Do::Join(Form::Plain) | Do::Shutdown | Do::Extend { .. });
        let expected = match expected {
            Got::Done if answers_nothing => "()".into(),
            Got::Done => "Ok(())".into(),
            Got::Full(rest) => format!("Err(PutError::Full({}))", one(rest)),
            Got::ShutDown(_) if is_get && waits_for_ever => "Err(ShutDown(()))".into(),
            Got::ShutDown(_) if is_get => "Err(GetError::ShutDown)".into(),
            Got::ShutDown(rest) if waits_for_ever => format!("Err(ShutDown({}))", one(rest)),
            Got::ShutDown(rest) => format!("Err(PutError::ShutDown({}))", one(rest)),
            Got::Empty => "Err(GetError::Empty)".into(),
            Got::Items(items) if is_get => format!("Ok({})", items[0]),
            Got::Items(items) if items.is_empty() => "[0; 0]".into(),
            Got::Items(items) => format!("{items:?}"),
            Got::TimedOut => "Err(TimedOut)".into(),
            Got::Is(yes) => yes.to_string(),
            Got::TooManyDone => "Err(TooManyDone)".into(),
        };
        (code, expected)
    }

    fn looks(&self) -> Vec<(&'static str, String)> {
        vec![
            ("queue.len()", self.len().to_string()),
            ("queue.is_empty()", self.is_empty().to_string()),
            ("queue.is_full()", self.is_full().to_string()),
            ("queue.capacity()", format!("{:?}", self.capacity())),
            ("queue.unfinished()", self.unfinished().to_string()),
            ("queue.try_join()", self.try_join().to_string()),
            ("queue.is_shutdown()", self.is_shutdown().to_string()),
            ("format!(\"{queue:?}\")", format!("{self:?}")),
        ]
    }
}

impl Subject for SimpleQueue<Ware> {
    fn offered(call: Do) -> Option<Do> {
        match call {
            Do::Put(_, item) => Some(Do::Put(Form::Plain, item)),
            Do::PutMany(_, items) => Some(Do::PutMany(Form::Plain, items)),
            Do::Get(form, _) => Some(Do::Get(form, Fate::Plain)),
            Do::Extend { .. } | Do::Drain | Do::TryIter(_) => Some(call),
            _ => None,
        }
    }

    fn perform(&mut self, call: &Do, ledger: &Ledger) -> Got {
        let wares = |items: &[Item]| -> Vec<Ware> { items.iter().map(|&item| ledger.ware(item)).collect() };
        match call {
            Do::Put(_, item) => self.put(ledger.ware(*item)),
            Do::PutMany(_, items) => self.put_many(wares(items)),
            Do::Extend { shared: true, items } => (&*self).extend(wares(items)),
            Do::Extend { shared: false, items } => self.extend(wares(items)),
            &Do::Get(form, _) => {
                return got(match form {
                    Form::Try => self.try_get().ok_or(GetError::Empty),
                    Form::Plain => Ok(self.get()),
                    Form::Timeout(patience) => self.get_timeout(patience.duration()).map_err(|_| GetError::Empty),
                    Form::Deadline(patience) => self.get_deadline(deadline(patience)).map_err(|_| GetError::Empty),
                });
            }
            Do::Drain => return Got::Items(numbers(self.drain())),
            &Do::TryIter(steps) => return Got::Items(numbers(self.try_iter().take(steps))),
            _ => unreachable!("it is not offered"),
        }
        Got::Done
    }

    fn code(call: &Do, expected: &Got) -> (String, String) {
        let (code, expected) = <selvedge::Queue<Ware> as Subject>::code(call, expected);
        match call {
            Do::Put(..) | Do::PutMany(..) => (code, "()".into()),
            Do::Get(Form::Plain, _) => (code.replace(".map(|it| it.item)", ".item"), expected.replace("Ok", "")),
            Do::Get(Form::Try, _) => (
                code,
                expected.replace("Ok", "Some").replace("Err(GetError::Empty)", "None"),
            ),
            _ => (code, expected.replace("GetError::Empty", "TimedOut")),
        }
    }

    fn looks(&self) -> Vec<(&'static str, String)> {
        vec![
            ("queue.len()", self.len().to_string()),
            ("queue.is_empty()", self.is_empty().to_string()),
        ]
    }
}

impl Form {
    fn code(self, name: &str, argument: &str) -> String {
        let mut code = match self {
            Form::Try => format!("try_{name}({argument})"),
            Form::Plain => format!("{name}({argument})"),
            Form::Timeout(_) => format!("{name}_timeout({argument}, "),
            Form::Deadline(_) => format!("{name}_deadline({argument}, Instant::now() + "),
        };
        if let Form::Timeout(patience) | Form::Deadline(patience) = self {
            write!(code, "{})", patience.code()).expect("a string takes all");
        }
        code.replace("(, ", "(")
    }
}

fn at(item: &Item) -> String {
    format!("at({item})")
}

fn list(items: &[Item], code: impl Fn(&Item) -> String) -> String {
    format!("[{}]", items.iter().map(code).collect::<Vec<_>>().join(", "))
}

fn deadline(patience: Patience) -> Instant {
    Instant::now() + patience.duration()
}

fn numbers(wares: impl IntoIterator<Item = Ware>) -> Vec<Item> {
    wares.into_iter().map(|ware| ware.item.number).collect()
}

fn refused(put: Result<(), PutError<Vec<Ware>>>) -> Got {
    match put {
        Ok(()) => Got::Done,
        Err(PutError::Full(wares)) => Got::Full(numbers(wares)),
        Err(PutError::ShutDown(wares)) => Got::ShutDown(numbers(wares)),
    }
}

fn got(item: Result<Ware, GetError>) -> Got {
    item.map_or_else(not_got, |ware| Got::Items(vec![ware.item.number]))
}

fn not_got(error: GetError) -> Got {
    match error {
        GetError::Empty => Got::Empty,
        GetError::ShutDown => Got::ShutDown(Vec::new()),
    }
}

fn in_time(joined: Result<(), TimedOut>) -> Got {
    joined.map_or(Got::TimedOut, |()| Got::Done)
}

trait MapItem<T> {
    fn map_item<R>(self, map: impl FnOnce(T) -> R) -> PutError<R>;
}

impl<T> MapItem<T> for PutError<T> {
    fn map_item<R>(self, map: impl FnOnce(T) -> R) -> PutError<R> {
        match self {
            PutError::Full(item) => PutError::Full(map(item)),
            PutError::ShutDown(item) => PutError::ShutDown(map(item)),
        }
    }
}
