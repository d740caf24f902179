//! Recordings with nothing wrong, of very different content: nothing may be said of them.

use crate::made::Recipe;
use crate::measured::measure;

/// The i-th of many clean recordings.
fn clean(i: usize) -> Recipe {
    let pick = |stride: usize, of: usize| i / stride % of;
    let is_sparse = pick(1, 2) == 0;
    let is_dark = pick(2, 2) == 0;
    let bits = [10, 12, 16][pick(4, 3)];
    let (num_z, edge, num_t) =
        [(1, 96, 150), (6, 64, 80), (40, 40, 45), (2, 72, 120), (12, 56, 70), (20, 48, 60)][pick(1, 6)];
    let offset = [60.0, 100.0, 200.0][pick(3, 3)];
    let gain = [0.4, 1.0, 2.2, 5.0][pick(5, 4)];
    // A middling cell: dark ones are ten photons and a few times the read noise.
    let room = (f64::from(1u32 << bits) - offset) / 14.0;
    let brightness = if is_dark { 40.0_f64.max(10.0 * gain) } else { 900.0 }.min(room);
    let (cells, haze, background) = if is_sparse { (6, 0.1, 0.1) } else { (40, 0.4, 0.15) };
    Recipe {
        shape: [num_t, num_z, edge, edge + 8 * pick(7, 2)],
        seed: 1000 + i as u64,
        num_cells: (cells * num_z * edge * edge / 4096).max(4),
        // In so small images a larger cell is a good part of its plane, and its activity a change of all of it.
        cell_px: [2.0, 2.5, 3.5][pick(2, 3)],
        brightness,
        haze: haze * brightness,
        background: background * brightness,
        activity: [0.0, 0.5, 1.0][pick(3, 3)],
        slow: [0.0, 0.1, -0.1][pick(1, 3)],
        gain,
        offset,
        read_noise: [1.2, 2.5][pick(6, 2)],
        bits,
        faults: Vec::new(),
    }
}

/// What is said of clean recordings, one line each; nothing is hoped for.
fn false_alarms(indices: impl Iterator<Item = usize>) -> Vec<String> {
    let mut said = Vec::new();
    for i in indices {
        let recipe = clean(i);
        let measured = measure(&recipe);
        let brightest = measured.checked.table.row(0).unwrap().planes.iter().map(|plane| plane.range[1]);
        assert!(f64::from(brightest.fold(0.0, f32::max)) < recipe.full_scale(), "{i} is not clean: {recipe:?}");
        said.extend(measured.verdict.alarms.iter().map(|alarm| {
            let (code, t, z) = (alarm.code.name(), alarm.t, alarm.z);
            format!(
                "{i}: {code} {:?} t {t:?} z {z:?}: {:.3} beyond {} in {recipe:?}",
                alarm.gravity, alarm.value, alarm.limit
            )
        }));
    }
    said
}

#[test]
fn nothing_is_said_of_clean_recordings() {
    let said = false_alarms((0..240).step_by(19));
    assert!(said.is_empty(), "{} false alarms:\n{}", said.len(), said.join("\n"));
}

#[test]
#[ignore = "takes a minute: make qc-clean"]
fn nothing_is_said_of_hundreds_of_clean_recordings() {
    // By the first 240 some thresholds were chosen; TECTUM_CLEAN_FIRST=240 TECTUM_CLEAN_END=480 are others.
    let range = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (first, end) = (range("TECTUM_CLEAN_FIRST", 0), range("TECTUM_CLEAN_END", 240));
    let said = false_alarms(first..end);
    println!("{} false alarms in {} recordings", said.len(), end - first);
    assert!(said.is_empty(), "{} false alarms:\n{}", said.len(), said.join("\n"));
}
