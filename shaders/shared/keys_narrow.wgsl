// Values of 32 bits by their keys, unsigned numbers in the same order: what lies between a key and the
// origin is subtracted as integers, so that neighbours stay apart however far from zero they are.

const CAN_BE_NAN: bool = false;

fn offset_of(raw: Raw) -> f32 {
    let key = key_of(raw);
    let is_below = key < plane.origin.x;
    let distance = f32(select(key - plane.origin.x, plane.origin.x - key, is_below));
    return select(distance, -distance, is_below);
}

fn is_nan(raw: Raw) -> bool {
    return false;
}

fn is_zero(raw: Raw) -> bool {
    return raw == Raw(0);
}

fn is_full(raw: Raw) -> bool {
    return key_of(raw) >= plane.full_key.x;
}
