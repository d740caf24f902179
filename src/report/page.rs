//! The report of one recording as a page for a browser and for paper, complete in itself.

use serde::Serialize;

use super::chart::{Chart, chart, gradient};
use super::losses::{losses, words as words_of_losses};
use super::picture::Raster;
use super::tables::{FigureRow, notes, tables};
use super::template::render;
use super::traces::traces;
use super::words::{Amount, amount};
use super::words::{bytes, duration, grade_class, gravity_class, grouped, number, place, recorded, span};
use crate::qc::{Alarm, Code, Gravity, Pictures, Report, Usable};
use crate::volume::Colormap;

/// Alarms that are listed one by one; the rest is counted.
const MAX_LISTED: usize = 60;
/// Side of a picture on the page, px.
const PICTURE_PX: f64 = 344.0;

#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    recorded: Option<String>,
    usable: Amount,
    grade: &'static str,
    sentence: String,
    share: Vec<Part>,
    facts: Vec<[String; 2]>,
    chart: Chart,
    caption: String,
    alarms: Vec<Listed>,
    more: Option<Listed>,
    pictures: Vec<Picture>,
    viridis: String,
    figures: [Vec<FigureRow>; 2],
    notes: Vec<[String; 2]>,
    verdicts: [[&'static str; 2]; 4],
    artefacts: Vec<Artefact>,
    footer: [String; 3],
}

/// A part of the bar: usable, lost, the rest.
#[derive(Serialize)]
struct Part {
    class: &'static str,
    weight: usize,
}

#[derive(Default, Serialize)]
struct Listed {
    number: usize,
    class: &'static str,
    title: String,
    when: String,
    words: String,
    lost: String,
}

#[derive(Serialize)]
struct Picture {
    title: &'static str,
    words: String,
    address: String,
    is_coarse: bool,
    scale: Option<ScaleBar>,
    bar: Option<[String; 2]>,
}

#[derive(Serialize)]
struct ScaleBar {
    px: f64,
    label: String,
}

#[derive(Serialize)]
struct Artefact {
    id: &'static str,
    name: &'static str,
    is_seen: bool,
}

/// The page, as HTML.
pub fn page(report: &Report) -> String {
    let (chart, axis) = chart(report);
    let (alarms, more) = listed(report);
    let focus = traces(report).into_iter().find(|trace| trace.code == Code::Focus);
    let least_focus = focus.map_or(f64::NAN, |trace| trace.values.into_iter().fold(f64::NAN, f64::min));
    let content = Page {
        name: &report.name,
        recorded: report.provenance.recorded_s.and_then(recorded),
        usable: amount(&report.usable),
        grade: grade_class(report.usable.grade()),
        sentence: sentence(report),
        share: share(&report.usable),
        facts: facts(report),
        caption: caption(report, axis.num_t() as f64 / axis.width),
        chart,
        alarms,
        more,
        pictures: report.pictures.as_ref().map_or_else(Vec::new, |pictures| pictures_of(report, pictures)),
        viridis: gradient(24).join(","),
        figures: tables(report, least_focus),
        notes: notes(report),
        verdicts: [
            ["good", "Good"],
            ["in_part", "Usable in part"],
            ["not_usable", "Not usable"],
            ["not_judged", "Not judged yet"],
        ],
        artefacts: artefacts(&report.alarms),
        footer: footer(report),
    };
    let style = include_str!("templates/report.css");
    render("report.html", style, include_str!("templates/verdict.js"), &content)
}

/// What matters most, in a sentence or two.
fn sentence(report: &Report) -> String {
    let lost = losses(report);
    let end = report.table.num_t();
    let worst = report.alarms.iter().zip(&lost).max_by(|a, b| (a.0.gravity, a.1).cmp(&(b.0.gravity, b.1)));
    let measured = match report.usable.measured {
        measured if measured < report.usable.of => {
            format!(" {} of {} volumes have been measured.", grouped(measured), grouped(report.usable.of))
        }
        _ => String::new(),
    };
    match worst {
        Some((alarm, _)) => {
            let place = place(&report.subject, alarm.t, end);
            format!("{} {place}. {}{measured}", alarm.title, alarm.detail)
        }
        None => format!("Nothing to note.{measured}"),
    }
}

fn share(usable: &Usable) -> Vec<Part> {
    let lost = usable.measured - usable.volumes.min(usable.measured);
    let rest = usable.of.saturating_sub(usable.measured);
    let parts = [("u", usable.volumes), ("l", lost), ("r", rest)];
    parts.into_iter().filter(|(_, weight)| *weight > 0).map(|(class, weight)| Part { class, weight }).collect()
}

fn facts(report: &Report) -> Vec<[String; 2]> {
    let subject = &report.subject;
    let [t, z, y, x] = subject.shape;
    let scale = report.figures.full_scale.map(|scale| {
        let how = if scale.is_detected { " (detected)" } else { "" };
        format!(", full scale {}{how}", number(scale.value))
    });
    let voxel = subject.voxel_um.map(|[z, y, x]| format!("{z} × {y} × {x} µm"));
    let rate = subject.rate_hz.map(|rate| format!("{} volumes / s", number(rate)));
    let blocks = report.provenance.blocks.map(|[whole, of]| format!("{} of {} whole", grouped(whole), grouped(of)));
    let facts = [
        ("Shape", Some(format!("{} t × {z} z × {y} × {x}", grouped(t)))),
        ("Type", Some(format!("{}{}", subject.dtype.name(), scale.unwrap_or_default()))),
        ("Voxel z y x", Some(voxel.unwrap_or_else(|| "not known".to_owned()))),
        ("Rate", Some(rate.unwrap_or_else(|| "not known".to_owned()))),
        ("Blocks", blocks),
        ("Decoded", Some(bytes(report.provenance.num_bytes))),
    ];
    facts.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).collect()
}

fn caption(report: &Report, num_t_per_px: f64) -> String {
    let line = match num_t_per_px {
        num if num > 1.0 => format!("Line: mean of the {num:.1} volumes in a pixel; grey: their least and most."),
        _ => "Line: every volume.".to_owned(),
    };
    let bands = if report.lost.is_empty() { "" } else { " Bands: volumes not counted as usable." };
    let hatch = if report.missing.is_empty() { "" } else { " Hatched: not there." };
    let list = if report.alarms.is_empty() { "" } else { " The numbers are those of the list." };
    format!("One time scale for all.{bands}{hatch} {line}{list}")
}

fn listed(report: &Report) -> (Vec<Listed>, Option<Listed>) {
    let losses = losses(report);
    let lost = words_of_losses(report, &losses);
    let end = report.table.num_t();
    let listed = report.alarms.iter().zip(lost).take(MAX_LISTED).enumerate().map(|(i, (alarm, lost))| Listed {
        number: i + 1,
        class: gravity_class(alarm.gravity),
        title: alarm.title.clone(),
        when: span(&report.subject, alarm.t, end),
        words: format!("{} {}", alarm.detail, alarm.advice).trim().to_owned(),
        lost: match alarm.gravity {
            Gravity::Warn => "kept".to_owned(),
            Gravity::Alarm => lost,
        },
    });
    let num_left = report.alarms.len().saturating_sub(MAX_LISTED);
    let more = (num_left > 0).then(|| Listed {
        title: format!("and {} more", grouped(num_left)),
        words: "All of them stand in the report as JSON.".to_owned(),
        lost: format!("− {} t", grouped(losses.iter().skip(MAX_LISTED).sum())),
        ..Listed::default()
    });
    (listed.collect(), more)
}

fn pictures_of(report: &Report, pictures: &Pictures) -> Vec<Picture> {
    let depth = if report.subject.num_z() > 1 { format!(", z {}", pictures.z) } else { String::new() };
    let kinds = [
        ("Mean", format!("over the time measured{depth}"), &pictures.mean, Colormap::Gray, [0.001, 0.999]),
        ("tSNR", "mean ÷ standard deviation over t".to_owned(), &pictures.tsnr, Colormap::Viridis, [0.0, 0.998]),
        (
            "Background-enhanced",
            "mean, contrast evened out".to_owned(),
            &pictures.enhanced,
            Colormap::Gray,
            [0.001, 0.999],
        ),
    ];
    let picture = |(title, words, values, colormap, shares): (&'static str, String, &Vec<f32>, Colormap, [f64; 2])| {
        let mut raster = Raster::of(pictures, values, shares)?;
        if title == "tSNR" {
            raster.range[0] = 0.0;
        }
        Some(Picture {
            title,
            words,
            is_coarse: raster.shape[0].max(raster.shape[1]) < PICTURE_PX as usize,
            address: raster.address(colormap),
            scale: (title == "Mean").then(|| scale_bar(report, pictures)).flatten(),
            bar: (title == "tSNR").then(|| raster.range.map(number)),
        })
    };
    kinds.into_iter().filter_map(picture).collect()
}

/// A bar of a round length, about a sixth of the picture.
fn scale_bar(report: &Report, pictures: &Pictures) -> Option<ScaleBar> {
    let [_, um, _] = report.subject.voxel_um.filter(|um| um.iter().all(|um| *um > 0.0))?;
    let side = pictures.shape[0].max(pictures.shape[1]) * pictures.step;
    let um_per_px = side as f64 * um / PICTURE_PX;
    let round = (-3..7).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
    let length = round.rev().find(|length| length / um_per_px <= 72.0)?;
    Some(ScaleBar { px: (length / um_per_px * 10.0).round() / 10.0, label: format!("{length} µm") })
}

/// What a person may have seen; what the program found is ticked already.
fn artefacts(alarms: &[Alarm]) -> Vec<Artefact> {
    let kinds: [(&str, &str, &[Code]); 8] = [
        ("motion", "Motion", &[Code::Motion, Code::BadFrame, Code::ZDrift]),
        ("dark", "Dark volumes", &[Code::Underexposed]),
        ("saturation", "Saturation", &[Code::Saturation]),
        ("lost_frame", "Lost frame", &[Code::PlaneSlip, Code::Missing, Code::Duplicate, Code::Gap]),
        ("bleaching", "Bleaching", &[Code::Bleaching]),
        ("focus", "Out of focus", &[Code::Focus, Code::Flyback]),
        ("stripes", "Stripes", &[Code::Stripes]),
        ("other", "Other", &[]),
    ];
    let artefact = |(id, name, codes): (&'static str, &'static str, &[Code])| Artefact {
        id,
        name,
        is_seen: alarms.iter().any(|alarm| codes.contains(&alarm.code)),
    };
    kinds.into_iter().map(artefact).collect()
}

fn footer(report: &Report) -> [String; 3] {
    let provenance = &report.provenance;
    let [from, to] = provenance.range;
    let read = match () {
        () if from == 0 && to >= report.subject.shape[0] => format!("all {} volumes read", grouped(to)),
        () => format!("t {} – {} read", grouped(from), grouped(to.saturating_sub(1))),
    };
    let cores = if provenance.num_cores == 1 { "core" } else { "cores" };
    [
        format!(
            "Tectum {} · limits “{}” · {read} · {} on {} {cores}",
            provenance.version,
            provenance.limits_name,
            duration(provenance.seconds),
            provenance.num_cores
        ),
        format!(
            "source {} · identity {} · this page holds all its pictures and asks nothing of the network",
            report.path, provenance.identity
        ),
        recorded([provenance.made_s; 2]).map_or_else(String::new, |made| format!("made {made}")),
    ]
}
