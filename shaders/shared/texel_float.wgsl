// Voxels in single precision.

alias Raw = f32;
alias Scalar = f32;

fn raw_of(texel: vec4<Scalar>) -> Raw {
    return texel.r;
}

fn value_of(raw: Raw) -> f32 {
    return raw;
}

// By its bits: a compiler may take `x != x` for false.
fn is_nan(raw: Raw) -> bool {
    return (bitcast<u32>(raw) & 0x7fffffffu) > 0x7f800000u;
}
