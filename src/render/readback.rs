//! Copying a texture back to memory, row padding removed.

use std::time::Duration;

use super::RenderError;

/// Longest wait for the device; a software rasteriser under load needs seconds, never this.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A texture on its way back to memory.
pub(super) struct Readback {
    buffer: wgpu::Buffer,
    row_bytes: usize,
    padded_bytes: usize,
    num_rows: usize,
    arrived: std::sync::mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
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
        let (sender, arrived) = std::sync::mpsc::sync_channel(1);
        // The receiver may be gone by then; nobody waits for the result in that case.
        buffer.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        Self { buffer, row_bytes, padded_bytes, num_rows, arrived }
    }

    /// Copies the rows into `target` if they have arrived; never waits. `target` holds unpadded rows.
    pub(super) fn try_finish(&self, device: &wgpu::Device, target: &mut [u8]) -> Option<Result<(), RenderError>> {
        if let Err(error) = device.poll(wgpu::PollType::Poll) {
            return Some(Err(RenderError::Lost(error.to_string())));
        }
        match self.arrived.try_recv() {
            Ok(result) => Some(result.map_err(|e| RenderError::Lost(e.to_string())).and_then(|()| self.copy(target))),
            Err(std::sync::mpsc::TryRecvError::Empty) => None,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                Some(Err(RenderError::Lost("the copy was abandoned".into())))
            }
        }
    }

    /// Waits for the rows.
    pub(super) fn finish(&self, device: &wgpu::Device, target: &mut [u8]) -> Result<(), RenderError> {
        device
            .poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(TIMEOUT) })
            .map_err(|error| RenderError::Lost(error.to_string()))?;
        self.arrived
            .recv_timeout(TIMEOUT)
            .map_err(|error| RenderError::Lost(error.to_string()))?
            .map_err(|error| RenderError::Lost(error.to_string()))?;
        self.copy(target)
    }

    /// Bytes of the unpadded rows.
    pub(super) fn num_bytes(&self) -> usize {
        self.row_bytes * self.num_rows
    }

    fn copy(&self, target: &mut [u8]) -> Result<(), RenderError> {
        let mapped = self.buffer.slice(..).get_mapped_range().map_err(|e| RenderError::Lost(e.to_string()))?;
        for (to, from) in target.chunks_exact_mut(self.row_bytes).zip(mapped.chunks_exact(self.padded_bytes)) {
            to.copy_from_slice(&from[..self.row_bytes]);
        }
        Ok(())
    }
}
