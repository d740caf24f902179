//! Exports of arrays in memory against the definition of an index and of a projection.

use half::f16;
use ndarray::{ArrayD, Axis, Dimension, IxDyn};
use proptest::prelude::*;

use super::*;
use crate::format::memory::MemorySource;
use crate::volume::{Region, Shape};

/// What a written file holds: its header's dict and its voxels.
fn load(path: &std::path::Path) -> (String, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let len = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    (String::from_utf8(bytes[10..len].to_vec()).unwrap().trim_end().to_owned(), bytes[len..].to_vec())
}

fn dict(dtype: DType, shape: &[usize]) -> String {
    let dims = shape.iter().map(|dim| format!("{dim},")).collect::<String>();
    let dims = if shape.len() == 1 { dims } else { dims.trim_end_matches(',').replace(',', ", ") };
    format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({dims}), }}", dtype.npy_descr())
}

fn export(
    source: &dyn Source,
    index: &str,
    fold: Option<(Projection, usize)>,
    fill: Option<&str>,
) -> Result<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npy");
    let info = source.info();
    let selected = index.parse::<Selection>()?.resolve(info.shape.dims())?;
    let fill = fill.map(|text| parse_fill(text, info.dtype)).transpose()?;
    // Tiles of a few voxels, so that everything is cut.
    let request = Request { selected: &selected, fold, fill, tile_bytes: 64, max_chunk_bytes: 1 << 20 };
    let mut output = Output::create(&out, false)?;
    let result = write_npy(source, request, &mut output, &Progress::silent());
    let Ok((dtype, shape)) = result else {
        drop(output);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "a failed export leaves nothing");
        return Err(result.unwrap_err());
    };
    output.finish()?;
    let (header, voxels) = load(&out);
    assert_eq!(header, dict(dtype, &shape), "what is said is what was written");
    Ok((header, voxels))
}

fn value(offset: usize) -> u16 {
    (offset as u32).wrapping_mul(2_654_435_761).rotate_left(16) as u16
}

fn source(shape: &[usize], grid: &[usize]) -> MemorySource {
    let shape = Shape::new(shape).unwrap();
    let axes = &"tzyx"[4 - shape.rank()..];
    MemorySource::from_fn(DType::U16, shape, axes, grid, |index| value(shape.offset(index).unwrap())).unwrap()
}

/// What a selection names, voxel by voxel.
fn picked(selected: &Selected, shape: &[usize]) -> ArrayD<u16> {
    ArrayD::from_shape_fn(IxDyn(selected.shape()), |index| {
        let source = selected.source_index(index.slice()).unwrap();
        value(source.iter().zip(shape).fold(0, |offset, (i, dim)| offset * dim + i))
    })
}

const INDICES: [&str; 22] = [
    "...",
    "0",
    "-1",
    "::2",
    "::-1",
    "1:3",
    "..., 0",
    "..., ::-2",
    "..., 1:",
    "[1, 0, 1]",
    "..., [2, 0]",
    "None, ...",
    "[0, 1], ..., [1, 0]",
    "..., [[0], [1]], [1, 2]",
    "[[1, 0], [0, 0]]",
    "1, ..., [0, 1]",
    "..., None",
    "0:0",
    ":, ::-1",
    "..., [True, False, True]",
    "[[0], [1]], ..., 1",
    ":, [0, 1, 1], ...",
];

proptest! {
    #[test]
    fn a_selection_is_written_as_numpy_would(
        (shape, grid) in prop::collection::vec((2usize..6, 1usize..5), 2..5).prop_map(|v| v.into_iter().unzip::<_, _, Vec<_>, Vec<_>>()),
        index in prop::sample::select(INDICES.to_vec()),
    ) {
        let mut shape = shape;
        // The mask among the indices needs three columns, the lists three rows.
        *shape.last_mut().unwrap() = 3;
        let Ok(selected) = index.parse::<Selection>().unwrap().resolve(&shape) else { return Ok(()) };
        let source = source(&shape, &grid);
        let expected = picked(&selected, &shape);
        let (header, bytes) = export(&source, index, None, None).unwrap();
        prop_assert_eq!(header, dict(DType::U16, selected.shape()));
        prop_assert_eq!(bytemuck::pod_collect_to_vec::<u8, u16>(&bytes), expected.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(crate::array::read::<u16>(&source, &index.parse().unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_projection_is_written_as_numpy_would(
        (shape, grid) in prop::collection::vec((2usize..6, 1usize..5), 2..5).prop_map(|v| v.into_iter().unzip::<_, _, Vec<_>, Vec<_>>()),
        index in prop::sample::select(INDICES.to_vec()),
        op in prop::sample::select(Projection::ALL.to_vec()),
        over in 0usize..6,
    ) {
        let mut shape = shape;
        *shape.last_mut().unwrap() = 3;
        let Ok(selected) = index.parse::<Selection>().unwrap().resolve(&shape) else { return Ok(()) };
        let dims = selected.shape();
        if dims.is_empty() {
            return Ok(());
        }
        let over = over % dims.len();
        let result = export(&source(&shape, &grid), index, Some((op, over)), None);
        let picked = picked(&selected, &shape);
        let num_pixels: usize = dims.iter().enumerate().filter(|(dim, _)| *dim != over).map(|(_, n)| n).product();
        if dims[over] == 0 && num_pixels > 0 && matches!(op, Projection::Max | Projection::Min) {
            prop_assert!(result.is_err());
            return Ok(());
        }
        let (header, bytes) = result.unwrap();
        let mut kept = dims.to_vec();
        kept.remove(over);
        let dtype = projected_dtype(DType::U16, op);
        prop_assert_eq!(header, dict(dtype, &kept));
        let mut expected = Vec::new();
        for voxels in picked.lanes(Axis(over)) {
            let n = voxels.len() as f64;
            let sum: u64 = voxels.iter().map(|&v| u64::from(v)).sum();
            let mean = sum as f64 / n;
            match op {
                Projection::Max => expected.extend(voxels.iter().max().unwrap().to_le_bytes()),
                Projection::Min => expected.extend(voxels.iter().min().unwrap().to_le_bytes()),
                Projection::Sum => expected.extend(sum.to_le_bytes()),
                Projection::Mean => expected.extend(mean.to_le_bytes()),
                Projection::Std => {
                    let spread = voxels.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
                    expected.extend(spread.sqrt().to_le_bytes());
                }
            }
        }
        if matches!(op, Projection::Mean | Projection::Std) {
            let (got, expected): (Vec<f64>, Vec<f64>) =
                (bytemuck::pod_collect_to_vec(&bytes), bytemuck::pod_collect_to_vec(&expected));
            prop_assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(&expected) {
                prop_assert!((got - expected).abs() <= 1e-12 * expected.abs() || (got.is_nan() && expected.is_nan()));
            }
        } else {
            prop_assert_eq!(bytes, expected);
        }
    }
}

#[test]
fn missing_voxels_are_refused_by_name_unless_something_stands_for_them() {
    let missing = [Region::new(&[2, 0, 0], &[5, 4, 6]).unwrap(), Region::new(&[7, 1, 2], &[8, 2, 4]).unwrap()];
    let source = source(&[9, 4, 6], &[1, 2, 6]).with_missing(&missing);
    let message = export(&source, "...", None, None).unwrap_err().to_string();
    assert!(message.contains("z 2:5 is missing: never written") && message.contains("--fill"), "{message}");
    let message = export(&source, "7", None, None).unwrap_err().to_string();
    assert!(message.contains("z 7:8, y 1:2, x 2:4 is missing"), "{message}");
    // What is missing and not asked for is no reason to refuse.
    export(&source, "7, :, :2", None, None).unwrap();
    export(&source, "[0, 1, 5, 8]", None, None).unwrap();
    export(&source, "7, [0, 1], [3, 0]", None, None).unwrap();
    assert!(export(&source, "7, [0, 1], [0, 3]", None, None).is_err());
    let (_, bytes) = export(&source, "...", None, Some("65535")).unwrap();
    let values: Vec<u16> = bytemuck::pod_collect_to_vec(&bytes);
    for (offset, &got) in values.iter().enumerate() {
        let index = [offset / 24, offset / 6 % 4, offset % 6];
        let is_missing = missing.iter().any(|region| region.contains(&index));
        assert_eq!(got, if is_missing { 65535 } else { value(offset) }, "{index:?}");
    }
    let (_, bytes) = export(&source, "2:5", Some((Projection::Mean, 0)), Some("7")).unwrap();
    assert_eq!(bytemuck::pod_collect_to_vec::<u8, f64>(&bytes), [7.0; 24]);
}

#[test]
fn unreadable_chunks_are_refused_too() {
    let source = source(&[4, 4, 6], &[1, 4, 6]).with_failing(&[2]);
    let message = export(&source, "...", Some((Projection::Max, 1)), None).unwrap_err().to_string();
    assert!(message.contains("z 2:3 is missing: made to fail"), "{message}");
    assert_eq!(export(&source, "...", None, Some("0")).unwrap().1.len(), 4 * 4 * 6 * 2);
}

#[test]
fn a_fill_value_must_fit_the_type() {
    for (text, dtype) in [
        ("-1", DType::U8),
        ("256", DType::U8),
        ("1.5", DType::I16),
        ("nan", DType::U16),
        ("2", DType::Bool),
        ("x", DType::F32),
    ] {
        assert!(parse_fill(text, dtype).is_err(), "{text} {dtype}");
    }
    assert_eq!(parse_fill("-2", DType::I16).unwrap(), (-2i16).to_le_bytes());
    assert_eq!(parse_fill("18446744073709551615", DType::U64).unwrap(), u64::MAX.to_le_bytes());
    assert_eq!(parse_fill("true", DType::Bool).unwrap(), [1]);
    assert_eq!(parse_fill("1.5", DType::F16).unwrap(), f16::from_f32(1.5).to_le_bytes());
    assert!(parse_fill("nan", DType::F32).unwrap() == f32::NAN.to_le_bytes());
}

#[test]
fn axes_are_named_by_letter_or_number() {
    let source = source(&[3, 4, 5, 6], &[1, 4, 5, 6]);
    let info = source.info();
    let dim = |over: &str, index: &str| {
        folded_dim(over, info, &index.parse::<Selection>().unwrap().resolve(info.shape.dims()).unwrap())
    };
    assert_eq!(dim("t", "...").unwrap(), 0);
    assert_eq!(dim("Y", "1").unwrap(), 1);
    assert_eq!(dim("-1", "...").unwrap(), 3);
    assert_eq!(dim("z", ":, [2, 0]").unwrap(), 1);
    assert!(dim("t", "1").unwrap_err().to_string().contains("an integer takes its axis away"));
    assert!(dim("4", "...").unwrap_err().to_string().contains("axis 4 is out of bounds for array of dimension 4"));
    assert!(dim("c", "...").is_err());
    assert!(dim("tz", "...").is_err());
}
