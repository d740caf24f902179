//! What went wrong on the GPU. Without a listener the library would end the program: a viewer that has
//! run for days must rather show a note.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Listens to a device.
#[derive(Clone, Default)]
pub(super) struct Health {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    problem: Mutex<Option<String>>,
    is_out_of_memory: AtomicBool,
}

impl Health {
    /// Becomes the device's listener.
    pub(super) fn watch(device: &wgpu::Device) -> Self {
        let health = Self::default();
        let listener = health.clone();
        device.on_uncaptured_error(Arc::new(move |error| listener.report(&error)));
        let listener = health.clone();
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                listener.note(format!("the graphics device was lost: {message}"));
            }
        });
        health
    }

    fn report(&self, error: &wgpu::Error) {
        if matches!(error, wgpu::Error::OutOfMemory { .. }) {
            self.shared.is_out_of_memory.store(true, Ordering::Relaxed);
        }
        self.note(error.to_string());
    }

    /// Keeps the first message; the others follow from it, every frame anew.
    fn note(&self, message: String) {
        let mut problem = self.shared.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.is_none() {
            tracing::error!("{message}");
            *problem = Some(message);
        }
    }

    /// What went wrong first, if anything did.
    pub(super) fn problem(&self) -> Option<String> {
        self.shared.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether memory ran out since the last call.
    pub(super) fn take_out_of_memory(&self) -> bool {
        self.shared.is_out_of_memory.swap(false, Ordering::Relaxed)
    }
}
