//! Waking the window from other threads: work may begin before there is a window to wake.

use std::sync::{Arc, OnceLock};

/// What is called from any thread when there is something new. It must not block.
pub type WakeFn = Arc<dyn Fn() + Send + Sync>;

/// Asks for a repaint once a window is attached; until then there is nothing to repaint.
#[derive(Clone, Default)]
pub struct Wake {
    context: Arc<OnceLock<egui::Context>>,
}

impl Wake {
    /// The window that is woken from now on.
    pub fn attach(&self, ctx: &egui::Context) {
        // Attached once; a second window is a second process.
        let _already = self.context.set(ctx.clone());
        ctx.request_repaint();
    }

    /// The wake as the lower layers take it.
    pub fn callback(&self) -> WakeFn {
        let context = Arc::clone(&self.context);
        Arc::new(move || {
            if let Some(ctx) = context.get() {
                ctx.request_repaint();
            }
        })
    }
}
