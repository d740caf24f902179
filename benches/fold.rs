//! Who folds a projection faster, the processor or the graphics card: max over z of u16 volumes of 1 to 60
//! planes. `cargo bench --bench fold` prints the table that `GpuConfig::projects` rests on.
//!
//! The card's times end when the values are back in memory, which drawing does not need: they are the most that
//! it can take.
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to say")]

use std::time::Instant;

use tectum::render::{GpuConfig, OffscreenTarget, RendererHandle, install};
use tectum::volume::{Buffer, DType, Orientation, Pool, Projection, Shape, VolumeFold, Voxels, project_for_display};

const NUM_TURNS: usize = 7;

fn main() {
    let Ok(target) = OffscreenTarget::new(64, 64, 1.0) else {
        eprintln!("skipped: there is no graphics adapter here");
        return;
    };
    let config = GpuConfig { budget_bytes: 4 << 30, projects: true, ..GpuConfig::default() };
    let renderer = install(target.render_state(), config);
    println!(
        "{}, {} cores",
        renderer.stats().adapter_name,
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    println!(
        "| plane | planes | CPU, ms | GPU with the volume brought, ms | GPU, volume there, ms |\n|---|---|---|---|---|"
    );
    let pool = Pool::new(64 << 20);
    for side in [512, 1024, 2048] {
        for num_planes in [1, 2, 4, 8, 15, 30, 60] {
            let dims = [num_planes, side, side];
            let cpu = median(|| {
                let volume = volume(dims);
                let start = Instant::now();
                let folded = project_for_display(&volume, Orientation::Xy, [0, num_planes], Projection::Max, &pool);
                (start, folded)
            });
            let brought = median(|| {
                let volume = volume(dims);
                let start = Instant::now();
                (start, fold(&renderer, &volume, Projection::Max))
            });
            let volume = volume(dims);
            drop(fold(&renderer, &volume, Projection::Max));
            let there = median(|| (Instant::now(), fold(&renderer, &volume, Projection::Min)));
            println!("| {side}² | {num_planes} | {cpu:.2} | {brought:.2} | {there:.2} |");
        }
    }
}

fn fold(renderer: &RendererHandle, volume: &Voxels, op: Projection) -> Voxels {
    let &[z, y, x] = volume.shape().dims() else { unreachable!("volumes have three axes") };
    let fold = VolumeFold {
        volume: volume.id(),
        voxels: Some(volume),
        dtype: volume.dtype(),
        dims: [z, y, x],
        orientation: Orientation::Xy,
        slab: [0, z],
        op,
    };
    let folded = renderer.fold(&fold, &|| true).unwrap();
    assert!(folded.fetch());
    folded
}

fn volume(dims: [usize; 3]) -> Voxels {
    let mut buffer = Buffer::unpooled(dims.iter().product::<usize>() * 2);
    let mut state = 1u32;
    for value in buffer.bytes_mut().chunks_exact_mut(2) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        value.copy_from_slice(&state.to_le_bytes()[2..]);
    }
    Voxels::new(DType::U16, Shape::from(dims), buffer, Vec::new())
}

fn median<R>(mut once: impl FnMut() -> (Instant, R)) -> f64 {
    let mut times: Vec<f64> = (0..NUM_TURNS)
        .map(|_| {
            let (start, result) = once();
            let ms = start.elapsed().as_secs_f64() * 1e3;
            drop(result);
            ms
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[NUM_TURNS / 2]
}
