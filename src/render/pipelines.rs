//! Everything that is made once for a device: layouts and pipelines.

use super::shaders::{self, TexelKind, Variant};
use super::uniforms::gpu;

/// Pipelines and what they share. Those of one kind of texture are made when it is first drawn.
pub(super) struct Pipelines {
    device: wgpu::Device,
    target: wgpu::TextureFormat,
    /// Uniforms by offset.
    pub(super) plane_layout: wgpu::BindGroupLayout,
    planes: Vec<(PlaneKey, wgpu::RenderPipeline)>,
    pixels: Option<wgpu::RenderPipeline>,
    no_masks: [Option<wgpu::BindGroup>; Variant::NUM],
    texture_layouts: [wgpu::BindGroupLayout; Variant::NUM],
    num_created: u64,
}

/// How a pixel is made of the voxels under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// The voxel under its centre.
    Nearest,
    /// Between the four voxels around its centre.
    Bilinear,
    /// The average of at most so many voxels along each axis.
    Area(u8),
}

/// What of a plane is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, opaque, with its hatch.
    Whole,
    /// What is mixed with the layers below: nothing where it is missing.
    Layer,
    /// Nothing but its hatch, over all layers.
    Hatch,
}

/// What a pipeline for planes is made for; the rest is uniforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaneKey {
    pub(super) variant: Variant,
    pub(super) filter: Filter,
    pub(super) is_masked: bool,
    pub(super) has_gamma: bool,
    pub(super) is_saturation: bool,
    pub(super) is_labels: bool,
    pub(super) part: Part,
}

impl PlaneKey {
    /// Whether a pixel may have to be hatched.
    pub(super) fn can_be_missing(&self) -> bool {
        self.is_masked || matches!(self.variant.kind, TexelKind::Float | TexelKind::Float64)
    }

    /// The constants of shaders/plane.wgsl.
    fn constants(&self, is_srgb_target: bool) -> [(&'static str, f64); 8] {
        let (filter, taps) = match self.filter {
            Filter::Nearest => (0, 1),
            Filter::Bilinear => (1, 2),
            Filter::Area(taps) => (2, taps),
        };
        let flag = |is_set: bool| f64::from(u8::from(is_set));
        [
            ("FILTER", f64::from(filter)),
            ("TAPS", f64::from(taps)),
            ("IS_MASKED", flag(self.is_masked)),
            ("HAS_GAMMA", flag(self.has_gamma)),
            ("IS_SATURATION", flag(self.is_saturation)),
            ("IS_LABELS", flag(self.is_labels)),
            ("IS_SRGB_TARGET", flag(is_srgb_target)),
            ("PART", f64::from(self.part as u8)),
        ]
    }
}

impl Pipelines {
    pub(super) fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let plane_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("plane"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: std::num::NonZeroU64::new(size_of::<gpu::Plane>() as u64),
                },
                count: None,
            }],
        });
        let texture_layouts = Variant::all().map(|variant| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("voxels"),
                entries: &[texture_entry(0, variant.sample_type(), variant.dimension())],
            })
        });
        Self {
            device: device.clone(),
            target,
            plane_layout,
            planes: Vec::new(),
            pixels: None,
            no_masks: Default::default(),
            texture_layouts,
            num_created: 1 + Variant::NUM as u64,
        }
    }

    /// Objects made so far.
    pub(super) fn num_created(&self) -> u64 {
        self.num_created
    }

    /// The pipeline for planes of this kind, made when first asked for.
    pub(super) fn plane(&mut self, key: PlaneKey) -> wgpu::RenderPipeline {
        if let Some((_, pipeline)) = self.planes.iter().find(|(made, _)| *made == key) {
            return pipeline.clone();
        }
        let layouts = [&self.plane_layout, self.texture_layout(key.variant), self.texture_layout(key.variant.mask())];
        let made = pipeline(
            &self.device,
            &PipelineParts {
                label: "plane",
                source: shaders::plane(key.variant),
                entry: "fs_main",
                constants: &key.constants(self.target.is_srgb()),
                layouts: &layouts.map(Some),
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                target: self.target,
                // Reading what is there costs as much as the picture on a software rasteriser.
                blend: (key.part == Part::Layer).then_some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
            },
        );
        self.num_created += 1;
        self.planes.push((key, made.clone()));
        made
    }

    /// Whether the target converts the colours it is given.
    pub(super) fn is_srgb_target(&self) -> bool {
        self.target.is_srgb()
    }

    /// The pipeline for planes that were coloured on the CPU, made when first asked for.
    pub(super) fn pixels(&mut self) -> wgpu::RenderPipeline {
        if let Some(made) = &self.pixels {
            return made.clone();
        }
        let variant = Variant { kind: TexelKind::Float, is_layered: false };
        let layouts = [&self.plane_layout, self.texture_layout(variant), self.texture_layout(variant.mask())];
        let made = pipeline(
            &self.device,
            &PipelineParts {
                label: "pixels",
                source: shaders::pixels(),
                entry: "fs_pixels",
                constants: &[],
                layouts: &layouts.map(Some),
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                target: self.target,
                blend: None,
            },
        );
        self.num_created += 1;
        self.pixels.insert(made).clone()
    }

    /// What stands for the mask of a plane that has none.
    pub(super) fn no_mask(&mut self, variant: Variant) -> wgpu::BindGroup {
        if let Some(made) = &self.no_masks[variant.index()] {
            return made.clone();
        }
        let size = [1, 1, if variant.is_layered { 2 } else { 1 }];
        let usage = wgpu::TextureUsages::TEXTURE_BINDING;
        let empty = self.device.create_texture(&texture("no mask", size, wgpu::TextureFormat::R8Uint, usage));
        let made = self.bind_texture(variant.mask(), &empty);
        self.num_created += 2;
        self.no_masks[variant.index()] = Some(made.clone());
        made
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

/// What a pipeline is made of; its vertices come from `vs_main`.
pub(super) struct PipelineParts<'a> {
    pub(super) label: &'static str,
    pub(super) source: String,
    /// The fragment shader.
    pub(super) entry: &'static str,
    pub(super) constants: &'a [(&'static str, f64)],
    pub(super) layouts: &'a [Option<&'a wgpu::BindGroupLayout>],
    pub(super) topology: wgpu::PrimitiveTopology,
    pub(super) target: wgpu::TextureFormat,
    pub(super) blend: Option<wgpu::BlendState>,
}

/// Makes a pipeline.
pub(super) fn pipeline(device: &wgpu::Device, parts: &PipelineParts<'_>) -> wgpu::RenderPipeline {
    let label = Some(parts.label);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label,
        source: wgpu::ShaderSource::Wgsl(parts.source.as_str().into()),
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: parts.layouts,
        immediate_size: 0,
    });
    let target =
        wgpu::ColorTargetState { format: parts.target, blend: parts.blend, write_mask: wgpu::ColorWrites::ALL };
    let options = wgpu::PipelineCompilationOptions { constants: parts.constants, ..Default::default() };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label,
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vs_main"),
            compilation_options: options.clone(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState { topology: parts.topology, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(parts.entry),
            compilation_options: options,
            targets: &[Some(target)],
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
