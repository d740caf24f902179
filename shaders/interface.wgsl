// The interface's triangles: vertex colour times texture, both as stored (gamma), premultiplied.

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) tex_coord: vec2<f32>,
    @location(1) color: vec4<f32>,
}

@group(0) @binding(0) var atlas: texture_2d<f32>;
@group(0) @binding(1) var atlas_sampler: sampler;

@vertex
fn vertex(
    @location(0) position: vec2<f32>,
    @location(1) tex_coord: vec2<f32>,
    @location(2) color: vec4<f32>,
) -> Vertex {
    return Vertex(vec4<f32>(position, 0.0, 1.0), tex_coord, color);
}

@fragment
fn fragment(vertex: Vertex) -> @location(0) vec4<f32> {
    // Glyphs lie on whole pixels, so that the texel under the centre is what a filter would give.
    let texel = vec2<i32>(vertex.tex_coord * vec2<f32>(textureDimensions(atlas)));
    return vertex.color * textureLoad(atlas, texel, 0);
}
