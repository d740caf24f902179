// Folding floats. NaN anywhere makes the result NaN, as in numpy.

// A sum and what rounding took from it (Kahan and Neumaier).
struct Compensated {
    sum: f32,
    rest: f32,
}

fn add(total: Compensated, value: f32) -> Compensated {
    let sum = total.sum + value;
    var lost = (value - sum) + total.sum;
    if abs(total.sum) >= abs(value) {
        lost = (total.sum - sum) + value;
    }
    return Compensated(sum, total.rest + lost);
}

fn total_of(total: Compensated) -> f32 {
    // An infinite sum has an undefined rest.
    return select(total.sum + total.rest, total.sum, abs(total.sum) > 3.4e38);
}

fn sum_of(pixel: vec2<i32>) -> f32 {
    var total = Compensated(0.0, 0.0);
    for (var k = project.slab.x; k < project.slab.y; k++) {
        total = add(total, voxel(pixel, k));
    }
    return total_of(total);
}

@fragment
fn fs_fold(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = vec2<i32>(position.xy);
    if project.op == SUM {
        return vec4(sum_of(pixel));
    }
    var folded = voxel(pixel, project.slab.x);
    for (var k = project.slab.x + 1; k < project.slab.y; k++) {
        let value = voxel(pixel, k);
        let is_further = select((value < folded), (value > folded), project.op == MAX);
        if !is_nan(folded) && (is_nan(value) || is_further) {
            folded = value;
        }
    }
    return vec4(folded);
}

@fragment
fn fs_moment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = vec2<i32>(position.xy);
    let n = f32(project.slab.y - project.slab.x);
    let mean = sum_of(pixel) / n;
    if project.op == MEAN {
        return vec4(mean);
    }
    // The mean is rounded; the sum of the distances from it, which would be zero, mends that.
    var distances = Compensated(0.0, 0.0);
    var squares = Compensated(0.0, 0.0);
    for (var k = project.slab.x; k < project.slab.y; k++) {
        let distance = voxel(pixel, k) - mean;
        distances = add(distances, distance);
        squares = add(squares, distance * distance);
    }
    let offset = total_of(distances) / n;
    let variance = total_of(squares) / n - offset * offset;
    // max() would drop a NaN.
    return vec4(select(sqrt(max(variance, 0.0)), variance, is_nan(variance)));
}
