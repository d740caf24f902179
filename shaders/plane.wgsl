// Draws a plane: filters voxels, maps values through contrast limits, gamma and colormap, and hatches
// what is missing. Everything but the voxels is a uniform. The arithmetic of the colours is that of
// Display in src/volume/display.rs.

const LINEAR: u32 = 1u;
const INVERT: u32 = 2u;
const MASKED: u32 = 4u;
const SATURATION: u32 = 8u;
const SRGB_TARGET: u32 = 16u;

const LARGEST: f32 = 3.4e38;

// Keep in sync with gpu::Plane in src/render/uniforms.rs.
struct Plane {
    quad_px: vec4<f32>,          // what is drawn: left, top, right, bottom in the window
    image_px: vec2<f32>,         // where the plane's first corner lies in the window
    voxels_per_px: vec2<f32>,
    screen_px: vec2<f32>,
    limits: vec2<f32>,
    tiles: Tiles,
    size: vec2<i32>,             // voxels to draw, (x, y); fewer rows while an upload is under way
    max_taps: i32,               // voxels averaged along each axis, at most
    flags: u32,
    gamma: f32,
    full_scale: f32,
    colormap: i32,
    pad: i32,
    hatch: Hatch,
}

@group(0) @binding(0) var<uniform> plane: Plane;
@group(0) @binding(1) var luts: texture_2d<f32>;

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

fn is_masked(place: Place) -> bool {
    return (plane.flags & MASKED) != 0u && mask_texel(place) != 0u;
}

// The voxel under the pixel's centre.
fn gather_nearest(position: vec2<i32>) -> Gathered {
    let place = place_of(plane.tiles, position, 0);
    let value = value_of(raw_texel(place));
    return Gathered(value, is_masked(place) || is_nan(value), value >= plane.full_scale, value == 0.0);
}

// The average over the pixel's area, which is at least one voxel wide: magnified, that is bilinear
// interpolation. What is missing takes no part in it. Magnified, a pixel is missing if the voxel under
// its centre is; reduced, if any voxel under it was never read, or half of them are NaN.
fn gather_area(point: vec2<f32>, centre: vec2<i32>) -> Gathered {
    let is_reduced = any(plane.voxels_per_px > vec2(1.0));
    let reach = 0.5 * max(plane.voxels_per_px, vec2(1.0));
    let low = clamp(point - reach, vec2(0.0), vec2<f32>(plane.size) - 1.0);
    let high = clamp(point + reach, low + 1e-3, vec2<f32>(plane.size));
    let first = vec2<i32>(floor(low));
    let last = max(vec2<i32>(ceil(high)) - 1, first);
    let stride = (last - first) / plane.max_taps + 1;
    let start = first + (stride - 1) / 2;

    var sum = 0.0;
    var weight = 0.0;
    var nan_weight = 0.0;
    var is_missing = false;
    var is_full = false;
    var is_zero = true;
    for (var y = start.y; y <= last.y; y += stride.y) {
        // A strided voxel stands for its neighbours, so that all weigh the same.
        let overlap_y = select(min(high.y, f32(y + 1)) - max(low.y, f32(y)), 1.0, stride.y > 1);
        for (var x = start.x; x <= last.x; x += stride.x) {
            let overlap_x = select(min(high.x, f32(x + 1)) - max(low.x, f32(x)), 1.0, stride.x > 1);
            let w = overlap_x * overlap_y;
            let place = place_of(plane.tiles, vec2(x, y), 0);
            let value = value_of(raw_texel(place));
            let is_centre = all(vec2(x, y) == centre);
            if is_masked(place) {
                is_missing = is_missing || is_reduced || is_centre;
            } else if is_nan(value) {
                nan_weight += w;
                is_missing = is_missing || (!is_reduced && is_centre);
            } else {
                // Infinities become the largest numbers, so that two of them do not cancel to NaN.
                sum += w * clamp(value, -LARGEST, LARGEST);
                weight += w;
                is_full = is_full || value >= plane.full_scale;
                is_zero = is_zero && value == 0.0;
            }
        }
    }
    if weight <= nan_weight {
        is_missing = true;
    }
    return Gathered(sum / max(weight, 1e-30), is_missing, is_full, is_zero);
}

fn gradient_position(value: f32) -> f32 {
    var position = 0.0;
    if value >= plane.limits.y && value > plane.limits.x {
        position = 1.0;
    } else if value > plane.limits.x {
        position = (value - plane.limits.x) / (plane.limits.y - plane.limits.x);
        if plane.gamma != 1.0 {
            position = pow(position, plane.gamma);
        }
    }
    return select(position, 1.0 - position, (plane.flags & INVERT) != 0u);
}

fn linear_from_gamma(color: vec3<f32>) -> vec3<f32> {
    let low = color / 12.92;
    let high = pow((color + 0.055) / 1.055, vec3(2.4));
    return select(high, low, color < vec3(0.04045));
}

@fragment
fn fs_main(@builtin(position) position_px: vec4<f32>) -> @location(0) vec4<f32> {
    let point = (position_px.xy - plane.image_px) * plane.voxels_per_px;
    let centre = clamp(vec2<i32>(floor(point)), vec2(0), plane.size - 1);
    var gathered: Gathered;
    if (plane.flags & LINEAR) != 0u {
        gathered = gather_area(point, centre);
    } else {
        gathered = gather_nearest(centre);
    }
    var color: vec3<f32>;
    if gathered.is_missing {
        color = hatch_color(plane.hatch, position_px.xy);
    } else {
        var index = i32(floor(gradient_position(gathered.value) * 255.0 + 0.5));
        if (plane.flags & SATURATION) != 0u {
            // The marks are the ends of this colormap's table; all between is gray, ends included.
            if gathered.is_full {
                index = 255;
            } else if gathered.is_zero {
                index = 0;
            } else {
                index = clamp(index, 1, 254);
            }
        }
        color = textureLoad(luts, vec2(index, plane.colormap), 0).rgb;
    }
    if (plane.flags & SRGB_TARGET) != 0u {
        color = linear_from_gamma(color);
    }
    return vec4(color, 1.0);
}
