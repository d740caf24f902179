//! Several recordings on one page, the worst first, each beside the others on the same scales; and as a table
//! for programs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::axis::round;
use super::cohort::{Entry, Found, MAP_SIZE, STRIPS, Strip};
use super::template::render;
use super::traces::median;
use super::words::{Amount, amount, duration, grade_class, gravity_class, limit, moment, number, recorded};
use crate::qc::{Grade, Limits, whole_percent};

/// Width of a strip, px, and of its margins.
const STRIP_WIDTH: f64 = 88.0;
const STRIP_MARGIN: f64 = 6.0;

/// Cells of a line of the table behind name and path.
const NUM_CELLS: usize = 8 + STRIPS.len();

/// Several recordings.
#[derive(Clone, Debug)]
pub struct Study {
    /// Where they lie.
    pub place: String,
    /// The recordings.
    pub entries: Vec<Entry>,
    /// Limits they were judged by, and their name.
    pub limits: Limits,
    /// Name of the limits.
    pub limits_name: String,
    /// Version of the program.
    pub version: String,
    /// When the page was made, seconds since 1970.
    pub made_s: f64,
    /// Seconds it took to measure all of them.
    pub seconds: f64,
    /// Cores used.
    pub num_cores: usize,
    /// What was left out of the search, if anything.
    pub left_out: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    title: String,
    place: &'a str,
    when: Option<String>,
    total: Option<Total>,
    filters: Vec<Filter>,
    tsv: String,
    strips: Vec<Axis>,
    rows: Vec<Line<'a>>,
    map_size: [f64; 2],
    num: usize,
    left_out: Option<&'a str>,
    footer: String,
}

/// How much of all of them can be used.
#[derive(Serialize)]
struct Total {
    usable: String,
    of: String,
}

#[derive(Serialize)]
struct Filter {
    class: &'static str,
    name: &'static str,
    num: usize,
}

/// The scale of a strip.
#[derive(Serialize)]
struct Axis {
    name: &'static str,
    unit: &'static str,
    limits: Vec<Mark>,
    ends: Vec<Mark>,
    median: Option<f64>,
}

/// A place on a strip.
#[derive(Serialize)]
struct Mark {
    class: &'static str,
    x: f64,
    label: String,
    anchor: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    path: &'a str,
    link: Option<&'a str>,
    class: &'static str,
    when: Option<String>,
    failure: Option<&'a str>,
    usable: Option<Amount>,
    share: f64,
    map: Option<&'a str>,
    lost: &'a [[f64; 2]],
    absent: &'a [[f64; 2]],
    points: Vec<Option<Mark>>,
    worst: Option<&'a str>,
    sort_by: Vec<String>,
}

/// The page, as HTML.
pub fn study(study: &Study) -> String {
    let mut entries: Vec<&Entry> = study.entries.iter().collect();
    entries.sort_by(|a, b| rank(a).total_cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    let known = || study.entries.iter().filter_map(|entry| entry.found.as_ref().ok());
    let spans: Vec<[f64; 2]> = STRIPS.iter().enumerate().map(|(i, strip)| span(strip, i, study)).collect();
    let strips = STRIPS.iter().enumerate().map(|(i, strip)| axis(strip, i, study, spans[i])).collect();
    let times = || known().filter_map(|found| found.recorded_s);
    let first = times().map(|[from, _]| from).fold(f64::INFINITY, f64::min);
    let last = times().map(|[_, to]| to).fold(f64::NEG_INFINITY, f64::max);
    let num = study.entries.len();
    let content = Page {
        title: if num == 1 { "1 recording".to_owned() } else { format!("{num} recordings") },
        place: &study.place,
        when: days(first, last),
        total: total(known()),
        filters: filters(study),
        tsv: STANDARD.encode(tsv(study)),
        strips,
        rows: entries.into_iter().map(|entry| line(entry, &spans)).collect(),
        map_size: MAP_SIZE,
        num,
        left_out: study.left_out.as_deref(),
        footer: footer(study),
    };
    render("study.html", include_str!("templates/study.css"), include_str!("templates/study.js"), &content)
}

/// One line for each recording, columns separated by tabs.
pub fn tsv(study: &Study) -> String {
    let mut text = "name\tpath\tgrade\tusable_volumes\tvolumes\tusable_minutes\tminutes\talarms\twarnings".to_owned();
    STRIPS.iter().for_each(|strip| text += &format!("\t{}", strip.column));
    text += "\tworst\n";
    for entry in &study.entries {
        let cells = match &entry.found {
            Ok(found) => cells(found),
            Err(reason) => {
                let mut cells = vec![String::new(); NUM_CELLS];
                cells[0] = "not readable".to_owned();
                cells[NUM_CELLS - 1] = reason.clone();
                cells
            }
        };
        let line: Vec<String> = [&entry.name, &entry.path].into_iter().chain(&cells).map(|cell| plain(cell)).collect();
        text += &(line.join("\t") + "\n");
    }
    text
}

fn cells(found: &Found) -> Vec<String> {
    let usable = &found.usable;
    let grade = match usable.grade() {
        Grade::Good => "good",
        Grade::InPart => "in part",
        Grade::Lost => "mostly lost",
    };
    let minutes = |num_t: usize| usable.minutes(num_t).map_or_else(String::new, |minutes| format!("{minutes:.3}"));
    let figure = |value: &f64| if value.is_finite() { format!("{value:.6}") } else { String::new() };
    let head = [
        grade.to_owned(),
        usable.expected.to_string(),
        usable.of.to_string(),
        minutes(usable.expected),
        minutes(usable.of),
        found.num_alarms[0].to_string(),
        found.num_alarms[1].to_string(),
    ];
    head.into_iter().chain(found.figures.iter().map(figure)).chain([found.worst.clone().unwrap_or_default()]).collect()
}

/// A cell of a table: no tab and no line in it.
fn plain(cell: &str) -> String {
    cell.replace(|c: char| c.is_control(), " ")
}

/// The worst come first, and before them those of which nothing is known.
fn rank(entry: &Entry) -> f64 {
    entry.found.as_ref().map_or(-1.0, |found| found.usable.share())
}

fn total<'a>(found: impl Iterator<Item = &'a Found>) -> Option<Total> {
    let minutes =
        found.map(|found| (found.usable.minutes(found.usable.expected), found.usable.minutes(found.usable.of)));
    let (mut usable, mut of) = (0.0, 0.0);
    for (minutes_usable, minutes_of) in minutes {
        usable += minutes_usable?;
        of += minutes_of?;
    }
    let (scale, unit) = if of >= 120.0 { (60.0, "hours") } else { (1.0, "min") };
    (of > 0.0).then(|| Total {
        usable: format!("{:.1}", usable / scale),
        of: format!("of {:.1} {unit} usable ({} %)", of / scale, whole_percent(usable / of)),
    })
}

fn filters(study: &Study) -> Vec<Filter> {
    let num = |class: &str| study.entries.iter().filter(|entry| class_of(entry) == class).count();
    let kinds = [("ok", "Good"), ("warn", "In part"), ("bad", "Mostly lost"), ("failed", "Not readable")];
    let filters = kinds.into_iter().map(|(class, name)| Filter { class, name, num: num(class) });
    filters.filter(|filter| filter.class != "failed" || filter.num > 0).collect()
}

fn class_of(entry: &Entry) -> &'static str {
    entry.found.as_ref().map_or("failed", |found| grade_class(found.usable.grade()))
}

/// Values at the left and the right end of a strip. All recordings lie on it, but for those that are far beyond
/// the limits.
fn span(strip: &Strip, i: usize, study: &Study) -> [f64; 2] {
    let values = study.entries.iter().filter_map(|entry| Some(entry.found.as_ref().ok()?.figures[i]));
    let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    let limit = strip.limit(&study.limits);
    let high = match limit.alarm.or(limit.warn).filter(|limit| *limit > 0.0) {
        Some(limit) => (most * 1.1).clamp(limit * 1.6, limit * 3.2),
        None => round_up(most.max(strip.span[1])),
    };
    [strip.span[0], high]
}

/// The next number that halves well.
fn round_up(value: f64) -> f64 {
    let steps = (-6..12).flat_map(|power| [1.0, 2.0, 3.0, 4.0, 6.0, 8.0].map(|digit| digit * 10_f64.powi(power)));
    steps.into_iter().find(|step| *step >= value * 0.999).unwrap_or(value)
}

/// Where a value lies on a strip; what is beyond its end stands there.
fn x(value: f64, [low, high]: [f64; 2]) -> f64 {
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    round(STRIP_MARGIN + (STRIP_WIDTH - 2.0 * STRIP_MARGIN) * share)
}

fn axis(strip: &Strip, i: usize, study: &Study, span: [f64; 2]) -> Axis {
    let both = strip.limit(&study.limits);
    let mark = |class, value: Option<f64>| {
        value.map(|value| Mark { class, x: x(value, span), label: limit(Some(value)), anchor: "middle" })
    };
    let mut limits: Vec<Mark> = [mark("warn", both.warn), mark("bad", both.alarm)].into_iter().flatten().collect();
    // Two labels side by side need some room.
    if let [a, b] = &mut limits[..] {
        let room = 3.0 + 3.2 * (a.label.len() + b.label.len()) as f64;
        if b.x - a.x < room {
            (a.anchor, b.anchor) = ("end", "start");
        }
    }
    let ends = [0.0, 0.5, 1.0].map(|share| span[0] + (span[1] - span[0]) * share);
    let ends = ends.map(|value| Mark { class: "", x: x(value, span), label: limit(Some(value)), anchor: "middle" });
    let ends = if limits.is_empty() { ends.into() } else { Vec::new() };
    Axis { name: strip.name, unit: strip.unit, limits, ends, median: median_of(i, study, span) }
}

fn median_of(i: usize, study: &Study, span: [f64; 2]) -> Option<f64> {
    let values = study.entries.iter().filter_map(|entry| Some(entry.found.as_ref().ok()?.figures[i])).collect();
    let median = median(values);
    median.is_finite().then(|| x(median, span))
}

fn line<'a>(entry: &'a Entry, spans: &[[f64; 2]]) -> Line<'a> {
    let found = entry.found.as_ref().ok();
    let point = |found: &Found, i: usize| {
        let value = found.figures[i];
        let class = found.gravities[i].map_or("dot", gravity_class);
        value.is_finite().then(|| Mark { class, x: x(value, spans[i]), label: number(value), anchor: "middle" })
    };
    let points = found.map(|found| (0..STRIPS.len()).map(|i| point(found, i)).collect());
    let share = found.map_or(0.0, |found| found.usable.share());
    let figures = found.map_or([f64::NAN; STRIPS.len()], |found| found.figures);
    let begun = found.and_then(|found| found.recorded_s).map_or(f64::NAN, |[from, _]| from);
    let keys = [rank(entry), begun].into_iter().chain(figures);
    Line {
        name: &entry.name,
        path: &entry.path,
        link: entry.link.as_deref(),
        class: class_of(entry),
        when: found.and_then(|found| Some(moment(found.recorded_s?[0])?.strftime("%-d %b, %H:%M").to_string())),
        failure: entry.found.as_ref().err().map(String::as_str),
        usable: found.map(|found| amount(&found.usable)),
        share: round(share * 100.0),
        map: found.map(|found| found.map.as_str()),
        lost: found.map_or(&[], |found| &found.lost),
        absent: found.map_or(&[], |found| &found.absent),
        points: points.unwrap_or_else(|| STRIPS.iter().map(|_| None).collect()),
        worst: found.and_then(|found| found.worst.as_deref()),
        // What cannot be had is sorted behind the rest.
        sort_by: keys.map(|key| if key.is_finite() { key.to_string() } else { String::new() }).collect(),
    }
}

/// "21 – 24 Nov 2026".
fn days(first: f64, last: f64) -> Option<String> {
    let (from, to) = (moment(first).filter(|_| first.is_finite())?, moment(last).filter(|_| last.is_finite())?);
    let end = to.strftime("%-d %b %Y").to_string();
    Some(match () {
        () if from.date() == to.date() => end,
        () if (from.year(), from.month()) == (to.year(), to.month()) => format!("{} – {end}", from.day()),
        () if from.year() == to.year() => format!("{} – {end}", from.strftime("%-d %b")),
        () => format!("{} – {end}", from.strftime("%-d %b %Y")),
    })
}

fn footer(study: &Study) -> String {
    let made = recorded([study.made_s; 2]).unwrap_or_default();
    let cores = if study.num_cores == 1 { "core" } else { "cores" };
    let took = duration(study.seconds);
    let (version, limits, num_cores) = (&study.version, &study.limits_name, study.num_cores);
    format!("Tectum {version} · limits “{limits}” · read {made}, {took} on {num_cores} {cores}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_spans_days_and_scales_hold_limits_and_recordings() {
        let day = 86_400.0;
        let noon = 1_795_521_600.0;
        assert_eq!(days(noon - 3.0 * day, noon).unwrap(), "21 – 24 Nov 2026");
        assert_eq!(days(noon, noon).unwrap(), "24 Nov 2026");
        assert_eq!(days(noon, noon + 10.0 * day).unwrap(), "24 Nov – 4 Dec 2026");
        assert_eq!(days(f64::INFINITY, f64::NEG_INFINITY), None);
        assert_eq!([x(0.0, [0.0, 8.0]), x(8.0, [0.0, 8.0]), x(99.0, [0.0, 8.0])], [6.0, 82.0, 82.0]);
    }
}
