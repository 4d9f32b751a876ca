//! The chart of the queues' bars: for each bar, ours as a multiple of its rival, and the most that the bar allows.
//! It is an SVG, whose text is drawn by its viewer: no font is needed here, and equal figures make equal files.

use super::tables::significant;
use crate::measure::Outcome;
use crate::row::{Unit, WORLDS};
use crate::verdict::Verdict;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

/// The folder of the chart, in that of the report.
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

/// One bar: its rival, and the verdicts on our builds.
struct Entry<'a> {
    label: String,
    /// As a multiple of the rival; of the bar itself if the bar is in nanoseconds.
    at_most: f64,
    worlds: &'a [Verdict],
}

impl Entry<'_> {
    fn ratio(&self, verdict: &Verdict) -> Option<f64> {
        verdict.of_bar().map(|part| part * self.at_most)
    }
}

fn entries(rows: &[Outcome]) -> Vec<Entry<'_>> {
    fn of_row(row: &Outcome) -> impl Iterator<Item = Entry<'_>> {
        row.verdicts.chunks(WORLDS.len()).map(move |worlds| {
            let bar = worlds[0].bar;
            let (rival, at_most) = match bar.of {
                Unit::Best => ("best peer".to_owned(), bar.at_most),
                Unit::Peer([std, _]) => (std.to_owned(), bar.at_most),
                Unit::BesideBusy => ("what is allowed".to_owned(), bar.at_most),
                Unit::Nanosecond => (format!("{:.0} ns", bar.at_most), 1.0),
            };
            Entry {
                label: format!("{}, {} / {rival}", row.shape, row.setting),
                at_most,
                worlds,
            }
        })
    }
    let of_queues = rows.iter().filter(|row| row.shape.contains("Queue"));
    of_queues.flat_map(of_row).collect()
}

/// The link by which a report shows the chart, if there is one.
pub fn link(rows: &[Outcome]) -> String {
    if entries(rows).is_empty() {
        return String::new();
    }
    format!("\n![queues: ours / rival]({FOLDER}/{FILE})\n")
}

/// Draws the chart into a file of the folder's folder, if a queue has a bar.
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
    let ratios = entries
        .iter()
        .flat_map(|entry| entry.worlds.iter().filter_map(|verdict| entry.ratio(verdict)));
    let all = ratios.chain(entries.iter().map(|entry| entry.at_most)).chain([1.0]);
    let (low, high) = all.fold((1.0_f64, 1.0_f64), |(low, high), ratio| {
        (low.min(ratio), high.max(ratio))
    });
    // Space for the figure at each bar's end.
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
    for (place, entry) in entries.iter().enumerate() {
        let top = BAND * place as i32;
        root.draw(&Text::new(
            entry.label.as_str(),
            (LEFT - 8, TOP + top + BAND / 2),
            small(HPos::Right),
        ))?;
        for (world, verdict) in entry.worlds.iter().enumerate() {
            let (upper, lower) = (top + 5 + 12 * world as i32, top + 16 + 12 * world as i32);
            let Some(ratio) = entry.ratio(verdict) else {
                area.draw(&Text::new("no figure", (1.0, (upper + lower) / 2), small(HPos::Left)))?;
                continue;
            };
            area.draw(&Rectangle::new(
                [(1.0, upper), (ratio, lower)],
                color(verdict, world).filled(),
            ))?;
            let beside = EmptyElement::at((ratio.max(1.0).max(entry.at_most), (upper + lower) / 2));
            area.draw(&(beside + Text::new(significant(ratio), (5, 0), small(HPos::Left))))?;
        }
        let limit = [(entry.at_most, top + 2), (entry.at_most, top + BAND - 3)];
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
    let rest = "thick line: the bar. Dark: std world; light: parking_lot world";
    root.draw(&Text::new(rest, (left, 38), plain))?;
    Ok(())
}

fn color(verdict: &Verdict, world: usize) -> RGBColor {
    let RGBColor(red, green, blue) = match (verdict.is_close, verdict.is_met()) {
        (true, _) => CLOSE,
        (false, true) => MET,
        (false, false) => MISSED,
    };
    let lighter = |part: u8| if world == 0 { part } else { part / 2 + 127 };
    RGBColor(lighter(red), lighter(green), lighter(blue))
}
