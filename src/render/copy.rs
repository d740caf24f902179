//! Copying parts of a texture to the screen, pixel on pixel.

use egui::{Rect, Shape};
use egui_wgpu::{CallbackResources, CallbackTrait, RenderState};

use super::shaders;

/// The pipeline and the buffer of the parts, grown when needed.
pub(super) struct CopyPipeline {
    device: wgpu::Device,
    queue: wgpu::Queue,
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    areas: Option<wgpu::Buffer>,
}

impl CopyPipeline {
    pub(super) fn new(state: &RenderState) -> Self {
        let device = &state.device;
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("copy"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Float { filterable: false },
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: false,
                },
                count: None,
            }],
        });
        let pipeline = pipeline(device, &layout, state.target_format);
        Self { device: device.clone(), queue: state.queue.clone(), layout, pipeline, areas: None }
    }

    pub(super) fn bind(&self, view: &wgpu::TextureView) -> wgpu::BindGroup {
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("copy"),
            layout: &self.layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(view) }],
        })
    }

    /// The shape that copies `areas` of a texture of the `screen`'s size to where they are; both in pixels.
    pub(super) fn shape(
        &mut self,
        screen: Rect,
        pixels_per_point: f32,
        source: &wgpu::BindGroup,
        areas: &[Rect],
    ) -> Shape {
        let x = |x: f32| 2.0 * x / screen.width() - 1.0;
        let y = |y: f32| 1.0 - 2.0 * y / screen.height();
        let corners: Vec<[f32; 4]> =
            areas.iter().map(|area| [x(area.min.x), y(area.min.y), x(area.max.x), y(area.max.y)]).collect();
        let bytes: &[u8] = bytemuck::cast_slice(&corners);
        let buffer = match self.areas.take().filter(|buffer| buffer.size() >= bytes.len() as u64) {
            Some(buffer) => buffer,
            None => self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("copy"),
                size: (bytes.len().next_power_of_two() as u64).max(1 << 12),
                usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
        };
        self.queue.write_buffer(&buffer, 0, bytes);
        let (pipeline, source, num_areas) = (self.pipeline.clone(), source.clone(), areas.len() as u32);
        let copy = Copy { pipeline, source, areas: self.areas.insert(buffer).clone(), num_areas };
        Shape::Callback(egui_wgpu::Callback::new_paint_callback(screen / pixels_per_point, copy))
    }
}

fn pipeline(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    target: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    let label = Some("copy");
    let source = wgpu::ShaderSource::Wgsl(shaders::KEPT.into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
    let layouts = wgpu::PipelineLayoutDescriptor { label, bind_group_layouts: &[Some(layout)], immediate_size: 0 };
    let compilation_options = wgpu::PipelineCompilationOptions::default();
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label,
        layout: Some(&device.create_pipeline_layout(&layouts)),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vertex"),
            compilation_options: compilation_options.clone(),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: 16,
                step_mode: wgpu::VertexStepMode::Instance,
                attributes: &wgpu::vertex_attr_array![0 => Float32x4],
            })],
        },
        primitive: wgpu::PrimitiveState { topology: wgpu::PrimitiveTopology::TriangleStrip, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fragment"),
            compilation_options,
            targets: &[Some(wgpu::ColorTargetState {
                format: target,
                blend: None,
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

struct Copy {
    pipeline: wgpu::RenderPipeline,
    source: wgpu::BindGroup,
    areas: wgpu::Buffer,
    num_areas: u32,
}

impl CallbackTrait for Copy {
    fn paint(&self, info: egui::PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, _: &CallbackResources) {
        let [width, height] = info.screen_size_px;
        pass.set_viewport(0.0, 0.0, width as f32, height as f32, 0.0, 1.0);
        pass.set_scissor_rect(0, 0, width, height);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.source, &[]);
        pass.set_vertex_buffer(0, self.areas.slice(..));
        pass.draw(0..4, 0..self.num_areas);
    }
}
