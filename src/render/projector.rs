//! Projections on the GPU: volumes are brought into layered textures, a budget of bytes a step, and
//! folded by a fragment shader into a plane that is drawn as it is and read back for the readout.

use std::collections::HashMap;
use std::sync::Arc;

use super::planes::{Allowance, write_native};
use super::readback::Readback;
use super::renderer::{Renderer, RendererHandle};
use super::shaders::{self, Variant};
use super::texel::Texel;
use super::textures::{Lease, TextureKey};
use super::tiling::Tiling;
use super::uniforms::gpu;
use super::{RenderError, pipelines};
use crate::volume::{Buffer, DType, Orientation, Projection, Shape, Voxels, projected_dtype};

/// A volume in a texture, or on its way there.
#[derive(Clone, Copy)]
struct Volume {
    lease: Lease,
    tiling: Tiling,
    num_planes: usize,
    /// Rows of all planes, one after the other, that have arrived.
    rows_done: usize,
}

/// A fold's pipeline and the format it writes.
struct Fold {
    variant: Variant,
    target: Texel,
    is_moment: bool,
    pipeline: wgpu::RenderPipeline,
}

/// What projections keep from one to the next.
#[derive(Default)]
pub(super) struct Projector {
    volumes: HashMap<u64, Volume>,
    folds: Vec<Fold>,
    uniforms: Option<(wgpu::Buffer, wgpu::BindGroupLayout, wgpu::BindGroup)>,
    num_created: u64,
}

impl Projector {
    /// Objects made so far.
    pub(super) fn num_created(&self) -> u64 {
        self.num_created
    }
}

/// What is folded, and how.
#[derive(Clone)]
struct Order {
    volume: Arc<Voxels>,
    orientation: Orientation,
    slab: [usize; 2],
    op: Projection,
    /// Rows and columns of the result.
    shape: [usize; 2],
    /// How voxels are stored in the texture, and how the result is.
    texels: [Texel; 2],
    dtype: DType,
}

enum State {
    Uploading,
    Folding { readback: Readback, result: Lease },
    Done,
}

/// A projection under way. Ask for it once a frame; dropping it abandons it.
pub struct ProjectionJob {
    handle: RendererHandle,
    order: Order,
    state: State,
}

impl RendererHandle {
    /// Whether projections of such volumes (z, y, x) are made here: on real hardware, where it gives the
    /// results of the CPU.
    pub fn can_project(
        &self,
        dtype: DType,
        dims: [usize; 3],
        orientation: Orientation,
        slab: [usize; 2],
        op: Projection,
    ) -> bool {
        let renderer = self.lock();
        let is_used = !renderer.is_software() || renderer.config.projects_in_software;
        is_used && renderer.check(dtype, dims, orientation, slab, op).is_ok()
    }

    /// Begins to fold the planes `slab[0]..slab[1]` of a volume along the depth axis of `orientation`.
    ///
    /// # Errors
    /// [`RenderError::Unsupported`] where the CPU must do it: the volume's type would lose exactness, it
    /// does not fit the device or half of the budget, or parts of it are missing.
    pub fn project(
        &self,
        volume: &Arc<Voxels>,
        orientation: Orientation,
        slab: [usize; 2],
        op: Projection,
    ) -> Result<ProjectionJob, RenderError> {
        let order = self.lock().order(volume, orientation, slab, op)?;
        Ok(ProjectionJob { handle: self.clone(), order, state: State::Uploading })
    }
}

impl ProjectionJob {
    /// Whether all of the volume has arrived and the result is on its way.
    pub fn is_folding(&self) -> bool {
        matches!(self.state, State::Folding { .. })
    }

    /// Does the next step without waiting: uploads a part, folds, or looks whether the result is back.
    /// The result's texture is kept, so that drawing it uploads nothing.
    pub fn poll(&mut self) -> Option<Result<Arc<Voxels>, RenderError>> {
        self.step(false)
    }

    /// Waits for the result.
    pub fn finish(mut self) -> Result<Arc<Voxels>, RenderError> {
        loop {
            if let Some(result) = self.step(true) {
                return result;
            }
        }
    }

    fn step(&mut self, waits: bool) -> Option<Result<Arc<Voxels>, RenderError>> {
        let mut renderer = self.handle.lock();
        match &self.state {
            State::Uploading => match renderer.advance_projection(&self.order) {
                Ok(None) => None,
                Ok(Some((readback, result))) => {
                    self.state = State::Folding { readback, result };
                    None
                }
                Err(error) => Some(Err(error)),
            },
            State::Folding { readback, result } => {
                let mut texels = vec![0; readback.num_bytes()];
                let arrived = match waits {
                    true => readback.finish(&renderer.device, &mut texels),
                    false => readback.try_finish(&renderer.device, &mut texels)?,
                };
                let done = arrived.map(|()| renderer.keep_projection(&self.order, *result, &texels));
                self.state = State::Done;
                Some(done)
            }
            State::Done => Some(Err(RenderError::Lost("the projection was taken already".into()))),
        }
    }
}

fn unsupported<T>(why: impl Into<String>) -> Result<T, RenderError> {
    Err(RenderError::Unsupported(why.into()))
}

/// How a volume of `dtype` is stored for `op`, how the result is, and the type it has for everyone else.
fn texels_of(dtype: DType, op: Projection) -> Option<([Texel; 2], DType)> {
    let volume = match dtype {
        DType::Bool | DType::U8 => Texel::U8,
        DType::I8 => Texel::I8,
        DType::U16 => Texel::U16,
        DType::I16 => Texel::I16,
        DType::U32 => Texel::U32,
        DType::I32 => Texel::I32,
        DType::F32 => Texel::F32,
        DType::U64 | DType::I64 | DType::F16 | DType::F64 => return None,
    };
    // Sums of wider integers need more than 32 bits.
    let is_summable = dtype.num_bytes() <= 2;
    Some(match op {
        Projection::Max | Projection::Min => ([volume, volume], dtype),
        _ if volume == Texel::F32 => ([Texel::F32, Texel::F32], DType::F32),
        Projection::Sum if is_summable && matches!(volume, Texel::U8 | Texel::U16) => {
            ([volume, Texel::U32], projected_dtype(dtype, op))
        }
        Projection::Sum if is_summable => ([volume, Texel::I32], DType::I64),
        // What a screen can use, as the CPU gives it for display.
        Projection::Mean | Projection::Std if is_summable => ([volume, Texel::F32], DType::F32),
        Projection::Sum | Projection::Mean | Projection::Std => return None,
    })
}

impl Renderer {
    fn order(
        &self,
        volume: &Arc<Voxels>,
        orientation: Orientation,
        slab: [usize; 2],
        op: Projection,
    ) -> Result<Order, RenderError> {
        let &[z, y, x] = volume.shape().dims() else { return unsupported("not a volume") };
        if !volume.missing().is_empty() {
            return unsupported("a volume with missing parts");
        }
        let (shape, texels, dtype) = self.check(volume.dtype(), [z, y, x], orientation, slab, op)?;
        Ok(Order { volume: volume.clone(), orientation, slab, op, shape, texels, dtype })
    }

    /// Rows and columns of a projection, how volume and result are stored, and the result's type.
    fn check(
        &self,
        dtype: DType,
        [z, y, x]: [usize; 3],
        orientation: Orientation,
        slab: [usize; 2],
        op: Projection,
    ) -> Result<([usize; 2], [Texel; 2], DType), RenderError> {
        let (depth, shape) = match orientation {
            Orientation::Xy => (z, [y, x]),
            Orientation::Xz => (y, [z, x]),
            Orientation::Yz => (x, [z, y]),
        };
        if slab[0] >= slab[1] || slab[1] > depth || slab[1] - slab[0] > 1 << 15 {
            return unsupported(format!("planes {} to {} of {depth}", slab[0], slab[1]));
        }
        let Some((texels, result)) = texels_of(dtype, op) else {
            return unsupported(format!("{} of {dtype}", op.name()));
        };
        let limits = self.device.limits();
        if shape.contains(&0) || shape.iter().any(|&n| n > limits.max_texture_dimension_2d as usize) {
            return unsupported(format!("a projection of {} × {} pixels", shape[1], shape[0]));
        }
        let num_bytes = Shape::from([z, y, x]).num_bytes(dtype).unwrap_or(usize::MAX);
        if Tiling::new([x, y], z, &limits).is_none() || num_bytes > self.textures.budget_bytes() / 2 {
            return unsupported(format!("a volume of {z} × {y} × {x} voxels in graphics memory"));
        }
        let features = self.adapter.get_texture_format_features(texels[1].format());
        if !features.allowed_usages.contains(wgpu::TextureUsages::RENDER_ATTACHMENT) {
            return unsupported(format!("drawing to {:?}", texels[1].format()));
        }
        Ok((shape, texels, result))
    }

    /// Uploads a part of the volume, or folds it once it is whole.
    fn advance_projection(&mut self, order: &Order) -> Result<Option<(Readback, Lease)>, RenderError> {
        let volume = self.place_volume(order)?;
        let volume = self.upload_volume(order, volume);
        self.projector.volumes.insert(order.volume.id(), volume);
        let num_rows = volume.num_planes * volume.tiling.size[1] as usize;
        if volume.rows_done < num_rows { Ok(None) } else { self.fold(order, &volume).map(Some) }
    }

    fn place_volume(&mut self, order: &Order) -> Result<Volume, RenderError> {
        let Self { projector, textures, pipelines, frame, device, .. } = self;
        projector.volumes.retain(|_, volume| textures.holds(volume.lease));
        if let Some(volume) = projector.volumes.get(&order.volume.id()) {
            textures.touch(volume.lease, *frame);
            return Ok(*volume);
        }
        let &[z, y, x] = order.volume.shape().dims() else { return unsupported("not a volume") };
        let Some(tiling) = Tiling::new([x, y], z, &device.limits()) else {
            return unsupported("a volume of this extent");
        };
        // At least two layers, for which alone the projecting shaders are made.
        let num_layers = (z as u32 * tiling.num_layers()).max(2);
        let key = TextureKey { size: tiling.tile, num_layers, texel: order.texels[0], is_target: false };
        match textures.lease(key.without_cubes(), *frame, pipelines) {
            Some(lease) => Ok(Volume { lease, tiling, num_planes: z, rows_done: 0 }),
            None => unsupported("the volume beside what is drawn in graphics memory"),
        }
    }

    fn upload_volume(&mut self, order: &Order, mut volume: Volume) -> Volume {
        let Some(texture) = self.textures.texture(volume.lease) else { return volume };
        let [width, height] = volume.tiling.size.map(|n| n as usize);
        let row_bytes = width * order.texels[0].num_bytes();
        let mut allowance = Allowance::new(self.config.upload_bytes_per_frame);
        while volume.rows_done < volume.num_planes * height {
            let (z, first) = (volume.rows_done / height, volume.rows_done % height);
            let rows = allowance.take_rows((height - first) as u32, row_bytes);
            if rows == 0 {
                break;
            }
            let plane = &order.volume.bytes()[z * height * row_bytes..];
            for mut piece in volume.tiling.pieces(first as u32..first as u32 + rows) {
                piece.layer += z as u32 * volume.tiling.num_layers();
                write_native(&self.queue, texture, plane, width, order.texels[0], &piece);
            }
            volume.rows_done += rows as usize;
            self.planes.uploaded_bytes += u64::from(rows) * row_bytes as u64;
        }
        volume
    }

    fn fold(&mut self, order: &Order, volume: &Volume) -> Result<(Readback, Lease), RenderError> {
        let [height, width] = order.shape.map(|n| n as u32);
        let key = TextureKey { size: [width, height], num_layers: 1, texel: order.texels[1], is_target: true };
        let Some(result) = self.textures.lease(key, self.frame, &self.pipelines) else {
            return unsupported("the projection beside what is drawn in graphics memory");
        };
        let is_moment = matches!(order.op, Projection::Mean | Projection::Std);
        let variant = Variant { kind: order.texels[0].kind(), is_layered: true };
        let Some(nth) = self.fold_pipeline(variant, order.texels[1], is_moment) else {
            return unsupported("projections of this type");
        };
        let Some((buffer, _, uniforms)) = &self.projector.uniforms else {
            return unsupported("projections");
        };
        let project = gpu::Project {
            tiles: gpu::Tiles::of(&volume.tiling),
            slab: order.slab.map(|n| n as i32),
            axis: match order.orientation {
                Orientation::Xy => 0,
                Orientation::Xz => 1,
                Orientation::Yz => 2,
            },
            op: match order.op {
                Projection::Max => 0,
                Projection::Mean => 1,
                Projection::Min => 2,
                Projection::Std => 3,
                Projection::Sum => 4,
            },
        };
        self.queue.write_buffer(buffer, 0, bytemuck::bytes_of(&project));
        let (Some(texture), Some(voxels)) = (self.textures.texture(result), self.textures.bind_group(volume.lease))
        else {
            return Err(RenderError::Lost("a texture was taken while in use".into()));
        };
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("projection") });
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("projection"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    resolve_target: None,
                    depth_slice: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            pass.set_pipeline(&self.projector.folds[nth].pipeline);
            pass.set_bind_group(0, uniforms, &[]);
            pass.set_bind_group(1, voxels, &[]);
            pass.draw(0..3, 0..1);
        }
        let readback = Readback::submit(&self.device, &self.queue, encoder, texture, order.texels[1].num_bytes());
        Ok((readback, result))
    }

    /// Index of the pipeline, made when first needed, with the uniforms all of them share.
    fn fold_pipeline(&mut self, variant: Variant, target: Texel, is_moment: bool) -> Option<usize> {
        let Self { projector, device, pipelines, .. } = self;
        let Projector { folds, uniforms, num_created, .. } = projector;
        let found = folds.iter().position(|f| (f.variant, f.target, f.is_moment) == (variant, target, is_moment));
        if found.is_some() {
            return found;
        }
        let source = shaders::project(variant)?;
        let (_, layout, _) = uniforms.get_or_insert_with(|| {
            *num_created += 3;
            pipelines::uniforms(device, "project", size_of::<gpu::Project>() as u64)
        });
        let pipeline = pipelines::pipeline(
            device,
            &pipelines::PipelineParts {
                label: "project",
                source,
                entry: if is_moment { "fs_moment" } else { "fs_fold" },
                constants: &[],
                layouts: &[Some(layout), Some(pipelines.texture_layout(variant))],
                topology: wgpu::PrimitiveTopology::TriangleList,
                target: target.format(),
                blend: None,
            },
        );
        *num_created += 1;
        folds.push(Fold { variant, target, is_moment, pipeline });
        Some(folds.len() - 1)
    }

    /// Makes voxels of the texels that came back, and keeps the texture as theirs.
    fn keep_projection(&mut self, order: &Order, result: Lease, texels: &[u8]) -> Arc<Voxels> {
        let shape = Shape::from(order.shape);
        let mut buffer = Buffer::unpooled(order.shape[0] * order.shape[1] * order.dtype.num_bytes());
        let bytes = buffer.bytes_mut();
        match (order.texels[1], order.dtype) {
            // Sums of bools are signed, as numpy has them.
            (Texel::U32, DType::U64 | DType::I64) => widen(texels, bytes, |value: u32| u64::from(value)),
            (Texel::I32, DType::I64) => widen(texels, bytes, |value: i32| i64::from(value)),
            _ => bytes.copy_from_slice(texels),
        }
        let voxels = Arc::new(Voxels::new(order.dtype, shape, buffer, Vec::new()));
        let size = [order.shape[1], order.shape[0]];
        if let Some(tiling) = Tiling::new(size, 1, &self.device.limits()) {
            self.planes.adopt(voxels.id(), result, tiling, order.dtype);
        }
        voxels
    }
}

fn widen<I: bytemuck::AnyBitPattern, O: bytemuck::Pod>(texels: &[u8], target: &mut [u8], convert: impl Fn(I) -> O) {
    let target: &mut [O] = bytemuck::cast_slice_mut(target);
    for (to, from) in target.iter_mut().zip(texels.chunks_exact(size_of::<I>())) {
        *to = convert(bytemuck::pod_read_unaligned(from));
    }
}
