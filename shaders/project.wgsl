// Folds a volume along one axis into a plane, one fragment for each voxel of the result. Integers are
// folded as integers, so that maxima, minima and sums are those of the CPU to the bit; means and
// deviations are summed exactly (integers) or with compensation (floats) and rounded once.

const MAX: i32 = 0;
const MEAN: i32 = 1;
const MIN: i32 = 2;
const STD: i32 = 3;
const SUM: i32 = 4;

// Keep in sync with gpu::Project in src/render/uniforms.rs.
struct Project {
    tiles: Tiles,
    slab: vec2<i32>,   // half-open range along the folded axis
    axis: i32,         // 0: z is folded, 1: y, 2: x
    op: i32,
}

@group(0) @binding(0) var<uniform> project: Project;

@vertex
fn vs_main(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // One triangle that covers the target.
    let corner = vec2(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}

// The k-th voxel of the column that falls on a voxel (column, row) of the result.
fn voxel(pixel: vec2<i32>, k: i32) -> Raw {
    var place: Place;
    if project.axis == 0 {
        place = place_of(project.tiles, pixel, k);
    } else if project.axis == 1 {
        place = place_of(project.tiles, vec2(pixel.x, k), pixel.y);
    } else {
        place = place_of(project.tiles, vec2(k, pixel.x), pixel.y);
    }
    return raw_texel(place);
}
