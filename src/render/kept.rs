//! The window where every pixel is computed by the CPU. The interface is kept in a texture and drawn again only
//! where it differs from the frame before; what of it is more than flat colour is copied to the screen. Pictures,
//! and what lies on them, are drawn to the screen as they are.

use egui::epaint::{ClippedPrimitive, ClippedShape, Primitive};
use egui::{Color32, FullOutput, Rect, Shape, TextureId};
use egui_wgpu::{RenderState, ScreenDescriptor};

use super::busy::busy_areas;
use super::copy::CopyPipeline;
use super::damage::{bounds, damage, outside};
use super::fill::{fill_shape, flat_area};
use super::interface::PlainPipeline;

/// Paints the window of a context it is added to, in the place of the integration, which is left little more
/// than a texture to show.
pub struct KeptWindow {
    state: RenderState,
    plain: PlainPipeline,
    copy: CopyPipeline,
    kept: Option<Kept>,
}

/// The interface as it was drawn last.
struct Kept {
    view: wgpu::TextureView,
    binding: wgpu::BindGroup,
    /// Columns and rows.
    size: [u32; 2],
    pixels_per_point: f32,
    /// What it shows; empty where nothing of it can be used.
    shapes: Vec<ClippedShape>,
    /// Where pictures are, in pixels: nothing is kept there.
    pictures: Vec<Rect>,
}

impl KeptWindow {
    /// For a target that stores gamma values; `None` for one that converts, where egui's own shaders stay in
    /// use.
    pub fn new(state: &RenderState) -> Option<Self> {
        let plain = (!state.target_format.is_srgb()).then(|| PlainPipeline::new(state))?;
        let copy = CopyPipeline::new(state);
        Some(Self { state: state.clone(), plain, copy, kept: None })
    }

    /// Brings the letters and pictures of the interface to the GPU: before they are drawn, and in a pass
    /// that is discarded, too.
    fn take_textures(&mut self, output: &mut FullOutput) {
        let mut renderer = self.state.renderer.write();
        for (id, deltas) in output.textures_delta.set.drain() {
            for delta in &deltas {
                renderer.update_texture(&self.state.device, &self.state.queue, id, delta);
                // New letters beside the old ones change nothing that is drawn; all else may.
                if id != TextureId::default() || delta.pos.is_none() {
                    self.kept = None;
                }
            }
        }
    }

    /// What to show: the kept texture is brought up to date, and what remains for the screen is returned.
    /// `size` is in pixels, `scale` pixels per point.
    fn draw(
        &mut self,
        ctx: &egui::Context,
        shapes: Vec<ClippedShape>,
        size: [u32; 2],
        scale: f32,
    ) -> Vec<ClippedShape> {
        let whole = Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(size[0] as f32, size[1] as f32));
        let is_picture = |shape: &&ClippedShape| matches!(shape.shape, Shape::Callback(_));
        let pictures: Vec<_> =
            shapes.iter().filter(is_picture).map(|shape| bounds(shape, scale).intersect(whole)).collect();
        let is_alike = |kept: &Kept| (kept.size, kept.pixels_per_point) == (size, scale) && kept.pictures == pictures;
        let before = self.kept.take().filter(is_alike);
        let areas = before.as_ref().map_or_else(|| vec![whole], |kept| damage(&kept.shapes, &shapes, scale, whole));
        let kept = before.unwrap_or_else(|| Kept::new(&self.state, &self.copy, size, scale, pictures));
        let areas: Vec<_> = areas.into_iter().flat_map(|area| outside(area, &kept.pictures)).collect();
        if !areas.is_empty() {
            self.paint(ctx, &kept, areas.iter().flat_map(|area| within(&shapes, *area, scale)).collect());
        }
        let flat = shapes.iter().filter_map(|shape| {
            let (rect, color) = flat_area(shape)?;
            let is_hidden = kept.pictures.iter().any(|area| area.contains_rect(bounds(shape, scale)));
            (!is_hidden).then(|| ClippedShape::new(shape.clip_rect, fill_shape(rect, color)))
        });
        let mut shown: Vec<_> = flat.collect();
        let busy = busy_areas(&shapes, scale, size, &kept.pictures);
        shown.push(ClippedShape::new(whole / scale, self.copy.shape(whole, scale, &kept.binding, &busy)));
        let live = kept.pictures.iter().flat_map(|area| within(&shapes, *area, scale)).collect();
        let live = self.primitives(ctx, live, whole / scale, scale);
        shown.extend(live.unwrap_or_default().into_iter().map(|ClippedPrimitive { clip_rect, primitive }| {
            let shape = match primitive {
                Primitive::Mesh(mesh) => Shape::mesh(mesh),
                Primitive::Callback(callback) => Shape::Callback(callback),
            };
            ClippedShape::new(clip_rect, shape)
        }));
        self.kept = Some(Kept { shapes, ..kept });
        shown
    }

    /// Triangles of the plain pipeline where it can draw them; `None` as long as there are no letters.
    fn primitives(
        &mut self,
        ctx: &egui::Context,
        shapes: Vec<ClippedShape>,
        screen_points: Rect,
        pixels_per_point: f32,
    ) -> Option<Vec<ClippedPrimitive>> {
        let atlas = self.state.renderer.read().texture(&TextureId::default())?.bind_group.clone();
        let primitives = ctx.tessellate(shapes, pixels_per_point);
        Some(self.plain.paint_plainly(primitives, &atlas, screen_points))
    }

    /// Draws over what is kept.
    fn paint(&mut self, ctx: &egui::Context, kept: &Kept, shapes: Vec<ClippedShape>) {
        let (size_in_pixels, pixels_per_point) = (kept.size, kept.pixels_per_point);
        let [width, height] = size_in_pixels.map(|side| side as f32 / pixels_per_point);
        let points = Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
        let Some(primitives) = self.primitives(ctx, shapes, points, pixels_per_point) else { return };
        let screen = ScreenDescriptor { size_in_pixels, pixels_per_point };
        let RenderState { device, queue, renderer, .. } = &self.state;
        let mut renderer = renderer.write();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kept window") });
        let first = renderer.update_buffers(device, queue, &mut encoder, &primitives, &screen);
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("kept window"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &kept.view,
                resolve_target: None,
                depth_slice: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        renderer.render(&mut pass.forget_lifetime(), &primitives, &screen);
        queue.submit(first.into_iter().chain([encoder.finish()]));
    }
}

impl egui::Plugin for KeptWindow {
    fn debug_name(&self) -> &'static str {
        "kept window"
    }

    fn setup(&mut self, ctx: &egui::Context) {
        // Circles are not drawn from the letters' texture, which the plain pipeline does not filter.
        ctx.tessellation_options_mut(|options| options.prerasterized_discs = false);
    }

    fn output_hook(&mut self, ctx: &egui::Context, output: &mut FullOutput) {
        self.take_textures(output);
        if output.platform_output.requested_discard() {
            return;
        }
        let scale = output.pixels_per_point;
        let size = (ctx.viewport_rect().size() * scale).round();
        let size = [size.x as u32, size.y as u32];
        let limit = self.state.device.limits().max_texture_dimension_2d;
        if size.iter().all(|&side| side > 0 && side <= limit) {
            output.shapes = self.draw(ctx, std::mem::take(&mut output.shapes), size, scale);
        }
    }
}

impl Kept {
    fn new(state: &RenderState, copy: &CopyPipeline, size: [u32; 2], scale: f32, pictures: Vec<Rect>) -> Self {
        let [width, height] = size;
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let texture = super::pipelines::texture("kept window", [width, height, 1], state.target_format, usage);
        let view = state.device.create_texture(&texture).create_view(&wgpu::TextureViewDescriptor::default());
        let binding = copy.bind(&view);
        Self { view, binding, size, pixels_per_point: scale, shapes: Vec::new(), pictures }
    }
}

/// What is to be drawn in an area of pixels, on black.
fn within(shapes: &[ClippedShape], area: Rect, pixels_per_point: f32) -> Vec<ClippedShape> {
    let clip = area / pixels_per_point;
    let mut inside = vec![ClippedShape::new(clip, fill_shape(clip, Color32::BLACK))];
    let is_inside = |shape: &&ClippedShape| bounds(shape, pixels_per_point).intersect(area).is_positive();
    for shape in shapes.iter().filter(is_inside) {
        let clip_rect = shape.clip_rect.intersect(clip);
        let Some((rect, color)) = flat_area(shape) else {
            inside.push(ClippedShape { clip_rect, ..shape.clone() });
            continue;
        };
        let seen = rect.intersect(shape.clip_rect) * pixels_per_point;
        if Rect::from_min_max(seen.min.round(), seen.max.round()).contains_rect(area) {
            // Nothing that lies below is seen.
            inside.clear();
        }
        inside.push(ClippedShape::new(clip_rect, fill_shape(rect, color)));
    }
    inside
}
