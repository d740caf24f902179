//! What a job may use: cores and memory as its scheduler says, else as the system's control groups do.

use std::num::NonZero;
use std::path::Path;

use anyhow::{Result, bail};

/// Cores and memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLimits {
    /// Threads to work with.
    pub threads: usize,
    /// Bytes that may be used; `None` where nothing is known to limit them.
    pub memory_bytes: Option<u64>,
}

impl JobLimits {
    /// Refuses work that needs more memory than there is, before the system ends it.
    ///
    /// # Errors
    /// Names both amounts and what to do.
    pub fn refuse_beyond(&self, needed_bytes: u64, remedy: &str) -> Result<()> {
        match self.memory_bytes {
            Some(has) if needed_bytes > has => {
                let mb = |bytes: u64| bytes.div_ceil(1_000_000);
                bail!("the plan needs {} MB of memory, the job has {} MB: {remedy}", mb(needed_bytes), mb(has))
            }
            _ => Ok(()),
        }
    }
}

/// What was said (`threads`, `memory_mb`), else what Slurm's environment says, else what the control group of this
/// process allows. Where nobody says how much memory there is, none is known.
pub fn limits_of_job(threads: Option<usize>, memory_mb: Option<u64>) -> JobLimits {
    let of = |name: &str| std::env::var(name).ok();
    let group = || memory_of_group(Path::new("/"));
    limits(threads, memory_mb, &of, std::thread::available_parallelism().map_or(1, NonZero::get), &group)
}

fn limits(
    threads: Option<usize>,
    memory_mb: Option<u64>,
    environment: &dyn Fn(&str) -> Option<String>,
    num_cores: usize,
    group: &dyn Fn() -> Option<u64>,
) -> JobLimits {
    let number = |name: &str| environment(name).and_then(|text| text.trim().parse::<u64>().ok()).filter(|n| *n > 0);
    let per_task = number("SLURM_CPUS_PER_TASK").or_else(|| number("SLURM_CPUS_ON_NODE"));
    let threads = threads.or(per_task.map(|n| n as usize)).unwrap_or(num_cores).max(1);
    let of_slurm = || {
        let of_node = number("SLURM_MEM_PER_NODE");
        of_node.or_else(|| Some(number("SLURM_MEM_PER_CPU")? * per_task.unwrap_or(1))).map(|mb| mb << 20)
    };
    let memory_bytes = memory_mb.map(|mb| mb * 1_000_000).or_else(of_slurm).or_else(group);
    JobLimits { threads, memory_bytes }
}

/// The limit of this process's control group, or of one it lies in: version 2, then version 1.
fn memory_of_group(root: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let smallest = |base: &str, path: &str, file: &str| {
        let base = root.join(base);
        let own = base.join(path.trim().trim_start_matches('/'));
        // A limit further up holds too.
        let places = own.ancestors().take_while(|place| place.starts_with(&base)).map(|place| place.join(file));
        let limit = |place: std::path::PathBuf| std::fs::read_to_string(place).ok()?.trim().parse::<u64>().ok();
        // Without a limit the first version says the largest number of whole pages.
        places.filter_map(limit).filter(|bytes| *bytes < 1 << 60).min()
    };
    text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        match (parts.next()?, parts.next()?, parts.next()?) {
            ("0", "", path) => smallest("sys/fs/cgroup", path, "memory.max"),
            (_, names, path) if names.split(',').any(|name| name == "memory") => {
                smallest("sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_goes_before_what_is_found() {
        let slurm = |name: &str| match name {
            "SLURM_CPUS_PER_TASK" => Some("6".to_owned()),
            "SLURM_MEM_PER_CPU" => Some("1000".to_owned()),
            _ => None,
        };
        let of = |threads, memory| limits(threads, memory, &slurm, 64, &|| Some(7));
        assert_eq!(of(None, None), JobLimits { threads: 6, memory_bytes: Some(6000 << 20) });
        assert_eq!(of(Some(2), Some(500)), JobLimits { threads: 2, memory_bytes: Some(500_000_000) });
        let nothing = limits(None, None, &|_| None, 64, &|| Some(7));
        assert_eq!(nothing, JobLimits { threads: 64, memory_bytes: Some(7) });
        assert!(nothing.refuse_beyond(7, "").is_ok());
        let refused = nothing.refuse_beyond(2_000_001, "smaller buffers").unwrap_err().to_string();
        assert!(refused.contains("3 MB") && refused.contains("smaller buffers"), "{refused}");
    }

    #[test]
    fn the_limit_of_a_control_group_is_the_smallest_above_it() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(memory_of_group(root.path()), None);
        write("proc/self/cgroup", "0::/job/step\n");
        assert_eq!(memory_of_group(root.path()), None);
        write("sys/fs/cgroup/job/step/memory.max", "max\n");
        write("sys/fs/cgroup/job/memory.max", "4096\n");
        assert_eq!(memory_of_group(root.path()), Some(4096));
        write("proc/self/cgroup", "9:cpu,cpuacct:/x\n4:memory:/old\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("sys/fs/cgroup/memory/old/memory.limit_in_bytes", "8192\n");
        assert_eq!(memory_of_group(root.path()), Some(8192));
    }
}
