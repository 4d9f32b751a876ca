//! A part of the laws or breaks, so that several machines can divide them.

use std::str::FromStr;

/// Part `part` of `of` parts, counted from 1.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    part: usize,
    of: usize,
}

impl Shard {
    /// Selects the shard's items by position, so that each item is in exactly one shard. `None` selects all items.
    pub fn select<T>(shard: Option<Shard>, all: Vec<T>) -> Vec<T> {
        let Shard { part, of } = shard.unwrap_or(Shard { part: 1, of: 1 });
        let is_selected = |&(index, _): &(usize, T)| index % of == part - 1;
        all.into_iter()
            .enumerate()
            .filter(is_selected)
            .map(|(_, item)| item)
            .collect()
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
            _ => Err("expected i/n with i from 1 to n, such as 2/3".into()),
        }
    }
}
