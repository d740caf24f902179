//! What `--channel` picks of a recording, compared with what is computed here from an export of all of it, which is
//! that of the program that wrote the fixture.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{Fixture, export, refusal, shape_of, tectum};

fn sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(name)
}

/// A fixture of 16-bit voxels with an axis of channels: its axes, its shape, and all of its voxels, which have the hash
/// that the manifest beside it names.
struct Whole {
    path: PathBuf,
    axes: &'static str,
    shape: Vec<usize>,
    voxels: Vec<u16>,
}

impl Whole {
    fn load(name: &str, axes: &'static str) -> Self {
        let path = sources(name);
        let manifest = std::fs::read_to_string(path.with_file_name("manifest.json")).unwrap();
        let exported = export(&path, &[]);
        let (header, hash) = exported.hash(name);
        assert!(manifest.contains(&hash), "{name} is not what its writer says");
        let shape = shape_of(&header).into_iter().map(|dim| dim as usize).collect();
        Self { path, axes, shape, voxels: as_u16(&exported.file.unwrap().1) }
    }

    fn axis(&self, letter: char) -> usize {
        self.axes.find(letter).unwrap()
    }

    /// The voxels of a channel, the others left out: of all that are, those at an index along another axis.
    fn of(&self, channel: usize, at: Option<(char, usize)>) -> Vec<u16> {
        let is_meant = |offset: &usize| {
            let index = |axis: usize| offset / self.shape[axis + 1..].iter().product::<usize>() % self.shape[axis];
            index(self.axis('c')) == channel && at.is_none_or(|(letter, i)| index(self.axis(letter)) == i)
        };
        (0..self.voxels.len()).filter(is_meant).map(|offset| self.voxels[offset]).collect()
    }
}

fn as_u16(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

fn fixtures() -> [Whole; 2] {
    // The axis of channels before that of planes, and behind it.
    [Whole::load("ome/v04_blosc.zarr", "tczyx"), Whole::load("tiff/imagej_tzcyx.tif", "tzcyx")]
}

#[test]
fn a_channel_is_exported_as_an_array_without_the_axis_of_channels() {
    for whole in fixtures() {
        let mut shape: Vec<u64> = whole.shape.iter().map(|dim| *dim as u64).collect();
        let num = shape.remove(whole.axis('c')) as usize;
        let mut seen = Vec::new();
        for channel in 0..num {
            let name = channel.to_string();
            let of = |more: &[&str]| export(&whole.path, &[&["--channel", &name], more].concat()).file.unwrap();
            let (header, bytes) = of(&[]);
            assert_eq!(
                (shape_of(&header), as_u16(&bytes)),
                (shape.clone(), whole.of(channel, None)),
                "{:?}",
                whole.path
            );
            // An index speaks of the axes that are left: its second is that of planes.
            let (header, bytes) = of(&["--select", ":, 1"]);
            assert_eq!(shape_of(&header), [shape[0], shape[2], shape[3]]);
            assert_eq!(as_u16(&bytes), whole.of(channel, Some(('z', 1))));
            let (_, bytes) = of(&["--select", "0, ..., ::-1, :", "--project", "max", "--over", "z"]);
            let volume = whole.of(channel, Some(('t', 0)));
            let [rows, columns] = [shape[2] as usize, shape[3] as usize];
            let folded = (0..rows * columns).map(|pixel| {
                let at = (rows - 1 - pixel / columns) * columns + pixel % columns;
                volume.iter().skip(at).step_by(rows * columns).max().copied().unwrap()
            });
            assert_eq!(as_u16(&bytes), folded.collect::<Vec<_>>());
            seen.push(as_u16(&of(&[]).1));
        }
        assert!(num > 1 && seen.windows(2).all(|pair| pair[0] != pair[1]), "channels that are the same prove nothing");
    }
}

#[test]
fn channels_in_folders_of_their_own_are_exported_and_measured_by_name() {
    let fixture = Fixture::load("b_brunoise_both");
    let path = fixture.root.parent().unwrap().to_owned();
    let hash = |voxels: &[u8]| format!("{:x}", Sha256::digest(voxels));
    let green = export(&path, &["--channel", "Green"]).file.unwrap().1;
    assert_eq!(hash(&green), fixture.manifest["sha256"].as_str().unwrap());
    // Red is green + 1.
    let red = export(&path, &["-c", "1"]).file.unwrap().1;
    let as_i16 = |bytes: &[u8]| as_u16(bytes).into_iter().map(|value| value as i16).collect::<Vec<_>>();
    let more: Vec<i16> = as_i16(&green).into_iter().map(|value| value.wrapping_add(1)).collect();
    assert_eq!(as_i16(&red), more);
    let measured = |args: &[&str]| -> Value {
        let output = tectum([&["qc", path.to_str().unwrap(), "--json", "-"], args].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{args:?}"))
    };
    let both = measured(&[]);
    let channels = both["channels"].as_array().unwrap();
    let names: Vec<_> = channels.iter().map(|report| report["dataset"]["channel"].as_str().unwrap()).collect();
    assert_eq!(names, ["green", "red"]);
    for (report, voxels) in channels.iter().zip([as_i16(&green), as_i16(&red)]) {
        let plane = fixture.shape()[2..].iter().product::<u64>() as usize;
        for (i, values) in voxels.chunks(plane).enumerate() {
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / plane as f64;
            let found = report["intensity"]["mean"][i / 3][i % 3].as_f64().unwrap();
            assert!((found - mean).abs() <= 1e-5 * mean.abs().max(1.0), "plane {i}: {found}, not {mean}");
        }
    }
    // One alone is what it is among them, however it was named.
    for args in [&["--channel", "red"][..], &["-c", "1"], &["--dataset", "red"]] {
        let alone = measured(args);
        assert_eq!((&alone["intensity"], &alone["dataset"]), (&channels[1]["intensity"], &channels[1]["dataset"]));
    }
    assert_eq!(measured(&["-c", "red", "-c", "0"])["channels"].as_array().unwrap().len(), 2);
}

#[test]
fn every_channel_of_an_array_is_measured_for_itself() {
    for whole in fixtures() {
        let path = whole.path.to_str().unwrap();
        let output = tectum(["qc", path, "--json", "-"]);
        let both: Value = serde_json::from_slice(&output.stdout).unwrap();
        let [num_t, num_z] = [whole.axis('t'), whole.axis('z')].map(|axis| whole.shape[axis]);
        let table = tectum(["qc", path, "--csv", "-"]);
        let table = String::from_utf8(table.stdout).unwrap();
        let mut lines = table.lines().skip(1);
        for (channel, report) in both["channels"].as_array().unwrap().iter().enumerate() {
            let voxels = whole.of(channel, None);
            let name = report["dataset"]["channel"].as_str().unwrap();
            for (i, values) in voxels.chunks(voxels.len() / num_t / num_z).enumerate() {
                let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
                let found = report["intensity"]["mean"][i / num_z][i % num_z].as_f64().unwrap();
                assert!((found - mean).abs() <= 1e-5 * mean.max(1.0), "{path}, {name}, plane {i}: {found}, not {mean}");
                let fields: Vec<&str> = lines.next().unwrap().split(',').collect();
                assert_eq!(fields[..2], [(i / num_z).to_string(), (i % num_z).to_string()]);
                assert_eq!(fields[24], name);
                assert!((fields[5].parse::<f64>().unwrap() - mean).abs() <= 1e-5 * mean.max(1.0));
            }
        }
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn the_worst_channel_counts_and_each_has_a_page_of_its_own() {
    let folder = TempDir::new().unwrap();
    let from = Fixture::load("b_brunoise_both").root.parent().unwrap().to_owned();
    for channel in ["green", "red"] {
        std::fs::create_dir(folder.path().join(channel)).unwrap();
        for entry in from.join(channel).read_dir().unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(channel).join(entry.file_name())).unwrap();
        }
    }
    std::fs::remove_file(folder.path().join("red/0001.h5")).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let limits = elsewhere.path().join("limits.json");
    std::fs::write(&limits, r#"{"underexposed": {"warn": null, "alarm": null}}"#).unwrap();
    let path = folder.path().to_str().unwrap();
    let run = |args: &[&str]| {
        let limits = limits.to_str().unwrap();
        tectum([&["qc", path, "--limits", limits, "--fail-on", "alarm"], args].concat())
    };
    let code = |args: &[&str]| run(args).status.code();
    assert_eq!((code(&["-c", "green"]), code(&["-c", "red"]), code(&[])), (Some(0), Some(3), Some(3)));
    let words = String::from_utf8(run(&[]).stdout).unwrap();
    assert!(words.contains("(green)\n") && words.contains("(red)\n"), "{words}");
    let page = elsewhere.path().join("page.html");
    assert_eq!(code(&["--html", page.to_str().unwrap()]), Some(3));
    for channel in ["green", "red"] {
        let page = std::fs::read_to_string(elsewhere.path().join(format!("page-{channel}.html"))).unwrap();
        assert!(page.contains(&format!("({channel})")), "{channel}");
    }
    assert!(!page.exists());
    // They are there now.
    assert!(refusal(&run(&["--html", page.to_str().unwrap()]), "pages").contains("exists already"));
    assert_eq!(code(&["--html", page.to_str().unwrap(), "-c", "green"]), Some(0));
    assert!(page.exists());
    let quality = run(&["--json", "-", "--format", "aind"]).stdout;
    let quality: Value = serde_json::from_slice(&quality).unwrap();
    let status = |tag: &str| quality["status"][tag].as_str().unwrap().to_owned();
    assert_eq!([status("measure:missing"), status("channel:red")], ["Fail", "Fail"]);
    assert_ne!(status("channel:green"), "Fail");
}

#[test]
fn a_recording_that_has_ended_is_followed_to_its_end_in_every_channel() {
    let fixture = Fixture::load("b_brunoise_both");
    let path = fixture.root.parent().unwrap();
    let output = tectum(["qc", path.to_str().unwrap(), "--follow"]);
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for channel in ["green", "red"] {
        let of = |event: &str| {
            let mut found = lines.iter().filter(|line| line["event"] == event && line["channel"] == channel);
            (found.next_back(), found.count())
        };
        assert_eq!(of("block").0.unwrap()["measured"], 40);
        let (report, others) = of("report");
        assert_eq!((&report.unwrap()["report"]["dataset"]["channel"], others), (&channel.into(), 0));
    }
}

#[test]
fn a_channel_that_is_not_there_is_refused_with_those_that_are() {
    let both = Fixture::load("b_brunoise_both").root.parent().unwrap().to_owned();
    let alone = Fixture::load("a_4d_default").root;
    for (path, args, said) in [
        (&both, vec!["qc", "-c", "blue"], "green (0), red (1)"),
        (&both, vec!["qc", "-c", "2"], "green (0), red (1)"),
        (&both, vec!["qc", "--html", "-"], "each channel has a page of its own"),
        (&alone, vec!["qc", "-c", "green"], "no channels"),
    ] {
        let (command, args) = args.split_first().unwrap();
        let output = tectum([&[command, path.to_str().unwrap()], args].concat());
        assert!(refusal(&output, said).contains(said), "{:?}", String::from_utf8_lossy(&output.stderr));
    }
    for (path, channel, said) in
        [(&both, "blue", "green (0)"), (&both, "all", "name one"), (&alone, "0", "no channels")]
    {
        let exported = export(path, &["-c", channel]);
        assert!(refusal(&exported.output, said).contains(said));
    }
}
