//! The window without a window: runs the output of an egui frame, paint callbacks included, into a
//! texture and reads it back. Behind `tectum snapshot` and the screenshot tests.

use egui_wgpu::{RenderState, ScreenDescriptor};

use super::readback::Readback;
use super::{RenderError, device};

/// An image that egui frames are painted into.
pub struct OffscreenTarget {
    state: RenderState,
    texture: wgpu::Texture,
    screen: ScreenDescriptor,
}

impl OffscreenTarget {
    /// A target of `width` × `height` physical pixels on a device of its own. Takes whatever adapter
    /// there is, software included.
    pub fn new(width: u32, height: u32, pixels_per_point: f32) -> Result<Self, RenderError> {
        Self::with_state(device::headless(false)?, width, height, pixels_per_point)
    }

    /// A target on a device that exists already.
    pub fn with_state(state: RenderState, width: u32, height: u32, pixels_per_point: f32) -> Result<Self, RenderError> {
        let limit = state.device.limits().max_texture_dimension_2d;
        if width == 0 || height == 0 || width > limit || height > limit {
            return Err(RenderError::TooLarge { width, height, limit });
        }
        let texture = state.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("offscreen window"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let screen = ScreenDescriptor { size_in_pixels: [width, height], pixels_per_point };
        Ok(Self { state, texture, screen })
    }

    /// What [`super::install`] and the app's creation need.
    pub fn render_state(&self) -> &RenderState {
        &self.state
    }

    /// Size in points, for [`egui::RawInput::screen_rect`].
    pub fn screen_rect(&self) -> egui::Rect {
        let [width, height] = self.screen.size_in_pixels.map(|side| side as f32 / self.screen.pixels_per_point);
        egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height))
    }

    /// Input of one frame: the screen's size and scale, at `time` seconds.
    pub fn raw_input(&self, time: f64) -> egui::RawInput {
        let mut input = egui::RawInput {
            screen_rect: Some(self.screen_rect()),
            time: Some(time),
            max_texture_side: Some(self.state.device.limits().max_texture_dimension_2d as usize),
            focused: true,
            ..Default::default()
        };
        input.viewports.entry(egui::ViewportId::ROOT).or_default().native_pixels_per_point =
            Some(self.screen.pixels_per_point);
        input
    }

    /// Takes over the frame's textures and paints it without reading the image back: for the frames
    /// before the one that is wanted.
    pub fn advance(&self, ctx: &egui::Context, output: egui::FullOutput) {
        let encoder = self.draw(ctx, output);
        self.state.queue.submit([encoder.finish()]);
    }

    /// Paints the frame and returns its pixels, opaque where the window is.
    pub fn paint(&self, ctx: &egui::Context, output: egui::FullOutput) -> Result<image::RgbaImage, RenderError> {
        let encoder = self.draw(ctx, output);
        let readback = Readback::submit(&self.state.device, &self.state.queue, encoder, &self.texture, 4);
        let mut pixels = vec![0; readback.num_bytes()];
        readback.finish(&self.state.device, &mut pixels)?;
        if matches!(self.texture.format().remove_srgb_suffix(), wgpu::TextureFormat::Bgra8Unorm) {
            pixels.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
        }
        let [width, height] = self.screen.size_in_pixels;
        image::RgbaImage::from_raw(width, height, pixels)
            .ok_or_else(|| RenderError::Lost("the image has another size than asked for".into()))
    }

    /// Records the frame; what callbacks and textures upload is submitted here.
    fn draw(&self, ctx: &egui::Context, mut output: egui::FullOutput) -> wgpu::CommandEncoder {
        let RenderState { device, queue, .. } = &self.state;
        let mut renderer = self.state.renderer.write();
        for (id, deltas) in output.textures_delta.set.drain() {
            for delta in &deltas {
                renderer.update_texture(device, queue, id, delta);
            }
        }
        let jobs = ctx.tessellate(output.shapes, output.pixels_per_point);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("offscreen") });
        let first = renderer.update_buffers(device, queue, &mut encoder, &jobs, &self.screen);
        queue.submit(first);
        let view = self.texture.create_view(&wgpu::TextureViewDescriptor::default());
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("offscreen"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                resolve_target: None,
                depth_slice: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        renderer.render(&mut pass.forget_lifetime(), &jobs, &self.screen);
        for id in output.textures_delta.free.drain() {
            renderer.free_texture(&id);
        }
        encoder
    }
}
