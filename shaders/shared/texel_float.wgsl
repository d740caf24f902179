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

// The rest of a label divided by 255, of which 2^8 is one more than a multiple.
fn label_rest(raw: Raw) -> u32 {
    let bits = bitcast<u32>(raw);
    let power = i32((bits >> 23u) & 0xffu) - 150;
    let whole = ((bits & 0x7fffffu) | 0x800000u) >> u32(clamp(-power, 0, 31));
    let rest = ((whole % 255u) << u32(max(power, 0) % 8)) % 255u;
    return select(rest, (255u - rest) % 255u, (bits >> 31u) != 0u);
}

fn is_no_label(raw: Raw) -> bool {
    return abs(raw) < 1.0;
}
