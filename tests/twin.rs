//! What is told of a block without the library is what the library would tell.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::{Path, PathBuf};

use common::fixtures;
use tectum::format::hdf5::{H5Array, Twin, list};

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "h5") {
            found.push(path);
        }
    }
}

/// Whether the library finds the same array in a file, all of it.
fn is_whole_by_the_library(path: &Path, like: &H5Array) -> bool {
    let array = H5Array::open(path, &like.header().name);
    array.is_ok_and(|array| array.is_whole() && array.header() == like.header())
}

#[test]
fn every_file_of_the_fixtures_is_judged_as_the_library_judges_it() {
    let mut files = Vec::new();
    files_below(&fixtures(), &mut files);
    let (mut num_known, mut num_alike) = (0, 0);
    let mut seen = Vec::new();
    for path in &files {
        let Some(header) = list(path).ok().and_then(|headers| headers.into_iter().next()) else { continue };
        let Ok(array) = H5Array::open(path, &header.name) else { continue };
        if seen.contains(&header) {
            continue;
        }
        let Some(twin) = Twin::of(&array) else { continue };
        seen.push(header);
        num_known += 1;
        for other in &files {
            if twin.is_whole_in(other).is_some() {
                assert!(is_whole_by_the_library(other, &array), "{} as {}", other.display(), path.display());
                num_alike += 1;
            }
        }
    }
    assert!(num_known > 25 && num_alike > 100, "{num_known} forms, {num_alike} files of them");
}

#[test]
fn no_changed_or_missing_byte_makes_a_torn_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (root, name) in [("a_4d_default/data", "0000.h5"), ("h_live_clean/exp/original", "0001.h5")] {
        let path = fixtures().join(root).join(name);
        let array = H5Array::open(&path, "stack_4D").unwrap();
        let twin = Twin::of(&array).expect("a known form");
        let sound = std::fs::read(&path).unwrap();
        let torn = folder.path().join("torn.h5");
        let mut seed = 1u64;
        for round in 0..3000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let random = (seed >> 33) as usize;
            let mut bytes = sound.clone();
            match round % 10 {
                0 => bytes.truncate(random % sound.len()),
                // Most of what matters stands in front.
                1..8 => bytes[random % 6000.min(sound.len())] ^= 1 << (round % 8),
                _ => bytes[random % sound.len()] = (random >> 8) as u8,
            }
            std::fs::write(&torn, &bytes).unwrap();
            if twin.is_whole_in(&torn).is_some() {
                assert!(is_whole_by_the_library(&torn, &array), "{name}, round {round}");
            }
        }
    }
}
