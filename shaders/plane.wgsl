// Draws a plane: filters voxels, maps values through contrast limits, gamma and colormap, and hatches
// what is missing. Everything but the voxels is a uniform. The arithmetic of the colours is that of
// Display in src/volume/display.rs.
//
// The switches are constants of a pipeline, because a software rasteriser computes both sides of every
// branch that is left.

const NEAREST: i32 = 0;     // the voxel under the pixel's centre
const BILINEAR: i32 = 1;    // between the four voxels around it; for pixels no larger than a voxel
const AREA: i32 = 2;        // the average over the pixel's area

override FILTER: i32 = 0;
override TAPS: i32 = 3;           // voxels averaged along each axis, at most
override IS_MASKED: bool = false;
override HAS_GAMMA: bool = false;
override IS_SATURATION: bool = false;
override IS_LABELS: bool = false;       // with the filter NEAREST alone
override IS_SRGB_TARGET: bool = false;
override PART: i32 = 0;

const WHOLE: i32 = 0;       // an opaque picture with its hatch
const LAYER: i32 = 1;       // what is mixed with the layers below: transparent where it is missing
const HATCH: i32 = 2;       // nothing but the hatch of a layer, over all layers

const LARGEST: f32 = 1e36;        // as many of them as a pixel averages do not overflow

// Keep in sync with gpu::Plane in src/render/uniforms.rs.
struct Plane {
    quad_px: vec4<f32>,          // what is drawn: left, top, right, bottom in the window
    image_px: vec2<f32>,         // where the plane's first corner lies in the window
    voxels_per_px: vec2<f32>,
    screen_px: vec2<f32>,
    limits: vec2<f32>,           // in the units of offset_of, as everything gathered is
    tiles: Tiles,
    size: vec2<i32>,             // voxels to draw, (x, y); fewer rows while an upload is under way
    is_inverted: u32,
    gamma: f32,
    full_scale: f32,
    exponent: i32,               // of doubles: the exponent, as stored, of a mantissa that is not shifted
    origin: vec2<u32>,           // what offset_of counts from
    full_key: vec2<u32>,         // full scale of types that are compared by keys
    shares: vec2<f32>,           // how much of a layer is seen, and how much of those below is covered
    hatch: Hatch,
    lut: array<vec4<u32>, 64>,   // colours of the 256 steps of the colormap, 0xAABBGGRR
}

@group(0) @binding(0) var<uniform> plane: Plane;

@vertex
fn vs_main(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // Two triangles of a strip: left-top, right-top, left-bottom, right-bottom.
    let x = select(plane.quad_px.x, plane.quad_px.z, (index & 1u) != 0u);
    let y = select(plane.quad_px.y, plane.quad_px.w, (index & 2u) != 0u);
    let ndc = vec2(x, y) / plane.screen_px * 2.0 - 1.0;
    return vec4(ndc.x, -ndc.y, 0.0, 1.0);
}

struct Gathered {
    value: f32,
    is_missing: bool,
    is_full: bool,     // a voxel under the pixel is at full scale
    is_zero: bool,     // every voxel under the pixel is zero
}

// What a filter has added up.
struct Sum {
    value: f32,
    weight: f32,
    nan_weight: f32,
    is_masked: bool,   // any voxel was never read
    is_full: bool,
    is_zero: bool,
}

fn is_masked(place: Place) -> bool {
    if IS_MASKED {
        return mask_texel(place) != 0u;
    }
    return false;
}

fn gather_nearest(position: vec2<i32>) -> Gathered {
    let place = place_of(plane.tiles, position, 0);
    let raw = raw_texel(place);
    return Gathered(offset_of(raw), is_masked(place) || is_nan(raw), is_full(raw), is_zero(raw));
}

// Adds a voxel; what is missing takes no part in the average.
fn add_voxel(sum: Sum, position: vec2<i32>, weight: f32) -> Sum {
    let place = place_of(plane.tiles, position, 0);
    let raw = raw_texel(place);
    let value = offset_of(raw);
    let was_masked = is_masked(place);
    let was_nan = is_nan(raw);
    let kept = select(weight, 0.0, was_masked || was_nan);
    var finite = value;
    if CAN_BE_NAN {
        // Infinities become the largest numbers, so that two of them do not cancel to NaN.
        finite = select(clamp(value, -LARGEST, LARGEST), 0.0, was_nan);
    }
    return Sum(
        sum.value + kept * finite,
        sum.weight + kept,
        sum.nan_weight + select(0.0, weight, was_nan && !was_masked),
        sum.is_masked || was_masked,
        sum.is_full || (kept > 0.0 && is_full(raw)),
        sum.is_zero && (kept == 0.0 || is_zero(raw)),
    );
}

// Magnified, a pixel is missing if the voxel under its centre is.
fn gather_bilinear(point: vec2<f32>, centre: vec2<i32>) -> Gathered {
    let corner = floor(point - 0.5);
    let after = point - 0.5 - corner;
    let low = clamp(vec2<i32>(corner), vec2(0), plane.size - 1);
    let high = clamp(vec2<i32>(corner) + 1, vec2(0), plane.size - 1);
    let before = 1.0 - after;
    var sum = Sum(0.0, 0.0, 0.0, false, false, true);
    sum = add_voxel(sum, low, before.x * before.y);
    sum = add_voxel(sum, vec2(high.x, low.y), after.x * before.y);
    sum = add_voxel(sum, vec2(low.x, high.y), before.x * after.y);
    sum = add_voxel(sum, high, after.x * after.y);
    let under = gather_nearest(centre);
    let value = sum.value / max(sum.weight, 1e-30);
    return Gathered(value, under.is_missing || sum.weight <= sum.nan_weight, sum.is_full, sum.is_zero);
}

// Reduced, a pixel is missing if any voxel under it was never read, or half of them are NaN. Where more
// voxels lie under it than TAPS, evenly spaced ones stand for the others.
fn gather_area(point: vec2<f32>) -> Gathered {
    let reach = 0.5 * max(plane.voxels_per_px, vec2(1.0));
    let low = clamp(point - reach, vec2(0.0), vec2<f32>(plane.size) - 1.0);
    let high = clamp(point + reach, low + 1e-3, vec2<f32>(plane.size));
    let first = vec2<i32>(floor(low));
    let last = max(vec2<i32>(ceil(high)) - 1, first);
    let stride = (last - first) / TAPS + 1;
    let start = first + (stride - 1) / 2;
    var sum = Sum(0.0, 0.0, 0.0, false, false, true);
    for (var j = 0; j < TAPS; j++) {
        for (var i = 0; i < TAPS; i++) {
            let position = start + vec2(i, j) * stride;
            let near = vec2<f32>(position);
            let overlap = clamp(min(high, near + 1.0) - max(low, near), vec2(0.0), vec2(1.0));
            let strided = select(vec2(0.0), vec2(1.0), position <= last);
            let weight = select(overlap, strided, stride > vec2(1));
            sum = add_voxel(sum, min(position, last), weight.x * weight.y);
        }
    }
    let is_missing = sum.is_masked || sum.weight <= sum.nan_weight;
    return Gathered(sum.value / max(sum.weight, 1e-30), is_missing, sum.is_full, sum.is_zero);
}

// Position along the gradient, 0 to 1.
fn gradient_position(value: f32) -> f32 {
    let range = plane.limits.y - plane.limits.x;
    // Compared before dividing, so that infinities clamp instead of becoming NaN.
    let inside = clamp((clamp(value, plane.limits.x, plane.limits.y) - plane.limits.x) / range, 0.0, 1.0);
    var position = select(select(inside, 1.0, value >= plane.limits.y), 0.0, value <= plane.limits.x);
    if HAS_GAMMA {
        position = select(pow(position, plane.gamma), 0.0, position == 0.0);
    }
    return select(position, 1.0 - position, plane.is_inverted != 0u);
}

@fragment
fn fs_main(@builtin(position) position_px: vec4<f32>) -> @location(0) vec4<f32> {
    let point = (position_px.xy - plane.image_px) * plane.voxels_per_px;
    let centre = clamp(vec2<i32>(floor(point)), vec2(0), plane.size - 1);
    var gathered: Gathered;
    if FILTER == AREA {
        gathered = gather_area(point);
    } else if FILTER == BILINEAR {
        gathered = gather_bilinear(point, centre);
    } else {
        gathered = gather_nearest(centre);
    }
    var index = i32(gradient_position(gathered.value) * 255.0 + 0.5);
    if IS_SATURATION {
        // The marks are the ends of this colormap's table; all between is gray, ends included.
        index = clamp(index, 1, 254);
        index = select(select(index, 0, gathered.is_zero), 255, gathered.is_full);
    }
    if IS_LABELS {
        let raw = raw_texel(place_of(plane.tiles, centre, 0));
        index = select(i32(1u + (label_rest(raw) + 254u) % 255u), 0, is_no_label(raw));
    }
    var color = unpack4x8unorm(plane.lut[index >> 2u][index & 3]).rgb;
    if IS_MASKED || CAN_BE_NAN {
        color = select(color, hatch_color(plane.hatch, position_px.xy), gathered.is_missing);
    }
    if IS_SRGB_TARGET {
        color = linear_from_gamma(color);
    }
    if PART == HATCH && !gathered.is_missing {
        discard;
    }
    if PART == LAYER {
        let is_seen = !(gathered.is_missing || (IS_LABELS && index == 0));
        return select(vec4(0.0), vec4(color * plane.shares.x, plane.shares.y), is_seen);
    }
    return vec4(color, 1.0);
}
