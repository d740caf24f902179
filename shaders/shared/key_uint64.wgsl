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

// The rest of a label divided by 255, of which 2^32 is one more than a multiple.
fn label_rest(raw: Raw) -> u32 {
    return (raw.x % 255u + raw.y % 255u) % 255u;
}

fn is_no_label(raw: Raw) -> bool {
    return (raw.x | raw.y) == 0u;
}
