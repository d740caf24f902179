// Lays parts of the window as it was kept on the screen, pixel on pixel.

@group(0) @binding(0) var kept: texture_2d<f32>;

@vertex
fn vertex(@builtin(vertex_index) index: u32, @location(0) area: vec4<f32>) -> @builtin(position) vec4<f32> {
    // Two triangles of a strip: left-top, right-top, left-bottom, right-bottom.
    let x = select(area.x, area.z, (index & 1u) != 0u);
    let y = select(area.y, area.w, (index & 2u) != 0u);
    return vec4<f32>(x, y, 0.0, 1.0);
}

@fragment
fn fragment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return textureLoad(kept, vec2<i32>(position.xy), 0);
}
