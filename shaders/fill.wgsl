// One triangle that covers the viewport; the colour is the number of the instance, 0xRRGGBB.

override IS_SRGB_TARGET: bool = false;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) color: u32,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32, @builtin(instance_index) color: u32) -> Vertex {
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return Vertex(vec4<f32>(corner * 2.0 - 1.0, 0.0, 1.0), color);
}

@fragment
fn fragment(vertex: Vertex) -> @location(0) vec4<f32> {
    let channels = (vec3<u32>(vertex.color) >> vec3(16u, 8u, 0u)) & vec3(0xffu);
    var color = vec3<f32>(channels) / 255.0;
    if IS_SRGB_TARGET {
        color = linear_from_gamma(color);
    }
    return vec4(color, 1.0);
}
