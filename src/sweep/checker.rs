//! Measuring behind a window: the handle of a thread that sweeps a recording, goes on when data land, and
//! publishes what it has.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::worker::Worker;
use super::{Lender, Progress, Snapshot};
use crate::array::LazyArray;
use crate::qc::{Codes, Subject};

/// The handle of the thread. Dropping it ends the thread after the volume it is at, and waits for nothing.
pub struct Checker {
    shared: Arc<Shared>,
}

/// What the thread and its handle share.
pub(super) struct Shared {
    latest: Mutex<Arc<Snapshot>>,
    pub(super) orders: Mutex<Orders>,
    /// Signalled with every order.
    pub(super) changed: Condvar,
    /// Whether there are orders that the thread has not seen.
    pub(super) has_orders: AtomicBool,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// What the thread is to do.
#[derive(Default)]
pub(super) struct Orders {
    /// The recording as it is now, and when that was told.
    pub(super) news: Option<News>,
    /// Timepoints whose data have changed, half-open ranges.
    pub(super) stale: Vec<[usize; 2]>,
    /// Whether there is more to it than that something has landed.
    pub(super) is_urgent: bool,
    pub(super) is_paused: bool,
    pub(super) is_live: bool,
    pub(super) is_closed: bool,
}

/// The recording as it is now.
pub(super) struct News {
    pub(super) array: Arc<LazyArray>,
    pub(super) subject: Subject,
    pub(super) told: Instant,
}

impl Shared {
    /// Shows what is known now.
    pub(super) fn publish(&self, snapshot: Snapshot) {
        let old = std::mem::replace(&mut *self.latest.lock(), Arc::new(snapshot));
        drop(old);
        (self.wake)();
    }

    fn fail(&self, why: String) {
        let latest = Arc::clone(&self.latest.lock());
        let progress = Progress { failure: Some(why), ..latest.progress.clone() };
        self.publish(Snapshot { version: latest.version + 1, progress, ..Snapshot::clone(&latest) });
    }
}

impl Checker {
    /// Begins to measure a recording at idle priority. `wake` is called from the thread, now and then, when there
    /// is a new snapshot; it must not block.
    pub fn start(
        array: Arc<LazyArray>,
        subject: Subject,
        wanted: Codes,
        lender: Arc<dyn Lender>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self::start_keeping(None, array, subject, wanted, lender, wake)
    }

    /// The same, with a folder in which results are kept from one run to the next.
    pub fn start_keeping(
        folder: Option<PathBuf>,
        array: Arc<LazyArray>,
        subject: Subject,
        wanted: Codes,
        lender: Arc<dyn Lender>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let shared = Arc::new(Shared {
            latest: Mutex::new(Arc::new(Snapshot::empty(subject.clone()))),
            orders: Mutex::default(),
            changed: Condvar::new(),
            has_orders: AtomicBool::new(false),
            wake,
        });
        let of_thread = Arc::clone(&shared);
        let run = move || {
            let worker = Worker::new(Arc::clone(&of_thread), folder, array, subject, wanted, lender);
            if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
                of_thread.fail("measuring has ended: internal error".to_owned());
            }
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-check".into()).spawn(run) {
            shared.fail(format!("nothing is measured: no thread to do it ({error})"));
        }
        Self { shared }
    }

    /// What is known now. At once.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shared.latest.lock())
    }

    /// The recording has become longer, or some timepoints (half-open ranges) hold other data now. Another
    /// recording, or one that has become shorter, is measured from its beginning.
    pub fn extend(&self, array: Arc<LazyArray>, subject: Subject, stale: &[[usize; 2]]) {
        let known = self.snapshot();
        self.order(|orders| {
            let (old, new) = (known.subject.shape, subject.shape);
            orders.is_urgent |= !stale.is_empty() || old[1..] != new[1..] || old[0] > new[0];
            orders.news = Some(News { array, subject, told: Instant::now() });
            orders.stale.extend_from_slice(stale);
            true
        });
    }

    /// Hold or go on.
    pub fn set_paused(&self, is_paused: bool) {
        self.order(|orders| {
            orders.is_urgent |= orders.is_paused != is_paused;
            std::mem::replace(&mut orders.is_paused, is_paused) != is_paused
        });
    }

    /// Whether somebody is recording: then it takes one core at most, and reads below a cap.
    pub fn set_live(&self, is_live: bool) {
        self.order(|orders| {
            orders.is_urgent |= orders.is_live != is_live;
            std::mem::replace(&mut orders.is_live, is_live) != is_live
        });
    }

    /// Gives orders, if they are others than before.
    fn order(&self, change: impl FnOnce(&mut Orders) -> bool) {
        let mut orders = self.shared.orders.lock();
        if !change(&mut orders) {
            return;
        }
        self.shared.has_orders.store(true, Ordering::Release);
        drop(orders);
        self.shared.changed.notify_all();
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.order(|orders| {
            (orders.is_closed, orders.is_urgent) = (true, true);
            true
        });
    }
}
