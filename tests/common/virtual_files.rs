//! Small HDF5 files of u16: stored arrays that can be made longer, and virtual datasets, as libhdf5 writes them.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::path::Path;

use hdf5_sys::h5d::{H5Dclose, H5Dcreate2, H5Dopen2, H5Dset_extent, H5Dwrite};
use hdf5_sys::h5f::{H5F_ACC_RDWR, H5F_ACC_TRUNC, H5F_libver_t, H5Fclose, H5Fcreate, H5Fopen};
use hdf5_sys::h5p::{
    H5P_CLS_DATASET_CREATE, H5P_CLS_FILE_ACCESS, H5P_DEFAULT, H5Pclose, H5Pcreate, H5Pset_chunk, H5Pset_external,
    H5Pset_file_locking, H5Pset_fill_value, H5Pset_libver_bounds, H5Pset_virtual,
};
use hdf5_sys::h5s::{H5S_ALL, H5S_UNLIMITED, H5S_seloper_t, H5Sclose, H5Screate_simple, H5Sselect_hyperslab};
use hdf5_sys::h5t::H5T_STD_U16LE;

/// Blocks on each axis: start, stride, count, length. `u64::MAX` is without limit.
pub type Slab = Vec<[u64; 4]>;

/// A box.
pub fn slab(start: &[u64], len: &[u64]) -> Slab {
    start.iter().zip(len).map(|(&start, &len)| [start, len.max(1), 1, len]).collect()
}

/// One mapping: what of the virtual dataset, which file, which array, what of it.
pub struct Map<'a> {
    pub part: Slab,
    pub file: &'a str,
    pub dataset: &'a str,
    pub of_source: Slab,
}

fn text(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

/// A file, new or not, opened to write it; closed when `work` is done.
fn with_file(path: &Path, is_new: bool, work: impl FnOnce(i64)) {
    hdf5::sync::sync(|| {
        // SAFETY: under the library's lock; handles are closed once, names end with a zero byte.
        unsafe {
            let access = H5Pcreate(*H5P_CLS_FILE_ACCESS);
            H5Pset_file_locking(access, 0, 1);
            H5Pset_libver_bounds(access, H5F_libver_t::H5F_LIBVER_EARLIEST, H5F_libver_t::H5F_LIBVER_V114);
            let name = text(path);
            let file = match is_new {
                true => H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, H5P_DEFAULT, access),
                false => H5Fopen(name.as_ptr(), H5F_ACC_RDWR, access),
            };
            assert!(file >= 0);
            work(file);
            H5Fclose(file);
            H5Pclose(access);
        }
    });
}

fn space(slab: &Slab) -> i64 {
    let limit = |[start, stride, count, block]: &[u64; 4]| match (*count, *block) {
        (0, _) | (_, 0) => 1,
        (u64::MAX, _) | (_, u64::MAX) => start + stride.min(&1000),
        (count, block) => start + stride * (count - 1) + block,
    };
    let dims: Vec<u64> = slab.iter().map(limit).collect();
    let max = vec![H5S_UNLIMITED; dims.len()];
    let of = |i: usize| slab.iter().map(|axis| axis[i]).collect::<Vec<u64>>();
    let [start, stride, count, block] = [of(0), of(1), of(2), of(3)];
    // SAFETY: under the library's lock; every list has a number for each axis.
    unsafe {
        let space = H5Screate_simple(dims.len() as i32, dims.as_ptr(), max.as_ptr());
        let set = H5S_seloper_t::H5S_SELECT_SET;
        let status = H5Sselect_hyperslab(space, set, start.as_ptr(), stride.as_ptr(), count.as_ptr(), block.as_ptr());
        assert!(status >= 0);
        space
    }
}

/// Writes a virtual dataset of u16 into a new file, or into one that is there.
pub fn write_virtual(path: &Path, name: &str, dims: &[u64], fill: Option<u16>, maps: &[Map<'_>], is_new: bool) {
    with_file(path, is_new, |file| {
        // SAFETY: under the library's lock; handles are closed once, names end with a zero byte.
        unsafe {
            let creation = H5Pcreate(*H5P_CLS_DATASET_CREATE);
            if let Some(fill) = fill {
                assert!(H5Pset_fill_value(creation, *H5T_STD_U16LE, (&raw const fill).cast()) >= 0);
            }
            for map in maps {
                let (part, of_source) = (space(&map.part), space(&map.of_source));
                let (file, dataset) = (CString::new(map.file).unwrap(), CString::new(map.dataset).unwrap());
                assert!(H5Pset_virtual(creation, part, file.as_ptr(), dataset.as_ptr(), of_source) >= 0);
                H5Sclose(part);
                H5Sclose(of_source);
            }
            let is_endless = |i: usize| maps.iter().any(|map| map.part[i].contains(&u64::MAX));
            let max: Vec<u64> =
                dims.iter().enumerate().map(|(i, &dim)| if is_endless(i) { H5S_UNLIMITED } else { dim }).collect();
            let extent = H5Screate_simple(dims.len() as i32, dims.as_ptr(), max.as_ptr());
            let name = CString::new(name).unwrap();
            let dataset = H5Dcreate2(file, name.as_ptr(), *H5T_STD_U16LE, extent, H5P_DEFAULT, creation, H5P_DEFAULT);
            assert!(dataset >= 0);
            H5Dclose(dataset);
            H5Sclose(extent);
            H5Pclose(creation);
        }
    });
}

/// Writes an array of u16 into a new file, chunked so, without limit along its first axis.
pub fn write_stored(path: &Path, name: &str, dims: &[u64], chunk: &[u64], values: &[u16]) {
    assert_eq!(dims.iter().product::<u64>(), values.len() as u64);
    with_file(path, true, |file| {
        // SAFETY: as above; the values are as many as the array has.
        unsafe {
            let creation = H5Pcreate(*H5P_CLS_DATASET_CREATE);
            H5Pset_chunk(creation, chunk.len() as i32, chunk.as_ptr());
            let max: Vec<u64> = std::iter::once(H5S_UNLIMITED).chain(dims[1..].iter().copied()).collect();
            let extent = H5Screate_simple(dims.len() as i32, dims.as_ptr(), max.as_ptr());
            let name = CString::new(name).unwrap();
            let dataset = H5Dcreate2(file, name.as_ptr(), *H5T_STD_U16LE, extent, H5P_DEFAULT, creation, H5P_DEFAULT);
            assert!(H5Dwrite(dataset, *H5T_STD_U16LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.as_ptr().cast()) >= 0);
            H5Dclose(dataset);
            H5Sclose(extent);
            H5Pclose(creation);
        }
    });
}

/// Writes an array of u16 into a new file whose voxels lie in a bare file.
pub fn write_external(path: &Path, name: &str, dims: &[u64], raw: &str) {
    with_file(path, true, |file| {
        // SAFETY: as above.
        unsafe {
            let creation = H5Pcreate(*H5P_CLS_DATASET_CREATE);
            let (name, raw) = (CString::new(name).unwrap(), CString::new(raw).unwrap());
            assert!(H5Pset_external(creation, raw.as_ptr(), 0, dims.iter().product::<u64>() * 2) >= 0);
            let extent = H5Screate_simple(dims.len() as i32, dims.as_ptr(), std::ptr::null());
            let dataset = H5Dcreate2(file, name.as_ptr(), *H5T_STD_U16LE, extent, H5P_DEFAULT, creation, H5P_DEFAULT);
            assert!(dataset >= 0);
            H5Dclose(dataset);
            H5Sclose(extent);
            H5Pclose(creation);
        }
    });
}

/// Makes such an array longer; `values` are all of it.
pub fn extend(path: &Path, name: &str, dims: &[u64], values: &[u16]) {
    assert_eq!(dims.iter().product::<u64>(), values.len() as u64);
    with_file(path, false, |file| {
        // SAFETY: as above.
        unsafe {
            let name = CString::new(name).unwrap();
            let dataset = H5Dopen2(file, name.as_ptr(), H5P_DEFAULT);
            assert!(H5Dset_extent(dataset, dims.as_ptr()) >= 0);
            assert!(H5Dwrite(dataset, *H5T_STD_U16LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.as_ptr().cast()) >= 0);
            H5Dclose(dataset);
        }
    });
}
