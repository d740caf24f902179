// Doubles, of which shaders know only the bits: as whole numbers of a step that is a power of two, small
// enough for the limits to differ by many and large enough for them to fit into 62 bits. The arithmetic is
// that of src/render/offsets.rs.

const CAN_BE_NAN: bool = true;

const MAX_SHIFT: i32 = 9;         // beyond it 62 bits are full
const LARGEST_SHIFT: i32 = 60;    // beyond it single precision is full

// The bits after the point and the one before it.
fn mantissa_of(raw: Raw) -> vec2<u32> {
    let is_subnormal = (raw.y & 0x7ff00000u) == 0u;
    return vec2(raw.x, (raw.y & 0xfffffu) | select(0x100000u, 0u, is_subnormal));
}

// How far the mantissa is shifted to count steps.
fn shift_of(raw: Raw) -> i32 {
    return max(i32((raw.y >> 20u) & 0x7ffu), 1) - plane.exponent;
}

fn shifted(bits: vec2<u32>, by: i32) -> vec2<u32> {
    // A shift by as many bits as there are is none: the halves that would need one are left out.
    let up = u32(clamp(by, 0, MAX_SHIFT));
    let raised = vec2(bits.x << up, (bits.y << up) | select(bits.x >> ((32u - up) & 31u), 0u, up == 0u));
    let down = u32(clamp(-by, 0, 63));
    let rest = down & 31u;
    let near = vec2((bits.x >> rest) | select(bits.y << ((32u - rest) & 31u), 0u, rest == 0u), bits.y >> rest);
    let lowered = select(near, vec2(near.y, 0u), down >= 32u);
    return select(lowered, raised, by > 0);
}

fn key_of(raw: Raw) -> vec2<u32> {
    let shift = shift_of(raw);
    var steps = shifted(mantissa_of(raw), shift);
    steps = select(steps, vec2(0xffffffffu, 0x7fffffffu), shift > MAX_SHIFT);
    let is_negative = (raw.y >> 31u) != 0u;
    let negated = vec2(~steps.x + 1u, ~steps.y + select(0u, 1u, steps.x == 0u));
    let signed = select(steps, negated, is_negative);
    return vec2(signed.x, signed.y ^ 0x80000000u);
}

fn offset_of(raw: Raw) -> f32 {
    let shift = shift_of(raw);
    // Far beyond the limits: no neighbours to be told apart, but an average must know how far.
    let bits = mantissa_of(raw);
    let power = bitcast<f32>(u32(127 + clamp(shift, 0, LARGEST_SHIFT)) << 23u);
    let size = (f32(bits.y) * 4294967296.0 + f32(bits.x)) * power;
    let far = select(size, -size, (raw.y >> 31u) != 0u) + distance_of(vec2(0u, 0x80000000u));
    return select(distance_of(key_of(raw)), far, shift > MAX_SHIFT);
}

fn is_nan(raw: Raw) -> bool {
    let high = raw.y & 0x7fffffffu;
    return high > 0x7ff00000u || (high == 0x7ff00000u && raw.x != 0u);
}

fn is_zero(raw: Raw) -> bool {
    return (raw.x | (raw.y & 0x7fffffffu)) == 0u;
}

// The rest of a label divided by 255, of which 2^8 and 2^32 are one more than multiples.
fn label_rest(raw: Raw) -> u32 {
    let power = i32((raw.y >> 20u) & 0x7ffu) - 1075;
    let whole = shifted(mantissa_of(raw), min(power, 0));
    let size = (whole.x % 255u + whole.y % 255u) % 255u;
    let raised = (size << u32(max(power, 0) % 8)) % 255u;
    return select(raised, (255u - raised) % 255u, (raw.y >> 31u) != 0u);
}

fn is_no_label(raw: Raw) -> bool {
    return (raw.y & 0x7fffffffu) < 0x3ff00000u;
}
