//! Projections on the GPU: volumes that lie in layered textures are folded by a fragment shader into a plane
//! that is drawn from where it lies. Called from the threads that want them, never from that of the window.

use std::sync::Mutex;

use super::folded::Folded;
use super::renderer::{Renderer, RendererHandle};
use super::shaders::{self, Variant};
use super::texel::Texel;
use super::textures::{Lease, TextureKey};
use super::tiling::Tiling;
use super::uniforms::gpu;
use super::volumes::{Volume, Volumes};
use super::{RenderError, pipelines};
use crate::volume::{DType, NotFolded, Orientation, Projection, Shape, VolumeFold, Voxels, projected_dtype};

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
    pub(super) volumes: Volumes,
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

/// What is folded, and how, checked.
pub(super) struct Order {
    pub(super) volume: u64,
    pub(super) dims: [usize; 3],
    orientation: Orientation,
    slab: [usize; 2],
    op: Projection,
    /// Rows and columns of the result.
    shape: [usize; 2],
    /// How voxels are stored in the texture, and how the result is.
    pub(super) texels: [Texel; 2],
    dtype: DType,
}

impl RendererHandle {
    /// Whether projections of such volumes (z, y, x) are made here: where that is wished, and gives the results
    /// of the CPU.
    pub fn can_project(
        &self,
        dtype: DType,
        dims: [usize; 3],
        orientation: Orientation,
        slab: [usize; 2],
        op: Projection,
    ) -> bool {
        let renderer = self.lock();
        renderer.config.projects && renderer.check(dtype, dims, orientation, slab, op).is_ok()
    }

    /// Whether all of a volume lies in graphics memory.
    pub fn has_volume(&self, id: u64) -> bool {
        self.lock().holds_volume(id)
    }

    /// Bytes of folded pictures that graphics memory has room for beside volumes and planes.
    pub fn folded_budget_bytes(&self) -> usize {
        self.lock().textures.budget_bytes() / 4
    }

    /// Folds a volume, which is brought to graphics memory first where it is not there. May take long and is
    /// for threads that may wait; `goes_on` is asked between pieces of an upload. The result stays in its
    /// texture as long as it lives, is drawn from there, and its values are brought when they are asked for.
    ///
    /// # Errors
    /// [`NotFolded::Refused`] where the CPU must do it: the volume's type would lose exactness, or it does not
    /// fit the device or half of the budget.
    pub fn fold(&self, fold: &VolumeFold<'_>, goes_on: &dyn Fn() -> bool) -> Result<Voxels, NotFolded> {
        let order = self.lock().order(fold).map_err(refused)?;
        // One after the other: several at once would only take each other's room.
        let turn = self.turn();
        let (volume, hold) = self.bring_volume(&order, fold.voxels, goes_on)?;
        let folded = self.lock().fold(&order, &volume).map_err(refused);
        drop((turn, hold));
        folded
    }
}

/// What the CPU must do, and why.
pub(super) fn refused(error: RenderError) -> NotFolded {
    NotFolded::Refused(error.to_string())
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
    fn order(&self, fold: &VolumeFold<'_>) -> Result<Order, RenderError> {
        let &VolumeFold { volume, voxels, dtype, dims, orientation, slab, op } = fold;
        if voxels.is_some_and(|voxels| voxels.dtype() != dtype || *voxels.shape().dims() != dims) {
            return unsupported("not the volume that was announced");
        }
        if voxels.is_some_and(|voxels| !voxels.missing().is_empty()) {
            return unsupported("a volume with missing parts");
        }
        let (shape, texels, dtype) = self.check(dtype, dims, orientation, slab, op)?;
        Ok(Order { volume, dims, orientation, slab, op, shape, texels, dtype })
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
        // A few of them have to find room in their share of the budget.
        if shape[0] * shape[1] * texels[1].num_bytes() > self.textures.budget_bytes() / 8 {
            return unsupported(format!("a projection of {} × {} pixels in graphics memory", shape[1], shape[0]));
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

    fn fold(&mut self, order: &Order, volume: &Volume) -> Result<Voxels, RenderError> {
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
        self.queue.submit([encoder.finish()]);
        self.keep_folded(order, result)
    }

    /// The picture in a texture, which is kept for it.
    fn keep_folded(&mut self, order: &Order, lease: Lease) -> Result<Voxels, RenderError> {
        let frame = self.background_frame();
        self.textures.touch(lease, frame);
        let (Some(texture), Some(hold)) = (self.textures.texture(lease).cloned(), self.textures.hold(lease)) else {
            return Err(RenderError::Lost("a texture was taken while in use".into()));
        };
        let size = [order.shape[1], order.shape[0]];
        let Some(tiling) = Tiling::new(size, 1, &self.device.limits()) else {
            return unsupported("a projection of this extent");
        };
        let folded = Folded {
            device: self.device.clone(),
            queue: self.queue.clone(),
            texture,
            _hold: hold,
            texel: order.texels[1],
            dtype: order.dtype,
            copy: Mutex::default(),
        };
        let voxels = Voxels::away(order.dtype, Shape::from(order.shape), Box::new(folded));
        self.planes.adopt(voxels.id(), lease, tiling, order.dtype);
        Ok(voxels)
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
}
