//! Which planes lie in textures, and bringing them there in bands of rows, a budget of bytes a frame.

use std::collections::HashMap;
use std::ops::Range;

use super::pipelines::Pipelines;
use super::texel::{Reduced, Texel, is_native};
use super::textures::{Lease, TextureKey, Textures};
use super::tile::{Around, Border, NeighbourIds};
use super::tiling::{Piece, Tiling};
use crate::volume::{DType, Pool, Voxels};

/// Bytes that may still be uploaded in this frame.
pub(super) struct Allowance {
    pub(super) left: usize,
    /// Nothing was uploaded yet: then one row may be, however long, or a picture might never arrive.
    pub(super) is_untouched: bool,
}

impl Allowance {
    pub(super) fn new(num_bytes: usize) -> Self {
        Self { left: num_bytes, is_untouched: true }
    }

    /// Takes as many of `wanted` rows as fit.
    pub(super) fn take_rows(&mut self, wanted: u32, row_bytes: usize) -> u32 {
        let fitting = u32::try_from(self.left / row_bytes.max(1)).unwrap_or(u32::MAX);
        let rows = wanted.min(fitting.max(u32::from(self.is_untouched)));
        self.left = self.left.saturating_sub(rows as usize * row_bytes);
        self.is_untouched &= rows == 0;
        rows
    }
}

/// A plane in a texture, or on its way there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) lease: Lease,
    pub(super) mask: Option<Lease>,
    pub(super) tiling: Tiling,
    /// Columns and rows in voxels.
    pub(super) size: [usize; 2],
    /// Voxels along each side of what one texel stands for.
    pub(super) factor: usize,
    /// Texels about it that hold voxels of its neighbours.
    pub(super) border: Border,
    pub(super) dtype: DType,
    /// Rows of texels that have arrived.
    pub(super) rows_done: u32,
}

impl Plane {
    pub(super) fn is_complete(&self) -> bool {
        self.rows_done == self.tiling.size[1]
    }
}

/// The planes in textures.
pub(super) struct Planes {
    queue: wgpu::Queue,
    limits: wgpu::Limits,
    pub(super) staging: Pool,
    residents: HashMap<u64, Plane>,
    /// Whose voxels lie in the borders of planes.
    neighbours: HashMap<u64, NeighbourIds>,
    /// Pictures and tiles that are on screen, among which the budget is shared.
    pub(super) num_shown: usize,
    /// Bytes uploaded so far.
    pub(super) uploaded_bytes: u64,
    /// Pictures whose upload was begun so far.
    pub(super) num_uploads: u64,
}

impl Planes {
    pub(super) fn new(queue: wgpu::Queue, limits: wgpu::Limits, staging_bytes: usize) -> Self {
        Self {
            queue,
            limits,
            staging: Pool::new(staging_bytes),
            residents: HashMap::new(),
            neighbours: HashMap::new(),
            num_shown: 1,
            uploaded_bytes: 0,
            num_uploads: 0,
        }
    }

    /// Forgets planes whose texture went to another.
    pub(super) fn forget_lost(&mut self, textures: &mut Textures) {
        self.residents.retain(|_, plane| {
            let is_held = is_held(plane, textures);
            if !is_held {
                // One of plane and mask went; the other is of no use without it.
                textures.release(plane.lease);
                plane.mask.into_iter().for_each(|mask| textures.release(mask));
            }
            is_held
        });
        self.neighbours.retain(|id, _| self.residents.contains_key(id));
    }

    /// The plane of these voxels, whatever has arrived of it.
    pub(super) fn get(&self, id: u64, textures: &Textures) -> Option<Plane> {
        self.residents.get(&id).copied().filter(|plane| is_held(plane, textures))
    }

    /// Takes in a texture that a shader has filled: complete from the start.
    pub(super) fn adopt(&mut self, id: u64, lease: Lease, tiling: Tiling, dtype: DType) {
        let size = tiling.size.map(|n| n as usize);
        let rows_done = tiling.size[1];
        self.residents.insert(
            id,
            Plane { lease, mask: None, tiling, size, factor: 1, border: Border::default(), dtype, rows_done },
        );
    }

    /// Makes room for the plane, uploads what the allowance permits, and returns how far it is. `None`
    /// if it is no plane or there is no room for it beside what the frame needs already.
    pub(super) fn advance(
        &mut self,
        voxels: &Voxels,
        around: &Around<'_>,
        frame: u64,
        allowance: &mut Allowance,
        textures: &mut Textures,
        pipelines: &Pipelines,
    ) -> Option<Plane> {
        let mut plane = match self.get(voxels.id(), textures) {
            Some(plane) => plane,
            None => {
                let plane = self.place(voxels, around.border, frame, textures, pipelines)?;
                self.num_uploads += 1;
                plane
            }
        };
        textures.touch(plane.lease, frame);
        if let Some(mask) = plane.mask {
            textures.touch(mask, frame);
        }
        let row_bytes = row_bytes(&plane.tiling, plane.dtype, plane.mask.is_some());
        let rows = allowance.take_rows(plane.tiling.size[1] - plane.rows_done, row_bytes);
        if rows > 0 {
            let band = plane.rows_done..plane.rows_done + rows;
            self.upload(voxels, around, &plane, band.clone(), textures);
            self.uploaded_bytes += rows as u64 * row_bytes as u64;
            plane.rows_done = band.end;
            if band.start == 0 && plane.is_complete() {
                self.neighbours.insert(voxels.id(), around.ids());
            }
        }
        if plane.is_complete() && !plane.border.is_none() {
            self.mend_borders(voxels.id(), around, &plane, textures);
        }
        self.residents.insert(voxels.id(), plane);
        Some(plane)
    }

    /// How the voxels are cut and reduced, at least by `factor`, to fit into half of their share of the budget:
    /// the other half is for the picture that is shown meanwhile.
    fn fit(
        &self,
        voxels: &Voxels,
        border: Border,
        mut factor: usize,
        textures: &Textures,
    ) -> Option<(Tiling, usize, Border)> {
        let budget_bytes = textures.budget_bytes();
        // What is small beside the budget, as tiles are, is left to whether there is room.
        let share_bytes = (budget_bytes / 2 / self.num_shown.max(1)).max(budget_bytes / 32);
        let &[height, width] = voxels.shape().dims() else { return None };
        let texel_bytes = Texel::of(voxels.dtype()).num_bytes() + usize::from(!voxels.missing().is_empty());
        while factor <= width.max(height) {
            // What is reduced ends at its own edge.
            let border = if factor == 1 { border } else { Border::default() };
            let size = border.around([width.div_ceil(factor), height.div_ceil(factor)]);
            let num_bytes = size[0].checked_mul(size[1])?.checked_mul(texel_bytes)?;
            if num_bytes <= share_bytes
                && let Some(tiling) = Tiling::new(size, 1, &self.limits)
                && (border.is_none() || tiling.num_layers() == 1)
            {
                return Some((tiling, factor, border));
            }
            factor *= 2;
        }
        None
    }

    /// Makes room for the voxels; where the frame needs the textures that are there, in a smaller one.
    fn place(
        &mut self,
        voxels: &Voxels,
        border: Border,
        frame: u64,
        textures: &mut Textures,
        pipelines: &Pipelines,
    ) -> Option<Plane> {
        // What has its own texture never comes here, unless it is drawn by another renderer than its own.
        if !voxels.fetch() {
            return None;
        }
        let &[height, width] = voxels.shape().dims() else { return None };
        let mut least = 1;
        loop {
            let (tiling, factor, border) = self.fit(voxels, border, least, textures)?;
            if let Some((lease, mask)) = self.lease(voxels, &tiling, frame, textures, pipelines) {
                let size = [width, height];
                return Some(Plane { lease, mask, tiling, size, factor, border, dtype: voxels.dtype(), rows_done: 0 });
            }
            least = factor * 2;
        }
    }

    /// Textures for the voxels and for the mask of what is missing of them. Without room for the mask there is
    /// none for the voxels: missing data must not pass for measured.
    fn lease(
        &mut self,
        voxels: &Voxels,
        tiling: &Tiling,
        frame: u64,
        textures: &mut Textures,
        pipelines: &Pipelines,
    ) -> Option<(Lease, Option<Lease>)> {
        let key = |texel| {
            let num_layers = tiling.num_layers();
            TextureKey { size: tiling.tile, num_layers, texel, is_target: false }.without_cubes()
        };
        let lease = textures.lease(key(Texel::of(voxels.dtype())), frame, pipelines)?;
        if voxels.missing().is_empty() {
            return Some((lease, None));
        }
        self.forget_lost(textures);
        let mask = textures.lease(key(Texel::U8), frame, pipelines);
        if mask.is_none() {
            textures.release(lease);
        }
        Some((lease, Some(mask?)))
    }

    fn upload(&self, voxels: &Voxels, around: &Around<'_>, plane: &Plane, rows: Range<u32>, textures: &Textures) {
        if !plane.border.is_none() {
            plane.tiling.pieces(rows).for_each(|piece| self.upload_bordered(around, plane, &piece, textures));
            return;
        }
        let reduced = Reduced { voxels, size: plane.size, factor: plane.factor };
        let texel = Texel::of(plane.dtype);
        let Some(texture) = textures.texture(plane.lease) else { return };
        for piece in plane.tiling.pieces(rows) {
            if plane.factor == 1 && is_native(plane.dtype) {
                write_native(&self.queue, texture, voxels.bytes(), plane.size[0], texel, &piece);
            } else {
                self.write_filled(texture, &piece, texel, |columns, rows, target| {
                    reduced.fill(columns, rows, target);
                });
            }
            if let Some(mask) = plane.mask.and_then(|mask| textures.texture(mask)) {
                self.write_filled(mask, &piece, Texel::U8, |columns, rows, target| {
                    reduced.fill_mask(columns, rows, target);
                });
            }
        }
    }

    fn upload_bordered(&self, around: &Around<'_>, plane: &Plane, piece: &Piece, textures: &Textures) {
        if let Some(texture) = textures.texture(plane.lease) {
            let fill = |columns, rows, target: &mut [u8]| around.fill(columns, rows, target);
            self.write_filled(texture, piece, Texel::of(plane.dtype), fill);
        }
        if let Some(mask) = plane.mask.and_then(|mask| textures.texture(mask)) {
            self.write_filled(mask, piece, Texel::U8, |columns, rows, target| around.fill_mask(columns, rows, target));
        }
    }

    /// Brings the voxels of neighbours that have come, or were replaced, into the borders of a plane.
    fn mend_borders(&mut self, id: u64, around: &Around<'_>, plane: &Plane, textures: &Textures) {
        let known = self.neighbours.entry(id).or_default();
        let ids = around.ids();
        if ids.iter().zip(known.iter()).all(|(now, known)| now.is_none() || now == known) {
            return;
        }
        *known = ids;
        let [width, height] = plane.tiling.size;
        let strip = |at: [u32; 2], size| Piece { layer: 0, at, from: at, size };
        let Border { low, high } = plane.border;
        let strips = [
            strip([0, 0], [width, low[1]]),
            strip([0, height - high[1]], [width, high[1]]),
            strip([0, 0], [low[0], height]),
            strip([width - high[0], 0], [high[0], height]),
        ];
        let texel_bytes = Texel::of(plane.dtype).num_bytes() + usize::from(plane.mask.is_some());
        for strip in strips.iter().filter(|strip| !strip.size.contains(&0)) {
            self.upload_bordered(around, plane, strip, textures);
            self.uploaded_bytes += u64::from(strip.size[0]) * u64::from(strip.size[1]) * texel_bytes as u64;
        }
    }

    /// Uploads a piece that is first made in pooled memory.
    fn write_filled(
        &self,
        texture: &wgpu::Texture,
        piece: &Piece,
        texel: Texel,
        fill: impl FnOnce([usize; 2], [usize; 2], &mut [u8]),
    ) {
        let span = |i: usize| [piece.from[i] as usize, (piece.from[i] + piece.size[i]) as usize];
        let row_bytes = piece.size[0] as usize * texel.num_bytes();
        let mut buffer = self.staging.take(row_bytes * piece.size[1] as usize);
        fill(span(0), span(1), buffer.bytes_mut());
        write(&self.queue, texture, buffer.bytes(), row_bytes, piece);
    }
}

/// Bytes of a row of texels with its mask.
fn row_bytes(tiling: &Tiling, dtype: DType, is_masked: bool) -> usize {
    tiling.size[0] as usize * (Texel::of(dtype).num_bytes() + usize::from(is_masked))
}

fn is_held(plane: &Plane, textures: &Textures) -> bool {
    textures.holds(plane.lease) && plane.mask.is_none_or(|mask| textures.holds(mask))
}

/// Uploads a piece straight from an array of `width` columns in C order, which begins with the plane.
pub(super) fn write_native(
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    bytes: &[u8],
    width: usize,
    texel: Texel,
    piece: &Piece,
) {
    let start = (piece.from[1] as usize * width + piece.from[0] as usize) * texel.num_bytes();
    write(queue, texture, &bytes[start..], width * texel.num_bytes(), piece);
}

/// Uploads a piece of rows that lie `row_bytes` apart.
pub(super) fn write(queue: &wgpu::Queue, texture: &wgpu::Texture, bytes: &[u8], row_bytes: usize, piece: &Piece) {
    queue.write_texture(
        wgpu::TexelCopyTextureInfo {
            texture,
            mip_level: 0,
            origin: wgpu::Origin3d { x: piece.at[0], y: piece.at[1], z: piece.layer },
            aspect: wgpu::TextureAspect::All,
        },
        bytes,
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_bytes as u32), rows_per_image: None },
        wgpu::Extent3d { width: piece.size[0], height: piece.size[1], depth_or_array_layers: 1 },
    );
}
