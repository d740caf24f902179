//! The rate at which voxels come off the disk, and what bounds it here: the bare codec, the memory, the
//! bare file.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use rayon::prelude::*;

use super::report::{Partial, Rates, Times};
use crate::array::LazyArray;
use crate::codec::{self, Filter, Scratch};
use crate::demo::BlockWriter;
use crate::format::hdf5::{H5Array, Layout, list, read_at};
use crate::volume::{Pool, Region};

/// Stored bytes kept in memory for the bare codec.
const SAMPLE_BYTES: usize = 512 << 20;
/// Least time a rate is measured for, so that short recordings are gone over again.
const LEAST: Duration = Duration::from_millis(400);

/// Single planes, read and assembled without a cache.
///
/// # Errors
/// When one cannot be read.
pub fn plane_reads(array: &Arc<LazyArray>, jumps: &[usize], z: usize) -> Result<Times> {
    let pool = Pool::new(64 << 20);
    let times = jumps
        .iter()
        .map(|&t| {
            let region = array.whole().with_axis(0, t, t + 1).with_axis(1, z, z + 1);
            let start = Instant::now();
            array.read_region(&region, &pool)?;
            Ok(super::ms_since(start))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Times::of(times))
}

/// Decodes the whole recording on all cores, then measures what stands in the way.
///
/// # Errors
/// When a chunk cannot be read.
pub fn rates(array: &Arc<LazyArray>) -> Result<Rates> {
    let mut rates = Rates { num_threads: rayon::current_num_threads(), ..Rates::default() };
    let mut chunks = Vec::new();
    array.chunks(&array.whole(), &mut chunks);
    let pool = Pool::new(256 << 20);
    let decode_all = || -> Result<f64> {
        let total = AtomicU64::new(0);
        let rate = rate(|| {
            chunks.par_iter().with_min_len(4).try_for_each(|chunk| {
                let loaded = array.read_chunk(chunk, &pool)?;
                total.fetch_add(loaded.voxels.bytes().len() as u64, Ordering::Relaxed);
                anyhow::Ok(())
            })?;
            Ok(total.swap(0, Ordering::Relaxed))
        })?;
        Ok(rate)
    };
    // In turn and more than once: whatever else the machine does hits both alike.
    let sample = Sample::of(array);
    for _ in 0..3 {
        rates.recording_mb_per_s = rates.recording_mb_per_s.max(decode_all()?);
        if let Some(sample) = &sample {
            rates.codec_mb_per_s = Some(sample.decode()?.max(rates.codec_mb_per_s.unwrap_or(0.0)));
            rates.file_mb_per_s = Some(sample.read_files()?.max(rates.file_mb_per_s.unwrap_or(0.0)));
        }
        rates.memcpy_mb_per_s = rates.memcpy_mb_per_s.max(memcpy()?);
    }
    rates.stored_share = sample.map(|sample| sample.stored_bytes as f64 / sample.decoded_bytes.max(1) as f64);
    Ok(rates)
}

/// MB/s of work that says how many bytes it has done, repeated for long enough.
fn rate(mut work: impl FnMut() -> Result<u64>) -> Result<f64> {
    let start = Instant::now();
    let mut num_bytes = 0;
    while start.elapsed() < LEAST {
        num_bytes += work()?;
    }
    Ok(num_bytes as f64 / 1e6 / start.elapsed().as_secs_f64())
}

/// Stored chunks of the recording, in memory.
struct Sample {
    files: Vec<SampleFile>,
    chunk_bytes: usize,
    stored_bytes: u64,
    decoded_bytes: u64,
}

struct SampleFile {
    path: PathBuf,
    filters: Vec<Filter>,
    /// Offset, mask and bytes of each chunk.
    chunks: Vec<(u64, u32, Vec<u8>)>,
}

impl Sample {
    /// The first chunks of the recording's HDF5 files; `None` where it is stored in another way.
    fn of(array: &LazyArray) -> Option<Self> {
        let info = array.source().info();
        let mut sample = Self { files: Vec::new(), chunk_bytes: 0, stored_bytes: 0, decoded_bytes: 0 };
        for file in array.source().files() {
            if sample.stored_bytes as usize >= SAMPLE_BYTES {
                break;
            }
            // Files of another format, or damaged ones, are not what is measured here.
            let Some(path) = file.path() else { continue };
            let Some(file) = sample.load(path.to_owned(), info.dtype.num_bytes()) else { continue };
            sample.files.push(file);
        }
        (sample.decoded_bytes > 0).then_some(sample)
    }

    fn load(&mut self, path: PathBuf, item: usize) -> Option<SampleFile> {
        let headers = list(&path).ok()?;
        let header = headers.iter().max_by_key(|header| header.shape.num_voxels())?;
        let Layout::Chunked(shape) = &header.layout else { return None };
        let chunk_bytes = shape.num_voxels()?.checked_mul(item)?;
        if !header.is_decodable() || (self.chunk_bytes != 0 && self.chunk_bytes != chunk_bytes) {
            return None;
        }
        let stored = H5Array::open(&path, &header.name).ok()?.stored_chunks();
        let file = File::open(&path).ok()?;
        let mut chunks = Vec::new();
        for chunk in stored {
            if self.stored_bytes as usize >= SAMPLE_BYTES {
                break;
            }
            let mut bytes = vec![0; chunk.num_bytes];
            read_at(&file, &mut bytes, chunk.offset).ok()?;
            self.stored_bytes += chunk.num_bytes as u64;
            self.decoded_bytes += chunk_bytes as u64;
            chunks.push((chunk.offset, chunk.filter_mask, bytes));
        }
        self.chunk_bytes = chunk_bytes;
        Some(SampleFile { path, filters: header.filters.clone(), chunks })
    }

    /// The codec alone: from memory to memory that has been touched before.
    fn decode(&self) -> Result<f64> {
        rate(|| {
            let done = AtomicU64::new(0);
            for file in &self.files {
                file.chunks.par_iter().with_min_len(4).try_for_each_init(
                    || (vec![0u8; self.chunk_bytes], Scratch::default()),
                    |(output, scratch), (_, mask, bytes)| {
                        codec::decode(&file.filters, *mask, bytes, output, scratch)?;
                        done.fetch_add(output.len() as u64, Ordering::Relaxed);
                        anyhow::Ok(())
                    },
                )?;
            }
            Ok(done.into_inner())
        })
    }

    /// The files alone: every stored chunk read by position, on all cores.
    fn read_files(&self) -> Result<f64> {
        rate(|| {
            let done = AtomicU64::new(0);
            for file in &self.files {
                let open = File::open(&file.path)?;
                file.chunks.par_iter().with_min_len(4).try_for_each_init(Vec::new, |buffer, (offset, _, bytes)| {
                    buffer.resize(bytes.len().max(buffer.len()), 0);
                    read_at(&open, &mut buffer[..bytes.len()], *offset)?;
                    done.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    anyhow::Ok(())
                })?;
            }
            Ok(done.into_inner())
        })
    }
}

/// Copying memory, one core after the other would be unfair: all of them, each its own 32 MB.
fn memcpy() -> Result<f64> {
    const LEN: usize = 32 << 20;
    let mut pairs: Vec<_> = (0..rayon::current_num_threads()).map(|i| (vec![i as u8; LEN], vec![1u8; LEN])).collect();
    rate(|| {
        pairs.par_iter_mut().for_each(|(from, to)| to.copy_from_slice(std::hint::black_box(from)));
        Ok((pairs.len() * LEN) as u64)
    })
}

/// One plane out of Blosc chunks of 30 planes, beside the same through libhdf5's way of decoding it all.
///
/// # Errors
/// When the file of this measurement cannot be written to the temporary folder or read.
pub fn partial_decode() -> Result<Partial> {
    let dir = tempfile::tempdir()?;
    let volume = [30, 512, 512];
    let writer = BlockWriter::new(dir.path(), volume)?.with_chunk([1, 30, 512, 512]);
    writer.write_drawn(0, 2, 2, |t, z, plane| {
        let mut state = (t * 31 + z) as u64 + 1;
        for voxel in plane {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *voxel = 200 + (state >> 60) as u16 + (state >> 58) as u16 % 16;
        }
    })?;
    let array = H5Array::open(&writer.path(0), "stack_4D")?;
    let pool = Pool::new(64 << 20);
    let time = |through_library: bool, count: usize| -> Result<Times> {
        let mut times = Vec::new();
        for i in 0..count {
            let (t, z) = (i % 2, 7 * i % 30);
            let region = Region::whole(&array.header().shape).with_axis(0, t, t + 1).with_axis(1, z, z + 1);
            let mut buffer = pool.take(512 * 512 * 2);
            let start = Instant::now();
            if through_library {
                array.read_through_library(&region, buffer.bytes_mut())?;
            } else {
                array.read(&region, buffer.bytes_mut())?;
            }
            times.push(super::ms_since(start));
        }
        Ok(Times::of(times))
    };
    Ok(Partial { plane: time(false, 60)?, whole_chunk: time(true, 10)? })
}
