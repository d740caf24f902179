//! Names of what is shown and where: small, `Copy`, and never used twice within a process.

use std::sync::atomic::{AtomicU32, Ordering};

/// One opening of an array. A recording that grows keeps its id; one that starts again, or is opened
/// again, has another, so that nothing of the former one can pass for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(u32);

impl LayerId {
    /// An id nothing else of this process has.
    pub fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// An id with a number of one's own, for tests; it may be another's as well.
    pub const fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// The id as a plain number.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// One canvas of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ViewId(pub u8);
