//! Copying a texture back to memory, row padding removed.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use super::RenderError;

/// Longest wait for the device; a software rasteriser under load needs seconds, never this.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often the device is asked.
const ASK_EVERY: Duration = Duration::from_micros(100);

/// A texture on its way back to memory.
#[derive(Debug)]
pub(super) struct Readback {
    buffer: wgpu::Buffer,
    row_bytes: usize,
    padded_bytes: usize,
    num_rows: usize,
    arrived: Receiver<Result<(), wgpu::BufferAsyncError>>,
    /// What has become of the copy, once that is known.
    outcome: Option<Result<(), String>>,
}

impl Readback {
    /// Records and submits the copy of the first layer of `texture`, after `encoder`'s commands.
    pub(super) fn submit(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        mut encoder: wgpu::CommandEncoder,
        texture: &wgpu::Texture,
        texel_bytes: usize,
    ) -> Self {
        let row_bytes = texture.width() as usize * texel_bytes;
        let padded_bytes = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize);
        let num_rows = texture.height() as usize;
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: (padded_bytes * num_rows) as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(padded_bytes as u32),
                    rows_per_image: None,
                },
            },
            wgpu::Extent3d { width: texture.width(), height: texture.height(), depth_or_array_layers: 1 },
        );
        queue.submit([encoder.finish()]);
        let (sender, arrived) = sync_channel(1);
        // The receiver may be gone by then; nobody waits for the result in that case.
        buffer.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        Self { buffer, row_bytes, padded_bytes, num_rows, arrived, outcome: None }
    }

    /// Whether the rows have arrived; never waits.
    pub(super) fn try_arrived(&mut self, device: &wgpu::Device) -> Option<Result<(), RenderError>> {
        if self.outcome.is_none() {
            if let Err(error) = device.poll(wgpu::PollType::Poll) {
                return Some(Err(RenderError::Lost(error.to_string())));
            }
            self.outcome = match self.arrived.try_recv() {
                Ok(result) => Some(result.map_err(|error| error.to_string())),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err("the copy was abandoned".to_owned())),
            };
        }
        self.outcome.clone().map(|outcome| outcome.map_err(RenderError::Lost))
    }

    /// Waits until the rows have arrived. The device is asked again and again: a wait of its own would hold up
    /// whoever gives memory back meanwhile.
    pub(super) fn wait(&mut self, device: &wgpu::Device) -> Result<(), RenderError> {
        let begin = Instant::now();
        while begin.elapsed() < TIMEOUT {
            if let Some(arrived) = self.try_arrived(device) {
                return arrived;
            }
            std::thread::sleep(ASK_EVERY);
        }
        Err(RenderError::Lost(format!("nothing has come back for {} s", TIMEOUT.as_secs())))
    }

    /// Waits for the rows and copies them into `target`, which holds unpadded rows.
    pub(super) fn finish(mut self, device: &wgpu::Device, target: &mut [u8]) -> Result<(), RenderError> {
        self.wait(device)?;
        self.copy(target)
    }

    /// Bytes of the unpadded rows.
    pub(super) fn num_bytes(&self) -> usize {
        self.row_bytes * self.num_rows
    }

    /// Copies rows that have arrived into `target`, which holds them unpadded.
    pub(super) fn copy(&self, target: &mut [u8]) -> Result<(), RenderError> {
        let mapped = self.buffer.slice(..).get_mapped_range().map_err(|e| RenderError::Lost(e.to_string()))?;
        for (to, from) in target.chunks_exact_mut(self.row_bytes).zip(mapped.chunks_exact(self.padded_bytes)) {
            to.copy_from_slice(&from[..self.row_bytes]);
        }
        Ok(())
    }
}
