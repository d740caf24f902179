//! The report as JSON, for programs. Arrays are in order of t, those of planes in order of z within; numbers have
//! six digits that say something. What cannot be had is null, and why stands in `notes`.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::series::{Field, Series, number, numbers};
use crate::qc::{Alarm, Code, Derived, Missing, PlaneRow, Report};

/// All of a report. Serialised piece by piece, so that a long recording needs no second copy of its table.
pub struct Json<'a>(pub &'a Report);

/// The reports of the channels of a recording.
#[derive(Serialize)]
pub struct Channels<'a> {
    tectum: &'a str,
    channels: Vec<Json<'a>>,
}

impl<'a> Channels<'a> {
    /// All of each report, in their order.
    pub fn of(reports: &'a [Report]) -> Self {
        let tectum = reports.first().map_or("", |first| first.provenance.version.as_str());
        Self { tectum, channels: reports.iter().map(Json).collect() }
    }
}

/// All of a report as one value.
pub fn json(report: &Report) -> Value {
    serde_json::to_value(Json(report)).unwrap_or(Value::Null)
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let derived = Derived::of(&report.table, &report.figures);
        let measures = measures(report, &derived);
        let mut notes: BTreeMap<&str, String> =
            report.figures.notes.iter().map(|(code, note)| (code.name(), note.clone())).collect();
        for (name, _) in measures.iter().filter(|(_, field)| field.is_null()) {
            // Times are kept under the name of what is wrong with them.
            let code = if *name == "timing" { Code::Gap.name() } else { name };
            notes.entry(code).or_insert_with(|| "was not measured".to_owned());
        }
        let head = [
            ("tectum", json!(report.provenance.version)),
            ("dataset", dataset(report)),
            ("volumes", json!(report.subject.shape[0])),
            ("usable", usable(report)),
        ];
        let tail = [
            ("alarms", report.alarms.iter().map(alarm).collect()),
            ("notes", json!(notes)),
            ("provenance", provenance(report)),
        ];
        let value = |(name, value)| (name, Field::Value(value));
        serializer.collect_map(head.into_iter().map(value).chain(measures).chain(tail.into_iter().map(value)))
    }
}

/// What was measured, under the names of the contract.
fn measures<'a>(report: &'a Report, derived: &'a Derived) -> Vec<(&'static str, Field<'a>)> {
    let figures = &report.figures;
    let planes = |of| Series::planes(&report.table, of);
    let full_scale = figures.full_scale.map(|full_scale| full_scale.value);
    let saturation = report.saturation();
    let fraction = planes(Box::new(move |plane| saturation.share(plane)));
    let saturation = match full_scale {
        Some(value) => Field::Group(vec![("full_scale", Field::Value(number(value))), ("fraction", fraction.into())]),
        None => Field::Value(Value::Null),
    };
    vec![
        ("intensity", intensity(report)),
        ("saturation", saturation),
        ("duplicate", duplicates(report).into()),
        ("missing", missing(report).into()),
        ("timing", timing(report).into()),
        ("motion", motion(report, derived)),
        ("z_drift", Field::group([("planes", Series::volumes(&report.table, |row| row.volume.z_drift))])),
        ("plane_slip", Field::group([("offset", Series::volumes(&report.table, |row| row.volume.slip))])),
        (
            "flyback",
            figures.flyback.map_or(Value::Null, |[first, last]| json!({ "first": first, "last": last })).into(),
        ),
        ("dvars", planes(Box::new(|plane| derived.change_percent(plane))).into()),
        ("tsnr", figures.tsnr.as_deref().map_or(Value::Null, numbers).into()),
        ("bleaching", bleaching(report).into()),
        ("photon_gain", photon_gain(report).into()),
        ("noise", figures.noise.map_or(Value::Null, |nu| json!({ "nu": number(nu) })).into()),
        ("focus", planes(Box::new(|plane| f64::from(plane.focus))).into()),
        ("stripes", planes(Box::new(|plane| f64::from(plane.stripes))).into()),
    ]
}

fn intensity(report: &Report) -> Field<'_> {
    let of = |of: fn(&PlaneRow) -> f32| Series::planes(&report.table, Box::new(move |row| f64::from(of(row))));
    Field::group([
        ("mean", of(|row| row.mean)),
        ("std", of(|row| row.std)),
        ("p01", of(|row| row.percentiles[0])),
        ("p50", of(|row| row.percentiles[1])),
        ("p99", of(|row| row.percentiles[2])),
    ])
}

fn motion<'a>(report: &'a Report, derived: &Derived) -> Field<'a> {
    let table = &report.table;
    let series = Field::group([
        ("dy", Series::volumes(table, |row| row.volume.shift[0])),
        ("dx", Series::volumes(table, |row| row.volume.shift[1])),
        ("quality", Series::volumes(table, |row| row.volume.shift_quality)),
    ]);
    let limit = report.provenance.limits.bad_frame.warn.unwrap_or(f64::INFINITY);
    let bad: Vec<usize> = (0..table.num_t()).filter(|t| derived.jump(*t) > limit).collect();
    match series {
        Field::Group(mut fields) => {
            fields.push(("bad", json!(bad).into()));
            Field::Group(fields)
        }
        other => other,
    }
}

fn dataset(report: &Report) -> Value {
    let subject = &report.subject;
    json!({
        "path": report.path,
        "channel": report.channel,
        "shape": subject.shape,
        "axes": "tzyx",
        "dtype": subject.dtype.name(),
        "voxel_size_um": subject.voxel_um,
        "rate_hz": subject.rate_hz,
    })
}

fn usable(report: &Report) -> Value {
    let usable = &report.usable;
    json!({
        "volumes": usable.expected,
        "of": usable.of,
        "minutes": usable.minutes(usable.expected).map_or(Value::Null, number),
    })
}

fn duplicates(report: &Report) -> Value {
    let table = &report.table;
    let is_duplicate = |t: &usize, z: &usize| table.plane(*t, *z).is_some_and(|plane| plane.is_duplicate);
    let of_volume = |t: usize| (0..table.num_z()).filter(move |z| is_duplicate(&t, z)).map(move |z| json!([t, z]));
    (0..table.num_t()).flat_map(of_volume).collect()
}

fn missing(report: &Report) -> Value {
    let all = [0, report.subject.num_z().saturating_sub(1)];
    let part =
        |part: &Missing| json!({ "t": part.t, "z": part.z.unwrap_or(all), "file": part.file, "reason": part.reason });
    report.missing.iter().map(part).collect()
}

fn timing(report: &Report) -> Value {
    report.figures.timing.as_ref().map_or(Value::Null, |timing| {
        let gap = |(t, seconds): &(usize, f64)| json!({ "t": t, "seconds": number(*seconds) });
        json!({
            "period_s": number(timing.period_s),
            "jitter_s": number(timing.jitter_s),
            "p99_s": number(timing.p99_s),
            "gaps": timing.gaps.iter().map(gap).collect::<Vec<_>>(),
        })
    })
}

fn bleaching(report: &Report) -> Value {
    let has_rate = report.subject.rate_hz.is_some();
    report.figures.bleaching.as_ref().map_or(Value::Null, |bleaching| {
        json!({
            "percent": numbers(&bleaching.percent),
            "overall_percent": number(bleaching.overall_percent),
            "tau": number(bleaching.tau),
            "per_minute": if has_rate { number(bleaching.per_minute) } else { Value::Null },
        })
    })
}

fn photon_gain(report: &Report) -> Value {
    report.figures.photon_gain.map_or(
        Value::Null,
        |photons| json!({ "gain": number(photons.gain), "zero": number(photons.zero), "levels": photons.num_levels }),
    )
}

fn alarm(alarm: &Alarm) -> Value {
    json!({
        "code": alarm.code,
        "severity": alarm.gravity,
        "t": alarm.t,
        "z": alarm.z,
        "value": number(alarm.value),
        "limit": number(alarm.limit),
        "message": alarm.message(),
    })
}

fn provenance(report: &Report) -> Value {
    let provenance = &report.provenance;
    json!({
        "version": provenance.version,
        "limits_name": provenance.limits_name,
        "limits": provenance.limits,
        "identity": provenance.identity,
        "read": { "t": provenance.range, "bytes": provenance.num_bytes, "seconds": number(provenance.seconds) },
        "cores": provenance.num_cores,
        "made_s": provenance.made_s,
        "recorded_s": provenance.recorded_s,
        "blocks": provenance.blocks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::{
        Bleaching, Evidence, Figures, FullScale, Limits, Provenance, Row, Subject, Table, Timing, VolumeRow, judge,
    };
    use crate::volume::DType;

    /// Three volumes of two planes, the second of which repeats the first in plane 1; the third was not looked at.
    fn report() -> Report {
        let subject = Subject {
            shape: [3, 2, 10, 20],
            dtype: DType::U16,
            rate_hz: Some(5.0),
            voxel_um: Some([8.0, 0.5, 0.5]),
            planned_t: None,
            times_s: None,
        };
        let mut table = Table::new(3, 2);
        for t in 0..2 {
            let plane = PlaneRow {
                is_there: true,
                mean: 150.123_46,
                std: 20.0,
                percentiles: [101.0, 150.0, 300.5],
                range: [90.0, 4095.0],
                at_scale: [0, 3, 0, 0],
                change: if t == 0 { f32::NAN } else { 5.0 },
                ..PlaneRow::ABSENT
            };
            let volume = VolumeRow { shift: [0.1, -0.25], shift_quality: 3.0, ..VolumeRow::UNKNOWN };
            let planes = vec![plane, PlaneRow { is_duplicate: t == 1, ..plane }];
            table.set(t, Row { planes, volume, is_complete: true });
        }
        let mut figures = Figures {
            full_scale: Some(FullScale { value: 4095.0, is_detected: true }),
            offset: Some(100.0),
            bleaching: Some(Bleaching {
                percent: vec![3.0, f64::NAN],
                overall_percent: 3.0,
                tau: f64::INFINITY,
                per_minute: 1.5,
            }),
            timing: Some(Timing { period_s: 0.2, jitter_s: 1.0 / 3.0, p99_s: 0.4, gaps: vec![(2, 0.4)] }),
            ..Figures::default()
        };
        figures.notes.insert(Code::PhotonGain, "not enough range".into());
        let reason = "is truncated".to_owned();
        let missing = vec![Missing { t: [2, 2], z: None, file: Some("0001.h5".into()), reason }];
        let limits = Limits::default();
        let verdict =
            judge(&Evidence { subject: &subject, table: &table, figures: &figures, missing: &missing }, &limits);
        let provenance = Provenance {
            version: "0.2.0".into(),
            limits_name: "rig".into(),
            limits,
            identity: "7c1e".into(),
            range: [0, 3],
            num_bytes: 2400,
            seconds: 0.5,
            made_s: 1.0,
            num_cores: 2,
            recorded_s: None,
            blocks: Some([1, 2]),
        };
        Report {
            name: "fish".into(),
            channel: None,
            path: "/data/fish".into(),
            subject,
            table,
            figures,
            missing,
            alarms: verdict.alarms,
            usable: verdict.usable,
            lost: verdict.lost,
            pictures: None,
            provenance,
        }
    }

    #[test]
    fn it_holds_what_the_contract_names_in_that_order() {
        let text = serde_json::to_string(&Json(&report())).unwrap();
        let names = [
            "tectum",
            "dataset",
            "volumes",
            "usable",
            "intensity",
            "saturation",
            "duplicate",
            "missing",
            "timing",
            "motion",
            "z_drift",
            "plane_slip",
            "flyback",
            "dvars",
            "tsnr",
            "bleaching",
            "photon_gain",
            "noise",
            "focus",
            "stripes",
            "alarms",
            "notes",
            "provenance",
        ];
        let mut at = 0;
        for name in names {
            let found = text[at..].find(&format!("\"{name}\":"));
            at += found.unwrap_or_else(|| panic!("{name} does not come after those before it"));
        }
    }

    #[test]
    fn numbers_are_as_measured_to_six_digits_and_null_where_there_are_none() {
        let json = json(&report());
        assert_eq!(json["intensity"]["mean"], json!([[150.123, 150.123], [150.123, 150.123], [null, null]]));
        assert_eq!(json["intensity"]["p99"][1], json!([300.5, 300.5]));
        assert_eq!(
            json["saturation"],
            json!({
                "full_scale": 4095, "fraction": [[0.015, 0.015], [0.015, 0.015], [null, null]]
            })
        );
        assert_eq!(json["dvars"], json!([[null, null], [9.97537, 9.97537], [null, null]]), "5 of 50.123");
        assert_eq!(json["motion"]["dx"], json!([-0.25, -0.25, null]));
        assert_eq!(json["duplicate"], json!([[1, 1]]));
        assert_eq!(json["missing"], json!([{"t": [2, 2], "z": [0, 1], "file": "0001.h5", "reason": "is truncated"}]));
        assert_eq!(json["timing"]["jitter_s"], json!(0.333333));
        assert_eq!(
            json["bleaching"],
            json!({
                "percent": [3, null], "overall_percent": 3, "tau": null, "per_minute": 1.5
            })
        );
        assert_eq!(json["dataset"]["shape"], json!([3, 2, 10, 20]));
        assert_eq!(json["usable"]["of"], json!(3));
    }

    #[test]
    fn what_is_null_has_a_note_why() {
        let json = json(&report());
        for name in ["z_drift", "plane_slip", "flyback", "tsnr", "photon_gain", "noise", "focus", "stripes"] {
            assert!(json[name].is_null(), "{name}");
            assert!(json["notes"][name].is_string(), "no note on {name}");
        }
        assert_eq!(json["notes"]["photon_gain"], "not enough range");
        assert!(json["notes"].get("motion").is_none());
    }

    #[test]
    fn alarms_say_what_is_wrong_and_what_to_do() {
        let json = json(&report());
        let alarms = json["alarms"].as_array().unwrap();
        let saturated = alarms.iter().find(|alarm| alarm["code"] == "saturation").unwrap();
        assert_eq!(
            (&saturated["severity"], &saturated["t"], &saturated["z"]),
            (&json!("alarm"), &json!([0, 1]), &Value::Null)
        );
        let message = saturated["message"].as_str().unwrap();
        assert!(message.starts_with("All planes saturated, t 0–1. Up to 1.5 % of their voxels"), "{message}");
        assert!(message.ends_with("Lower the laser or the exposure."), "{message}");
        let missing = alarms.iter().find(|alarm| alarm["code"] == "missing").unwrap();
        assert!(missing["message"].as_str().unwrap().contains("0001.h5: is truncated."));
    }
}
