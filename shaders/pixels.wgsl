// Draws a plane that was coloured on the CPU, pixel on pixel. Follows plane.wgsl.

@fragment
fn fs_pixels(@builtin(position) position_px: vec4<f32>) -> @location(0) vec4<f32> {
    return textureLoad(voxels, vec2<i32>(position_px.xy - plane.image_px), 0);
}
