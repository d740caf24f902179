//! Writes small HDF5 files of every kind with libhdf5 itself.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::path::Path;

use hdf5_sys::h5d::H5Dwrite;
use hdf5_sys::h5d::{
    H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS, H5D_alloc_time_t, H5Dclose, H5Dcreate2, H5Dset_extent, H5Dwrite_chunk,
};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_libver_t, H5Fclose, H5Fcreate};
use hdf5_sys::h5p::{
    H5P_CLS_DATASET_CREATE, H5P_CLS_FILE_ACCESS, H5P_CLS_FILE_CREATE, H5P_DEFAULT, H5Pclose, H5Pcreate,
    H5Pset_alloc_time, H5Pset_chunk, H5Pset_chunk_opts, H5Pset_deflate, H5Pset_file_locking, H5Pset_filter,
    H5Pset_fletcher32, H5Pset_libver_bounds, H5Pset_shuffle, H5Pset_userblock,
};
use hdf5_sys::h5s::{H5S_ALL, H5S_UNLIMITED, H5S_seloper_t, H5Sclose, H5Screate_simple, H5Sselect_hyperslab};
use hdf5_sys::h5t::{
    H5T_IEEE_F32BE, H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_IEEE_F64LE, H5T_NATIVE_B8, H5T_STD_I8LE, H5T_STD_I16BE,
    H5T_STD_I16LE, H5T_STD_I32BE, H5T_STD_I32LE, H5T_STD_I64BE, H5T_STD_I64LE, H5T_STD_U8LE, H5T_STD_U16BE,
    H5T_STD_U16LE, H5T_STD_U32BE, H5T_STD_U32LE, H5T_STD_U64BE, H5T_STD_U64LE, H5Tclose, H5Tcopy, H5Tset_ebias,
    H5Tset_fields, H5Tset_precision, H5Tset_size,
};
use tectum::codec::blosc;
use tectum::volume::{DType, Region, Shape, copy_region};

/// How a file is written.
#[derive(Clone, Debug)]
pub struct Spec {
    pub shape: Vec<usize>,
    /// `None` is contiguous.
    pub chunk: Option<Vec<usize>>,
    pub dtype: DType,
    pub is_big_endian: bool,
    pub shuffle: bool,
    pub deflate: Option<u32>,
    pub fletcher32: bool,
    /// Chunks are packed with Blosc here and written as they are; excludes the other filters.
    pub blosc: Option<(&'static std::ffi::CStr, usize)>,
    /// The newest file format: other chunk indices.
    pub latest: bool,
    pub userblock: u64,
    /// Chunks are left out where this says so, by position.
    pub skip: Option<fn(usize) -> bool>,
    /// scaleoffset or nbit, which only the library decodes.
    pub library_filter: Option<i32>,
    /// Largest extents, `None` unlimited; without, as PyTables has them.
    pub max: Option<Vec<Option<usize>>>,
    /// All chunks get their place when the array is made.
    pub early: bool,
    /// Chunks that stick out of the array skip the filters.
    pub plain_edges: bool,
    /// The first chunk is stored as these bytes, and no other is.
    pub raw: Option<Vec<u8>>,
    /// The array is made and filled with this extent first, then resized.
    pub resized_from: Option<Vec<usize>>,
}

impl Spec {
    pub fn new(shape: &[usize], chunk: Option<&[usize]>, dtype: DType) -> Self {
        Self {
            shape: shape.to_vec(),
            chunk: chunk.map(<[usize]>::to_vec),
            dtype,
            is_big_endian: false,
            shuffle: false,
            deflate: None,
            fletcher32: false,
            blosc: None,
            latest: false,
            userblock: 0,
            skip: None,
            library_filter: None,
            max: None,
            early: false,
            plain_edges: false,
            raw: None,
            resized_from: None,
        }
    }
}

/// Bytes of a smooth, not quite regular array, bool as 0 or 1.
pub fn sample(shape: &[usize], dtype: DType) -> Vec<u8> {
    let num_voxels: usize = shape.iter().product();
    let values = (0..num_voxels).map(|i| (i * i / 7 + i / 3) % 120);
    let mut bytes = Vec::new();
    for value in values {
        match dtype {
            DType::Bool => bytes.push((value % 3 == 0) as u8),
            DType::U8 | DType::I8 => bytes.push(value as u8),
            DType::U16 | DType::I16 => bytes.extend((value as u16 * 3).to_le_bytes()),
            DType::U32 | DType::I32 => bytes.extend((value as u32 * 70_000).to_le_bytes()),
            DType::U64 | DType::I64 => bytes.extend((value as u64 * 70_000_000_000).to_le_bytes()),
            DType::F16 => bytes.extend(half::f16::from_f32(value as f32 / 4.0).to_le_bytes()),
            DType::F32 => bytes.extend((value as f32 / 3.0).to_le_bytes()),
            DType::F64 => bytes.extend((value as f64 / 3.0).to_le_bytes()),
        }
    }
    bytes
}

fn stored_type(dtype: DType, is_big_endian: bool) -> i64 {
    let [little, big] = match dtype {
        DType::Bool => [*H5T_NATIVE_B8; 2],
        DType::U8 => [*H5T_STD_U8LE; 2],
        DType::I8 => [*H5T_STD_I8LE; 2],
        DType::U16 => [*H5T_STD_U16LE, *H5T_STD_U16BE],
        DType::I16 => [*H5T_STD_I16LE, *H5T_STD_I16BE],
        DType::U32 => [*H5T_STD_U32LE, *H5T_STD_U32BE],
        DType::I32 => [*H5T_STD_I32LE, *H5T_STD_I32BE],
        DType::U64 => [*H5T_STD_U64LE, *H5T_STD_U64BE],
        DType::I64 => [*H5T_STD_I64LE, *H5T_STD_I64BE],
        DType::F16 | DType::F32 => [*H5T_IEEE_F32LE, *H5T_IEEE_F32BE],
        DType::F64 => [*H5T_IEEE_F64LE, *H5T_IEEE_F64BE],
    };
    // SAFETY: called under the library's lock, with types that it defines; the copy is the caller's.
    unsafe {
        let copy = H5Tcopy(if is_big_endian { big } else { little });
        if dtype == DType::F16 {
            assert!(H5Tset_fields(copy, 15, 10, 5, 0, 10) >= 0 && H5Tset_precision(copy, 16) >= 0);
            assert!(H5Tset_ebias(copy, 15) >= 0 && H5Tset_size(copy, 2) >= 0);
        }
        copy
    }
}

/// Writes `data` (as [`sample`] makes it) as the dataset `a/stack`.
pub fn write(path: &Path, spec: &Spec, data: &[u8]) {
    let name = CString::new(path.to_str().unwrap()).unwrap();
    let dims: Vec<u64> = spec.shape.iter().map(|&dim| dim as u64).collect();
    // SAFETY: everything runs under the library's lock, handles are closed once, buffers are as long as
    // the selections they are written through (asserted by the array they come from).
    hdf5::sync::sync(|| unsafe {
        let access = H5Pcreate(*H5P_CLS_FILE_ACCESS);
        H5Pset_file_locking(access, 0, 1);
        let newest = H5F_libver_t::H5F_LIBVER_V110;
        let oldest = H5F_libver_t::H5F_LIBVER_EARLIEST;
        H5Pset_libver_bounds(access, if spec.latest { newest } else { oldest }, newest);
        let file_creation = H5Pcreate(*H5P_CLS_FILE_CREATE);
        H5Pset_userblock(file_creation, spec.userblock);
        let file = H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, file_creation, access);
        assert!(file >= 0);
        let links = H5Pcreate(*hdf5_sys::h5p::H5P_CLS_LINK_CREATE);
        hdf5_sys::h5p::H5Pset_create_intermediate_group(links, 1);
        let creation = H5Pcreate(*H5P_CLS_DATASET_CREATE);
        if let Some(chunk) = &spec.chunk {
            let chunk: Vec<u64> = chunk.iter().map(|&dim| dim as u64).collect();
            H5Pset_chunk(creation, chunk.len() as i32, chunk.as_ptr());
        }
        match spec.library_filter {
            Some(5) => assert!(hdf5_sys::h5p::H5Pset_nbit(creation) >= 0),
            Some(6) => {
                let kind = hdf5_sys::h5z::H5Z_SO_scale_type_t::H5Z_SO_INT;
                assert!(hdf5_sys::h5p::H5Pset_scaleoffset(creation, kind, 0) >= 0);
            }
            _ => {}
        }
        if spec.shuffle {
            H5Pset_shuffle(creation);
        }
        if let Some(level) = spec.deflate {
            H5Pset_deflate(creation, level);
        }
        if spec.fletcher32 {
            H5Pset_fletcher32(creation);
        }
        if spec.blosc.is_some() {
            let values = [2u32, 2, spec.dtype.num_bytes() as u32, 0, 5, 1];
            assert!(H5Pset_filter(creation, 32001, 1, values.len(), values.as_ptr()) >= 0);
        }
        if spec.early {
            H5Pset_alloc_time(creation, H5D_alloc_time_t::H5D_ALLOC_TIME_EARLY);
        }
        if spec.plain_edges {
            H5Pset_chunk_opts(creation, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
        }
        // As PyTables does it: the largest extent is the chunk's where that is larger.
        let max: Vec<u64> = match &spec.chunk {
            _ if spec.max.is_some() => {
                spec.max.iter().flatten().map(|max| max.map_or(H5S_UNLIMITED, |max| max as u64)).collect()
            }
            Some(chunk) => dims.iter().zip(chunk).map(|(&dim, &chunk)| dim.max(chunk as u64)).collect(),
            None => dims.clone(),
        };
        let before: Vec<u64> = match &spec.resized_from {
            Some(before) => before.iter().map(|&dim| dim as u64).collect(),
            None => dims.clone(),
        };
        let space = H5Screate_simple(dims.len() as i32, before.as_ptr(), max.as_ptr());
        let stored = stored_type(spec.dtype, spec.is_big_endian);
        let memory = stored_type(spec.dtype, false);
        let dataset = H5Dcreate2(file, c"a/stack".as_ptr(), stored, space, links, creation, H5P_DEFAULT);
        assert!(dataset >= 0, "{spec:?}");
        if spec.resized_from.is_some() {
            let filler = vec![0xee; before.iter().product::<u64>() as usize * spec.dtype.num_bytes()];
            assert!(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, filler.as_ptr().cast()) >= 0);
            assert!(H5Dset_extent(dataset, dims.as_ptr()) >= 0);
        }
        match (&spec.chunk, spec.blosc) {
            _ if spec.raw.is_some() => {
                let (raw, start) = (spec.raw.as_ref().unwrap(), vec![0; dims.len()]);
                assert!(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, start.as_ptr(), raw.len(), raw.as_ptr().cast()) >= 0);
            }
            (Some(chunk), Some((codec, block))) => write_packed(dataset, spec, chunk, data, codec, block),
            (Some(chunk), None) if spec.skip.is_some() => {
                for (position, (region, bytes)) in chunks(spec, chunk, data).into_iter().enumerate() {
                    if spec.skip.is_some_and(|skip| skip(position)) {
                        continue;
                    }
                    let whole = Region::whole(&Shape::new(&spec.shape).unwrap());
                    let part = region.intersect(&whole).unwrap();
                    let mut clipped = vec![0; part.shape().num_bytes(spec.dtype).unwrap()];
                    copy_region(&bytes, &region, &mut clipped, &part, spec.dtype.num_bytes());
                    let start: Vec<u64> = part.start().iter().map(|&n| n as u64).collect();
                    let count: Vec<u64> = part.shape().dims().iter().map(|&n| n as u64).collect();
                    let target = H5Screate_simple(dims.len() as i32, dims.as_ptr(), max.as_ptr());
                    let set = H5S_seloper_t::H5S_SELECT_SET;
                    let null = std::ptr::null();
                    assert!(H5Sselect_hyperslab(target, set, start.as_ptr(), null, count.as_ptr(), null) >= 0);
                    let source = H5Screate_simple(dims.len() as i32, count.as_ptr(), std::ptr::null());
                    assert!(H5Dwrite(dataset, memory, source, target, H5P_DEFAULT, clipped.as_ptr().cast()) >= 0);
                    H5Sclose(source);
                    H5Sclose(target);
                }
            }
            _ => assert!(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.as_ptr().cast()) >= 0),
        }
        H5Dclose(dataset);
        H5Tclose(memory);
        H5Tclose(stored);
        H5Sclose(space);
        H5Pclose(creation);
        H5Pclose(links);
        H5Fclose(file);
        H5Pclose(file_creation);
        H5Pclose(access);
    });
}

/// Every chunk with its box, which may stick out of the array, and its bytes, zeros beyond the array.
fn chunks(spec: &Spec, chunk: &[usize], data: &[u8]) -> Vec<(Region, Vec<u8>)> {
    let shape = Shape::new(&spec.shape).unwrap();
    let whole = Region::whole(&shape);
    let mut found = vec![(Vec::new(), Vec::new())];
    for (&dim, &step) in spec.shape.iter().zip(chunk) {
        found = found
            .iter()
            .flat_map(|(start, stop): &(Vec<usize>, Vec<usize>)| {
                (0..dim).step_by(step).map(move |at| ([&start[..], &[at]].concat(), [&stop[..], &[at + step]].concat()))
            })
            .collect();
    }
    found
        .into_iter()
        .map(|(start, stop)| {
            let region = Region::new(&start, &stop).unwrap();
            let mut bytes = vec![0; region.shape().num_bytes(spec.dtype).unwrap()];
            copy_region(data, &whole, &mut bytes, &region, spec.dtype.num_bytes());
            (region, bytes)
        })
        .collect()
}

unsafe fn write_packed(dataset: i64, spec: &Spec, chunk: &[usize], data: &[u8], codec: &std::ffi::CStr, block: usize) {
    let item = spec.dtype.num_bytes();
    for (position, (region, mut bytes)) in chunks(spec, chunk, data).into_iter().enumerate() {
        if spec.skip.is_some_and(|skip| skip(position)) {
            continue;
        }
        if spec.is_big_endian {
            bytes.chunks_mut(item).for_each(<[u8]>::reverse);
        }
        // Every fifth chunk is stored as it is, as a filter that cannot compress leaves it.
        let mask = u32::from(position % 5 == 4);
        if mask == 0 {
            bytes = blosc::encode(&bytes, item, 5, codec, block).unwrap();
        }
        let start: Vec<u64> = region.start().iter().map(|&n| n as u64).collect();
        // SAFETY: the caller holds the lock; offset and bytes are as long as the call is told.
        let status =
            unsafe { H5Dwrite_chunk(dataset, H5P_DEFAULT, mask, start.as_ptr(), bytes.len(), bytes.as_ptr().cast()) };
        assert!(status >= 0);
    }
}
