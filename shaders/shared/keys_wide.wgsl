// Values of 64 bits by their keys, unsigned numbers in the same order, the lower half first: what lies
// between a key and the origin is subtracted as integers, so that neighbours stay apart.

fn is_less(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn distance_of(key: vec2<u32>) -> f32 {
    let is_below = is_less(key, plane.origin);
    let larger = select(key, plane.origin, is_below);
    let smaller = select(plane.origin, key, is_below);
    let low = larger.x - smaller.x;
    let high = larger.y - smaller.y - select(0u, 1u, larger.x < smaller.x);
    let distance = f32(high) * 4294967296.0 + f32(low);
    return select(distance, -distance, is_below);
}

fn is_full(raw: Raw) -> bool {
    return !is_less(key_of(raw), plane.full_key);
}
