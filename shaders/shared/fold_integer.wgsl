// Folding integers. Sums hold for 65,536 voxels of 16 bits.

fn magnitude(value: Raw, reference: Raw) -> u32 {
    return select(u32(reference - value), u32(value - reference), value >= reference);
}

fn sum_of(pixel: vec2<i32>) -> Raw {
    var sum = Raw(0);
    for (var k = project.slab.x; k < project.slab.y; k++) {
        sum += voxel(pixel, k);
    }
    return sum;
}

@fragment
fn fs_fold(@builtin(position) position: vec4<f32>) -> @location(0) vec4<Raw> {
    let pixel = vec2<i32>(position.xy);
    var folded: Raw;
    if project.op == SUM {
        folded = sum_of(pixel);
    } else {
        folded = voxel(pixel, project.slab.x);
        for (var k = project.slab.x + 1; k < project.slab.y; k++) {
            let value = voxel(pixel, k);
            folded = select(min(folded, value), max(folded, value), project.op == MAX);
        }
    }
    return vec4<Raw>(folded);
}

@fragment
fn fs_moment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = vec2<i32>(position.xy);
    let n = project.slab.y - project.slab.x;
    let sum = sum_of(pixel);
    if project.op == MEAN {
        return vec4(value_of(sum) / f32(n));
    }
    // Squares of the distance from the integer next to the mean, in 64 bits: nothing is rounded before
    // the last line.
    let reference = sum / Raw(n);
    let rest = value_of(sum - reference * Raw(n)) / f32(n);
    var low = 0u;
    var high = 0u;
    for (var k = project.slab.x; k < project.slab.y; k++) {
        let distance = magnitude(voxel(pixel, k), reference);
        let square = distance * distance;
        low += square;
        high += select(0u, 1u, low < square);
    }
    let squares = f32(high) * 4294967296.0 + f32(low);
    return vec4(sqrt(max(squares / f32(n) - rest * rest, 0.0)));
}
