//! The paint callback of the canvas: what the app hands over to have planes drawn. It only records: what is drawn
//! lies on the GPU already.

use std::sync::{Mutex, PoisonError};

use egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor};

use super::recording::Recorded;
use super::renderer::RendererHandle;
use super::show::Drawn;
use crate::volume::Display;

/// Where and how a plane is drawn.
#[derive(Clone, Copy, Debug)]
pub struct PlaneDraw {
    /// What [`RendererHandle::show`] answered in this frame.
    pub drawn: Drawn,
    /// Where all of it lies: left, top, width and height in physical pixels of the window. May exceed
    /// the canvas.
    pub image_px: [f32; 4],
    /// How values become colours.
    pub display: Display,
    /// A reduced stand-in: always drawn smoothly, whatever the display says.
    pub is_preview: bool,
}

/// The shape that draws `draws` one over the other, cut at `rect`.
pub fn canvas_shape(rect: egui::Rect, draws: Vec<PlaneDraw>) -> egui::Shape {
    let callback = Canvas { rect, draws, recorded: Mutex::default() };
    egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, callback))
}

struct Canvas {
    rect: egui::Rect,
    draws: Vec<PlaneDraw>,
    recorded: Mutex<Vec<Recorded>>,
}

impl CallbackTrait for Canvas {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        _queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(handle) = resources.get::<RendererHandle>() {
            let recorded = handle.lock().record(&self.draws, self.rect, screen);
            *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = recorded;
        }
        Vec::new()
    }

    fn paint(&self, info: egui::PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, _: &CallbackResources) {
        let (rect, clip) = (info.viewport_in_pixels(), info.clip_rect_in_pixels());
        let [screen_width, screen_height] = info.screen_size_px;
        let left = rect.left_px.max(clip.left_px).max(0);
        let top = rect.top_px.max(clip.top_px).max(0);
        let right = (rect.left_px + rect.width_px).min(clip.left_px + clip.width_px).min(screen_width as i32);
        let bottom = (rect.top_px + rect.height_px).min(clip.top_px + clip.height_px).min(screen_height as i32);
        if left >= right || top >= bottom {
            return;
        }
        pass.set_viewport(0.0, 0.0, screen_width as f32, screen_height as f32, 0.0, 1.0);
        pass.set_scissor_rect(left as u32, top as u32, (right - left) as u32, (bottom - top) as u32);
        for draw in self.recorded.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            pass.set_pipeline(&draw.pipeline);
            pass.set_bind_group(0, &draw.uniforms, &[draw.offset]);
            pass.set_bind_group(1, &draw.voxels, &[]);
            pass.set_bind_group(2, &draw.mask, &[]);
            pass.draw(0..4, 0..1);
        }
    }
}
