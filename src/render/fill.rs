//! Large flat areas, drawn by a pipeline of their own. egui's shader filters a texture by hand for every
//! pixel of a panel's background, which is most of a frame on a software rasteriser.

use egui_wgpu::{CallbackResources, CallbackTrait};

use super::shaders;

/// The pipeline of fills, kept beside the renderer. It needs no buffers: one triangle over the viewport,
/// and the colour is the number of the instance.
pub(super) struct FillPipeline {
    pipeline: wgpu::RenderPipeline,
}

impl FillPipeline {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("fill"),
            source: wgpu::ShaderSource::Wgsl(shaders::fill().into()),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("fill"),
            bind_group_layouts: &[],
            immediate_size: 0,
        });
        let constants = [("IS_SRGB_TARGET", f64::from(u8::from(format.is_srgb())))];
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("fill"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fragment"),
                compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
                targets: &[Some(wgpu::ColorTargetState {
                    format,
                    // Blending reads what is there, which doubles the cost.
                    blend: None,
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline }
    }
}

/// The shape that fills `rect` with an opaque colour. Draws nothing where no renderer is installed.
pub(super) fn fill_shape(rect: egui::Rect, color: egui::Color32) -> egui::Shape {
    egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, Fill { color }))
}

/// The area and colour of a shape that is nothing but an opaque rectangle on whole pixels.
pub(super) fn flat_area(clipped: &egui::epaint::ClippedShape) -> Option<(egui::Rect, egui::Color32)> {
    let egui::Shape::Rect(shape) = &clipped.shape else { return None };
    let is_flat = clipped.transform_after_tessellation == egui::emath::TSTransform::IDENTITY
        && shape.corner_radius == egui::CornerRadius::ZERO
        && shape.fill.is_opaque()
        && shape.stroke.is_empty()
        && shape.blur_width == 0.0
        && shape.angle == 0.0
        && shape.brush.is_none()
        && shape.round_to_pixels != Some(false);
    // Thin ones are drawn as lines.
    (is_flat && shape.rect.size().min_elem() > 4.0).then_some((shape.rect, shape.fill))
}

struct Fill {
    color: egui::Color32,
}

impl CallbackTrait for Fill {
    fn paint(
        &self,
        info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(fill) = resources.get::<FillPipeline>() else { return };
        let (rect, clip) = (info.viewport_in_pixels(), info.clip_rect_in_pixels());
        let [screen_width, screen_height] = info.screen_size_px.map(|side| side as i32);
        let left = rect.left_px.max(clip.left_px).max(0);
        let top = rect.top_px.max(clip.top_px).max(0);
        let right = (rect.left_px + rect.width_px).min(clip.left_px + clip.width_px).min(screen_width);
        let bottom = (rect.top_px + rect.height_px).min(clip.top_px + clip.height_px).min(screen_height);
        if left >= right || top >= bottom {
            return;
        }
        let [r, g, b, _] = self.color.to_array();
        let instance = u32::from_be_bytes([0, r, g, b]);
        pass.set_viewport(0.0, 0.0, screen_width as f32, screen_height as f32, 0.0, 1.0);
        pass.set_scissor_rect(left as u32, top as u32, (right - left) as u32, (bottom - top) as u32);
        pass.set_pipeline(&fill.pipeline);
        pass.draw(0..3, instance..instance + 1);
    }
}
