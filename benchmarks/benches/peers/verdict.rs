//! Whether ours meets a bar.

use crate::measure::Figure;
use crate::row::{Bar, Kind, Unit, WORLDS};
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
    /// The median of what the rounds have reached, each against its own; `None` if one of the two has no figure.
    pub reached: Option<f64>,
    /// More rounds might tell otherwise: the median of many more lies, with 95 % confidence, somewhere around the bar.
    pub is_close: bool,
}

impl Verdict {
    /// What was reached as a multiple of the bar.
    pub fn of_bar(&self) -> Option<f64> {
        self.reached.map(|reached| reached / self.bar.at_most)
    }

    /// Whether the bar is met, by the figure that is shown; not if there is none.
    pub fn is_met(&self) -> bool {
        let shown = 10_f64.powi(self.decimals() as i32);
        self.reached
            .is_some_and(|reached| (reached * shown).round() / shown <= self.bar.at_most)
    }

    fn decimals(&self) -> usize {
        match self.bar.of {
            Unit::Nanosecond => 0,
            _ if self.bar.at_most < 0.1 => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(reached) = self.reached else {
            return f.write_str("no figure");
        };
        let verdict = if self.is_met() { "met" } else { "**missed**" };
        let unit = if let Unit::Nanosecond = self.bar.of { " ns" } else { "" };
        write!(f, "{reached:.*}{unit} {verdict}", self.decimals())?;
        if self.is_close { f.write_str(", close") } else { Ok(()) }
    }
}

/// Both worlds against `bar`; none for a world that does not take part.
pub fn judge(bar: Bar, figures: &[Figure]) -> Vec<Verdict> {
    let judge_one = |(place, &world)| {
        let ours: &Figure = figures.iter().find(|figure| figure.kind == world)?;
        let rival = rival(bar.of, place, figures);
        let has_figure = ours.result.is_ok() && (rival.is_some() || matches!(bar.of, Unit::Nanosecond));
        let against = |round: usize| match bar.of {
            Unit::BesideBusy => beside_busy(rival, figures),
            _ => rival.map_or(1.0, |rival| rival.samples[round]),
        };
        let each = has_figure.then(|| {
            let each = ours.samples.iter().enumerate();
            Summary::of_median(each.map(|(round, ours)| ours / against(round)))
        });
        let is_close = each.is_some_and(|Summary { low, high, .. }| (low..high).contains(&bar.at_most));
        let reached = each.map(|each| each.median);
        Some(Verdict {
            world,
            bar,
            rival: rival.map(|rival| rival.name),
            reached,
            is_close,
        })
    };
    WORLDS.iter().enumerate().filter_map(judge_one).collect()
}

/// Whom the world at this place is held against: a peer that has a figure, or nobody.
fn rival(unit: Unit, place: usize, figures: &[Figure]) -> Option<&Figure> {
    let peers = figures
        .iter()
        .filter(|figure| figure.kind == Kind::Peer && figure.result.is_ok());
    let wanted = |figure: &&Figure| match unit {
        Unit::Best | Unit::BesideBusy => true,
        Unit::Peer(names) => names[place] == figure.name,
        Unit::Nanosecond => false,
    };
    peers.filter(wanted).min_by(|a, b| median(a).total_cmp(&median(b)))
}

/// What [`Unit::BesideBusy`] allows, in nanoseconds.
fn beside_busy(best: Option<&Figure>, figures: &[Figure]) -> f64 {
    let best = best.map_or(f64::INFINITY, median);
    let reference = figures
        .iter()
        .find(|figure| figure.kind == Kind::Reference)
        .map_or(best, median);
    (1.5 * best.max(reference)).min(3.0 * best).min(1e6)
}

fn median(figure: &Figure) -> f64 {
    figure.result.map_or(f64::INFINITY, |summary| summary.median)
}
