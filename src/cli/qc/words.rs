//! A report in words, for a terminal.

use std::fmt::Write;

use crate::qc::{Alarm, Gravity, Report, Usable, whole_percent};
use crate::text;

/// All that is worth saying in a screenful.
pub fn words(report: &Report) -> String {
    let mut text = format!("{}\n  {}\n", report.name, usable(&report.usable));
    for alarm in &report.alarms {
        let _ = writeln!(text, "  {}", alarm_line(report, alarm));
    }
    if report.alarms.is_empty() {
        text.push_str("  nothing to note\n");
    }
    for (label, value) in figures(report) {
        let _ = writeln!(text, "  {label:<14} {value}");
    }
    for (code, note) in &report.figures.notes {
        let _ = writeln!(text, "  {:<14} {note}", code.name());
    }
    let provenance = &report.provenance;
    let mb_per_s = provenance.num_bytes as f64 / 1e6 / provenance.seconds.max(1e-9);
    let _ = writeln!(
        text,
        "  {} timepoints measured in {:.1} s ({mb_per_s:.0} MB/s on {} cores), limits: {}",
        text::integer(report.usable.measured as i64),
        provenance.seconds,
        provenance.num_cores,
        provenance.limits_name,
    );
    text
}

/// "● usable 30.0 of 30.0 min (100 %)"
fn usable(usable: &Usable) -> String {
    let shape = usable.grade().shape();
    let percent = whole_percent(usable.share());
    match usable.amounts() {
        (amount, of, Some(unit)) => format!("{shape} usable {amount:.1} of {of:.1} {unit} ({percent} %)"),
        _ => format!("{shape} usable {} of {} timepoints ({percent} %)", usable.expected, usable.of),
    }
}

fn alarm_line(report: &Report, alarm: &Alarm) -> String {
    let shape = match alarm.gravity {
        Gravity::Warn => "▲",
        Gravity::Alarm => "■",
    };
    let [first, last] = alarm.t.map(|t| text::integer(t as i64));
    let mut when = if first == last { format!("t {first}") } else { format!("t {first} – {last}") };
    if let Some(rate) = report.subject.rate_hz.filter(|rate| *rate > 0.0) {
        let _ = write!(when, " ({})", text::timepoint(alarm.t[0], rate));
    }
    format!("{shape} {}: {when}. {} {}", alarm.title, alarm.detail, alarm.advice)
}

fn figures(report: &Report) -> Vec<(&'static str, String)> {
    let figures = &report.figures;
    let mut lines = Vec::new();
    if let Some(scale) = figures.full_scale {
        let detected = if scale.is_detected { " (detected)" } else { "" };
        lines.push(("full scale", format!("{}{detected}", text::value(scale.value))));
    }
    if let Some(bleaching) = &figures.bleaching {
        let per = if report.subject.rate_hz.is_some() { "minute" } else { "volume" };
        // No sign before what rounds to nothing.
        let [all, each] = [(bleaching.overall_percent, 0.05), (bleaching.per_minute, 0.005)]
            .map(|(value, least)| if value.abs() < least { 0.0 } else { value });
        let text = format!("{all:.1} % in all, {each:.2} % per {per}");
        lines.push(("bleaching", text));
    }
    if let Some(gain) = figures.photon_gain {
        lines.push(("photon gain", format!("{:.2} counts per photon, zero at {:.1}", gain.gain, gain.zero)));
    }
    if let Some(noise) = figures.noise {
        let unit = if report.subject.rate_hz.is_some() { "% Hz^-1/2" } else { "% per √volume" };
        lines.push(("noise ν", format!("{noise:.2} {unit}")));
    }
    if let Some(tsnr) = &figures.tsnr {
        let mut known: Vec<f64> = tsnr.iter().copied().filter(|value| value.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        if let Some(median) = known.get(known.len() / 2) {
            lines.push(("tSNR", format!("{median:.1}")));
        }
    }
    lines
}
