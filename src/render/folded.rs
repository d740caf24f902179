//! A folded picture in its texture, from where it is drawn; read back when somebody asks for its values.

use std::sync::{Mutex, PoisonError};

use super::readback::Readback;
use super::texel::Texel;
use super::textures::Hold;
use crate::volume::{Away, Buffer, DType};

/// The texture of a picture that a shader has folded. As long as this lives it is given to no other.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) texture: wgpu::Texture,
    pub(super) _hold: Hold,
    /// How the texture stores what is of type `dtype` to everyone else.
    pub(super) texel: Texel,
    pub(super) dtype: DType,
    /// The copy to memory, once it is asked for.
    pub(super) copy: Mutex<Option<Readback>>,
}

impl Folded {
    fn begun<'a>(&self, copy: &'a mut Option<Readback>) -> &'a mut Readback {
        copy.get_or_insert_with(|| {
            let label = Some("folded picture");
            let encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label });
            Readback::submit(&self.device, &self.queue, encoder, &self.texture, self.texel.num_bytes())
        })
    }

    fn values(&self, readback: &mut Readback) -> Result<Buffer, String> {
        let mut texels = vec![0; readback.num_bytes()];
        readback.copy(&mut texels).map_err(|error| error.to_string())?;
        let num_pixels = texels.len() / self.texel.num_bytes();
        let mut buffer = Buffer::unpooled(num_pixels * self.dtype.num_bytes());
        let bytes = buffer.bytes_mut();
        match (self.texel, self.dtype) {
            // Sums of bools are signed, as numpy has them.
            (Texel::U32, DType::U64 | DType::I64) => widen(&texels, bytes, |value: u32| u64::from(value)),
            (Texel::I32, DType::I64) => widen(&texels, bytes, |value: i32| i64::from(value)),
            _ => bytes.copy_from_slice(&texels),
        }
        Ok(buffer)
    }
}

impl Away for Folded {
    fn try_fetch(&self) -> Option<Result<Buffer, String>> {
        // Whoever holds it is waiting for the very values.
        let mut copy = self.copy.try_lock().ok()?;
        let readback = self.begun(&mut copy);
        let arrived = readback.try_arrived(&self.device)?;
        Some(arrived.map_err(|error| error.to_string()).and_then(|()| self.values(readback)))
    }

    fn fetch(&self) -> Result<Buffer, String> {
        let mut copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        let readback = self.begun(&mut copy);
        readback.wait(&self.device).map_err(|error| error.to_string())?;
        self.values(readback)
    }
}

fn widen<I: bytemuck::AnyBitPattern, O: bytemuck::Pod>(texels: &[u8], target: &mut [u8], convert: impl Fn(I) -> O) {
    let target: &mut [O] = bytemuck::cast_slice_mut(target);
    for (to, from) in target.iter_mut().zip(texels.chunks_exact(size_of::<I>())) {
        *to = convert(bytemuck::pod_read_unaligned(from));
    }
}
