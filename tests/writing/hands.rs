//! Driving a target by hand, in whatever order: what a cluster may do to it.

use std::collections::BTreeMap;
use std::path::Path;

use tectum::format::Source;
use tectum::volume::{DType, Region, Shape};
use tectum::write::{Target, Written};

use crate::common::read_region;

/// A small generator of numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }

    /// Numbers of a type, none of them a NaN; some stretches are 0.
    pub fn voxels(&mut self, dtype: DType, shape: &Shape) -> Vec<u8> {
        let num = shape.num_voxels().unwrap();
        let mut bytes = Vec::with_capacity(num * dtype.num_bytes());
        let mut zeros = 0;
        for _ in 0..num {
            if zeros == 0 && self.roll(90) == 0 {
                zeros = self.roll(60);
            }
            zeros = usize::saturating_sub(zeros, 1);
            let value = if zeros > 0 { 0.0 } else { self.roll(2000) as f64 / 8.0 - 20.0 };
            match dtype {
                DType::Bool => bytes.push(u8::from(value > 50.0)),
                DType::U8 => bytes.push(value as u8),
                DType::I8 => bytes.extend((value as i8).to_le_bytes()),
                DType::U16 => bytes.extend((value as u16).wrapping_mul(251).to_le_bytes()),
                DType::I16 => bytes.extend((value as i16).wrapping_mul(251).to_le_bytes()),
                DType::U32 => bytes.extend((value as u32).wrapping_mul(16_777_619).to_le_bytes()),
                DType::I32 => bytes.extend((value as i32).wrapping_mul(16_777_619).to_le_bytes()),
                DType::U64 => bytes.extend((value as u64).wrapping_mul(0x0100_0000_01b3_0001).to_le_bytes()),
                DType::I64 => bytes.extend((value as i64).wrapping_mul(0x0100_0000_01b3_0001).to_le_bytes()),
                DType::F16 => bytes.extend(half::f16::from_f64(value).to_le_bytes()),
                DType::F32 => bytes.extend((value as f32 * 1.1).to_le_bytes()),
                DType::F64 => bytes.extend((value * 1.1).to_le_bytes()),
            }
        }
        bytes
    }
}

/// Writes one piece.
pub fn write_piece(source: &dyn Source, target: &dyn Target, piece: u64) -> anyhow::Result<Written> {
    let mut writer = target.begin(piece, false)?;
    let region = target.pieces().cell_at(piece).unwrap();
    let mut chunks = Vec::new();
    target.chunks().each(&region, |cell| chunks.push(cell.region));
    for chunk in chunks {
        let encoded = target.encode(&chunk, &read_region(source, &chunk).bytes)?;
        writer.put(&chunk, encoded)?;
    }
    writer.finish()
}

/// Writes all pieces of all stages: in order, or with dice in any order and some of them twice.
pub fn write_all(source: &dyn Source, target: &dyn Target, dice: &mut Option<Dice>) -> anyhow::Result<()> {
    target.prepare()?;
    let mut pieces: Vec<u64> = (0..target.pieces().num_cells()).collect();
    if let Some(dice) = dice {
        pieces.extend(pieces.clone().iter().filter(|_| dice.roll(3) == 0));
        for i in (1..pieces.len()).rev() {
            pieces.swap(i, dice.roll(i + 1));
        }
        target.prepare()?;
    }
    let mut known: BTreeMap<u64, Written> = BTreeMap::new();
    for piece in pieces {
        let written = write_piece(source, target, piece)?;
        let former = known.insert(piece, written.clone());
        assert!(former.is_none_or(|former| former == written), "a piece written twice is the same");
    }
    match target.next()? {
        Some(stage) => write_all(&*stage.source, &*stage.target, dice),
        None => target.finish(),
    }
}

/// All files below a folder with their bytes.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, std::fs::read(path).unwrap());
                }
            }
        }
    }
    found
}

/// All of an array.
pub fn whole(source: &dyn Source) -> Vec<u8> {
    read_region(source, &Region::whole(&source.info().shape)).bytes
}
