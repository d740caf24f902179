//! Damaged TIFF files: whatever they say, opening and reading them ends soon, takes little memory, and never
//! panics. A short run with every test run, a long one behind `make fuzz`.

use std::path::Path;
use std::time::{Duration, Instant};

use tectum::format::{OpenOptions, Source, open};
use tectum::volume::{Region, Shape};

use crate::manifest::folder;

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

fn seeds() -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder("tiff")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "tif")).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Changes bytes, mostly those of numbers, and often to numbers that lie.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len());
        let len = [1, 2, 4, 8][random.below(4)].min(bytes.len() - at);
        let lies = [0, 1, 8, 0xff, 0xffff, u64::from(u32::MAX), u64::MAX, 1 << 31, bytes.len() as u64, random.next()];
        let value = match random.below(3) {
            0 => lies[random.below(lies.len())],
            // A place in the file: directories that overlap, that lead back.
            1 => random.below(bytes.len()) as u64,
            _ => u64::from(bytes[at]) ^ 1 << random.below(8),
        };
        let number = if bytes.starts_with(b"MM") { value.to_be_bytes() } else { value.to_le_bytes() };
        let number = if bytes.starts_with(b"MM") { &number[8 - len..] } else { &number[..len] };
        bytes[at..at + len].copy_from_slice(number);
    }
    if random.below(6) == 0 {
        let len = random.below(bytes.len());
        bytes.truncate(len);
    }
}

/// Opens a file and reads some of it.
fn exercise(path: &Path) -> usize {
    let Ok(opened) = open(path, &OpenOptions::default()) else { return 0 };
    let mut num_read = 0;
    for source in std::iter::once(&opened.source).chain(&opened.levels) {
        num_read += read_some(source.as_ref());
    }
    num_read
}

fn read_some(source: &dyn Source) -> usize {
    let info = source.info();
    // A few chunks from the beginning and from the end.
    let ends = |dims: &[usize]| {
        let start: Vec<usize> = dims.iter().map(|dim| dim - 1).collect();
        [Region::new(&vec![0; dims.len()], &vec![1; dims.len()]), Region::new(&start, dims)]
    };
    if info.shape.dims().contains(&0) {
        return 0;
    }
    let mut num_read = 0;
    for region in ends(info.shape.dims()).into_iter().flatten() {
        source.each_chunk(&region, &mut |chunk| {
            let num_bytes = chunk.region.shape().num_bytes(info.dtype).unwrap();
            if num_bytes <= 64 << 20 {
                let mut buffer = vec![0; num_bytes];
                num_read += usize::from(source.read(chunk, &mut buffer).is_ok());
            }
        });
    }
    let _ = (source.problems(), Shape::new(info.shape.dims()));
    num_read
}

fn run(seconds: f64, seed: u64, name: &str) -> (u64, u64, f64) {
    let mut random = Random(seed.max(1));
    let seeds = seeds();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let (start, mut num, mut num_read, mut slowest) = (Instant::now(), 0, 0, 0.0f64);
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        mutate(&mut bytes, &mut random);
        std::fs::write(&path, &bytes).unwrap();
        let before = Instant::now();
        let result = std::panic::catch_unwind(|| exercise(&path));
        let took = before.elapsed().as_secs_f64();
        slowest = slowest.max(took);
        if result.is_err() || took > 20.0 {
            let kept = std::env::temp_dir().join(format!("tectum-fuzz-{seed}-{num}.tif"));
            std::fs::write(&kept, &bytes).unwrap();
            panic!("{} takes {took:.1} s, or panics", kept.display());
        }
        num_read += u64::from(result.unwrap() > 0);
        num += 1;
    }
    (num, num_read, slowest)
}

#[test]
fn damaged_files_end_soon_and_never_panic() {
    let (num, num_read, _) = run(2.0, 11, "short.tif");
    assert!(num > 50 && num_read > 0, "{num} files, {num_read} of them read");
}

#[test]
#[ignore = "runs for FUZZ_SECONDS (60)"]
fn damaged_tiff_for_a_long_time() {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = number("FUZZ_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    let (num, num_read, slowest) = run(number("FUZZ_SECONDS").unwrap_or(60) as f64, seed, "long.tif");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
    println!(
        "{num} damaged TIFF files (seed {seed}): no crash; {num_read} gave some data; slowest {slowest:.2} s; peak memory {peak}"
    );
}
