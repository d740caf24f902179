//! What the shaders are told besides voxels, and the ring buffer it travels in.

use std::num::NonZeroU64;

/// Mirrors of the WGSL structs.
pub(super) mod gpu {
    use bytemuck::{Pod, Zeroable};

    /// `Tiles` in shaders/shared/tiles.wgsl.
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    pub struct Tiles {
        pub side: [i32; 2],
        pub across: i32,
        pub in_plane: i32,
    }

    /// `Hatch` in shaders/shared/hatch.wgsl.
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    pub struct Hatch {
        pub back: [f32; 3],
        pub period_px: f32,
        pub line: [f32; 3],
        pub line_px: f32,
    }

    /// `Plane` in shaders/plane.wgsl.
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    pub struct Plane {
        pub quad_px: [f32; 4],
        pub image_px: [f32; 2],
        pub voxels_per_px: [f32; 2],
        pub screen_px: [f32; 2],
        pub limits: [f32; 2],
        pub tiles: Tiles,
        pub size: [i32; 2],
        pub is_inverted: u32,
        pub gamma: f32,
        pub full_scale: f32,
        pub exponent: i32,
        pub origin: [u32; 2],
        pub full_key: [u32; 2],
        pub shares: [f32; 2],
        pub hatch: Hatch,
        pub lut: [[u8; 4]; 256],
    }

    /// `Project` in shaders/project.wgsl.
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    pub struct Project {
        pub tiles: Tiles,
        pub slab: [i32; 2],
        pub axis: i32,
        pub op: i32,
    }

    const _: () = assert!(size_of::<Plane>() == 1168 && size_of::<Project>() == 32);
}

impl gpu::Tiles {
    pub(super) fn of(tiling: &super::tiling::Tiling) -> Self {
        Self {
            side: tiling.tile.map(|n| n as i32),
            across: tiling.counts[0] as i32,
            in_plane: tiling.num_layers() as i32,
        }
    }
}

/// Draws of a frame before the buffer must grow; a canvas has one or two.
const NUM_SLOTS: u32 = 16;

/// A uniform buffer of equal slots that draws take in turn, each bound by its offset.
pub(super) struct UniformRing {
    pub(super) bind_group: wgpu::BindGroup,
    buffer: wgpu::Buffer,
    stride: u32,
    num_slots: u32,
    next: u32,
}

impl UniformRing {
    pub(super) fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, num_slots: u32) -> Self {
        let num_slots = num_slots.max(NUM_SLOTS);
        let size = size_of::<gpu::Plane>() as u32;
        let stride = size.next_multiple_of(device.limits().min_uniform_buffer_offset_alignment.max(4));
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("plane uniforms"),
            size: u64::from(stride * num_slots),
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("plane uniforms"),
            layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &buffer,
                    offset: 0,
                    size: NonZeroU64::new(u64::from(size)),
                }),
            }],
        });
        Self { bind_group, buffer, stride, num_slots, next: 0 }
    }

    /// Makes all slots free: the former frame is recorded.
    pub(super) fn begin_frame(&mut self) {
        self.next = 0;
    }

    /// Whether the frame has used every slot.
    pub(super) fn is_full(&self) -> bool {
        self.next == self.num_slots
    }

    pub(super) fn num_slots(&self) -> u32 {
        self.num_slots
    }

    /// Writes one draw's uniforms and returns their offset.
    pub(super) fn push(&mut self, queue: &wgpu::Queue, plane: &gpu::Plane) -> u32 {
        let offset = self.next % self.num_slots * self.stride;
        self.next += 1;
        queue.write_buffer(&self.buffer, u64::from(offset), bytemuck::bytes_of(plane));
        offset
    }
}
