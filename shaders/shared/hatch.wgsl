// The mark of what was never measured or could not be read: calm diagonal lines in screen space, so
// that they look alike at every zoom.

struct Hatch {
    back: vec3<f32>,
    period_px: f32,
    line: vec3<f32>,
    line_px: f32,
}

fn hatch_color(hatch: Hatch, position_px: vec2<f32>) -> vec3<f32> {
    let along = (position_px.x + position_px.y) * 0.70710678;
    let distance_px = abs(fract(along / hatch.period_px) - 0.5) * hatch.period_px;
    let coverage = clamp(0.5 * hatch.line_px + 0.5 - distance_px, 0.0, 1.0);
    return mix(hatch.back, hatch.line, coverage);
}
