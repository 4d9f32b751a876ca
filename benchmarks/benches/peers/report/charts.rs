//! The chart of the queues' bars: for each bar, ours as a multiple of its rival, and the multiple that the bar allows.
//! It is an SVG, whose text its viewer renders: no font is needed here, and equal figures give equal files.

use super::tables::significant;
use crate::measure::Outcome;
use crate::row::{BUILDS, Bar, Unit};
use crate::verdict::Verdict;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

/// The folder of the chart, within the report's folder.
pub const FOLDER: &str = "charts";

const FILE: &str = "queues.svg";

const WIDTH: u32 = 1100;
const TOP: i32 = 64;
const BOTTOM: i32 = 40;
const LEFT: i32 = 380;
const RIGHT: i32 = 40;

/// The height of a bar in the chart, with both builds.
const BAND: i32 = 34;

const MET: RGBColor = RGBColor(0, 114, 178);
const CLOSE: RGBColor = RGBColor(150, 150, 150);
const MISSED: RGBColor = RGBColor(213, 94, 0);

/// A bar: its label, and the verdicts on both builds.
type Entry<'a> = (String, &'a [Verdict]);

fn entries(rows: &[Outcome]) -> Vec<Entry<'_>> {
    let label = |row: &Outcome, bar: Bar| {
        let rival = match bar.of {
            Unit::Peer([std, _]) => std,
            Unit::Best | Unit::BesideBusy | Unit::Nanosecond => "best peer",
        };
        format!("{}, {} / {rival}", row.shape, row.setting)
    };
    let of_queues = rows.iter().filter(|row| row.shape.contains("Queue"));
    of_queues
        .flat_map(|row| {
            let bars = row.verdicts.chunks(BUILDS.len());
            bars.map(move |builds| (label(row, builds[0].bar), builds))
        })
        .collect()
}

/// The link by which a report shows the chart, if there is one.
pub fn link(rows: &[Outcome]) -> String {
    if entries(rows).is_empty() {
        return String::new();
    }
    format!("\n![queues: ours / rival]({FOLDER}/{FILE})\n")
}

/// Draws the chart into a file under the report's folder, if a queue has a bar.
pub fn draw(rows: &[Outcome], folder: &Path) -> Result<(), Box<dyn Error>> {
    let entries = entries(rows);
    if entries.is_empty() {
        return Ok(());
    }
    let file = folder.join(FOLDER).join(FILE);
    let height = TOP + BOTTOM + BAND * entries.len() as i32;
    let root = SVGBackend::new(&file, (WIDTH, height as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let inside = root.margin(TOP, 0, LEFT, RIGHT);
    let ratios = entries.iter().flat_map(|(_, builds)| {
        builds
            .iter()
            .flat_map(|verdict| [verdict.reached, Some(verdict.bar.at_most)])
    });
    let all = ratios.flatten();
    let (low, high) = all.fold((1.0_f64, 1.0_f64), |(low, high), ratio| {
        (low.min(ratio), high.max(ratio))
    });
    // Leaves space for the figure at each bar's end.
    let (low, high) = (low / 1.6, high * 1.6);
    let mut chart = ChartBuilder::on(&inside)
        .x_label_area_size(BOTTOM)
        .build_cartesian_2d((low..high).log_scale(), (BAND * entries.len() as i32)..0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_label_formatter(&|ratio| ratio.to_string())
        .draw()?;

    let area = chart.plotting_area();
    area.draw(&PathElement::new([(1.0, 0), (1.0, BAND * entries.len() as i32)], BLACK))?;
    let small = |horizontal| {
        ("sans-serif", 13)
            .into_font()
            .color(&BLACK)
            .pos(Pos::new(horizontal, VPos::Center))
    };
    for (index, (label, builds)) in entries.iter().enumerate() {
        let (top, at_most) = (BAND * index as i32, builds[0].bar.at_most);
        root.draw(&Text::new(
            label.as_str(),
            (LEFT - 8, TOP + top + BAND / 2),
            small(HPos::Right),
        ))?;
        for (build, verdict) in builds.iter().enumerate() {
            let (upper, lower) = (top + 5 + 12 * build as i32, top + 16 + 12 * build as i32);
            let Some(ratio) = verdict.reached else {
                area.draw(&Text::new("no figure", (1.0, (upper + lower) / 2), small(HPos::Left)))?;
                continue;
            };
            area.draw(&Rectangle::new(
                [(1.0, upper), (ratio, lower)],
                color(verdict, build).filled(),
            ))?;
            let beside = EmptyElement::at((ratio.max(1.0).max(at_most), (upper + lower) / 2));
            area.draw(&(beside + Text::new(significant(ratio), (5, 0), small(HPos::Left))))?;
        }
        let limit = [(at_most, top + 2), (at_most, top + BAND - 3)];
        area.draw(&PathElement::new(limit, BLACK.stroke_width(3)))?;
    }
    legend(&root)?;
    root.present()?;
    Ok(())
}

fn legend<B: DrawingBackend>(root: &DrawingArea<B, plotters::coord::Shift>) -> Result<(), Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let title = ("sans-serif", 15).into_font().color(&BLACK);
    let plain = ("sans-serif", 12).into_font().color(&BLACK);
    root.draw(&Text::new(
        "ours / rival, on a log scale: left of 1 ours is faster",
        (12, 10),
        title,
    ))?;
    let colors = [
        (MET, "meets its bar"),
        (CLOSE, "close: the rounds lie on both sides"),
        (MISSED, "misses it"),
    ];
    let mut left = 12;
    for (color, meaning) in colors {
        root.draw(&Rectangle::new([(left, 38), (left + 12, 50)], color.filled()))?;
        root.draw(&Text::new(meaning, (left + 18, 38), plain.clone()))?;
        left += 40 + 7 * meaning.len() as i32;
    }
    let rest = "thick line: the bar. Dark: std build; light: parking_lot build";
    root.draw(&Text::new(rest, (left, 38), plain))?;
    Ok(())
}

fn color(verdict: &Verdict, build: usize) -> RGBColor {
    let RGBColor(red, green, blue) = match (verdict.is_close, verdict.is_met()) {
        (true, _) => CLOSE,
        (false, true) => MET,
        (false, false) => MISSED,
    };
    let lighter = |part: u8| if build == 0 { part } else { part / 2 + 127 };
    RGBColor(lighter(red), lighter(green), lighter(blue))
}
