//! Judging what has been measured, on a thread of its own: of a long recording it takes longer than a frame may.
//! The window is woken when there is a verdict, so that it never shows measures and a verdict of different times.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::app::wake::WakeFn;
use crate::array::LazyArray;
use crate::qc::{Codes, Derived, Evidence, Limits, Row, Subject, Verdict, judge_with};
use crate::sweep::{Checker, Lender, Snapshot};

/// Measures and what is to be said of them. Never changes.
pub struct Judged {
    pub snapshot: Arc<Snapshot>,
    pub limits: Limits,
    pub verdict: Verdict,
    /// Median and largest shift in the plane, px, where there is any.
    pub motion: Option<[f64; 2]>,
}

/// The measuring of one recording together with the thread that judges it. Both end with it.
pub struct Judging {
    checker: Arc<Checker>,
    shared: Arc<Shared>,
    bell: Sender<()>,
}

struct Shared {
    limits: Mutex<Limits>,
    judged: Mutex<Arc<Judged>>,
}

impl Judging {
    /// Begins to measure and to judge; results are kept in a folder, where there is one. `wake` is called with every new verdict.
    pub fn start(
        kept: Option<PathBuf>,
        array: Arc<LazyArray>,
        subject: Subject,
        limits: Limits,
        lender: Arc<dyn Lender>,
        wake: WakeFn,
    ) -> Self {
        let (bell, rung) = bounded(1);
        let ring = bell.clone();
        let ring: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            // Rung already: whoever answers sees the newest.
            let _full = ring.try_send(());
        });
        let checker = Arc::new(Checker::start_keeping(kept, array, subject, Codes::ALL, lender, ring));
        let judged = Judged::of(checker.snapshot(), limits.clone(), &mut Derived::default());
        let shared = Arc::new(Shared { limits: Mutex::new(limits), judged: Mutex::new(Arc::new(judged)) });
        let (of_thread, weak) = (Arc::clone(&shared), Arc::downgrade(&checker));
        let run = move || of_thread.run(&rung, &weak, &wake);
        if let Err(error) = std::thread::Builder::new().name("tectum-judge".into()).spawn(run) {
            tracing::error!("quality is not judged: no thread to do it ({error})");
        }
        Self { checker, shared, bell }
    }

    /// The one who measures.
    pub fn checker(&self) -> &Checker {
        &self.checker
    }

    /// The newest verdict. At once.
    pub fn judged(&self) -> Arc<Judged> {
        Arc::clone(&self.shared.judged.lock())
    }

    /// Judges by other limits.
    pub fn set_limits(&self, limits: &Limits) {
        limits.clone_into(&mut self.shared.limits.lock());
        let _full = self.bell.try_send(());
    }
}

impl Shared {
    /// Judges whenever there is something new, as long as somebody measures.
    fn run(&self, rung: &Receiver<()>, checker: &Weak<Checker>, wake: &WakeFn) {
        let mut derived = Derived::default();
        while rung.recv().is_ok() {
            let Some(snapshot) = checker.upgrade().map(|checker| checker.snapshot()) else { return };
            let limits = self.limits.lock().clone();
            let before = Arc::clone(&self.judged.lock());
            if Arc::ptr_eq(&before.snapshot, &snapshot) && before.limits == limits {
                continue;
            }
            *self.judged.lock() = Arc::new(Judged::of(snapshot, limits, &mut derived));
            wake();
        }
    }
}

impl Judged {
    fn of(snapshot: Arc<Snapshot>, limits: Limits, derived: &mut Derived) -> Self {
        let Snapshot { subject, table, figures, missing, .. } = &*snapshot;
        derived.update(table, figures);
        let verdict = judge_with(&Evidence { subject, table, figures, missing }, derived, &limits);
        let motion = motion(&snapshot);
        Self { snapshot, limits, verdict, motion }
    }
}

/// Median and largest shift in the plane, px, of the timepoints that have one.
fn motion(snapshot: &Snapshot) -> Option<[f64; 2]> {
    let table = &snapshot.table;
    let rows = (0..table.num_t()).filter_map(|t| table.row(t));
    let length = |row: &Arc<Row>| f64::from(row.volume.shift[0]).hypot(f64::from(row.volume.shift[1]));
    let mut lengths: Vec<f64> = rows.map(length).filter(|length| length.is_finite()).collect();
    let most = lengths.iter().copied().reduce(f64::max)?;
    let middle = lengths.len() / 2;
    let (_, median, _) = lengths.select_nth_unstable_by(middle, f64::total_cmp);
    Some([*median, most])
}
