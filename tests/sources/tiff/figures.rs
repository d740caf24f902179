//! Figures of TIFF files, measured beside the bare file: `make tiff-figures`.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use tectum::format::{Chunk, OpenOptions, open};
use tectum::volume::Region;

use crate::tiff_writer::{Kind, Writer};

/// A file of so many pages, `stride` bytes from one to the next; what lies between is a hole.
fn long_file(path: &Path, num_pages: usize, side: usize, stride: u64) {
    let mut one = Writer::new(Kind { is_big: true, ..Kind::PLAIN });
    let start = one.bytes.len() as u64;
    one.page(side, side, &vec![7; side * side * 2], "");
    let page = one.bytes[start as usize..].to_vec();
    let data_bytes = side * side * 2;
    // The directory follows the data; the places in it move with the page.
    let entry = |bytes: &[u8], from: u64| bytes.windows(8).rposition(|window| window == from.to_le_bytes());
    let offset_at = entry(&page, start).or(page.windows(4).rposition(|w| w == (start as u32).to_le_bytes())).unwrap();
    let mut file = BufWriter::new(File::create(path).unwrap());
    let header = {
        let mut header = one.bytes[..start as usize].to_vec();
        header[8..16].copy_from_slice(&(start + data_bytes as u64).to_le_bytes());
        header
    };
    file.write_all(&header).unwrap();
    for i in 0..num_pages as u64 {
        let at = start + i * stride;
        let mut page = page.clone();
        page[offset_at..offset_at + 4].copy_from_slice(&(at as u32).to_le_bytes());
        let next = if i + 1 == num_pages as u64 { 0 } else { at + stride + data_bytes as u64 };
        let len = page.len();
        page[len - 8..].copy_from_slice(&next.to_le_bytes());
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&page).unwrap();
    }
    file.flush().unwrap();
}

fn seconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

#[test]
#[ignore = "measures"]
fn opening_a_hundred_thousand_pages() {
    let folder = tempfile::tempdir().unwrap();
    // What lies far apart is read page by page from the disk; so many holes take a file system minutes.
    for (what, num, side, stride) in [("pages of 2 kB", 100_000, 32, 2400), ("pages 540 kB apart", 5_000, 32, 540_000)]
    {
        let path = folder.path().join("long.tif");
        long_file(&path, num, side, stride);
        let cache = tempfile::tempdir().unwrap();
        let options = OpenOptions { cache: Some(cache.path().to_owned()), ..OpenOptions::default() };
        for time in ["first time", "again"] {
            let took = seconds(|| {
                let opened = open(&path, &options).unwrap();
                assert_eq!(opened.source.info().shape.dims()[0], num);
            });
            println!("{num} {what}: {time} {took:.3} s");
        }
    }
}

#[test]
#[ignore = "measures"]
fn reading_beside_the_bare_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames.tif");
    let (num, side) = (1000, 512);
    let mut writer = Writer::new(Kind { is_big: true, ..Kind::PLAIN });
    let page: Vec<u8> = (0..side * side * 2).map(|i| (i / 7) as u8).collect();
    (0..num).for_each(|_| writer.page(side, side, &page, ""));
    std::fs::write(&path, &writer.bytes).unwrap();
    let opened = open(&path, &OpenOptions::default()).unwrap();
    let mut chunks: Vec<Chunk> = Vec::new();
    opened.source.chunks(&Region::whole(&opened.source.info().shape), &mut chunks);
    let file = File::open(&path).unwrap();
    let mut buffer = vec![1; page.len()];
    let (mut bare, mut ours) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..7 {
        bare = bare.min(seconds(|| {
            for i in 0..num as u64 {
                std::os::unix::fs::FileExt::read_exact_at(&file, &mut buffer, 16 + i * page.len() as u64).unwrap();
            }
        }));
        ours = ours.min(seconds(|| {
            for chunk in &chunks {
                opened.source.read(chunk, &mut buffer).unwrap();
            }
        }));
    }
    let rate = |seconds: f64| (num * page.len()) as f64 / seconds / 1e9;
    println!("bare {:.2} GB/s, pages {:.2} GB/s: {:.0} %", rate(bare), rate(ours), 100.0 * bare / ours);
}
