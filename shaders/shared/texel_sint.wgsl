// Signed voxels: 8, 16 or 32 bits, read without loss.

alias Raw = i32;

@group(1) @binding(0) var voxels: texture_2d_array<i32>;

fn raw_texel(position: vec2<i32>, layer: i32) -> Raw {
    return textureLoad(voxels, position, layer, 0).r;
}

fn value_of(raw: Raw) -> f32 {
    return f32(raw);
}

fn is_nan(value: f32) -> bool {
    return false;
}
