//! libhdf5 for writing: handles that close themselves, the types of voxels, attributes.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::{fmt, io, ptr};

use hdf5::globals as types;
use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5a::{H5Aclose, H5Acreate2, H5Awrite};
use hdf5_sys::h5e::{H5E_DEFAULT, H5E_direction_t, H5E_error2_t, H5Ewalk2};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5s::{H5S_class_t, H5Sclose, H5Screate, H5Screate_simple};
use hdf5_sys::h5t::{
    H5T_VARIABLE, H5T_cset_t, H5Tclose, H5Tcopy, H5Tenum_create, H5Tenum_insert, H5Tset_cset, H5Tset_ebias,
    H5Tset_fields, H5Tset_size,
};

use crate::volume::DType;

/// What was done, or why not.
pub type Step<T> = Result<T, Failed>;

/// What could not be done, and the system's reason where it is to blame: a full disk, a server that does not answer.
#[derive(Debug)]
pub struct Failed {
    /// In words that follow "cannot".
    what: &'static str,
    cause: Option<io::Error>,
}

impl Failed {
    /// A call of the library, the last there was, has failed.
    fn in_library(what: &'static str) -> Self {
        Self { what, cause: errno_of_library().map(io::Error::from_raw_os_error) }
    }

    /// As an error about a file.
    pub fn at(self, file: impl fmt::Display) -> anyhow::Error {
        let text = format!("{file}: cannot {}", self.what);
        match self.cause {
            Some(cause) => anyhow::Error::new(cause).context(text),
            None => anyhow::Error::msg(text),
        }
    }
}

impl From<&'static str> for Failed {
    fn from(what: &'static str) -> Self {
        Self { what, cause: None }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        self.cause.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// The system's number of what has gone wrong in the last call of the library, which has it among its messages.
fn errno_of_library() -> Option<i32> {
    unsafe extern "C" fn note(_: c_uint, error: *const H5E_error2_t, data: *mut c_void) -> c_int {
        // SAFETY: the library passes a live record, and `data` is the number given below.
        unsafe {
            let text = (*error).desc;
            if !text.is_null()
                && let Some(errno) = errno_in(&CStr::from_ptr(text).to_string_lossy())
            {
                *data.cast::<Option<i32>>() = Some(errno);
            }
        }
        0
    }
    let mut found: Option<i32> = None;
    // The lock is taken once more where it is held already.
    // SAFETY: the call lasts no longer than the number it is given.
    hdf5::sync::sync(|| unsafe {
        H5Ewalk2(H5E_DEFAULT, H5E_direction_t::H5E_WALK_DOWNWARD, Some(note), (&raw mut found).cast());
    });
    found
}

/// "…, file descriptor = 7, errno = 28, error message = …"
fn errno_in(message: &str) -> Option<i32> {
    let digits = message.rsplit_once("errno = ")?.1;
    digits.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok().filter(|errno| *errno != 0)
}

/// An identifier of the library, given back when it is dropped. It is made and used under the library's lock.
pub struct Handle {
    id: hid_t,
    close: unsafe extern "C" fn(hid_t) -> c_int,
}

impl Handle {
    /// Takes over what a call to the library returned.
    pub fn new(id: hid_t, close: unsafe extern "C" fn(hid_t) -> c_int, what: &'static str) -> Step<Self> {
        if id < 0 { Err(Failed::in_library(what)) } else { Ok(Self { id, close }) }
    }

    /// The library's number of it.
    pub fn id(&self) -> hid_t {
        self.id
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the identifier is valid (checked when made) and closed only here; the lock is taken for it, by whoever
        // has it already once more.
        hdf5::sync::sync(|| unsafe { (self.close)(self.id) });
    }
}

/// The status of a call as a result.
pub fn done(status: c_int, what: &'static str) -> Step<()> {
    if status < 0 { Err(Failed::in_library(what)) } else { Ok(()) }
}

/// How h5py stores voxels of a type. The lock is held.
pub fn type_of(dtype: DType) -> Step<Handle> {
    const WHAT: &str = "make a type";
    let copy = |id: hid_t| {
        // SAFETY: the lock is held and the library's own types are always open.
        unsafe { Handle::new(H5Tcopy(id), H5Tclose, WHAT) }
    };
    match dtype {
        DType::Bool => {
            // SAFETY: the lock is held; the names end with zero bytes, the values live as long as the calls.
            unsafe {
                let kind = Handle::new(H5Tenum_create(*types::H5T_STD_I8LE), H5Tclose, WHAT)?;
                for (name, value) in [(c"FALSE", 0i8), (c"TRUE", 1)] {
                    done(H5Tenum_insert(kind.id(), name.as_ptr(), (&raw const value).cast()), WHAT)?;
                }
                Ok(kind)
            }
        }
        DType::F16 => {
            let kind = copy(*types::H5T_IEEE_F32LE)?;
            // SAFETY: the lock is held and the type is a copy of ours; fields before size, which cuts what they leave.
            unsafe {
                done(H5Tset_fields(kind.id(), 15, 10, 5, 0, 10), WHAT)?;
                done(H5Tset_size(kind.id(), 2), WHAT)?;
                done(H5Tset_ebias(kind.id(), 15), WHAT)?;
            }
            Ok(kind)
        }
        DType::U8 => copy(*types::H5T_STD_U8LE),
        DType::I8 => copy(*types::H5T_STD_I8LE),
        DType::U16 => copy(*types::H5T_STD_U16LE),
        DType::I16 => copy(*types::H5T_STD_I16LE),
        DType::U32 => copy(*types::H5T_STD_U32LE),
        DType::I32 => copy(*types::H5T_STD_I32LE),
        DType::U64 => copy(*types::H5T_STD_U64LE),
        DType::I64 => copy(*types::H5T_STD_I64LE),
        DType::F32 => copy(*types::H5T_IEEE_F32LE),
        DType::F64 => copy(*types::H5T_IEEE_F64LE),
    }
}

/// How h5py stores texts: of any length, in UTF-8. The lock is held.
pub fn text_type() -> Step<Handle> {
    const WHAT: &str = "make a type";
    // SAFETY: the lock is held and the type is a copy of the library's.
    unsafe {
        let kind = Handle::new(H5Tcopy(*types::H5T_C_S1), H5Tclose, WHAT)?;
        done(H5Tset_size(kind.id(), H5T_VARIABLE), WHAT)?;
        done(H5Tset_cset(kind.id(), H5T_cset_t::H5T_CSET_UTF8), WHAT)?;
        Ok(kind)
    }
}

/// An attribute that is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text, as h5py writes a `str`.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A number.
    Number(f64),
    /// A list of numbers.
    Numbers(Vec<f64>),
    /// A list of whole numbers.
    Integers(Vec<i64>),
    /// A whole number.
    Integer(i64),
    /// A text of fixed length, as PyTables writes it: the empty one has no dataspace.
    Ascii(&'static str),
    /// The same, said to be UTF-8.
    Utf8(&'static str),
}

/// Writes an attribute of a group or dataset. The lock is held.
pub fn write_attribute(node: &Handle, name: &str, value: &Attribute) -> Step<()> {
    const WHAT: &str = "write an attribute";
    let text = |text: &str| CString::new(text).map_err(|_| Failed::from(WHAT));
    let name = text(name)?;
    // SAFETY: the lock is held; every handle is open, and every pointer is to live values, as many as the space says.
    let write = |kind: hid_t, len: Option<usize>, values: *const c_void| unsafe {
        let space = space(len.as_ref().map(std::slice::from_ref))?;
        let attribute = Handle::new(H5Acreate2(node.id(), name.as_ptr(), kind, space.id(), 0, 0), H5Aclose, WHAT)?;
        done(H5Awrite(attribute.id(), kind, values), WHAT)
    };
    let texts = |all: &[String], len: Option<usize>| {
        let all = all.iter().map(|one| text(one)).collect::<Step<Vec<_>>>()?;
        let pointers: Vec<_> = all.iter().map(|one| one.as_ptr()).collect();
        let kind = text_type()?;
        write(kind.id(), len, pointers.as_ptr().cast())
    };
    match value {
        Attribute::Text(one) => texts(std::slice::from_ref(one), None),
        Attribute::Texts(all) => texts(all, Some(all.len())),
        Attribute::Integer(one) => {
            let stored = one.to_le_bytes();
            write(*types::H5T_STD_I64LE, None, stored.as_ptr().cast())
        }
        Attribute::Ascii(one) => fixed_text(node, &name, one, H5T_cset_t::H5T_CSET_ASCII),
        Attribute::Utf8(one) => fixed_text(node, &name, one, H5T_cset_t::H5T_CSET_UTF8),
        Attribute::Number(one) => write(*types::H5T_NATIVE_DOUBLE, None, (&raw const *one).cast()),
        Attribute::Integers(all) => write(*types::H5T_NATIVE_INT64, Some(all.len()), all.as_ptr().cast()),
        Attribute::Numbers(all) => write(*types::H5T_NATIVE_DOUBLE, Some(all.len()), all.as_ptr().cast()),
    }
}

/// A text of fixed length. The lock is held.
fn fixed_text(node: &Handle, name: &CString, text: &str, set: H5T_cset_t) -> Step<()> {
    const WHAT: &str = "write an attribute";
    // SAFETY: the lock is held; `text` is as long as the type's size, but for the empty one, which is not written.
    unsafe {
        let kind = Handle::new(H5Tcopy(*types::H5T_C_S1), H5Tclose, WHAT)?;
        done(H5Tset_size(kind.id(), text.len().max(1)), WHAT)?;
        done(H5Tset_cset(kind.id(), set), WHAT)?;
        let class = if text.is_empty() { H5S_class_t::H5S_NULL } else { H5S_class_t::H5S_SCALAR };
        let space = Handle::new(H5Screate(class), H5Sclose, WHAT)?;
        let attribute = Handle::new(H5Acreate2(node.id(), name.as_ptr(), kind.id(), space.id(), 0, 0), H5Aclose, WHAT)?;
        if text.is_empty() { Ok(()) } else { done(H5Awrite(attribute.id(), kind.id(), text.as_ptr().cast()), WHAT) }
    }
}

/// A dataspace of these extents; of a single value without any. The lock is held.
pub fn space(dims: Option<&[usize]>) -> Step<Handle> {
    const WHAT: &str = "make a dataspace";
    let dims = dims.map(|dims| dims.iter().map(|&dim| dim as hsize_t).collect::<Vec<_>>());
    // SAFETY: the lock is held and the list lives as long as the call.
    let id = unsafe {
        match &dims {
            Some(dims) => H5Screate_simple(dims.len() as c_int, dims.as_ptr(), ptr::null()),
            None => H5Screate(H5S_class_t::H5S_SCALAR),
        }
    };
    Handle::new(id, H5Sclose, WHAT)
}

#[cfg(test)]
mod tests {
    use super::errno_in;

    #[test]
    fn the_number_of_the_system_is_found_in_a_message_of_the_library() {
        let message = "file write failed: time = Fri, filename = 'errno = 5', file descriptor = 7, errno = 28, error \
                       message = 'No space left on device', buf = 0x7f, total write size = 512";
        assert_eq!(errno_in(message), Some(28));
        assert_eq!((errno_in("errno = 0, none"), errno_in("write failed")), (None, None));
    }
}
