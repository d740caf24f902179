// Integers of 8 and 16 bits as they are: single precision tells them apart, and the limits are told as they are.

const CAN_BE_NAN: bool = false;

fn offset_of(raw: Raw) -> f32 {
    return value_of(raw);
}

fn is_nan(raw: Raw) -> bool {
    return false;
}

fn is_zero(raw: Raw) -> bool {
    return raw == Raw(0);
}

fn is_full(raw: Raw) -> bool {
    return value_of(raw) >= plane.full_scale;
}
