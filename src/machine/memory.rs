//! Memory that is freed goes back to the system.
#![allow(unsafe_code)]

/// Allocations from this size on are the system's own and go back to it when they are freed: glibc's default, which
/// it otherwise raises to 32 MiB as it goes. Buffers of chunks and volumes then lie between others that live
/// longer, and a window that follows a recording grows by tens of megabytes a second beyond its budgets.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_PAGES_FROM: i32 = 128 << 10;

/// Keeps what the process occupies at what it uses: for a process that lasts, since it takes time. Called once, before
/// there are threads.
pub fn give_back_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets a number of the allocator, which copies it; no other thread runs yet.
    let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES_FROM) } == 1;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if !is_set {
        tracing::warn!("memory that is freed may stay with the program");
    }
}
