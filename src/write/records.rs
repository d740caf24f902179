//! What is known of the pieces that are whole: one small file for each, beside the data. A piece is done when its
//! record is there and says that it was written by this plan; that its file exists says nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Written;
use super::whole::appear_whole;

/// Records in one folder: more files are slow to list on many file systems.
const IN_FOLDER: u64 = 1000;

/// The records of one plan.
#[derive(Clone, Debug)]
pub struct Records {
    folder: PathBuf,
    plan: String,
}

/// A piece that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Hash of the plan it was written by.
    pub plan: String,
    /// Its position in the target.
    pub piece: u64,
    /// What was written.
    #[serde(flatten)]
    pub written: Written,
}

impl Records {
    /// Those in a folder, of the plan with this hash.
    pub fn new(folder: &Path, plan: &str) -> Self {
        Self { folder: folder.to_owned(), plan: plan.to_owned() }
    }

    /// Those of one stage of the plan with this hash: 0 is what it says, the further ones are made of what was written.
    pub fn of_stage(folder: &Path, stage: usize, plan: &str) -> Self {
        Self::new(&folder.join(stage.to_string()), plan)
    }

    fn path(&self, piece: u64) -> PathBuf {
        self.folder.join(format!("{:06}", piece / IN_FOLDER)).join(format!("{piece:09}.json"))
    }

    /// The record of a piece; `None` where it is not whole, or was written by another plan. Asks the disk.
    pub fn get(&self, piece: u64) -> Option<Record> {
        let text = std::fs::read(self.path(piece)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        (record.piece == piece && record.plan == self.plan).then_some(record)
    }

    /// Says that a piece is whole, and on disk: whatever happens, no record outlives what it speaks of. It appears as
    /// a whole too: whoever reads it meanwhile finds all of it or nothing. It is not brought to disk itself: where it is
    /// lost with the power, its piece is written again, which costs less than waiting for every one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&self, piece: u64, written: &Written) -> Result<()> {
        let path = self.path(piece);
        let record = Record { plan: self.plan.clone(), piece, written: written.clone() };
        appear_whole(&path, &serde_json::to_vec(&record)?).with_context(|| format!("{}: cannot write", path.display()))
    }

    /// Which of so many pieces are not whole, in order.
    pub fn missing(&self, num_pieces: u64) -> Vec<u64> {
        (0..num_pieces).filter(|&piece| self.get(piece).is_none()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_record_of_this_plan_counts() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::new(folder.path(), "a");
        let written = Written { num_bytes: 12, crc32c: 7 };
        for piece in [0, 2, 3] {
            records.put(piece, &written).unwrap();
            records.put(piece, &written).unwrap();
        }
        assert_eq!(records.get(2).unwrap().written, written);
        assert_eq!(records.missing(5), [1, 4]);
        assert_eq!(Records::new(folder.path(), "b").missing(3), [0, 1, 2]);
        std::fs::write(records.path(2), &std::fs::read(records.path(2)).unwrap()[..9]).unwrap();
        std::fs::copy(records.path(0), records.path(1)).unwrap();
        assert_eq!(records.missing(5), [1, 2, 4]);
    }
}
