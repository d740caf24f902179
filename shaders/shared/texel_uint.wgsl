// Unsigned voxels: 8, 16 or 32 bits, read without loss.

alias Raw = u32;
alias Scalar = u32;

fn raw_of(texel: vec4<Scalar>) -> Raw {
    return texel.r;
}

fn value_of(raw: Raw) -> f32 {
    return f32(raw);
}
