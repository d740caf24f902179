//! Keeps threads that read ahead out of the way of everything else on the machine.
#![allow(unsafe_code, reason = "the calls of the system that set the priority of a thread")]

/// How far a thread steps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Behind what is on screen.
    Behind,
    /// Behind everything: somebody is recording.
    Last,
}

/// Lowers the processor and disk priority of the calling thread, where the system can. It cannot be
/// raised again without privileges.
#[cfg(target_os = "linux")]
pub fn lower_this_thread(priority: Priority) {
    /// `IOPRIO_WHO_PROCESS`, which for id 0 is the calling thread.
    const WHO_PROCESS: libc::c_int = 1;
    const CLASS_SHIFT: libc::c_int = 13;
    const BEST_EFFORT: libc::c_int = 2;
    const IDLE: libc::c_int = 3;
    let (nice, io) = match priority {
        Priority::Behind => (10, BEST_EFFORT << CLASS_SHIFT | 7),
        Priority::Last => (19, IDLE << CLASS_SHIFT),
    };
    // SAFETY: both calls take plain integers and touch no memory of ours. On Linux each thread has its own
    // nice value, and 0 names the calling thread. Failing, they change nothing, which is acceptable.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, nice);
        libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, io);
    }
}

/// Other systems: the planner alone keeps reading ahead behind what is on screen.
#[cfg(not(target_os = "linux"))]
pub fn lower_this_thread(_priority: Priority) {}
