//! The long run behind `make fuzz`: damaged blocks, as many as fit into `FUZZ_SECONDS`.
//!
//! libhdf5 reads the metadata in this process, so a crash of it is a crash here; the input that did it is
//! left as `tectum-fuzz-SEED.h5` in the folder for temporary files; `FUZZ_INPUT=FILE` runs it alone.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tectum::volume::DType;

use super::damage::exercise;
use super::fixtures;
use super::speed::processor_seconds;
use super::writer::{Spec, sample, write};

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Real blocks, and one file of each further kind that libhdf5 writes.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = fixtures().iter().map(|path| std::fs::read(path).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let plain = Spec::new(&[6, 9, 20], Some(&[1, 9, 8]), DType::U16);
    let deflate = Spec { deflate: Some(4), shuffle: true, fletcher32: true, ..plain.clone() };
    let many = Spec { blosc: Some((c"lz4", 256)), ..Spec::new(&[64, 30, 30], Some(&[1, 10, 30]), DType::U16) };
    let mut specs = vec![
        Spec { blosc: Some((c"blosclz", 256)), ..plain.clone() },
        Spec { blosc: Some((c"zstd", 512)), ..plain.clone() },
        Spec { library_filter: Some(5), ..plain.clone() },
        Spec { library_filter: Some(6), ..plain.clone() },
        Spec { userblock: 512, ..deflate.clone() },
        Spec::new(&[5, 40], None, DType::F32),
        many,
        deflate,
        plain,
    ];
    specs.extend(specs.clone().into_iter().map(|spec| Spec { latest: true, ..spec }));
    for spec in specs {
        write(&path, &spec, &sample(&spec.shape, spec.dtype));
        seeds.push(std::fs::read(&path).unwrap());
    }
    seeds.retain(|seed| !seed.is_empty());
    seeds
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random, others: &[Vec<u8>]) {
    for _ in 0..1 + random.below(6) {
        let window = [256, 4096, bytes.len()][random.below(3)].min(bytes.len());
        let at = random.below(window);
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = [0, 0xff, 0x7f, 0x80, 1][random.below(5)],
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 => {
                // A number of two, four or eight bytes that lies.
                let value = [0, u64::MAX, 1 << 31, 1 << 40, bytes.len() as u64, random.next()][random.below(6)];
                let len = [2, 4, 8][random.below(3)].min(bytes.len() - at);
                bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
            }
            4 => {
                // A piece moved: metadata of one kind where another is expected.
                let (from, len) = (random.below(bytes.len()), 1 + random.below(64));
                let len = len.min(bytes.len() - from).min(bytes.len() - at);
                bytes.copy_within(from..from + len, at);
            }
            5 => {
                let other = &others[random.below(others.len())];
                let len = random.below(512).min(bytes.len() - at).min(other.len().saturating_sub(at));
                if len > 0 {
                    bytes[at..at + len].copy_from_slice(&other[at..at + len]);
                }
            }
            6 if random.below(4) == 0 => bytes.truncate(1 + random.below(bytes.len())),
            _ => bytes[at] = random.next() as u8,
        }
    }
}

#[test]
#[ignore = "runs for FUZZ_SECONDS (60)"]
fn damaged_blocks_for_a_long_time() {
    if let Some(path) = std::env::var_os("FUZZ_INPUT") {
        println!("{} reads gave data", exercise(path.as_ref()));
        return;
    }
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = number("FUZZ_SECONDS").unwrap_or(60);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    let mut random = Random(seed.max(1));
    let path: PathBuf = std::env::temp_dir().join(format!("tectum-fuzz-{seed}.h5"));
    let seeds = seeds();
    let (start, mut reported) = (Instant::now(), Instant::now());
    let (mut num_inputs, mut num_read, mut slowest) = (0u64, 0u64, 0.0f64);
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        mutate(&mut bytes, &mut random, &seeds);
        std::fs::write(&path, &bytes).unwrap();
        let before = processor_seconds();
        num_read += u64::from(exercise(&path) > 0);
        num_inputs += 1;
        let took = processor_seconds() - before;
        slowest = slowest.max(took);
        assert!(took < 30.0, "an input takes for ever: {}", path.display());
        if reported.elapsed() > Duration::from_secs(60) {
            reported = Instant::now();
            println!("{num_inputs} inputs in {:.0} s, slowest {slowest:.2} s", start.elapsed().as_secs_f64());
        }
    }
    std::fs::remove_file(&path).unwrap();
    println!(
        "{num_inputs} damaged files from {} real ones in {seconds} s (seed {seed}): no crash; {num_read} gave some data; slowest {slowest:.2} s; peak memory {}",
        seeds.len(),
        peak_memory()
    );
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned()
}
