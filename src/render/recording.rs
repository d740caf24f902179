//! How what lies on the GPU is drawn: its pipeline, its filter and its uniforms.

use egui_wgpu::ScreenDescriptor;

use super::canvas::PlaneDraw;
use super::offsets::Offsets;
use super::pipelines::{Filter, Part, PlaneKey};
use super::renderer::Renderer;
use super::show::Drawn;
use super::texel::Texel;
use super::uniforms::{UniformRing, gpu};
use crate::volume::{Blend, Colormap, Display, Interpolation};

/// One draw, ready to be recorded.
#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) pipeline: wgpu::RenderPipeline,
    pub(super) uniforms: wgpu::BindGroup,
    pub(super) offset: u32,
    pub(super) voxels: wgpu::BindGroup,
    pub(super) mask: wgpu::BindGroup,
}

impl Renderer {
    /// Writes the uniforms of every draw that can be seen. Draws of one layer come after one another, the
    /// lowest layer first.
    pub(super) fn record(&mut self, draws: &[PlaneDraw], rect: egui::Rect, screen: &ScreenDescriptor) -> Vec<Recorded> {
        // Whoever records submits, too.
        self.submitted_bytes = self.planes.uploaded_bytes;
        let layer = |draw: &PlaneDraw| draw.drawn.key.layer;
        let lowest = draws.first().map(layer);
        let is_alone = draws.iter().all(|draw| Some(layer(draw)) == lowest);
        let (mut recorded, mut hatches) = (Vec::with_capacity(draws.len()), Vec::new());
        for draw in draws {
            let is_lowest = Some(layer(draw)) == lowest;
            let Some((key, plane)) = self.record_plane(draw, [is_lowest, is_alone], rect, screen) else { continue };
            if key.can_be_missing() && !(is_alone && key.part == Part::Whole) {
                // What one layer lacks must not pass for a measurement of another, whatever is drawn above it.
                let pipeline = self.pipelines.plane(PlaneKey { part: Part::Hatch, ..key });
                hatches.push(Recorded { pipeline, ..plane.clone() });
            }
            recorded.push(plane);
        }
        recorded.append(&mut hatches);
        recorded
    }

    fn record_plane(
        &mut self,
        draw: &PlaneDraw,
        [is_lowest, is_alone]: [bool; 2],
        rect: egui::Rect,
        screen: &ScreenDescriptor,
    ) -> Option<(PlaneKey, Recorded)> {
        let plane = &draw.drawn.plane;
        let texture = self.textures.key(plane.lease)?;
        let mut shares = draw.display.shares();
        if is_lowest && draw.display.blend == Blend::Add {
            // Light is added to darkness, not to the ground of the canvas.
            shares[1] = 1.0;
        }
        let mut uniforms = gpu::Plane { shares, ..plane_uniforms(texture.texel, draw, rect, screen)? };
        if self.uniforms.is_full() {
            let num_slots = self.uniforms.num_slots() * 2;
            self.uniforms = UniformRing::new(&self.device, &self.pipelines.plane_layout, num_slots);
            self.num_rings += 1;
        }
        let key = PlaneKey {
            variant: texture.variant(),
            filter: filter(uniforms.voxels_per_px, draw, self.is_software()),
            is_masked: plane.mask.is_some(),
            has_gamma: draw.display.gamma != 1.0,
            is_saturation: draw.display.colormap == Colormap::Saturation,
            is_labels: draw.display.colormap == Colormap::Labels,
            part: if is_lowest && shares == [1.0; 2] { Part::Whole } else { Part::Layer },
        };
        // The hatch over several layers is told from the voxels.
        let is_picture = key.part == Part::Whole && (is_alone || !key.can_be_missing());
        let colored = is_picture.then(|| self.color(draw, &uniforms, key, screen.size_in_pixels)).flatten();
        let (lease, mask, pipeline) = match colored {
            Some((lease, from)) => {
                uniforms.image_px = from.map(|pixel| pixel as f32);
                (lease, None, self.pipelines.pixels())
            }
            None => (plane.lease, plane.mask, self.pipelines.plane(key)),
        };
        let mask = match mask {
            Some(mask) => self.textures.bind_group(mask)?.clone(),
            None => self.pipelines.no_mask(self.textures.key(lease)?.variant()),
        };
        let voxels = self.textures.bind_group(lease)?.clone();
        let offset = self.uniforms.push(&self.queue, &uniforms);
        Some((key, Recorded { pipeline, uniforms: self.uniforms.bind_group.clone(), offset, voxels, mask }))
    }
}

/// How to filter a plane of which so many voxels fall on a pixel.
fn filter(voxels_per_px: [f32; 2], draw: &PlaneDraw, is_software: bool) -> Filter {
    let most = voxels_per_px[0].max(voxels_per_px[1]);
    if draw.display.colormap == Colormap::Labels {
        // There is nothing between one name and another.
        return Filter::Nearest;
    }
    let is_saturation = draw.display.colormap == Colormap::Saturation;
    let is_linear = draw.is_preview || draw.drawn.is_backdrop || draw.display.interpolation == Interpolation::Linear;
    if most > 1.0 && (is_linear || is_saturation) {
        // A pixel touches at most one voxel more than it is wide. Few different numbers, so that
        // zooming makes few pipelines; a software rasteriser affords 16 voxels for a pixel.
        let taps = [3, 4, 6, 8].into_iter().find(|&taps| most <= f32::from(taps) - 1.0).unwrap_or(16);
        Filter::Area(if is_software { taps.min(4) } else { taps })
    } else if is_linear && !is_saturation {
        Filter::Bilinear
    } else {
        // Magnified, saturation is told voxel by voxel.
        Filter::Nearest
    }
}

/// The hatch, of the tokens bg2 and t3, in points.
const HATCH_BACK: [u8; 3] = [0x20, 0x24, 0x2a];
const HATCH_LINE: [u8; 3] = [0x6d, 0x76, 0x83];
const HATCH_PERIOD: f32 = 10.0;
const HATCH_WIDTH: f32 = 1.25;

fn plane_uniforms(texel: Texel, draw: &PlaneDraw, rect: egui::Rect, screen: &ScreenDescriptor) -> Option<gpu::Plane> {
    let plane = &draw.drawn.plane;
    let [left, top, width, height] = draw.image_px;
    if !(width > 0.0 && height > 0.0 && [left, top, width, height].iter().all(|n| n.is_finite())) {
        return None;
    }
    let display: &Display = &draw.display;
    let Drawn { tile, within, .. } = draw.drawn;
    // Texels along the image's sides; the last one may stand for fewer voxels than the others.
    let extent = [1, 0].map(|axis| tile.of[axis] as f32 / plane.factor as f32);
    let voxels_per_px = [extent[0] / width, extent[1] / height];
    let [left, top, _, tile_bottom] = tile.edges_px(draw.image_px);
    // Where the plane's first texel lies.
    let origin_px = [0, 1].map(|i| [left, top][i] - plane.border.low[i] as f32 / voxels_per_px[i]);
    let rows = plane.rows_done.min(plane.tiling.size[1]);
    let arrived = if plane.is_complete() { tile_bottom } else { origin_px[1] + rows as f32 / voxels_per_px[1] };
    let rect = rect * screen.pixels_per_point;
    let [left, top, right, bottom] = within.edges_px(draw.image_px);
    let quad_px =
        [left.max(rect.left()), top.max(rect.top()), right.min(rect.right()), bottom.min(arrived).min(rect.bottom())];
    if quad_px[0] >= quad_px[2] || quad_px[1] >= quad_px[3] {
        return None;
    }
    let offsets = Offsets::new(texel, display.limits, display.full_scale_of(plane.dtype));
    let color = |rgb: [u8; 3]| rgb.map(|c| f32::from(c) / 255.0);
    let scale = screen.pixels_per_point;
    Some(gpu::Plane {
        quad_px,
        image_px: origin_px,
        voxels_per_px,
        screen_px: screen.size_in_pixels.map(|n| n as f32),
        limits: offsets.limits,
        tiles: gpu::Tiles::of(&plane.tiling),
        size: [plane.tiling.size[0] as i32, rows as i32],
        is_inverted: u32::from(display.invert),
        gamma: display.gamma,
        full_scale: offsets.full_scale,
        exponent: offsets.exponent,
        origin: offsets.origin,
        full_key: offsets.full_key,
        shares: [1.0; 2],
        hatch: gpu::Hatch {
            back: color(HATCH_BACK),
            period_px: HATCH_PERIOD * scale,
            line: color(HATCH_LINE),
            line_px: HATCH_WIDTH * scale,
        },
        lut: display.colormap.lut(),
    })
}
