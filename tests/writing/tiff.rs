//! TIFF files that are written are what was there when they are read, in every flavor, type and order, and when they
//! were resumed.

use std::path::Path;
use std::sync::Arc;

use tectum::format::memory::MemorySource;
use tectum::format::{OpenOptions, Opened, Source, open};
use tectum::volume::{DType, Region, Shape, VoxelSize};
use tectum::write::{ChannelLook, Place, Subject, Target, TargetOptions, tiff::TiffTarget};

use crate::common::read_region;
use crate::hands::{Dice, whole, write_all};

fn subject(source: MemorySource) -> Subject {
    Subject { source: Arc::new(source), channels: Vec::new() }
}

fn of(letters: &str, dims: &[usize], dtype: DType, dice: &mut Dice) -> MemorySource {
    let shape = Shape::new(dims).unwrap();
    let bytes = dice.voxels(dtype, &shape);
    MemorySource::new(dtype, shape, letters, dims, bytes).unwrap()
}

fn opened(path: &Path) -> Opened {
    open(path, &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The bytes of an array with its axes brought into another order by their letters, those of extent 1 left out.
fn by_letters(source: &dyn Source, from: &str, to: &str) -> Vec<u8> {
    let (shape, item, bytes) = (source.info().shape, source.info().dtype.num_bytes(), whole(source));
    let from: Vec<char> = from.chars().collect();
    let dims: Vec<usize> = to
        .chars()
        .map(|letter| from.iter().position(|other| *other == letter).map_or(1, |i| shape.dims()[i]))
        .collect();
    let mut sorted = Vec::with_capacity(bytes.len());
    for at in Region::whole(&Shape::new(&dims).unwrap()).indices() {
        let place: Vec<usize> = from.iter().map(|letter| at[to.find(*letter).unwrap()]).collect();
        let first = shape.offset(&place).unwrap() * item;
        sorted.extend_from_slice(&bytes[first..first + item]);
    }
    sorted
}

#[test]
fn random_arrays_come_back_in_every_flavor_and_order() {
    let mut dice = Dice(0x71ff);
    for round in 0..60 {
        let flavor = ["imagej", "ome", "plain"][round % 3];
        let types: &[DType] = match flavor {
            "imagej" => &[DType::U8, DType::U16, DType::I16, DType::F32],
            "ome" => &[DType::U8, DType::I8, DType::U16, DType::I16, DType::U32, DType::I32, DType::F32, DType::F64],
            _ => &DType::ALL[1..],
        };
        let dtype = types[dice.roll(types.len())];
        let letters = ["yx", "zyx", "tyx", "tzyx", "tczyx", "ctyx", "cztyx", "ztcyx"][dice.roll(8)];
        let dims: Vec<usize> = letters.chars().map(|_| 2 + dice.roll(if letters.len() > 3 { 4 } else { 30 })).collect();
        let compression = if flavor == "imagej" { "none" } else { ["none", "gzip:6", "zstd:3", "lzw"][dice.roll(4)] };
        let options = TargetOptions {
            compression: Some(compression.parse().unwrap()),
            flavor: Some(flavor.to_owned()),
            big: flavor != "imagej" && dice.roll(2) == 0,
            ..TargetOptions::default()
        };
        let shown = format!("{round}: {letters} {dims:?} {dtype} {options:?}");
        let source = of(letters, &dims, dtype, &mut dice);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let target = TiffTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
        write_all(&source, &target, &mut (dice.roll(2) == 0).then_some(Dice(5))).unwrap();
        let found = opened(&path);
        let info = found.source.info();
        assert_eq!(info.dtype, dtype, "{shown}");
        let read = info.axes_in_letters();
        assert!(read.len() == letters.len(), "{shown}: {read}");
        assert!(whole(&*found.source) == by_letters(&source, letters, &read), "{shown}: {read}");
    }
}

#[test]
fn what_is_known_is_carried_along() {
    let source = of("tczyx", &[3, 2, 4, 8, 9], DType::U16, &mut Dice(1)).with_info(|info| {
        info.name = "fish <7>".into();
        info.voxel_size = Some(VoxelSize::of([4.0, 0.5, 0.325]));
        info.rate_hz = Some(2.5);
    });
    let look = |name: &str, rgb, limits| ChannelLook { name: name.into(), rgb, limits };
    let channels = vec![
        look("GCaMP & co", Some([0, 255, 0]), Some([100.0, 900.0])),
        look("µ", Some([255, 0, 255]), Some([5.0, 50.0])),
    ];
    let subject = Subject { source: Arc::new(source.clone()), channels };
    let folder = tempfile::tempdir().unwrap();
    for (flavor, left) in [
        ("imagej", vec!["channels GCaMP & co, µ"]),
        ("ome", vec!["contrast limits of channels"]),
        ("plain", vec!["channels GCaMP & co, µ"]),
    ] {
        let path = folder.path().join(format!("{flavor}.tif"));
        let options = TargetOptions { flavor: Some(flavor.into()), ..TargetOptions::default() };
        let target = TiffTarget::new(&subject, &Place::new(&path, false), &options).unwrap();
        assert_eq!(target.not_carried(), left);
        write_all(&source, &target, &mut None).unwrap();
        let found = opened(&path);
        let info = found.source.info();
        let edges = info.voxel_size.unwrap().edges();
        assert!(edges.iter().zip([4.0, 0.5, 0.325]).all(|(a, b)| (a - b).abs() < 1e-9), "{flavor} {edges:?}");
        assert_eq!(info.rate_hz, Some(2.5), "{flavor}");
        let told: Vec<_> =
            found.channels.iter().map(|channel| (&*channel.name, channel.color, channel.limits)).collect();
        assert_eq!(told.len(), 2);
        if flavor == "ome" {
            assert_eq!((told[0].0, told[1].0, told[1].1), ("GCaMP & co", "µ", Some([255, 0, 255])));
        }
        if flavor == "imagej" {
            assert_eq!((told[0].1, told[1].2), (Some([0, 255, 0]), Some([5.0, 50.0])));
        }
    }
}

#[test]
fn a_file_that_was_resumed_is_the_same_file() {
    let source = of("tzyx", &[3, 2, 900, 700], DType::U16, &mut Dice(11));
    for compression in ["none", "zstd:1"] {
        let folder = tempfile::tempdir().unwrap();
        let options = TargetOptions {
            compression: Some(compression.parse().unwrap()),
            flavor: Some("ome".into()),
            ..TargetOptions::default()
        };
        let target = |name: &str| {
            TiffTarget::new(&subject(source.clone()), &Place::new(&folder.path().join(name), false), &options).unwrap()
        };
        write_all(&source, &target("a.tif"), &mut None).unwrap();
        let wanted = std::fs::read(folder.path().join("a.tif")).unwrap();
        let resumed = target("b.tif");
        resumed.prepare().unwrap();
        let mut chunks = Vec::new();
        resumed.chunks().each(&Region::whole(resumed.chunks().shape()), |cell| chunks.push(cell.region));
        let work = folder.path().join("b.tif.part");
        let mut num_runs = 0;
        loop {
            let mut writer = resumed.begin(0, true).unwrap();
            let kept = writer.num_kept() as usize;
            let is_last = chunks.len() - kept < 3;
            for chunk in chunks.iter().skip(kept).take(3) {
                let voxels = read_region(&source, chunk).bytes;
                writer.put(chunk, resumed.encode(chunk, &voxels).unwrap()).unwrap();
            }
            num_runs += 1;
            if is_last {
                let written = writer.finish().unwrap();
                assert_eq!(written.num_bytes, wanted.len() as u64);
                break;
            }
            drop(writer);
            // A strip of which only a part came to the disk, and one of which nothing is known.
            match num_runs % 3 {
                0 => {
                    let file = std::fs::File::options().write(true).open(work.join("data")).unwrap();
                    let len = file.metadata().unwrap().len();
                    file.set_len(len - 5).unwrap();
                }
                1 => {
                    let file = std::fs::File::options().write(true).open(work.join("journal")).unwrap();
                    let len = file.metadata().unwrap().len();
                    file.set_len(len - 3).unwrap();
                }
                _ => {}
            }
        }
        assert!(num_runs > 2);
        resumed.finish().unwrap();
        assert!(std::fs::read(folder.path().join("b.tif")).unwrap() == wanted, "{compression}");
        assert!(!work.exists());
    }
}

#[test]
fn the_checksum_is_that_of_the_file() {
    let source = of("zyx", &[5, 30, 40], DType::F32, &mut Dice(3));
    for (flavor, compression) in [("imagej", "none"), ("plain", "none"), ("plain", "gzip"), ("ome", "lzw")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let options = TargetOptions {
            compression: Some(compression.parse().unwrap()),
            flavor: Some(flavor.into()),
            ..TargetOptions::default()
        };
        let target = TiffTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
        target.prepare().unwrap();
        let written = crate::hands::write_piece(&source, &target, 0).unwrap();
        target.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(written.num_bytes, bytes.len() as u64);
        assert_eq!(written.crc32c, tectum::codec::crc32c::checksum(&bytes), "{flavor} {compression}");
    }
}

/// ImageJ counts the pages of stacks beyond 4 GiB behind the first directory; the file is a hole but for some pages.
#[test]
fn stacks_beyond_four_gigabytes_have_one_directory() {
    let source = of("tyx", &[2, 64, 64], DType::U16, &mut Dice(8));
    let shape = Shape::from([2200, 1024, 1024]);
    let template = source.clone().with_info(|info| info.shape = shape);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let target = TiffTarget::new(&subject(template), &Place::new(&path, false), &TargetOptions::default()).unwrap();
    target.prepare().unwrap();
    let mut writer = target.begin(0, false).unwrap();
    for (page, value) in [(0, 3u16), (1500, 500), (2199, 7)] {
        let region = Region::new(&[page, 0, 0], &[page + 1, 1024, 1024]).unwrap();
        writer.put(&region, Some(value.to_le_bytes().repeat(1024 * 1024))).unwrap();
    }
    writer.finish().unwrap();
    target.finish().unwrap();
    let found = opened(&path);
    assert_eq!(found.source.info().shape, shape);
    for (page, value) in [(0, 3u16), (1, 0), (1500, 500), (2199, 7)] {
        let region = Region::new(&[page, 500, 500], &[page + 1, 501, 501]).unwrap();
        assert_eq!(read_region(&*found.source, &region).bytes, value.to_le_bytes(), "{page}");
    }
}
