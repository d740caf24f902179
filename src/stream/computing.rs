//! How much memory computing may take beside what is kept: a long window needs many chunks at once for one of its
//! result, and as many threads as there are would each take that.

use parking_lot::{Condvar, Mutex};

/// What computes with less than this is not counted.
const SMALL: usize = 8 << 20;

/// Bytes that are being computed with.
pub(super) struct Computing {
    max_bytes: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

/// As long as it lives, so much is computed with.
pub(super) struct Held<'a> {
    computing: &'a Computing,
    num_bytes: usize,
}

impl Computing {
    /// At most so many at once; what needs more is computed alone.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until there is room. Half of it is left for what is on screen. Whoever holds some asks for no more.
    pub fn hold(&self, num_bytes: usize, is_visible: impl FnOnce() -> bool) -> Held<'_> {
        let num_bytes = if num_bytes < SMALL { 0 } else { num_bytes };
        if num_bytes > 0 {
            let max_bytes = if is_visible() { self.max_bytes } else { self.max_bytes / 2 };
            let mut used = self.used.lock();
            while *used > 0 && used.saturating_add(num_bytes) > max_bytes {
                self.freed.wait(&mut used);
            }
            *used += num_bytes;
        }
        Held { computing: self, num_bytes }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.num_bytes > 0 {
            *self.computing.used.lock() -= self.num_bytes;
            self.computing.freed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_is_computed_with_than_there_is_room_for_and_what_needs_more_alone() {
        const MB: usize = 1 << 20;
        let computing = Computing::new(100 * MB);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (computing, now, most) = (&computing, &now, &most);
                scope.spawn(move || {
                    for round in 0..20 {
                        let num_bytes = [30, 60, 250][(thread + round) % 3] * MB;
                        let _held = computing.hold(num_bytes, || thread % 2 == 0);
                        let used = now.fetch_add(num_bytes, Ordering::SeqCst) + num_bytes;
                        assert!(used <= 100 * MB || used == 250 * MB, "{used}");
                        most.fetch_max(used, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_micros(200));
                        now.fetch_sub(num_bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!((*computing.used.lock(), most.into_inner()), (0, 250 * MB));
        // Small ones wait for nobody.
        let _all = computing.hold(100 * MB, || true);
        drop(computing.hold(MB, || false));
    }
}
