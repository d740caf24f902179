//! Notifications of the desktop. Where no service answers there are none, and nothing waits for one.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether one is on its way: a service that hangs is asked once.
static IS_BUSY: AtomicBool = AtomicBool::new(false);

/// Shows a notification, from a thread of its own.
pub fn notify(title: String, body: String) {
    if IS_BUSY.swap(true, Ordering::AcqRel) {
        return;
    }
    let show = move || {
        let mut notification = notify_rust::Notification::new();
        notification.appname("Tectum").icon("tectum").summary(&title).body(&body);
        #[cfg(all(unix, not(target_os = "macos")))]
        notification.urgency(notify_rust::Urgency::Critical);
        if let Err(error) = notification.show() {
            tracing::debug!("no notification: {error}");
        }
        IS_BUSY.store(false, Ordering::Release);
    };
    if std::thread::Builder::new().name("tectum-notify".into()).spawn(show).is_err() {
        IS_BUSY.store(false, Ordering::Release);
    }
}
