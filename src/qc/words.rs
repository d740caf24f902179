//! What alarms say: what is wrong, what it means for the one who records, and what to do.

use super::watch::Finding;
use super::{Alarm, Code, Evidence, Gravity};

/// U+2009, between thousands and before units.
const THIN_SPACE: char = '\u{2009}';

/// What is found, in words. `reason` is why something is missing.
pub(super) fn alarm(evidence: &Evidence<'_>, finding: &Finding, reason: &str) -> Alarm {
    let Finding { code, gravity, span, limit, is_open } = *finding;
    let whole = [0, evidence.subject.num_z().saturating_sub(1)];
    let is_of_planes = matches!(
        code,
        Code::Saturation
            | Code::Underexposed
            | Code::Duplicate
            | Code::Missing
            | Code::Dvars
            | Code::Focus
            | Code::Flyback
    );
    let z = (is_of_planes && !is_volume_dark(finding) && span.z != whole).then_some(span.z);
    let [title, detail, advice] = say(evidence, finding, z, reason);
    Alarm { code, gravity, t: span.t, z, value: span.worst, limit, is_open, title, detail, advice }
}

fn is_volume_dark(finding: &Finding) -> bool {
    finding.code == Code::Underexposed && finding.gravity == Gravity::Alarm
}

/// Title, detail and advice.
fn say(evidence: &Evidence<'_>, finding: &Finding, z: Option<[usize; 2]>, reason: &str) -> [String; 3] {
    let value = finding.span.worst;
    let things = things(z, finding.span.num);
    let planes = planes(z);
    let limit = short(finding.limit);
    let texts = |title: String, detail: String, advice: &str| [title, detail, advice.to_owned()];
    match finding.code {
        Code::Saturation => {
            let at = evidence.figures.full_scale.map_or(String::new(), |scale| format!(" at {}", number(scale.value)));
            let detail = format!("Up to {} % of {} voxels{at}.", short(value), their(z));
            texts(format!("{planes} saturated"), detail, "Lower the laser or the exposure.")
        }
        Code::Underexposed if is_volume_dark(finding) => texts(
            count(finding.span.num, "dark volume"),
            "Signal at the camera’s dark level.".into(),
            "Check the shutter and the laser.",
        ),
        Code::Underexposed => texts(
            format!("{planes} gone dark"),
            "Signal at the camera’s dark level, where there was light at first.".into(),
            "Check the light sheet and its range.",
        ),
        Code::Duplicate => texts(
            format!("{things} repeated"),
            "Every voxel equals that of the volume before.".into(),
            "Leave out what is repeated, and look for lost frames in the camera’s log.",
        ),
        Code::Missing => {
            let detail = if reason.is_empty() { "Not in the recording.".to_owned() } else { sentence(reason) };
            texts(format!("{things} missing"), detail, "Leave out what is missing, or copy the recording again.")
        }
        Code::Motion => texts(
            format!("Sample moved, {} px", short(value)),
            format!("Limit {limit} px."),
            if finding.gravity == Gravity::Alarm {
                "Leave these volumes out, and hold the sample better."
            } else {
                "Align the volumes before they are analysed."
            },
        ),
        Code::ZDrift => texts(
            format!("Shifted along z, {} planes{}", short(value), micrometres(evidence, value)),
            format!("Limit {limit} planes."),
            "Planes show other depths than at first: let the sample settle, or follow it with the focus.",
        ),
        Code::PlaneSlip => slip(value as i64),
        Code::Dvars => texts(
            format!("{planes} changed suddenly"),
            format!("By {} × what is usual from one volume to the next; limit {limit} ×.", short(value)),
            "Look at these volumes: nothing else that is measured explains it.",
        ),
        Code::Focus => texts(
            format!("{planes} out of focus"),
            format!("Sharpness down to {} % of that at first; limit {limit} %.", short(value)),
            "Focus again, and check the alignment of light sheet and objective.",
        ),
        Code::Bleaching => bleaching(evidence, finding),
        Code::Flyback => {
            let end = if z.is_some_and(|z| z[0] == 0) { "first" } else { "last" };
            let num = finding.span.num;
            let (title, skip) = match num {
                1 => (format!("{} plane blurred", capital(end)), format!("Skip the {end} plane.")),
                _ => (format!("{} {num} planes blurred", capital(end)), format!("Skip the {end} {num} planes.")),
            };
            texts(title, "The piezo is still on its way back while they are taken.".into(), &skip)
        }
        Code::Gap => gap(evidence, finding),
        Code::BadFrame => texts(
            count(finding.span.num, "sudden jump"),
            "Shift and likeness are far from those of the volumes before.".into(),
            "Leave these volumes out.",
        ),
        code => [code.name().to_owned(), String::new(), String::new()],
    }
}

fn slip(planes: i64) -> [String; 3] {
    let by = match planes.abs() {
        1 => "one".to_owned(),
        more => more.to_string(),
    };
    let (sign, cause) = if planes > 0 { ('+', "A camera frame was lost") } else { ('−', "A camera frame too many") };
    [
        format!("Planes shifted by {by}"),
        format!("{cause}: plane z shows what z {sign} {} showed before.", planes.abs()),
        "Stop and start the recording anew.".into(),
    ]
}

fn bleaching(evidence: &Evidence<'_>, finding: &Finding) -> [String; 3] {
    let advice = "Lower the laser’s power, or the time it is on.".to_owned();
    let limit = short(finding.limit);
    if finding.gravity == Gravity::Alarm {
        let detail = format!("From here on more than {limit} % of the light at first is lost.");
        return [format!("Bleached by {} %", short(finding.span.worst)), detail, advice];
    }
    let time = if evidence.subject.rate_hz.is_some() { "10 min" } else { "1000 volumes" };
    let title = format!("Bleaching, {} % in {time}", short(finding.span.worst));
    [title, format!("Limit {limit} % in {time}."), advice]
}

fn gap(evidence: &Evidence<'_>, finding: &Finding) -> [String; 3] {
    let period = evidence.figures.timing.as_ref().map_or(f64::NAN, |timing| timing.period_s);
    let seconds = short(finding.span.worst * period);
    let usual = short(period);
    let advice = "Look for timepoints the rig did not keep, and take their times from the file.".to_owned();
    if finding.gravity == Gravity::Alarm {
        let detail = format!("One in a hundred comes {seconds} s or more after the one before, most after {usual} s.");
        return ["Timepoints at irregular times".into(), detail, advice];
    }
    [format!("Gap of {seconds} s"), format!("Most timepoints are {usual} s apart."), advice]
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

fn planes(z: Option<[usize; 2]>) -> String {
    match z {
        None => "All planes".into(),
        Some([first, last]) if first == last => format!("Plane {first}"),
        Some([first, last]) => format!("Planes {first}–{last}"),
    }
}

fn their(z: Option<[usize; 2]>) -> &'static str {
    if z.is_some_and(|[first, last]| first == last) { "its" } else { "their" }
}

/// Volumes by their number, planes by their places.
fn things(z: Option<[usize; 2]>, num: usize) -> String {
    if z.is_some() { planes(z) } else { count(num, "volume") }
}

fn count(num: usize, what: &str) -> String {
    format!("{} {what}{}", number(num as f64), if num == 1 { "" } else { "s" })
}

fn micrometres(evidence: &Evidence<'_>, planes: f64) -> String {
    let voxel = evidence.subject.voxel_um.map(|voxel| voxel[0]).filter(|edge| *edge > 0.0);
    voxel.map_or(String::new(), |edge| format!(" ({} µm)", short(planes * edge)))
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// A number to two digits that say something.
pub(super) fn short(value: f64) -> String {
    if !value.is_finite() {
        return "?".into();
    }
    let digits = if value == 0.0 { 0 } else { (1 - value.abs().log10().floor() as i32).clamp(0, 6) as usize };
    let text = format!("{value:.digits$}");
    if digits > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number(value) }
}

/// A whole number with its thousands apart.
fn number(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "−" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(THIN_SPACE);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_their_thousands_apart() {
        let cases =
            [(6.83, "6.8"), (0.0449, "0.045"), (0.1, "0.1"), (65535.0, "65\u{2009}535"), (5.0, "5"), (12.4, "12")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!((short(f64::NAN).as_str(), number(-4095.0).as_str()), ("?", "−4\u{2009}095"));
    }
}
