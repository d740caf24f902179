//! What is on its way from the network at this moment, for the status bar.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

static REQUESTS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static KEPT_BYTES: AtomicU64 = AtomicU64::new(0);

/// What this process has to do with the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests without a whole answer yet.
    pub num_requests: usize,
    /// Bytes that have come since the program was started.
    pub num_bytes: u64,
    /// Bytes that did not have to come, because they were kept on disk.
    pub num_kept_bytes: u64,
}

/// How it stands now. Immediate.
pub fn traffic() -> Traffic {
    Traffic {
        num_requests: REQUESTS.load(Ordering::Relaxed),
        num_bytes: BYTES.load(Ordering::Relaxed),
        num_kept_bytes: KEPT_BYTES.load(Ordering::Relaxed),
    }
}

/// A request under way; over when dropped.
pub struct UnderWay(());

impl UnderWay {
    pub fn begin() -> Self {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Some of the answer has come.
    pub fn came(&self, num_bytes: usize) {
        BYTES.fetch_add(num_bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        REQUESTS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes were found on disk instead of being asked for.
pub fn was_kept(num_bytes: usize) {
    KEPT_BYTES.fetch_add(num_bytes as u64, Ordering::Relaxed);
}
