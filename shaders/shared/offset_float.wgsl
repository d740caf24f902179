// Floats by their distance from the origin, in a power of two that makes the limits numbers about one.

const CAN_BE_NAN: bool = true;

fn offset_of(raw: Raw) -> f32 {
    return raw * bitcast<f32>(plane.origin.y) - bitcast<f32>(plane.origin.x);
}

fn is_zero(raw: Raw) -> bool {
    return raw == 0.0;
}

fn is_full(raw: Raw) -> bool {
    return raw >= plane.full_scale;
}
