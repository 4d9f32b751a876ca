//! A part of the laws, so that several machines can share them.

use std::str::FromStr;

/// The `part`-th of `of` parts, counted from 1.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    part: usize,
    of: usize,
}

impl Shard {
    /// Deals the laws out by position: each is in just one of the parts.
    pub fn deal<T>(self, all: Vec<T>) -> Vec<T> {
        let mine = |&(index, _): &(usize, T)| index % self.of == self.part - 1;
        all.into_iter().enumerate().filter(mine).map(|(_, one)| one).collect()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Shard { part, of }),
            _ => Err("it is written i/n, with i from 1 to n, such as 2/3".into()),
        }
    }
}
