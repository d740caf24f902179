use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::format::memory::MemorySource;
use crate::qc::{NUM_SCALES, PlaneRow, VolumeRow};
use crate::volume::{DType, Shape};

fn array(file: &Path, num_t: usize) -> LazyArray {
    let shape = Shape::from([num_t, 2, 4, 4]);
    let source = MemorySource::new(DType::U8, shape, "tzyx", &[1, 2, 4, 4], vec![7; num_t * 32]).unwrap();
    LazyArray::new(Arc::new(source.with_info(|info| info.location = file.into())))
}

/// Rows with every kind of number, and with none.
fn table() -> Table {
    let mut table = Table::new(4, 2);
    for t in 0..3 {
        let plane = PlaneRow {
            is_there: true,
            mean: 1.1 + t as f32,
            range: [f32::NEG_INFINITY, -0.0],
            at_scale: [t as u32; NUM_SCALES],
            is_duplicate: t == 1,
            ..PlaneRow::ABSENT
        };
        let volume = VolumeRow { shift: [0.1, -1e-30], ..VolumeRow::UNKNOWN };
        table.set(t, Row { planes: vec![plane, PlaneRow::ABSENT], volume, is_complete: t != 2 });
    }
    table
}

fn missing() -> Vec<Missing> {
    let file = Some("a/0007.h5".to_owned());
    vec![Missing { t: [1, 2], z: Some([0, 1]), file, reason: "ist fort – weg".to_owned() }]
}

struct Kept {
    folder: TempDir,
    file: PathBuf,
}

impl Kept {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("recording.h5");
        fs::write(&file, [1; 100]).unwrap();
        let kept = Self { folder, file };
        kept.place(4).unwrap().save(3, &table(), &missing(), &State::default());
        kept
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache/deep")
    }

    fn place(&self, num_t: usize) -> Option<Place> {
        Place::of(&self.cache(), &array(&self.file, num_t), Codes::ALL)
    }

    fn load(&self, num_t: usize) -> Option<Results> {
        self.place(num_t)?.load(&array(&self.file, num_t))
    }

    fn kept_file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.cache()).unwrap().map(|entry| entry.unwrap().path());
        let file = files.next().unwrap();
        assert!(files.next().is_none(), "one file and nothing half-written");
        file
    }
}

#[test]
fn what_was_kept_comes_back_to_the_last_bit() {
    let kept = Kept::new();
    let results = kept.load(4).unwrap();
    let mut back = Table::new(4, 2);
    for (t, row) in results.rows.into_iter().enumerate() {
        row.into_iter().for_each(|row| back.set(t, row));
    }
    assert_eq!(format!("{back:?}"), format!("{:?}", table()));
    assert_eq!((results.next, results.missing), (3, missing()));
    // A recording that has grown keeps what it had; one that is shorter than what is kept does not.
    assert!(kept.load(9).is_some() && kept.load(2).is_none());
}

#[test]
fn results_of_other_data_or_measures_are_not_taken_for_these() {
    let kept = Kept::new();
    let fewer = Place::of(&kept.cache(), &array(&kept.file, 4), Codes::NONE).unwrap();
    assert!(fewer.load(&array(&kept.file, 4)).is_none());
    fs::write(&kept.file, [1; 101]).unwrap();
    assert!(kept.load(4).is_none(), "the file has changed");
    fs::remove_file(&kept.file).unwrap();
    assert!(kept.place(4).is_none());
}

#[test]
fn damaged_and_foreign_files_are_as_good_as_none() {
    let kept = Kept::new();
    let (path, whole) = (kept.kept_file(), fs::read(kept.kept_file()).unwrap());
    for i in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[i] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        assert!(kept.load(4).is_none(), "byte {i}");
        fs::write(&path, &whole[..i]).unwrap();
        assert!(kept.load(4).is_none(), "cut at {i}");
    }
    fs::write(&path, "somebody's notes").unwrap();
    assert!(kept.load(4).is_none());
    kept.place(4).unwrap().save(3, &table(), &missing(), &State::default());
    assert!(kept.load(4).is_some());
}

#[test]
fn a_folder_that_cannot_be_written_is_harmless() {
    let kept = Kept::new();
    fs::remove_dir_all(kept.cache()).unwrap();
    // Nobody, not even the one who may everything, makes a folder where a file is.
    fs::write(kept.cache(), "a file").unwrap();
    kept.place(4).unwrap().save(3, &table(), &missing(), &State::default());
    assert!(kept.load(4).is_none());
    assert_eq!(fs::read_to_string(kept.cache()).unwrap(), "a file");
}

#[test]
fn bytes_that_are_no_value_are_an_error_and_no_memory() {
    let long = [0xff; 16];
    assert!(decode::<Vec<u64>>(&long).is_err());
    assert!(decode::<String>(&long).is_err());
    assert!(decode::<Option<bool>>(&[1, 9]).is_err());
    assert_eq!(decode::<Vec<f64>>(&encode(&vec![0.1, f64::INFINITY]).unwrap()).unwrap(), [0.1, f64::INFINITY]);
    assert!(decode::<u32>(&[0; 5]).is_err(), "something is left over");
}

#[test]
fn the_oldest_results_go_when_there_are_too_many() {
    let folder = TempDir::new().unwrap();
    for i in 0..MAX_FILES + 3 {
        let path = folder.path().join(format!("{i}.{EXTENSION}"));
        fs::write(&path, "x").unwrap();
        let modified = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(i as u64);
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    tidy(folder.path(), MAX_FILES);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MAX_FILES + 1);
    assert!(!folder.path().join(format!("2.{EXTENSION}")).exists() && folder.path().join("notes.txt").exists());
    forget(folder.path());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
