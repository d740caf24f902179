//! A stream of so little memory that tests see it at work.

use tectum::stream::StreamConfig;

/// Room for a megabyte of chunks and one of pictures, no previews.
pub fn config(num_workers: usize) -> StreamConfig {
    StreamConfig {
        ram_budget_bytes: 1 << 20,
        picture_budget_bytes: 1 << 20,
        preview_budget_bytes: 0,
        num_workers,
        max_in_flight_bytes: 1 << 16,
        background_bytes_per_s: None,
        slow_picture_ms: 1e9,
        ..StreamConfig::with_ram_budget(8 << 20)
    }
}
