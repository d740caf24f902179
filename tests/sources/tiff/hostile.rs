//! TIFF files that claim more than they hold: named errors, in bounded memory.

use tectum::format::{OpenOptions, open};

use crate::tiff_writer::{Kind, Writer};

/// A file of one page of four bytes, and what it says of its pages.
fn page(description: &str) -> Vec<u8> {
    let mut writer = Writer::new(Kind::PLAIN);
    writer.page(1, 2, &[1, 2, 3, 4], description);
    writer.bytes
}

#[test]
fn a_file_that_claims_more_pages_than_any_has_takes_no_memory_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lies.tif");
    for description in [
        "ImageJ=1.53t\nimages=1\nframes=2\nslices=100000000000\nhyperstack=true\n",
        "ImageJ=1.53t\nimages=1\nframes=2\nslices=4294967296\nchannels=4294967296\nhyperstack=true\n",
        "{\"shape\": [3, 4294967296, 4294967296, 1, 2]}",
    ] {
        std::fs::write(&path, page(description)).unwrap();
        let error = open(&path, &OpenOptions::default()).map(|opened| opened.source.info().shape);
        match error {
            Err(error) => assert!(error.message.contains("more pages than any file"), "{description}: {error}"),
            Ok(shape) => assert!(shape.num_voxels().is_some_and(|num| num <= 2), "{description}: {shape}"),
        }
    }
}

#[test]
fn what_one_of_many_files_claims_is_not_set_aside_for_each() {
    for description in [
        "ImageJ=1.53t\nimages=1\nframes=2\nslices=8000000\nhyperstack=true\n",
        "ImageJ=1.53t\nimages=1\nslices=2\nchannels=8000000\nhyperstack=true\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        for i in [1, 2, 4] {
            std::fs::write(folder.path().join(format!("lies_{i}.tif")), page(description)).unwrap();
        }
        let error = open(folder.path(), &OpenOptions::default()).map(|_| ()).unwrap_err();
        assert!(error.message.contains("more pages than any"), "{description}: {error}");
    }
}
