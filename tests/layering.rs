//! Holds the code to the table in `src/lib.rs`: who may import whom, and who may name which library.

use std::fs;
use std::path::{Path, PathBuf};

/// For each layer, the layers it may name.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("volume", &["machine"]),
    ("machine", &[]),
    ("codec", &["volume"]),
    ("format", &["volume", "codec"]),
    ("array", &["volume", "format"]),
    ("stream", &["volume", "format", "array", "machine"]),
    ("live", &["volume", "format"]),
    ("qc", &["volume"]),
    ("report", &["volume", "qc"]),
    ("text", &["format"]),
    ("sweep", &["volume", "format", "array", "qc", "machine"]),
    ("render", &["volume"]),
    ("write", &["volume", "codec", "format", "array", "machine"]),
    ("jobs", &["volume", "codec", "format", "array", "machine", "write", "sweep", "qc", "report"]),
    ("demo", &["volume", "codec", "format", "write"]),
    ("ui", &["text", "volume", "array", "stream", "live", "render", "format", "qc", "sweep"]),
    (
        "app",
        &[
            "text", "volume", "codec", "format", "array", "stream", "live", "render", "ui", "write", "demo", "qc",
            "sweep", "report", "machine",
        ],
    ),
];

/// For each library, the only places that may name it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("hdf5::", &["format/hdf5", "write/hdf5"]),
    ("hdf5_sys::", &["format/hdf5", "write/hdf5"]),
    ("wgpu::", &["render", "app"]),
    ("egui::", &["ui", "app", "render"]),
    // The program itself runs without a window.
    ("eframe::", &["app/window", "app/mod.rs"]),
    (
        "egui::Context",
        &[
            "ui",
            "render",
            "app/window",
            "app/wake.rs",
            "app/still.rs",
            "app/snapshot.rs",
            "app/stage.rs",
            "app/gpu_scrub.rs",
        ],
    ),
    ("rfd::", &["app"]),
    ("notify_rust::", &["app/notify.rs"]),
    // What follows, shows and writes recordings knows no format by name.
    ("split::", &["format", "cli/mod.rs"]),
];

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("source folder is readable") {
        let path = entry.expect("entry is readable").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}

/// Lines of code without comments and without what follows `#[cfg(test)]`.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("source file is readable");
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(i, line)| (i + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

#[test]
fn every_layer_imports_only_what_the_map_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for (layer, allowed) in MAY_IMPORT {
        let mut files = Vec::new();
        sources(&root.join(layer), &mut files);
        assert!(!files.is_empty(), "no sources for layer {layer}");
        for file in files {
            for (number, line) in code_lines(&file) {
                for (at, _) in line.match_indices("crate::") {
                    let name: String =
                        line[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    let is_layer = name == "cli" || MAY_IMPORT.iter().any(|(known, _)| *known == name);
                    if is_layer && name != *layer && !allowed.contains(&name.as_str()) {
                        faults.push(format!("{}:{number}: {layer} may not name {name}", file.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_library_is_named_only_in_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut faults = Vec::new();
    for file in files {
        let place = file.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        for (number, line) in code_lines(&file) {
            for (library, places) in MAY_USE {
                let named = line
                    .match_indices(library)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
                if named && !places.iter().any(|allowed| place.starts_with(allowed)) {
                    faults.push(format!("{place}:{number}: {library} does not belong here"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
