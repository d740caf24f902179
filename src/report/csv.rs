//! The measures as a table: a line for each plane of each timepoint, for whoever works on with them.

use crate::qc::{PlaneRow, Report, VolumeRow};

/// The columns. Those of the volume stand on each of its planes.
const COLUMNS: [&str; 25] = [
    "t",
    "z",
    "time_s",
    "usable",
    "there",
    "mean",
    "std",
    "p01",
    "p50",
    "p99",
    "min",
    "max",
    "saturated_percent",
    "duplicate",
    "change_rms",
    "focus",
    "stripes",
    "dy_px",
    "dx_px",
    "motion_quality",
    "correlation",
    "z_drift_planes",
    "slip_planes",
    "complete",
    "channel",
];

/// All timepoints that have been looked at, in order, of one channel after the other. What cannot be had is an empty
/// field.
///
/// # Errors
/// None that can happen in memory.
pub fn csv(reports: &[Report]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for report in reports {
        write(report, &mut writer)?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(report: &Report, writer: &mut csv::Writer<Vec<u8>>) -> Result<(), csv::Error> {
    for t in 0..report.table.num_t() {
        let Some(row) = report.table.row(t) else { continue };
        let usable = row.is_complete && !report.lost.iter().any(|lost| (lost[0]..lost[1]).contains(&t));
        let time = report.subject.rate_hz.map_or(f64::NAN, |rate| t as f64 / rate);
        for (z, plane) in row.planes.iter().enumerate() {
            let mut fields = vec![t.to_string(), z.to_string(), number(time), flag(usable)];
            fields.extend(of_plane(report, plane));
            fields.extend(of_volume(&row.volume));
            fields.extend([flag(row.is_complete), report.channel.clone().unwrap_or_default()]);
            writer.write_record(&fields)?;
        }
    }
    Ok(())
}

fn of_plane(report: &Report, plane: &PlaneRow) -> Vec<String> {
    let mut fields = vec![flag(plane.is_there)];
    let [p01, p50, p99] = plane.percentiles;
    fields.extend([plane.mean, plane.std, p01, p50, p99, plane.range[0], plane.range[1]].map(|v| number(f64::from(v))));
    fields.push(number(report.saturation().percent(plane)));
    fields.push(if plane.is_there { flag(plane.is_duplicate) } else { String::new() });
    fields.extend([plane.change, plane.focus, plane.stripes].map(|v| number(f64::from(v))));
    fields
}

fn of_volume(volume: &VolumeRow) -> [String; 6] {
    let [dy, dx] = volume.shift;
    let values = [dy, dx, volume.shift_quality, volume.correlation, volume.z_drift, volume.slip];
    values.map(|value| number(f64::from(value)))
}

fn number(value: f64) -> String {
    if value.is_finite() { (value as f32).to_string() } else { String::new() }
}

fn flag(is_so: bool) -> String {
    u8::from(is_so).to_string()
}
