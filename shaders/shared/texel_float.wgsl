// Voxels in single precision.

alias Raw = f32;

@group(1) @binding(0) var voxels: texture_2d_array<f32>;

fn raw_texel(position: vec2<i32>, layer: i32) -> Raw {
    return textureLoad(voxels, position, layer, 0).r;
}

fn value_of(raw: Raw) -> f32 {
    return raw;
}

// By its bits: a compiler may take `x != x` for false.
fn is_nan(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}
