// What a target that stores gamma values is to be given.

fn linear_from_gamma(color: vec3<f32>) -> vec3<f32> {
    let low = color / 12.92;
    let high = pow((color + 0.055) / 1.055, vec3(2.4));
    return select(high, low, color < vec3(0.04045));
}
