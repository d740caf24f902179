//! The interface's triangles, drawn by a plain pipeline where a software rasteriser computes every
//! pixel: egui's own shader also filters by hand whether that is wanted or not, which costs several
//! times as much as the whole picture.

use std::num::NonZeroU64;

use egui::epaint::{ClippedPrimitive, Mesh, Primitive};
use egui::{Color32, Rect, TextureId};
use egui_wgpu::{CallbackResources, CallbackTrait, RenderState};

use super::shaders;

/// Bytes of a vertex: position and texture coordinates as floats, colour as bytes.
const VERTEX_BYTES: usize = 20;

/// The pipeline and its buffers, made once and grown when needed.
pub(super) struct PlainPipeline {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::RenderPipeline,
    buffers: Option<Buffers>,
}

#[derive(Clone)]
struct Buffers {
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
}

/// Triangles that are drawn in one go under one clip rectangle.
struct Batch {
    clip: Rect,
    indices: std::ops::Range<u32>,
    base_vertex: i32,
}

impl PlainPipeline {
    /// For a target that stores gamma values.
    pub(super) fn new(state: &RenderState) -> Self {
        let device = &state.device;
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("interface"),
            source: wgpu::ShaderSource::Wgsl(shaders::INTERFACE.into()),
        });
        // The layout of egui's own texture bindings, so that theirs can be bound.
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        let textures = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("interface"),
            entries: &[
                entry(
                    0,
                    wgpu::BindingType::Texture {
                        multisampled: false,
                        sample_type: wgpu::TextureSampleType::Float { filterable: true },
                        view_dimension: wgpu::TextureViewDimension::D2,
                    },
                ),
                entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
                entry(
                    2,
                    wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: false,
                        min_binding_size: NonZeroU64::new(16),
                    },
                ),
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("interface"),
            bind_group_layouts: &[Some(&textures)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("interface"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[Some(wgpu::VertexBufferLayout {
                    array_stride: VERTEX_BYTES as u64,
                    step_mode: wgpu::VertexStepMode::Vertex,
                    attributes: &wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Unorm8x4],
                })],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fragment"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(wgpu::ColorTargetState {
                    format: state.target_format,
                    blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { device: device.clone(), queue: state.queue.clone(), pipeline, buffers: None }
    }

    /// The same primitives, those with letters and flat colours drawn by the plain pipeline. `atlas` binds
    /// the texture of the letters.
    pub(super) fn paint_plainly(
        &mut self,
        primitives: Vec<ClippedPrimitive>,
        atlas: &wgpu::BindGroup,
        screen: Rect,
    ) -> Vec<ClippedPrimitive> {
        let mut data = Data::new(screen);
        let mut parts: Vec<Part> = Vec::new();
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            match primitive {
                Primitive::Mesh(mesh) if mesh.texture_id == TextureId::default() => {
                    let batch = data.add(&mesh, clip_rect);
                    match parts.last_mut() {
                        Some(Part::Batches(batches)) => batches.push(batch),
                        _ => parts.push(Part::Batches(vec![batch])),
                    }
                }
                primitive => parts.push(Part::Other(ClippedPrimitive { clip_rect, primitive })),
            }
        }
        let buffers = self.upload(&data);
        let in_place_of = |part| match part {
            Part::Other(primitive) => primitive,
            Part::Batches(batches) => {
                let (pipeline, buffers) = (self.pipeline.clone(), buffers.clone());
                let callback = Interface { pipeline, atlas: atlas.clone(), buffers, batches };
                let callback = egui_wgpu::Callback::new_paint_callback(screen, callback);
                ClippedPrimitive { clip_rect: screen, primitive: Primitive::Callback(callback) }
            }
        };
        parts.into_iter().map(in_place_of).collect()
    }

    fn upload(&mut self, data: &Data) -> Buffers {
        let fits = |buffers: &Buffers| {
            buffers.vertices.size() >= data.vertices.len() as u64
                && buffers.indices.size() >= (data.indices.len() * 4) as u64
        };
        let current = match self.buffers.take().filter(fits) {
            Some(current) => current,
            None => {
                let make = |len: usize, usage| {
                    self.device.create_buffer(&wgpu::BufferDescriptor {
                        label: Some("interface"),
                        size: (len.next_power_of_two() as u64).max(1 << 16),
                        usage: usage | wgpu::BufferUsages::COPY_DST,
                        mapped_at_creation: false,
                    })
                };
                Buffers {
                    vertices: make(data.vertices.len(), wgpu::BufferUsages::VERTEX),
                    indices: make(data.indices.len() * 4, wgpu::BufferUsages::INDEX),
                }
            }
        };
        self.queue.write_buffer(&current.vertices, 0, &data.vertices);
        self.queue.write_buffer(&current.indices, 0, bytemuck::cast_slice(&data.indices));
        self.buffers.insert(current).clone()
    }
}

enum Part {
    Batches(Vec<Batch>),
    Other(ClippedPrimitive),
}

/// Vertices and indices of a frame, positions already in the GPU's coordinates.
struct Data {
    screen: Rect,
    vertices: Vec<u8>,
    indices: Vec<u32>,
}

impl Data {
    fn new(screen: Rect) -> Self {
        Self { screen, vertices: Vec::new(), indices: Vec::new() }
    }

    fn add(&mut self, mesh: &Mesh, clip: Rect) -> Batch {
        let base_vertex = (self.vertices.len() / VERTEX_BYTES) as i32;
        let start = self.indices.len() as u32;
        let (width, height) = (self.screen.width(), self.screen.height());
        for vertex in &mesh.vertices {
            let x = 2.0 * vertex.pos.x / width - 1.0;
            let y = 1.0 - 2.0 * vertex.pos.y / height;
            self.vertices.extend_from_slice(bytemuck::bytes_of(&[x, y, vertex.uv.x, vertex.uv.y]));
            self.vertices.extend_from_slice(&Color32::to_array(&vertex.color));
        }
        self.indices.extend_from_slice(&mesh.indices);
        Batch { clip, indices: start..self.indices.len() as u32, base_vertex }
    }
}

struct Interface {
    pipeline: wgpu::RenderPipeline,
    atlas: wgpu::BindGroup,
    buffers: Buffers,
    batches: Vec<Batch>,
}

impl CallbackTrait for Interface {
    fn paint(&self, info: egui::PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, _: &CallbackResources) {
        let [width, height] = info.screen_size_px;
        pass.set_viewport(0.0, 0.0, width as f32, height as f32, 0.0, 1.0);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.atlas, &[]);
        pass.set_vertex_buffer(0, self.buffers.vertices.slice(..));
        pass.set_index_buffer(self.buffers.indices.slice(..), wgpu::IndexFormat::Uint32);
        for batch in &self.batches {
            let scale = info.pixels_per_point;
            let pixel = |point: f32, limit: u32| (point * scale).round().clamp(0.0, limit as f32) as u32;
            let (left, right) = (pixel(batch.clip.min.x, width), pixel(batch.clip.max.x, width));
            let (top, bottom) = (pixel(batch.clip.min.y, height), pixel(batch.clip.max.y, height));
            if left < right && top < bottom {
                pass.set_scissor_rect(left, top, right - left, bottom - top);
                pass.draw_indexed(batch.indices.clone(), batch.base_vertex, 0..1);
            }
        }
    }
}
