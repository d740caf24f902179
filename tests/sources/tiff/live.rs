//! TIFF recordings that go on while they are open.

use std::path::Path;
use std::sync::Arc;

use tectum::format::{Growing, OpenOptions, Refresh, Source, open};

use crate::common::read_whole;
use crate::tiff_writer::{Kind, Writer};

fn page(value: u16) -> Vec<u8> {
    (0..12).flat_map(|voxel| (value * 100 + voxel).to_le_bytes()).collect()
}

fn file(path: &Path, values: &[u16]) -> Writer {
    let mut writer = Writer::new(Kind::PLAIN);
    values.iter().for_each(|value| writer.page(3, 4, &page(*value), ""));
    std::fs::write(path, &writer.bytes).unwrap();
    writer
}

fn growing(path: &Path, options: &OpenOptions) -> Arc<dyn Growing> {
    open(path, options).unwrap_or_else(|error| panic!("{error}")).growing.unwrap()
}

fn values(source: &dyn Source) -> Vec<u16> {
    let read = read_whole(source);
    assert!(read.missing.is_empty(), "{:?}", read.missing);
    read.bytes.chunks_exact(24).map(|page| u16::from_le_bytes([page[0], page[1]]) / 100).collect()
}

fn changed(source: &dyn Growing) -> Arc<dyn Growing> {
    match source.refresh(&[]).unwrap() {
        Refresh::Changed { source, .. } => source,
        Refresh::Unchanged => panic!("nothing new"),
        Refresh::Replaced(_) => panic!("another one"),
        Refresh::Gone(why) => panic!("{why}"),
    }
}

#[test]
fn files_that_come_into_a_folder_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |i: u16| folder.path().join(format!("frame_{i:04}.tif"));
    (1..=3).for_each(|i| drop(file(&path(i), &[i])));
    let first = growing(folder.path(), &OpenOptions::default());
    assert_eq!(values(first.as_ref()), [1, 2, 3]);
    assert!(matches!(first.refresh(&[]).unwrap(), Refresh::Unchanged));
    assert!(!first.growth().is_finished);
    file(&path(4), &[4]);
    // The next one is being written: nothing is shown of it, and nothing is said to be wrong.
    std::fs::write(path(5), b"II*\0").unwrap();
    let second = changed(first.as_ref());
    assert_eq!((values(second.as_ref()), second.problems().len()), (vec![1, 2, 3, 4], first.problems().len()));
    file(&path(5), &[5]);
    assert_eq!(values(changed(second.as_ref()).as_ref()), [1, 2, 3, 4, 5]);
    // A series of files with many pages each goes on in time.
    std::fs::remove_dir_all(folder.path()).unwrap();
    assert!(matches!(second.refresh(&[]), Ok(Refresh::Gone(_)) | Err(_)));
}

#[test]
fn a_recording_is_followed_when_its_opening_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let mut writer = file(&path, &[1, 2]);
    let options = OpenOptions::default();
    let first = growing(&path, &options);
    // As a window does once it has what it opened.
    options.cancel.cancel();
    writer.page(3, 4, &page(3), "");
    writer.write_on(&path);
    assert_eq!(values(changed(first.as_ref()).as_ref()), [1, 2, 3]);
}

#[test]
fn a_page_that_is_being_written_is_no_data_yet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let mut writer = file(&path, &[1, 2, 3]);
    let first = growing(&path, &OpenOptions { axes: Some("tyx".into()), ..OpenOptions::default() });
    assert_eq!(first.growth().newest_readable, Some(2));
    writer.page(3, 4, &page(4), "");
    // All but the link to it: there is no such page yet.
    let mut half = writer.bytes.clone();
    let old = std::fs::read(&path).unwrap();
    half[..old.len()].copy_from_slice(&old);
    std::fs::write(&path, &half).unwrap();
    let second = match first.refresh(&[]).unwrap() {
        Refresh::Changed { source, .. } => source,
        _ => panic!("the file is longer"),
    };
    assert_eq!(values(second.as_ref()), [1, 2, 3]);
    std::fs::write(&path, &writer.bytes).unwrap();
    let Refresh::Changed { source: third, .. } = second.refresh(&[]).unwrap() else { panic!("a page more") };
    assert_eq!((values(third.as_ref()), third.growth().newest_readable), (vec![1, 2, 3, 4], Some(3)));
}

#[test]
fn another_recording_in_the_same_place_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    file(&path, &[1, 2, 3, 4]);
    let first = growing(&path, &OpenOptions::default());
    // Begun anew: another file under the same name.
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(first.refresh(&[]).unwrap(), Refresh::Gone(_)));
    file(&folder.path().join("b.tif"), &[7, 8]);
    std::fs::rename(folder.path().join("b.tif"), &path).unwrap();
    let read = read_whole(first.as_ref());
    assert!(!read.missing.is_empty(), "the old one's places say nothing in the new one");
    let Refresh::Replaced(second) = first.refresh(&[]).unwrap() else { panic!("another recording") };
    assert_eq!(values(second.as_ref()), [7, 8]);
    // Written once more in place, at the same length: nothing that was read is true any more.
    std::thread::sleep(std::time::Duration::from_millis(20));
    file(&path, &[9, 8]);
    let Refresh::Changed { source: third, stale } = second.refresh(&[]).unwrap() else { panic!("other data") };
    assert_eq!((values(third.as_ref()), stale), (vec![9, 8], vec![0..2]));
}

#[test]
fn a_picture_beside_a_recording_does_not_stand_in_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let day = folder.path();
    file(&day.join("overview.tif"), &[1]);
    // By itself it is a series of one, to which others may come.
    assert_eq!(open(day, &OpenOptions::default()).unwrap().source.info().shape.dims(), [1, 3, 4]);
    std::fs::create_dir(day.join("fish1")).unwrap();
    let error = open(day, &OpenOptions::default()).err().expect("the recordings of the day were meant");
    assert!(!error.message.is_empty());
}
