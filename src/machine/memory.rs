//! Memory that is freed goes back to the system, and memory that is new comes from it in one go.
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

/// Less than this comes from the system fast enough as it is written to.
#[cfg(target_os = "linux")]
const WORTH_ASKING_FROM: usize = 64 << 10;
/// More than this may be what a damaged file claims, and is never written to.
#[cfg(target_os = "linux")]
const MOST: usize = 32 << 20;

/// Has the system hand over new memory at once that is about to be written from end to end: page by page, as it is
/// touched, takes twice as long. A system that cannot (Linux before 5.14) does so as ever.
pub fn have_ready(memory: &mut [u64]) {
    #[cfg(target_os = "linux")]
    {
        let page = rustix::param::page_size();
        let range = memory.as_mut_ptr_range();
        let (start, end) = (range.start.addr().next_multiple_of(page), range.end.addr() / page * page);
        if !(WORTH_ASKING_FROM..=MOST).contains(&end.saturating_sub(start)) {
            return;
        }
        let first = range.start.with_addr(start).cast();
        // SAFETY: whole pages within memory that is borrowed for writing; what it holds stays as it is.
        let _unsupported = unsafe { rustix::mm::madvise(first, end - start, rustix::mm::Advice::LinuxPopulateWrite) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

#[cfg(test)]
mod tests {
    use super::have_ready;

    #[test]
    fn memory_that_is_had_ready_is_as_it_was() {
        for (len, shift) in [(0, 0), (1, 0), (100_000, 0), (100_000, 1), (300_000, 511)] {
            let mut memory = vec![0u64; len + shift];
            memory.iter_mut().enumerate().for_each(|(i, word)| *word = i as u64);
            have_ready(&mut memory[shift..]);
            assert!(memory.iter().enumerate().all(|(i, word)| *word == i as u64));
        }
        for len in [1 << 20, 1 << 23] {
            let mut fresh = vec![0u64; len];
            have_ready(&mut fresh);
            assert!(fresh.iter().all(|word| *word == 0));
        }
    }
}
