//! Large flat areas, drawn by a pipeline of their own. egui's shader filters a texture by hand for every
//! pixel of a panel's background, which is most of a frame on a software rasteriser.

use egui_wgpu::{CallbackResources, CallbackTrait};

use super::shaders;

/// The pipeline of fills, kept beside the renderer. It needs no buffers: one triangle over the viewport,
/// and the colour is the blend constant.
pub(super) struct FillPipeline {
    pipeline: wgpu::RenderPipeline,
    is_srgb: bool,
}

impl FillPipeline {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("fill"),
            source: wgpu::ShaderSource::Wgsl(shaders::FILL.into()),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("fill"),
            bind_group_layouts: &[],
            immediate_size: 0,
        });
        let constant = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::Constant,
            dst_factor: wgpu::BlendFactor::Zero,
            operation: wgpu::BlendOperation::Add,
        };
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
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(wgpu::ColorTargetState {
                    format,
                    blend: Some(wgpu::BlendState { color: constant, alpha: constant }),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline, is_srgb: format.is_srgb() }
    }
}

/// The shape that fills `rect` with an opaque colour. Draws nothing where no renderer is installed.
pub fn fill_shape(rect: egui::Rect, color: egui::Color32) -> egui::Shape {
    egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, Fill { color }))
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
        let [r, g, b, a] = match fill.is_srgb {
            true => egui::Rgba::from(self.color).to_array(),
            false => self.color.to_normalized_gamma_f32(),
        };
        pass.set_viewport(0.0, 0.0, screen_width as f32, screen_height as f32, 0.0, 1.0);
        pass.set_scissor_rect(left as u32, top as u32, (right - left) as u32, (bottom - top) as u32);
        pass.set_pipeline(&fill.pipeline);
        pass.set_blend_constant(wgpu::Color { r: r.into(), g: g.into(), b: b.into(), a: a.into() });
        pass.draw(0..3, 0..1);
    }
}
