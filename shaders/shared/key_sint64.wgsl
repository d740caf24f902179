const CAN_BE_NAN: bool = false;

fn key_of(raw: Raw) -> vec2<u32> {
    return vec2(raw.x, raw.y ^ 0x80000000u);
}

fn offset_of(raw: Raw) -> f32 {
    return distance_of(key_of(raw));
}

fn is_nan(raw: Raw) -> bool {
    return false;
}

fn is_zero(raw: Raw) -> bool {
    return (raw.x | raw.y) == 0u;
}

// The rest of a label divided by 255, of which 2^32 and 2^64 are one more than multiples.
fn label_rest(raw: Raw) -> u32 {
    return (raw.x % 255u + raw.y % 255u + select(0u, 254u, (raw.y >> 31u) != 0u)) % 255u;
}

fn is_no_label(raw: Raw) -> bool {
    return (raw.x | raw.y) == 0u;
}
