//! A projector as a GPU is one, without a GPU: it folds on the caller's thread, keeps volumes and results to
//! itself, and can be held, asked and made to forget or refuse.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tectum::stream::Projector;
use tectum::volume::{Away, Buffer, DType, NotFolded, Picture, Pool, VolumeFold, Voxels, project_for_display};

#[derive(Debug)]
pub struct HereProjector {
    volumes: Mutex<HashMap<u64, Voxels>>,
    /// Whether folds wait.
    pub is_held: AtomicBool,
    /// Whether it waits even if it is asked to stop.
    pub is_stubborn: AtomicBool,
    pub refuses: AtomicBool,
    /// Bytes of pictures it has room for.
    pub budget: AtomicUsize,
    pub num_waiting: AtomicUsize,
    pub num_folds: AtomicUsize,
    pub num_gave_way: AtomicUsize,
    /// Bytes of volumes that were brought.
    pub brought_bytes: AtomicUsize,
    /// Pictures whose values were asked for.
    pub num_fetched: Arc<AtomicUsize>,
}

impl HereProjector {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            volumes: Mutex::default(),
            is_held: AtomicBool::new(false),
            is_stubborn: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            budget: AtomicUsize::new(1 << 20),
            num_waiting: AtomicUsize::new(0),
            num_folds: AtomicUsize::new(0),
            num_gave_way: AtomicUsize::new(0),
            brought_bytes: AtomicUsize::new(0),
            num_fetched: Arc::default(),
        })
    }

    /// Gives up all volumes.
    pub fn forget_volumes(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Voxels>> {
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn copy(voxels: &Voxels) -> Voxels {
    let mut buffer = Buffer::unpooled(voxels.bytes().len());
    buffer.bytes_mut().copy_from_slice(voxels.bytes());
    Voxels::new(voxels.dtype(), *voxels.shape(), buffer, Vec::new())
}

impl Projector for HereProjector {
    fn takes(&self, _dtype: DType, _dims: [usize; 3], picture: &Picture) -> bool {
        matches!(picture, Picture::Projection { .. })
    }

    fn fold(&self, fold: &VolumeFold<'_>, goes_on: &dyn Fn() -> bool) -> Result<Voxels, NotFolded> {
        if let Some(voxels) = fold.voxels {
            assert!(voxels.missing().is_empty(), "what lacks voxels is not for the projector");
            self.lock().entry(fold.volume).or_insert_with(|| {
                self.brought_bytes.fetch_add(voxels.bytes().len(), Ordering::SeqCst);
                copy(voxels)
            });
        }
        self.num_waiting.fetch_add(1, Ordering::SeqCst);
        let mut is_stopped = false;
        while self.is_held.load(Ordering::SeqCst) && !is_stopped {
            is_stopped = !goes_on() && !self.is_stubborn.load(Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
        }
        self.num_waiting.fetch_sub(1, Ordering::SeqCst);
        if is_stopped {
            self.num_gave_way.fetch_add(1, Ordering::SeqCst);
            return Err(NotFolded::GaveWay);
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Err(NotFolded::Refused("made to refuse".to_owned()));
        }
        let volumes = self.lock();
        let volume = volumes.get(&fold.volume).ok_or(NotFolded::VolumeGone)?;
        assert_eq!((volume.dtype(), volume.shape().dims()), (fold.dtype, fold.dims.as_slice()));
        self.num_folds.fetch_add(1, Ordering::SeqCst);
        let folded = project_for_display(volume, fold.orientation, fold.slab, fold.op, &Pool::new(0));
        let (dtype, shape, num_fetched) = (folded.dtype(), *folded.shape(), Arc::clone(&self.num_fetched));
        Ok(Voxels::away(dtype, shape, Box::new(Folded { folded, num_fetched })))
    }

    fn budget_bytes(&self) -> usize {
        self.budget.load(Ordering::SeqCst)
    }
}

/// A result that stays with the projector until its values are asked for.
#[derive(Debug)]
struct Folded {
    folded: Voxels,
    num_fetched: Arc<AtomicUsize>,
}

impl Away for Folded {
    fn try_fetch(&self) -> Option<Result<Buffer, String>> {
        Some(self.fetch())
    }

    fn fetch(&self) -> Result<Buffer, String> {
        self.num_fetched.fetch_add(1, Ordering::SeqCst);
        let mut buffer = Buffer::unpooled(self.folded.bytes().len());
        buffer.bytes_mut().copy_from_slice(self.folded.bytes());
        Ok(buffer)
    }
}
