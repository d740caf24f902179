//! A rig in another process: writes blocks with HDF5's default locking when told to, and does to its
//! files what rigs, users and disks do. Every block it writes has a number of its own, from which all
//! its voxels follow, so that a reader can tell which writing of which block a voxel is from.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use tectum::demo::BlockWriter;

/// (z, y, x) of what it records.
pub const VOLUME: [usize; 3] = [2, 12, 14];

/// Timepoints in a block.
pub const LEN: usize = 3;

/// The voxel of one writing `id` of a block, at `t` within the block: never 0.
pub fn value(id: u32, t: usize, z: usize, y: usize, x: usize) -> u16 {
    let mut hash = (id as u64) << 32 | (((t * 8 + z) * 64 + y) * 64 + x) as u64;
    hash = (hash ^ (hash >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    1 + ((hash >> 40) % 65535) as u16
}

/// The other process.
pub struct Rig {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Rig {
    /// Starts it: this test program again, running only [`serve`].
    pub fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_rig", "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Carries out one command; what the writer's side made of it.
    pub fn tell(&mut self, command: &str) -> Result<(), String> {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the rig ended during: {command}");
            // The test harness of the other process talks too.
            if let Some((_, answer)) = line.trim_end().split_once("@@") {
                return if answer == "ok" { Ok(()) } else { Err(answer.to_owned()) };
            }
        }
    }

    /// Writes a block of `len` timepoints.
    pub fn block(&mut self, folder: &Path, index: usize, id: u32, len: usize) {
        self.tell(&format!("block {} {index} {id} {len} {}", folder.display(), VOLUME[1])).unwrap();
    }

    /// Writes the metadata, which end a recording.
    pub fn finish(&mut self, folder: &Path, num_t: usize) {
        self.tell(&format!("json {} {num_t}", folder.display())).unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "quit");
        let _ = self.child.wait();
    }
}

/// The loop of the other process.
pub fn serve() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "quit" {
            return;
        }
        // Two writings within one tick of the file system's clock could not be told apart by anybody.
        std::thread::sleep(Duration::from_millis(5));
        match obey(&words) {
            Ok(()) => println!("@@ok"),
            Err(error) => println!("@@{}", error.replace('\n', " ")),
        }
    }
}

fn number(word: &str) -> usize {
    word.parse().unwrap()
}

fn obey(words: &[&str]) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    match *words {
        // Writes a block to its final name, truncating what is there, as sashimi does.
        ["block", folder, index, id, len, num_y] => {
            write_block(folder, number(index), number(id) as u32, number(len), number(len), number(num_y))
        }
        // A block whose writer flushed after half of it.
        ["half", folder, index, id] => write_block(folder, number(index), number(id) as u32, LEN, LEN / 2, VOLUME[1]),
        // A block of a recording in the dark: all zero.
        ["dark", folder, index] => {
            let writer = BlockWriter::new(folder, VOLUME).map_err(|error| error.to_string())?;
            let draw = |_: usize, _: usize, plane: &mut [u16]| plane.fill(0);
            writer.write_drawn(number(index), LEN, LEN, draw).map_err(|error| error.to_string())
        }
        ["json", folder, num_t] => {
            let writer = BlockWriter::new(folder, VOLUME).map_err(|error| error.to_string())?;
            writer.finish(number(num_t), LEN, [5.0, 0.5, 0.5]).map_err(|error| error.to_string())
        }
        ["rmdir", folder] => std::fs::remove_dir_all(folder).map_err(text),
        ["rename", from, to] => std::fs::rename(from, to).map_err(text),
        ["remove", file] => std::fs::remove_file(file).map_err(text),
        ["truncate", file, percent] => {
            let file = std::fs::OpenOptions::new().write(true).open(file).map_err(text)?;
            let len = file.metadata().map_err(text)?.len();
            file.set_len(len * number(percent) as u64 / 100).map_err(text)
        }
        ["empty", file] => std::fs::write(file, b"").map_err(text),
        ["garbage", file] => std::fs::write(file, vec![7; 5000]).map_err(text),
        // A disk that is full: nothing larger than this can be written.
        ["full", num_bytes] => limit_files(num_bytes.parse().unwrap()),
        _ => Err(format!("unknown: {words:?}")),
    }
}

fn write_block(folder: &str, index: usize, id: u32, len: usize, written: usize, num_y: usize) -> Result<(), String> {
    let writer = BlockWriter::new(folder, [VOLUME[0], num_y, VOLUME[2]]).map_err(|error| error.to_string())?;
    let writer = writer.with_chunk([1, 1, num_y, VOLUME[2]]);
    let draw = |t: usize, z: usize, plane: &mut [u16]| {
        for (i, voxel) in plane.iter_mut().enumerate() {
            *voxel = value(id, t, z, i / VOLUME[2], i % VOLUME[2]);
        }
    };
    writer.write_drawn(index, len, written, draw).map_err(|error| error.to_string())
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn limit_files(num_bytes: u64) -> Result<(), String> {
    let max = libc::RLIM_INFINITY;
    let limit = libc::rlimit { rlim_cur: if num_bytes == 0 { max } else { num_bytes }, rlim_max: max };
    // SAFETY: plain system calls with a live argument; the signal is ignored, so that the write fails.
    let status = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit)
    };
    if status == 0 { Ok(()) } else { Err("cannot limit the size of files".into()) }
}

#[cfg(not(unix))]
fn limit_files(_: u64) -> Result<(), String> {
    Ok(())
}
