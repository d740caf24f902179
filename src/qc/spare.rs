//! Buffers that threads borrow, so that nothing is allocated for each plane.

use parking_lot::Mutex;

/// As many as have ever been in use at once.
#[derive(Debug)]
pub(super) struct Spare<T>(Mutex<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T> Spare<T> {
    /// Works with one that nobody else has, made where all are in use.
    pub fn with<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let kept = self.0.lock().pop();
        let mut buffer = kept.unwrap_or_else(make);
        let result = work(&mut buffer);
        self.0.lock().push(buffer);
        result
    }
}
