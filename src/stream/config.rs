//! What a [`super::Stream`] may use of the machine.

use crate::format::Patience;

/// Budgets and threads of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamConfig {
    /// Bytes of decoded chunks kept.
    pub ram_budget_bytes: usize,
    /// Bytes of projections, assembled planes and volumes kept.
    pub picture_budget_bytes: usize,
    /// Bytes of low-resolution previews kept.
    pub preview_budget_bytes: usize,
    /// Threads for what is on screen; as many again, of low priority, read ahead. 0: none, the owner calls
    /// [`super::Stream::run_one`].
    pub num_workers: usize,
    /// Bytes being read and decoded at any moment. A single larger chunk is read alone.
    pub max_in_flight_bytes: usize,
    /// Chunks being fetched at any moment, of sources that lie afar.
    pub max_fetches: usize,
    /// How often and how long a fetch is tried.
    pub patience: Patience,
    /// Cap on decoded bytes per second of background reading, set while the recording is being written.
    pub background_bytes_per_s: Option<u64>,
    /// A recording whose pictures take longer than this to read gets previews. 0: always.
    pub slow_picture_ms: f64,
}

/// Previews stay below this, however much memory there is.
const MAX_PREVIEW_BYTES: usize = 250 << 20;

impl StreamConfig {
    /// Divides one budget for everything a stream keeps: 1/4 pictures, 1/8 (at most 250 MiB) previews, 1/8 (at
    /// most 64 MiB) what is being read, as much buffers between two uses, and the rest chunks.
    pub fn with_ram_budget(total_bytes: usize) -> Self {
        let preview_budget_bytes = (total_bytes / 8).min(MAX_PREVIEW_BYTES);
        let picture_budget_bytes = total_bytes / 4;
        let max_in_flight_bytes = (total_bytes / 8).min(64 << 20);
        let num_workers = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(1, 16);
        Self {
            ram_budget_bytes: total_bytes - picture_budget_bytes - preview_budget_bytes - 2 * max_in_flight_bytes,
            picture_budget_bytes,
            preview_budget_bytes,
            num_workers,
            max_in_flight_bytes,
            max_fetches: 32,
            patience: Patience::VIEW,
            background_bytes_per_s: None,
            slow_picture_ms: 30.0,
        }
    }

    /// All budgets together.
    pub fn total_bytes(&self) -> usize {
        self.ram_budget_bytes
            + self.picture_budget_bytes
            + self.preview_budget_bytes
            + self.max_in_flight_bytes
            + self.pool_bytes()
    }

    /// Unused buffers kept for the next read.
    pub(super) fn pool_bytes(&self) -> usize {
        self.max_in_flight_bytes
    }
}

impl Default for StreamConfig {
    /// A quarter of the machine's memory.
    fn default() -> Self {
        // A machine that does not say is taken for a small one.
        let total = sysinfo::System::new().map_or(0, |mut system| {
            system.refresh_memory();
            usize::try_from(system.total_memory()).unwrap_or(0)
        });
        let total = total.max(2 << 30);
        Self::with_ram_budget(total / 4)
    }
}
