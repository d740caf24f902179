//! Speed of measuring quality, in raw data per second on one core: every measure by itself (beside the count of
//! codes and the change that come with any), all of them, and what a sweep does once. Planes of 512² and 1024²
//! voxels of the demo, 30 and 20 to a volume. `cargo bench --bench qc [-- FILTER]`
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tectum::demo::{Recipe, Scene};
use tectum::qc::{
    Code, Codes, Figures, Measurer, Pictures, Plane, Preparation, REFERENCE_VOLUMES, References, Subject, Table, Values,
};
use tectum::volume::DType;

/// Planes that are drawn; the others repeat them.
const NUM_DRAWN: usize = 4;

struct Recording {
    subject: Subject,
    /// Two timepoints that are measured in turn.
    volumes: [Vec<Vec<u16>>; 2],
}

impl Recording {
    fn new(num_z: usize, edge: usize) -> Self {
        let scene = Scene::new(&Recipe { shape: [2, NUM_DRAWN, edge, edge], ..Recipe::default() });
        let volume = |t| {
            let plane = |z| {
                let mut voxels = vec![0; edge * edge];
                scene.draw(t, z, &mut voxels);
                voxels
            };
            let drawn: Vec<Vec<u16>> = (0..NUM_DRAWN).map(plane).collect();
            (0..num_z).map(|z| drawn[z % NUM_DRAWN].clone()).collect()
        };
        let subject = Subject {
            shape: [2, num_z, edge, edge],
            dtype: DType::U16,
            rate_hz: Some(5.0),
            voxel_um: None,
            planned_t: None,
            times_s: None,
        };
        Self { subject, volumes: [volume(0), volume(1)] }
    }

    fn planes(&self, t: usize) -> Vec<Plane<'_>> {
        let shape = self.subject.plane_shape();
        let values = |codes| Some(Values::Codes { codes, base: 0 });
        self.volumes[t % 2].iter().map(|codes| Plane { shape, values: values(codes) }).collect()
    }

    fn prepared(&self, wanted: Codes) -> Arc<References> {
        let mut preparation = Preparation::new(&self.subject, wanted);
        for t in 0..REFERENCE_VOLUMES {
            preparation.planes(t, 0, &self.planes(t));
            preparation.end();
        }
        preparation.finish()
    }

    fn num_bytes(&self) -> u64 {
        self.subject.shape[1..].iter().product::<usize>() as u64 * 2
    }
}

fn measures(c: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (num_z, edge) in [(30, 512), (20, 1024)] {
        let recording = Recording::new(num_z, edge);
        let mut group = c.benchmark_group(format!("{edge}²"));
        group.sample_size(10);
        group.throughput(Throughput::Bytes(recording.num_bytes()));
        let basic = [Code::Intensity, Code::Saturation, Code::Duplicate, Code::Missing];
        // The end planes are told by their focus.
        let fast = [Code::Focus, Code::Stripes, Code::Flyback].into_iter().fold(Codes::ALL, Codes::without);
        let sets = Code::ALL.map(|code| (code.name(), Codes::NONE.with(code))).into_iter().chain([
            ("intensity, saturation, duplicate, missing", basic.into_iter().collect()),
            ("all but focus and stripes", fast),
            ("all", Codes::ALL),
        ]);
        for (name, wanted) in sets {
            let references = one_core.install(|| recording.prepared(wanted));
            let mut measurer = Measurer::new(&recording.subject, Some(references), wanted);
            let planes = [recording.planes(0), recording.planes(1)];
            let mut t = 0;
            group.bench_function(name, |b| {
                one_core.install(|| {
                    b.iter(|| {
                        t += 1;
                        measurer.planes(0, &planes[t % 2], Some(&planes[(t + 1) % 2]));
                        black_box(measurer.end())
                    });
                });
            });
        }
        group.finish();
    }
}

fn once(c: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let recording = Recording::new(30, 512);
    let references = one_core.install(|| recording.prepared(Codes::ALL));
    let mut measurer = Measurer::new(&recording.subject, Some(Arc::clone(&references)), Codes::ALL);
    let mut table = Table::new(REFERENCE_VOLUMES, 30);
    for t in 0..REFERENCE_VOLUMES {
        let before = t.checked_sub(1).map(|t| recording.planes(t));
        measurer.planes(0, &recording.planes(t), before.as_deref());
        table.set(t, measurer.end());
    }
    let mut group = c.benchmark_group("once, 30 planes of 512²");
    group.sample_size(10);
    group.bench_function("references", |b| one_core.install(|| b.iter(|| black_box(recording.prepared(Codes::ALL)))));
    group.bench_function("figures", |b| {
        let state = measurer.state();
        one_core.install(|| b.iter(|| black_box(Figures::of(&recording.subject, Some(&references), &table, state))));
    });
    group.bench_function("pictures", |b| {
        one_core.install(|| b.iter(|| black_box(Pictures::of(&references, measurer.state()))));
    });
    group.finish();
}

criterion_group!(benches, measures, once);
criterion_main!(benches);
