// Signed voxels: 8, 16 or 32 bits, read without loss.

alias Raw = i32;
alias Scalar = i32;

fn raw_of(texel: vec4<Scalar>) -> Raw {
    return texel.r;
}

fn value_of(raw: Raw) -> f32 {
    return f32(raw);
}

// The rest of a label divided by 255.
fn label_rest(raw: Raw) -> u32 {
    return u32((raw % 255 + 255) % 255);
}

fn is_no_label(raw: Raw) -> bool {
    return raw == Raw(0);
}
