//! A part of the laws or of the breaks, so that several machines can share them.

use std::str::FromStr;

/// The `part`-th of `of` parts, counted from 1.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    part: usize,
    of: usize,
}

impl Shard {
    /// Deals them out by position: each is in just one of the parts. No shard is the whole.
    pub fn deal<T>(shard: Option<Shard>, all: Vec<T>) -> Vec<T> {
        let Shard { part, of } = shard.unwrap_or(Shard { part: 1, of: 1 });
        let mine = |&(index, _): &(usize, T)| index % of == part - 1;
        all.into_iter().enumerate().filter(mine).map(|(_, one)| one).collect()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Shard { part, of }),
            _ => Err("it is written i/n, with i from 1 to n, such as 2/3".into()),
        }
    }
}
