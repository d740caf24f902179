//! Positional writes: tiles go to their place in the file in whatever order they are ready.

use std::fs::File;
use std::io;

use super::gather::{GatherError, Tile};

/// Writes the voxels of a tile of a C-order array that begins at `offset` of the file.
pub fn write_tile(
    file: &File,
    offset: u64,
    shape: &[usize],
    tile: &Tile,
    voxels: &[u8],
    item: usize,
) -> Result<(), GatherError> {
    // Trailing axes that the tile holds whole are written as one run.
    let mut split = shape.len();
    let mut run = item;
    while split > 0 {
        split -= 1;
        run *= tile[split].len();
        if tile[split].len() != shape[split] {
            break;
        }
    }
    for (number, voxels) in voxels.chunks_exact(run.max(1)).enumerate() {
        let (mut rest, mut position, mut stride) = (number, 0u64, 1u64);
        for (axis, range) in tile.iter().enumerate().rev() {
            let mut index = range.start;
            if axis < split {
                index += rest % range.len();
                rest /= range.len();
            }
            position += index as u64 * stride;
            stride *= shape[axis] as u64;
        }
        write_at(file, voxels, offset + position * item as u64)?;
    }
    Ok(())
}

#[cfg(unix)]
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

impl From<io::Error> for GatherError {
    fn from(error: io::Error) -> Self {
        Self::Other(anyhow::Error::new(error).context("cannot write the file"))
    }
}
