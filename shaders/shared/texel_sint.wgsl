// Signed voxels: 8, 16 or 32 bits, read without loss.

alias Raw = i32;

const CAN_BE_NAN: bool = false;

fn value_of(raw: Raw) -> f32 {
    return f32(raw);
}

fn is_nan(value: f32) -> bool {
    return false;
}
