//! The report as a `quality_control.json` of aind-data-schema, for pipelines that collect those.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::qc::{Code, Gravity, Report};

/// The version of the schema this was written to.
const SCHEMA_VERSION: &str = "2.4.2";
const DESCRIBED_BY: &str = "https://raw.githubusercontent.com/AllenNeuralDynamics/aind-data-schema/main/src/aind_data_schema/core/quality_control.py";

/// How a measure turned out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Pass,
    /// A warning, or a measure that could not be had: somebody has to look.
    Pending,
    Fail,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "Pass",
            Self::Pending => "Pending",
            Self::Fail => "Fail",
        }
    }
}

/// One metric for each measure, and one for the usable share, of each channel. A measure with an alarm fails; one with
/// a warning, or that could not be had, is pending. Of several channels the worst counts.
pub fn aind(reports: &[Report]) -> Value {
    let mut statuses = BTreeMap::new();
    let mut metrics = Vec::new();
    for report in reports {
        metrics.push(metric(report, "usable", usable_status(report), usable_value(report), USABLE, &mut statuses));
        for code in Code::ALL {
            let status = status(report, code);
            metrics.push(metric(report, code.name(), status, value(report, code), description(code), &mut statuses));
        }
    }
    let worst = statuses.values().copied().max().unwrap_or(Status::Pending);
    let mut all: Map<String, Value> =
        statuses.iter().map(|(tag, status)| (tag.clone(), json!(status.name()))).collect();
    let notes: Vec<String> =
        reports.iter().map(|report| format!("{}, limits: {}", report.path, report.provenance.limits_name)).collect();
    all.insert("pophys".into(), json!(worst.name()));
    all.insert("Raw data".into(), json!(worst.name()));
    json!({
        "object_type": "Quality control",
        "describedBy": DESCRIBED_BY,
        "schema_version": SCHEMA_VERSION,
        "metrics": metrics,
        "key_experimenters": null,
        "notes": notes.join("; "),
        "default_grouping": ["measure"],
        "allow_tag_failures": [],
        "status": all,
    })
}

const USABLE: &str = "Timepoints without an alarm. Pass from 95 %, pending from 50 %, fail below.";

fn usable_status(report: &Report) -> Status {
    match report.usable.share() {
        share if share >= 0.95 => Status::Pass,
        share if share >= 0.5 => Status::Pending,
        _ => Status::Fail,
    }
}

fn usable_value(report: &Report) -> Value {
    json!({ "volumes": report.usable.volumes, "of": report.usable.of })
}

fn status(report: &Report, code: Code) -> Status {
    let worst = report.alarms.iter().filter(|alarm| alarm.code == code).map(|alarm| alarm.gravity).max();
    match worst {
        Some(Gravity::Alarm) => Status::Fail,
        Some(Gravity::Warn) => Status::Pending,
        None if report.figures.notes.contains_key(&code) && value(report, code)["figure"].is_null() => Status::Pending,
        None => Status::Pass,
    }
}

/// What was measured: the figure of the whole recording where there is one, and the alarms.
fn value(report: &Report, code: Code) -> Value {
    let figures = &report.figures;
    let figure = match code {
        Code::Saturation => figures.full_scale.map(|scale| json!({ "full_scale": scale.value })),
        Code::Tsnr => figures.tsnr.as_ref().map(|tsnr| json!(tsnr)),
        Code::Bleaching => figures.bleaching.as_ref().map(|bleaching| json!({ "percent": bleaching.overall_percent })),
        Code::PhotonGain => figures.photon_gain.map(|gain| json!({ "gain": gain.gain, "zero": gain.zero })),
        Code::Noise => figures.noise.map(|noise| json!({ "nu": noise })),
        Code::Flyback => figures.flyback.map(|[first, last]| json!({ "first": first, "last": last })),
        Code::Missing => Some(json!(report.missing.len())),
        Code::Gap => figures.timing.as_ref().map(|timing| json!({ "p99_s": timing.p99_s })),
        _ => None,
    };
    let alarms: Vec<Value> = report
        .alarms
        .iter()
        .filter(|alarm| alarm.code == code)
        .map(|alarm| json!({ "t": alarm.t, "z": alarm.z, "value": alarm.value, "limit": alarm.limit }))
        .collect();
    json!({ "figure": figure, "alarms": alarms, "note": figures.notes.get(&code) })
}

fn description(code: Code) -> &'static str {
    match code {
        Code::Intensity => "Mean, deviation and percentiles of each plane.",
        Code::Saturation => "Share of voxels at full scale, of each plane and timepoint.",
        Code::Underexposed => "Median above the camera's offset, against its read noise.",
        Code::Duplicate => "Planes equal to the same plane one timepoint before.",
        Code::Missing => "Volumes or planes that are not there.",
        Code::Gap => "Time between timepoints, where the recording says when each was taken.",
        Code::Motion => "Shift of the max-over-z image against the first volumes, px.",
        Code::BadFrame => "Sudden jumps, by suite2p's rule.",
        Code::ZDrift => "Shift along z against the first volumes, planes.",
        Code::PlaneSlip => "Planes rotated against the first volumes: lost camera frames.",
        Code::Flyback => "End planes blurred or displaced by the piezo's return.",
        Code::Dvars => "Root mean square of the change from one timepoint to the next.",
        Code::Tsnr => "Mean over standard deviation along t, median over the voxels of each plane.",
        Code::Bleaching => "Light lost from the first to the last timepoint, by an exponential fit.",
        Code::PhotonGain => "Counts for each photon, from the photon transfer curve.",
        Code::Noise => "Shot-noise level of the brightest voxels.",
        Code::Focus => "Sharpness of each plane: normalised DCT Shannon entropy.",
        Code::Stripes => "Share of energy in row-constant and column-constant structure.",
    }
}

fn metric(
    report: &Report,
    name: &str,
    status: Status,
    value: Value,
    description: &str,
    statuses: &mut BTreeMap<String, Status>,
) -> Value {
    let channel = report.channel.as_ref();
    let mut tags = Map::from_iter([("measure".to_owned(), json!(name))]);
    tags.extend(channel.map(|channel| ("channel".to_owned(), json!(channel))));
    for (tag, value) in &tags {
        let known = statuses.entry(format!("{tag}:{}", value.as_str().unwrap_or_default())).or_insert(status);
        *known = (*known).max(status);
    }
    let made = std::time::Duration::try_from_secs_f64(report.provenance.made_s).unwrap_or_default();
    let timestamp = jiff::Timestamp::try_from(std::time::SystemTime::UNIX_EPOCH + made).unwrap_or_default();
    json!({
        "object_type": "QC metric",
        "name": channel.map_or_else(|| name.to_owned(), |channel| format!("{name} ({channel})")),
        "modality": { "name": "Planar optical physiology", "abbreviation": "pophys" },
        "stage": "Raw data",
        "value": value,
        "status_history": [{
            "object_type": "QC status",
            "evaluator": format!("Tectum {}", report.provenance.version),
            "status": status.name(),
            "timestamp": timestamp.to_string(),
        }],
        "description": description,
        "reference": null,
        "tags": tags,
        "evaluated_assets": null,
    })
}
