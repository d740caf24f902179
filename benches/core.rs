//! Speed of the parts every scrub is made of: decoding, assembling, planning, projecting.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tectum::array::LazyArray;
use tectum::codec::blosc;
use tectum::demo::{BlockWriter, Recipe, Scene};
use tectum::format::Source;
use tectum::format::hdf5::H5Array;
use tectum::format::memory::MemorySource;
use tectum::stream::{Stream, StreamConfig, ViewRequest};
use tectum::volume::{Buffer, DType, Orientation, Picture, Pool, Projection, Region, Shape, Voxels, project};

/// One volume of a small demo brain: real structure and real noise, so that the codec has real work.
fn volume(num_z: usize, edge: usize) -> Vec<u16> {
    let scene = Scene::new(&Recipe { shape: [1, num_z, edge, edge], ..Recipe::default() });
    let mut voxels = vec![0; num_z * edge * edge];
    for (z, plane) in voxels.chunks_exact_mut(edge * edge).enumerate() {
        scene.draw(0, z, plane);
    }
    voxels
}

fn decode(c: &mut Criterion) {
    let voxels = volume(2, 512);
    let bytes: &[u8] = &bytemuck::cast_slice(&voxels)[..256 * 512 * 2];
    let stored = blosc::encode(bytes, 2, 9, c"blosclz", 0).unwrap();
    let mut output = vec![0; bytes.len()];
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("blosc chunk of 256 KiB", |b| {
        b.iter(|| blosc::decode(black_box(&stored), &mut output).unwrap());
    });
    let dir = tempfile::tempdir().unwrap();
    let writer = BlockWriter::new(dir.path(), [30, 256, 256]).unwrap().with_chunk([1, 30, 256, 256]);
    writer.write(0, &volume(30, 256)).unwrap();
    let array = H5Array::open(&writer.path(0), "stack_4D").unwrap();
    let region = Region::whole(&array.header().shape).with_axis(1, 17, 18);
    let mut plane = vec![0; 256 * 256 * 2];
    group.throughput(Throughput::Bytes(plane.len() as u64));
    group.bench_function("one plane of a 30-plane chunk, file included", |b| {
        b.iter(|| array.read(&region, &mut plane).unwrap());
    });
    group.finish();
}

fn assemble(c: &mut Criterion) {
    let voxels = volume(4, 512);
    let bytes = bytemuck::cast_slice(&voxels).to_vec();
    let source = MemorySource::new(DType::U16, Shape::from([1, 4, 512, 512]), "tzyx", &[1, 1, 256, 512], bytes);
    let array = LazyArray::new(Arc::new(source.unwrap()));
    let pool = Pool::new(64 << 20);
    let mut group = c.benchmark_group("assemble");
    group.throughput(Throughput::Bytes(512 * 512 * 2));
    group.bench_function("plane of two chunks", |b| {
        b.iter(|| array.read_region(&array.whole().with_axis(1, 2, 3), &pool).unwrap());
    });
    group.finish();
}

fn plan(c: &mut Criterion) {
    // A single timepoint: nothing is read ahead, so that it is these 10,000 and no more.
    let source =
        MemorySource::new(DType::U8, Shape::from([1, 100, 1000, 10]), "tzyx", &[1, 1, 10, 10], vec![0; 1_000_000]);
    let array = Arc::new(LazyArray::new(Arc::new(source.unwrap())));
    let config = StreamConfig { num_workers: 0, ..StreamConfig::default() };
    let stream = Stream::new(array, config, Arc::new(|| {}));
    let mut nth = 0;
    c.bench_function("plan and submit 10,000 chunks", |b| {
        b.iter(|| {
            nth += 1;
            let picture = Picture::Projection {
                t: 0,
                orientation: Orientation::Xy,
                slab: [0, 100],
                op: Projection::ALL[nth as usize % 5],
            };
            stream.request(&ViewRequest::of(stream.array().id(), picture), Instant::now());
        });
    });
}

/// A recording of which 64,000 chunks are in memory gets a timepoint more, or has it again written anew.
fn grow(c: &mut Criterion) {
    let source = |num_t: usize| {
        let shape = Shape::from([num_t, 64, 8, 8]);
        let bytes = vec![0; shape.num_bytes(DType::U8).unwrap()];
        Arc::new(MemorySource::new(DType::U8, shape, "tzyx", &[1, 1, 8, 8], bytes).unwrap())
    };
    let (short, long) = (source(1000), source(1001));
    let array = Arc::new(LazyArray::new(Arc::clone(&short) as Arc<dyn Source>));
    let config = StreamConfig { num_workers: 0, ..StreamConfig::default() };
    let stream = Stream::new(Arc::clone(&array), config, Arc::new(|| {}));
    for t in (0..1000).step_by(8) {
        let picture = Picture::Plane { t, orientation: Orientation::Xz, index: 4 };
        stream.request(&ViewRequest::of(array.id(), picture), Instant::now());
        while stream.run_one() {}
    }
    assert!(stream.stats().num_chunks >= 64_000);
    let mut is_long = false;
    c.bench_function("a timepoint more, 64,000 chunks in memory", |b| {
        b.iter(|| {
            is_long = !is_long;
            let next = Arc::clone(if is_long { &long } else { &short });
            stream.replace_array(Arc::new(stream.array().grown(next)), &[]);
        });
    });
}

fn projection(c: &mut Criterion) {
    let shape = Shape::from([24, 512, 512]);
    let voxels = volume(24, 512);
    let mut buffer = Buffer::unpooled(voxels.len() * 2);
    buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(&voxels));
    let volume = Voxels::new(DType::U16, shape, buffer, Vec::new());
    let pool = Pool::new(64 << 20);
    let mut group = c.benchmark_group("projection over z");
    group.throughput(Throughput::Bytes(voxels.len() as u64 * 2));
    for op in Projection::ALL {
        group.bench_function(op.name(), |b| {
            b.iter_batched(
                || (),
                |()| project(black_box(&volume), Orientation::Xy, [0, 24], op, &pool),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decode, assemble, plan, grow, projection);
criterion_main!(benches);
