//! Volumes in layered textures: brought there by the threads that want them folded, piece by piece so that
//! no frame waits behind an upload, and kept as long as half of the budget has room.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::RenderError;
use super::planes::{Allowance, write_native};
use super::projector::{Order, refused};
use super::renderer::{Renderer, RendererHandle};
use super::textures::{Hold, Lease, TextureKey};
use super::tiling::Tiling;
use crate::volume::{NotFolded, Voxels};

/// Bytes handed to the device under one of its locks: a frame that needs it waits no longer than for these.
const MAX_WRITE_BYTES: usize = 1 << 20;
/// How often the device is asked whether it is done.
const ASK_EVERY: Duration = Duration::from_micros(200);
/// A device that takes longer than this for one piece is taken for lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// A volume in a texture, or on its way there.
#[derive(Clone, Copy)]
pub(super) struct Volume {
    pub(super) lease: Lease,
    pub(super) tiling: Tiling,
    num_planes: usize,
    /// Rows of all planes, one after the other, that have arrived.
    rows_done: usize,
    num_bytes: usize,
    /// When it was last of use, on the clock of [`Volumes`].
    used: u64,
}

impl Volume {
    pub(super) fn is_complete(&self) -> bool {
        self.rows_done == self.num_planes * self.tiling.size[1] as usize
    }
}

/// The volumes in textures, by the identity of their voxels.
#[derive(Default)]
pub(super) struct Volumes {
    by_id: HashMap<u64, Volume>,
    clock: u64,
}

impl Renderer {
    /// Whether all of a volume lies in a texture.
    pub(super) fn holds_volume(&self, id: u64) -> bool {
        let volume = self.projector.volumes.by_id.get(&id);
        volume.is_some_and(|volume| volume.is_complete() && self.textures.holds(volume.lease))
    }

    /// The texture of a volume, made if there is none, and the right to keep it for now.
    fn place_volume(&mut self, order: &Order, is_at_hand: bool) -> Result<(Volume, Hold), NotFolded> {
        let frame = self.background_frame();
        let Self { projector, textures, pipelines, device, .. } = self;
        let volumes = &mut projector.volumes;
        volumes.by_id.retain(|_, volume| textures.holds(volume.lease));
        volumes.clock += 1;
        let found = volumes.by_id.get(&order.volume).copied().filter(|volume| is_at_hand || volume.is_complete());
        let mut volume = match found {
            Some(volume) => volume,
            None if !is_at_hand => return Err(NotFolded::VolumeGone),
            None => {
                let [z, y, x] = order.dims;
                let unsupported = |why: &str| refused(RenderError::Unsupported(why.to_owned()));
                let tiling = Tiling::new([x, y], z, &device.limits());
                let tiling = tiling.ok_or_else(|| unsupported("a volume of this extent"))?;
                // At least two layers, for which alone the projecting shaders are made.
                let num_layers = (z as u32 * tiling.num_layers()).max(2);
                let key = TextureKey { size: tiling.tile, num_layers, texel: order.texels[0], is_target: false };
                let key = key.without_cubes();
                volumes.make_room(key.num_bytes(), textures);
                let lease = textures.lease(key, self.frame, pipelines);
                let lease = lease.ok_or_else(|| unsupported("the volume beside what is drawn in graphics memory"))?;
                Volume { lease, tiling, num_planes: z, rows_done: 0, num_bytes: key.num_bytes(), used: 0 }
            }
        };
        textures.touch(volume.lease, frame);
        volume.used = volumes.clock;
        volumes.by_id.insert(order.volume, volume);
        let hold = textures.hold(volume.lease);
        let hold = hold.ok_or_else(|| refused(RenderError::Lost("a texture was taken".to_owned())))?;
        Ok((volume, hold))
    }

    /// As [`Renderer::frame`] for what is not drawn: it may be taken back by the frame that is drawn now.
    pub(super) fn background_frame(&self) -> u64 {
        self.frame - 1
    }
}

impl Volumes {
    /// Gives up what was not of use for the longest time until `need` bytes more are within half of the budget.
    fn make_room(&mut self, need: usize, textures: &mut super::textures::Textures) {
        let mut num_bytes: usize = self.by_id.values().map(|volume| volume.num_bytes).sum();
        while num_bytes + need > textures.budget_bytes() / 2 {
            let oldest = self.by_id.iter().min_by_key(|(_, volume)| volume.used);
            let Some((&id, &volume)) = oldest else { return };
            textures.release(volume.lease);
            num_bytes -= volume.num_bytes;
            self.by_id.remove(&id);
        }
    }
}

impl RendererHandle {
    /// Brings a volume to its texture and returns where it lies. Takes long; holds the renderer's lock for
    /// moments only, and asks `goes_on` before each piece.
    pub(super) fn bring_volume(
        &self,
        order: &Order,
        voxels: Option<&Voxels>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<(Volume, Hold), NotFolded> {
        loop {
            let (volume, hold) = self.lock().place_volume(order, voxels.is_some())?;
            if volume.is_complete() {
                return Ok((volume, hold));
            }
            let Some(voxels) = voxels else { return Err(NotFolded::VolumeGone) };
            if !goes_on() {
                return Err(NotFolded::GaveWay);
            }
            self.upload_piece(order, voxels, &volume)?;
        }
    }

    /// Uploads as much as one frame may, and waits until the device has taken it in: what is drawn meanwhile
    /// waits behind one piece at most.
    fn upload_piece(&self, order: &Order, voxels: &Voxels, volume: &Volume) -> Result<(), NotFolded> {
        let lost = |why: &str| refused(RenderError::Lost(why.to_owned()));
        let (device, queue, texture, num_bytes) = {
            let renderer = self.lock();
            let texture = renderer.textures.texture(volume.lease).cloned();
            let texture = texture.ok_or_else(|| lost("a texture was taken while in use"))?;
            (renderer.device.clone(), renderer.queue.clone(), texture, renderer.config.upload_bytes_per_frame)
        };
        let [width, height] = volume.tiling.size.map(|n| n as usize);
        let row_bytes = width * order.texels[0].num_bytes();
        let mut allowance = Allowance::new(num_bytes);
        let mut rows_done = volume.rows_done;
        while rows_done < volume.num_planes * height {
            let (z, first) = (rows_done / height, rows_done % height);
            let wanted = (height - first).min((MAX_WRITE_BYTES / row_bytes.max(1)).max(1));
            let rows = allowance.take_rows(wanted as u32, row_bytes);
            if rows == 0 {
                break;
            }
            let plane = &voxels.bytes()[z * height * row_bytes..];
            for mut piece in volume.tiling.pieces(first as u32..first as u32 + rows) {
                piece.layer += z as u32 * volume.tiling.num_layers();
                write_native(&queue, &texture, plane, width, order.texels[0], &piece);
            }
            rows_done += rows as usize;
        }
        wait_for_device(&device, &queue).map_err(refused)?;
        let mut renderer = self.lock();
        renderer.planes.uploaded_bytes += ((rows_done - volume.rows_done) * row_bytes) as u64;
        if let Some(known) = renderer.projector.volumes.by_id.get_mut(&order.volume)
            && known.lease == volume.lease
        {
            known.rows_done = rows_done;
        }
        Ok(())
    }
}

/// Waits until the device has done what it was given so far. It is asked again and again: a wait of its own
/// would hold up whoever gives memory back meanwhile.
pub(super) fn wait_for_device(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<(), RenderError> {
    let (sender, done) = sync_channel(1);
    queue.on_submitted_work_done(move || {
        // Nobody may wait for it any more.
        let _unwanted = sender.send(());
    });
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        device.poll(wgpu::PollType::Poll).map_err(|error| RenderError::Lost(error.to_string()))?;
        match done.recv_timeout(ASK_EVERY) {
            Ok(()) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(RenderError::Lost("the device is gone".to_owned())),
        }
    }
    Err(RenderError::Lost(format!("the graphics device has done nothing for {} s", PATIENCE.as_secs())))
}
