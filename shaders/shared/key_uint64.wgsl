const CAN_BE_NAN: bool = false;

fn key_of(raw: Raw) -> vec2<u32> {
    return raw;
}

fn offset_of(raw: Raw) -> f32 {
    return distance_of(raw);
}

fn is_nan(raw: Raw) -> bool {
    return false;
}

fn is_zero(raw: Raw) -> bool {
    return (raw.x | raw.y) == 0u;
}
