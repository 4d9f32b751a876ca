//! Whether ours meets a bar.

use crate::measure::Figure;
use crate::row::{Bar, Kind, WORLDS};
use crate::statistics::Summary;
use serde::Serialize;
use std::fmt;

/// One of our worlds against one bar.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Which of ours.
    pub world: Kind,
    /// The bar.
    pub bar: Bar,
    /// Whom it was held against: with "the best peer", who that was.
    pub rival: Option<&'static str>,
    /// The ratio of the medians; `None` if one of the two has no figure.
    pub ratio: Option<f64>,
    /// The middle half of the rounds' own ratios lies on both sides of the bar.
    pub is_close: bool,
}

impl Verdict {
    /// Whether the bar is met; not if there is no ratio.
    pub fn is_met(&self) -> bool {
        self.ratio.is_some_and(|ratio| ratio <= self.bar.at_most)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ratio) = self.ratio else { return f.write_str("no figure") };
        let verdict = if self.is_met() { "met" } else { "**missed**" };
        write!(f, "{ratio:.*} {verdict}", if self.bar.at_most < 0.1 { 4 } else { 2 })?;
        if self.is_close { f.write_str(", close") } else { Ok(()) }
    }
}

/// Both worlds against `bar`; none for a world that does not take part.
pub fn judge(bar: Bar, figures: &[Figure]) -> Vec<Verdict> {
    let median = |figure: &Figure| figure.result.map_or(f64::INFINITY, |summary| summary.median);
    let peers = || figures.iter().filter(|figure| figure.kind == Kind::Peer && figure.result.is_ok());
    WORLDS
        .iter()
        .enumerate()
        .filter_map(|(place, &world)| {
            let ours = figures.iter().find(|figure| figure.kind == world)?;
            let rival = peers()
                .filter(|figure| bar.of.is_none_or(|names| names[place] == figure.name))
                .min_by(|a, b| median(a).total_cmp(&median(b)));
            let pair = rival.filter(|_| ours.result.is_ok());
            let is_close = pair.is_some_and(|rival| {
                let each = ours.samples.iter().zip(&rival.samples).map(|(ours, theirs)| ours / theirs);
                let Summary { low, high, .. } = Summary::of(each);
                (low..high).contains(&bar.at_most)
            });
            let ratio = pair.map(|rival| median(ours) / median(rival));
            Some(Verdict { world, bar, rival: rival.map(|rival| rival.name), ratio, is_close })
        })
        .collect()
}
