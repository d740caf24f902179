//! Pictures where every pixel is computed by the CPU: coloured by code of our own, pixel on pixel, and brought
//! to a texture that is only copied to the screen.

use std::sync::Arc;

use super::canvas::PlaneDraw;
use super::colors::{Coloring, Raw, table};
use super::pipelines::{Filter, PlaneKey};
use super::planes::write;
use super::renderer::Renderer;
use super::texel::{Reduced, Texel};
use super::textures::{Lease, TextureKey};
use super::tiling::Piece;
use super::uniforms::gpu;
use crate::volume::{DType, Voxels};

/// Sides of textures are multiples of it, so that zooming makes few different ones.
const SIDE: u32 = 64;

/// A picture that was coloured, as long as its texture is there.
pub(super) struct Colored {
    lease: Lease,
    voxels: u64,
    key: PlaneKey,
    plane: gpu::Plane,
    last_used: u64,
}

/// The colours of all values of a type, as last made: they change with the contrast, not with the picture.
pub(super) struct ColorTable {
    dtype: DType,
    key: PlaneKey,
    plane: gpu::Plane,
    colors: Arc<[u32]>,
}

impl ColorTable {
    fn is_of(&self, dtype: DType, plane: &gpu::Plane, key: PlaneKey) -> bool {
        // Where the picture lies makes no difference.
        let gpu::Plane { quad_px, image_px, voxels_per_px, screen_px, tiles, size, .. } = *plane;
        let placed = gpu::Plane { quad_px, image_px, voxels_per_px, screen_px, tiles, size, ..self.plane };
        let is_same = bytemuck::bytes_of(&placed) == bytemuck::bytes_of(plane);
        self.dtype == dtype && self.key == key && is_same
    }
}

impl Renderer {
    /// The texture of the draw's pixels, coloured anew unless it was drawn like this before, and its first pixel in
    /// the window. `None` where the shader has to draw it: on real hardware, and what is not common.
    pub(super) fn color(
        &mut self,
        draw: &PlaneDraw,
        plane: &gpu::Plane,
        key: PlaneKey,
        screen: [u32; 2],
    ) -> Option<(Lease, [u32; 2])> {
        if !self.is_software() || self.config.shades_in_software || self.pipelines.is_srgb_target() {
            return None;
        }
        let area = pixels(plane.quad_px, screen)?;
        let from = [area[0], area[1]];
        let id = draw.drawn.id;
        let is_same = |colored: &Colored| {
            colored.voxels == id
                && colored.key == key
                && bytemuck::bytes_of(&colored.plane) == bytemuck::bytes_of(plane)
        };
        let frame = self.frame;
        if let Some(colored) = self.colored.iter_mut().find(|colored| is_same(colored))
            && self.textures.touch(colored.lease, frame)
        {
            colored.last_used = frame;
            return Some((colored.lease, from));
        }
        let voxels = self.voxels_of(draw)?;
        let lease = self.lease_pixels(area)?;
        self.write_colored(&voxels, plane, key, area, lease);
        self.colored.push(Colored { lease, voxels: id, key, plane: *plane, last_used: frame });
        Some((lease, from))
    }

    /// The voxels of a draw, where they are all on the GPU as they are in memory and of a type that is coloured.
    fn voxels_of(&self, draw: &PlaneDraw) -> Option<Arc<Voxels>> {
        let plane = &draw.drawn.plane;
        let is_target = self.textures.key(plane.lease)?.is_target;
        let is_as_stored = plane.is_complete() && plane.factor == 1 && plane.border.is_none() && !is_target;
        let is_common =
            matches!(plane.dtype, DType::U8 | DType::Bool | DType::I8 | DType::U16 | DType::I16 | DType::F32);
        let voxels = self.memories.values().find_map(|memory| memory.voxels(draw.drawn.id))?;
        (is_as_stored && is_common).then(|| Arc::clone(voxels))
    }

    /// A texture for the pixels of an area, in the place of one that is not on screen any more.
    fn lease_pixels(&mut self, [left, top, right, bottom]: [u32; 4]) -> Option<Lease> {
        let Self { colored, textures, frame, pipelines, .. } = self;
        colored.retain(|colored| {
            let is_used = colored.last_used == *frame;
            if !is_used {
                textures.release(colored.lease);
            }
            is_used
        });
        let limit = self.device.limits().max_texture_dimension_2d;
        let size = [right - left, bottom - top].map(|side| side.next_multiple_of(SIDE).min(limit));
        let key = TextureKey { size, num_layers: 1, texel: Texel::Color, is_target: false };
        textures.lease(key, *frame, pipelines)
    }

    fn write_colored(&mut self, voxels: &Voxels, plane: &gpu::Plane, key: PlaneKey, area: [u32; 4], lease: Lease) {
        match voxels.dtype() {
            DType::U8 | DType::Bool => self.write_as::<u8>(voxels, plane, key, area, lease),
            DType::I8 => self.write_as::<i8>(voxels, plane, key, area, lease),
            DType::U16 => self.write_as::<u16>(voxels, plane, key, area, lease),
            DType::I16 => self.write_as::<i16>(voxels, plane, key, area, lease),
            DType::F32 => self.write_as::<f32>(voxels, plane, key, area, lease),
            _ => {}
        }
    }

    fn write_as<T: Raw + bytemuck::Pod>(
        &mut self,
        voxels: &Voxels,
        plane: &gpu::Plane,
        key: PlaneKey,
        area: [u32; 4],
        lease: Lease,
    ) {
        let colors = self.colors_of::<T>(voxels.dtype(), plane, key);
        let Some(texture) = self.textures.texture(lease) else { return };
        let [width, height] = plane.size.map(|side| side as usize);
        let mask = key.is_masked.then(|| {
            let mut mask = vec![0; width * height];
            let whole = Reduced { voxels, size: [width, height], factor: 1 };
            whole.fill_mask([0, width], [0, height], &mut mask);
            mask
        });
        let values: &[T] = bytemuck::cast_slice(voxels.bytes());
        let coloring = Coloring { plane, key, values, mask: mask.as_deref(), table: colors.as_deref() };
        let size = [area[2] - area[0], area[3] - area[1]];
        let row_bytes = size[0] as usize * 4;
        let mut buffer = self.planes.staging.take(row_bytes * size[1] as usize);
        coloring.paint(area, bytemuck::cast_slice_mut(buffer.bytes_mut()), size[0] as usize);
        write(&self.queue, texture, buffer.bytes(), row_bytes, &Piece { layer: 0, at: [0; 2], from: [0; 2], size });
    }

    /// The colours of all values, where they are few and not blended.
    fn colors_of<T: Raw>(&mut self, dtype: DType, plane: &gpu::Plane, key: PlaneKey) -> Option<Arc<[u32]>> {
        if key.filter != Filter::Nearest || T::CAN_BE_NAN {
            return None;
        }
        let known = self.color_table.take().filter(|table| table.is_of(dtype, plane, key));
        let known =
            known.unwrap_or_else(|| ColorTable { dtype, key, plane: *plane, colors: table::<T>(plane, key).into() });
        Some(Arc::clone(&self.color_table.insert(known).colors))
    }
}

/// The pixels whose centres lie inside: left, top, right and bottom; `None` if there are none.
fn pixels([left, top, right, bottom]: [f32; 4], screen: [u32; 2]) -> Option<[u32; 4]> {
    let first_after = |edge: f32, limit: u32| (edge - 0.5).ceil().clamp(0.0, limit as f32) as u32;
    let [x, y] = screen;
    let area = [first_after(left, x), first_after(top, y), first_after(right, x), first_after(bottom, y)];
    (area[0] < area[2] && area[1] < area[3]).then_some(area)
}
