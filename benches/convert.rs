//! How near conversion comes to what its halves allow: reading alone, encoding and writing alone, and both as they are
//! overlapped: of the recording `TECTUM_CONVERT_RECORDING`, or else of one that is written for it
//! (`TECTUM_CONVERT_VOLUMES` of 20 planes, 200 without it).

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use rayon::prelude::*;
use tectum::demo::BlockWriter;
use tectum::format::memory::MemorySource;
use tectum::format::{Cancel, OpenOptions, Source, open};
use tectum::volume::{Buffer, Grid, Pool, Region, Shape};
use tectum::write::{BUFFER_BYTES, Chunking, Kind, Place, Run, Start, Subject, TargetOptions, load, target};

const PLANES: [usize; 3] = [20, 512, 512];

fn main() -> Result<()> {
    let num_volumes = std::env::var("TECTUM_CONVERT_VOLUMES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir()?;
    let source = match std::env::var_os("TECTUM_CONVERT_RECORDING") {
        Some(path) => open(Path::new(&path), &OpenOptions::default())?.source,
        None => recording(&folder.path().join("recording"), num_volumes)?,
    };
    let num_bytes = source.info().shape.num_bytes(source.info().dtype).context("too large")?;
    println!("{} of {}, {:.2} GB", source.info().shape, source.info().dtype, num_bytes as f64 / 1e9);
    for (kind, compression) in [
        (Kind::Hdf5, "gzip:1"),
        (Kind::Hdf5, "blosc:lz4:5"),
        (Kind::Split, "blosc"),
        (Kind::Zarr, "blosc:zstd:3"),
        (Kind::Npy, "none"),
    ] {
        let options = TargetOptions { compression: Some(compression.parse()?), ..TargetOptions::default() };
        let rate = |seconds: f64| num_bytes as f64 / 1e6 / seconds;
        let decode = rate(read_alone(&*source, num_bytes)?);
        let write = rate(written(kind, in_memory(&*source, num_bytes)?, &options, folder.path())?);
        let both = rate(written(kind, Arc::clone(&source), &options, folder.path())?);
        let share = both / decode.min(write) * 100.0;
        println!(
            "{:>6} {compression:<12}  read {decode:7.0} MB/s  encode and write {write:7.0} MB/s  converted {both:7.0} \
             MB/s, {share:.0} % of the slower",
            kind.name()
        );
    }
    Ok(())
}

/// Noise over a slow drift, as a camera has it.
fn recording(folder: &Path, num_volumes: usize) -> Result<Arc<dyn Source>> {
    let writer = BlockWriter::new(folder, PLANES)?;
    let per_block = 20;
    for block in 0..num_volumes.div_ceil(per_block) {
        let num = per_block.min(num_volumes - block * per_block);
        writer.write_drawn(block, num, num, |t, z, plane| {
            let mut state = ((block * per_block + t) * 64 + z) as u64 ^ 0x9e37_79b9_7f4a_7c15;
            for (i, voxel) in plane.iter_mut().enumerate() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *voxel = 100 + (i % 512 / 8) as u16 + (state >> 59) as u16;
            }
        })?;
    }
    writer.finish(num_volumes, per_block, [10.0, 0.5, 0.5])?;
    Ok(open(folder, &OpenOptions::default())?.source)
}

/// Seconds of reading all of it in buffers.
fn read_alone(source: &dyn Source, num_bytes: usize) -> Result<f64> {
    let info = source.info();
    let mut cell = info.shape.dims().to_vec();
    cell[0] = (cell[0] * BUFFER_BYTES / num_bytes.max(1)).clamp(1, cell[0]);
    let buffers = Shape::new(&cell).and_then(|cell| Grid::new(info.shape, cell)).context("no buffers")?;
    let mut buffer = Buffer::unpooled(BUFFER_BYTES.max(num_bytes / info.shape.dims()[0]));
    buffer.bytes_mut().par_chunks_mut(1 << 16).for_each(|part| part.fill(1));
    let pool = Pool::new(64 << 20);
    let start = Instant::now();
    buffers.try_each(&Region::whole(&info.shape), |cell| {
        let len = cell.region.shape().num_bytes(info.dtype).unwrap_or(0);
        load(source, &cell.region, &mut buffer.bytes_mut()[..len], &pool, &Cancel::new())
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// All of it decoded, in planes.
fn in_memory(source: &dyn Source, num_bytes: usize) -> Result<Arc<dyn Source>> {
    let info = source.info();
    let mut bytes = vec![0; num_bytes];
    load(source, &Region::whole(&info.shape), &mut bytes, &Pool::new(64 << 20), &Cancel::new())?;
    let [num_z, num_y, num_x] = PLANES;
    let grid = [1, num_z.min(1), num_y, num_x];
    let held = MemorySource::new(info.dtype, info.shape, "tzyx", &grid, bytes).context("no array")?;
    Ok(Arc::new(held))
}

/// Seconds of writing all of it.
fn written(kind: Kind, source: Arc<dyn Source>, options: &TargetOptions, folder: &Path) -> Result<f64> {
    let place = Place::new(&folder.join(format!("out.{}", kind.name())), true);
    let subject = Subject { source, channels: Vec::new() };
    let _held = place.begin("bench", Start::New)?;
    let start = Instant::now();
    let target = target(kind, &subject, &place, options)?;
    target.prepare()?;
    let run = Run {
        source: &*subject.source,
        target: &*target,
        buffer: Chunking::buffer(&*subject.source, target.chunks(), target.pieces(), BUFFER_BYTES),
        pieces: &(0..target.pieces().num_cells()).collect::<Vec<_>>(),
        is_resumed: false,
        cancel: &Cancel::new(),
    };
    run.run(&|_, _| Ok(()), &())?;
    target.finish()?;
    let seconds = start.elapsed().as_secs_f64();
    let path = place.path();
    if path.is_dir() {
        std::fs::remove_dir_all(path)?
    } else {
        std::fs::remove_file(path)?
    }
    Ok(seconds)
}
