// Voxels in single precision.

alias Raw = f32;

const CAN_BE_NAN: bool = true;

fn value_of(raw: Raw) -> f32 {
    return raw;
}

// By its bits: a compiler may take `x != x` for false.
fn is_nan(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}
