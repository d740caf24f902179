//! Everything that is made once for a device: layouts, pipelines, the table of colormaps.

use super::shaders::{self, Variant};
use super::uniforms::gpu;
use crate::volume::Colormap;

/// Pipelines and what they share. Those of one kind of texture are made when it is first drawn.
pub(super) struct Pipelines {
    device: wgpu::Device,
    target: wgpu::TextureFormat,
    /// Uniforms by offset, and the colormaps.
    pub(super) plane_layout: wgpu::BindGroupLayout,
    variants: [Option<PlanePipeline>; Variant::NUM],
    texture_layouts: [wgpu::BindGroupLayout; Variant::NUM],
    /// All LUTs, one in a row.
    pub(super) luts: wgpu::TextureView,
    num_created: u64,
}

/// What drawing one kind of texture takes.
pub(super) struct PlanePipeline {
    pub(super) pipeline: wgpu::RenderPipeline,
    /// Stands where no mask is needed.
    pub(super) no_mask: wgpu::BindGroup,
}

impl Pipelines {
    pub(super) fn new(device: &wgpu::Device, queue: &wgpu::Queue, target: wgpu::TextureFormat) -> Self {
        let plane_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("plane"),
            entries: &[
                wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: true,
                        min_binding_size: std::num::NonZeroU64::new(size_of::<gpu::Plane>() as u64),
                    },
                    count: None,
                },
                texture_entry(1, wgpu::TextureSampleType::Float { filterable: false }, wgpu::TextureViewDimension::D2),
            ],
        });
        let texture_layouts = Variant::ALL.map(|variant| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("voxels"),
                entries: &[texture_entry(0, variant.sample_type(), variant.dimension())],
            })
        });
        let luts = upload_luts(device, queue);
        Self {
            device: device.clone(),
            target,
            plane_layout,
            variants: Default::default(),
            texture_layouts,
            luts,
            num_created: 2 + Variant::NUM as u64,
        }
    }

    /// Objects made so far.
    pub(super) fn num_created(&self) -> u64 {
        self.num_created
    }

    /// Whether the target takes linear colours and encodes them itself.
    pub(super) fn is_srgb_target(&self) -> bool {
        self.target.is_srgb()
    }

    pub(super) fn plane(&mut self, variant: Variant) -> &PlanePipeline {
        let Self { device, target, plane_layout, variants, texture_layouts, num_created, .. } = self;
        variants[variant.index()].get_or_insert_with(|| {
            let mask_layout = &texture_layouts[variant.mask().index()];
            let layouts = [plane_layout, &texture_layouts[variant.index()], mask_layout].map(Some);
            let topology = wgpu::PrimitiveTopology::TriangleStrip;
            let pipeline = pipeline(device, "plane", shaders::plane(variant), "fs_main", &layouts, topology, *target);
            let num_layers = if variant.is_layered { 2 } else { 1 };
            let usage = wgpu::TextureUsages::TEXTURE_BINDING;
            let empty =
                device.create_texture(&texture("no mask", [1, 1, num_layers], wgpu::TextureFormat::R8Uint, usage));
            let no_mask = bind(device, mask_layout, variant, &empty);
            *num_created += 3;
            PlanePipeline { pipeline, no_mask }
        })
    }

    pub(super) fn texture_layout(&self, variant: Variant) -> &wgpu::BindGroupLayout {
        &self.texture_layouts[variant.index()]
    }

    /// Binds all layers of a texture of voxels.
    pub(super) fn bind_texture(&self, variant: Variant, texture: &wgpu::Texture) -> wgpu::BindGroup {
        bind(&self.device, self.texture_layout(variant), variant, texture)
    }
}

fn texture_entry(
    binding: u32,
    sample_type: wgpu::TextureSampleType,
    view_dimension: wgpu::TextureViewDimension,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture { sample_type, view_dimension, multisampled: false },
        count: None,
    }
}

fn bind(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    variant: Variant,
    texture: &wgpu::Texture,
) -> wgpu::BindGroup {
    let view = texture
        .create_view(&wgpu::TextureViewDescriptor { dimension: Some(variant.dimension()), ..Default::default() });
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("voxels"),
        layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) }],
    })
}

/// Describes a flat texture of `width` × `height` × layers.
pub(super) fn texture(
    label: &'static str,
    [width, height, depth_or_array_layers]: [u32; 3],
    format: wgpu::TextureFormat,
    usage: wgpu::TextureUsages,
) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width, height, depth_or_array_layers },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    }
}

fn upload_luts(device: &wgpu::Device, queue: &wgpu::Queue) -> wgpu::TextureView {
    let size = [256, Colormap::ALL.len() as u32, 1];
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    let texture = device.create_texture(&texture("colormaps", size, wgpu::TextureFormat::Rgba8Unorm, usage));
    let tables: Vec<[u8; 4]> = Colormap::ALL.iter().flat_map(|colormap| colormap.lut()).copied().collect();
    queue.write_texture(
        texture.as_image_copy(),
        bytemuck::cast_slice(&tables),
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * size[0]), rows_per_image: None },
        wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
    );
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// A pipeline that draws `primitive`s made by `vs_main` with the fragment shader `entry`.
pub(super) fn pipeline(
    device: &wgpu::Device,
    label: &'static str,
    source: String,
    entry: &'static str,
    layouts: &[Option<&wgpu::BindGroupLayout>],
    topology: wgpu::PrimitiveTopology,
    target: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: layouts,
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(label),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vs_main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState { topology, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
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

/// A small uniform buffer with its layout and binding.
pub(super) fn uniforms(
    device: &wgpu::Device,
    label: &'static str,
    num_bytes: u64,
) -> (wgpu::Buffer, wgpu::BindGroupLayout, wgpu::BindGroup) {
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: num_bytes,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(label),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: std::num::NonZeroU64::new(num_bytes),
            },
            count: None,
        }],
    });
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout: &layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
    });
    (buffer, layout, bind_group)
}
