//! Small facts beside the arrays: attributes of groups and datasets.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr;

use hdf5_sys::h5::{H5_index_t, H5_iter_order_t};
use hdf5_sys::h5a::{H5Aclose, H5Aexists, H5Aget_name, H5Aget_space, H5Aget_type, H5Aopen, H5Aopen_by_idx, H5Aread};
use hdf5_sys::h5o::{H5O_INFO_NUM_ATTRS, H5O_info2_t, H5Oget_info3};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5Sclose, H5Sget_simple_extent_npoints};
use hdf5_sys::h5t::{
    H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64, H5T_NATIVE_UINT64, H5T_class_t, H5T_sign_t, H5Tclose, H5Tget_class,
    H5Tget_sign, H5Tget_size, H5Tis_variable_str, H5Treclaim,
};

use super::file::Hdf5File;
use super::index::not_hdf5;
use super::library::{Handle, Library, last_error, locked, text};
use crate::format::FormatError;

/// Most values of an attribute that are read.
const MAX_VALUES: usize = 4096;

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// Whole numbers, one or more.
    Integers(Vec<i64>),
    /// Floating-point numbers, one or more.
    Floats(Vec<f64>),
    /// Text.
    Text(String),
}

impl AttributeValue {
    /// The value as whole numbers, where it is numbers that are whole.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match self {
            Self::Integers(values) => Some(values.clone()),
            Self::Floats(values) => values
                .iter()
                .map(|&value| (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64))
                .collect(),
            Self::Text(_) => None,
        }
    }
}

/// Attributes of an object (`""` is the root group), those that are numbers or text.
///
/// # Errors
/// When the file or the object cannot be opened.
pub fn read_attributes(path: &Path, object: &str) -> Result<BTreeMap<String, AttributeValue>, FormatError> {
    let failed = |message: String| FormatError::new(path, message);
    let opened = Hdf5File::open(path).map_err(failed)?;
    locked(|library| {
        let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
        let name = library.check_path(&file, object)?;
        let object = library.open_object(&file, &name)?;
        attributes_of(library, &object)
    })
    .map_err(failed)
}

/// Which of these objects have an attribute of this name; none where that cannot be asked.
pub fn have_attribute(path: &Path, objects: &[String], attribute: &str) -> Vec<bool> {
    let none = || vec![false; objects.len()];
    let Ok(attribute) = CString::new(attribute) else { return none() };
    let Ok(opened) = Hdf5File::open(path) else { return none() };
    let found = locked(|library| {
        let file = library.open_file(&opened)?;
        let has = |object: &String| -> Result<bool, String> {
            let name = library.check_path(&file, object)?;
            let object = library.open_object(&file, &name)?;
            // SAFETY: the lock is held, the handle is open, the name ends with a zero byte.
            Ok(unsafe { H5Aexists(object.id(), attribute.as_ptr()) } > 0)
        };
        Ok(objects.iter().map(|object| has(object).unwrap_or(false)).collect())
    });
    found.unwrap_or_else(|_: String| none())
}

/// The texts of an attribute that holds several of varying length; empty where there is none of that name.
///
/// # Errors
/// When the file or the object cannot be opened, or the attribute holds something else.
pub fn read_texts(path: &Path, object: &str, attribute: &str) -> Result<Vec<String>, FormatError> {
    let failed = |message: String| FormatError::new(path, message);
    let opened = Hdf5File::open(path).map_err(failed)?;
    let attribute = CString::new(attribute).map_err(|_| failed("a name holds a zero byte".into()))?;
    locked(|library| {
        let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
        let name = library.check_path(&file, object)?;
        let object = library.open_object(&file, &name)?;
        // SAFETY: the lock is held, every handle is open and of the kind asked for, the name ends with a zero
        // byte; the library fills as many pointers as the attribute has values, and takes their texts back.
        unsafe {
            if H5Aexists(object.id(), attribute.as_ptr()) <= 0 {
                return Ok(Vec::new());
            }
            let found = Handle::new(library, H5Aopen(object.id(), attribute.as_ptr(), H5P_DEFAULT), H5Aclose)?;
            let data_type = Handle::new(library, H5Aget_type(found.id()), H5Tclose)?;
            let space = Handle::new(library, H5Aget_space(found.id()), H5Sclose)?;
            let num = usize::try_from(H5Sget_simple_extent_npoints(space.id())).map_err(|_| last_error())?;
            let is_text = H5Tget_class(data_type.id()) == H5T_class_t::H5T_STRING;
            if !is_text || H5Tis_variable_str(data_type.id()) <= 0 || num > MAX_VALUES {
                return Err("the attribute holds no list of texts".into());
            }
            let mut starts: Vec<*mut c_char> = vec![ptr::null_mut(); num];
            if H5Aread(found.id(), data_type.id(), starts.as_mut_ptr().cast()) < 0 {
                return Err(last_error());
            }
            let text = |start: &*mut c_char| match start.is_null() {
                true => String::new(),
                false => CStr::from_ptr(*start).to_string_lossy().into_owned(),
            };
            let texts = starts.iter().map(text).collect();
            H5Treclaim(data_type.id(), space.id(), H5P_DEFAULT, starts.as_mut_ptr().cast());
            Ok(texts)
        }
    })
    .map_err(failed)
}

/// A tuple of numbers as flammkuchen stores it: the attributes `i0`, `i1`, … of a group, in order.
/// Empty where there are none.
///
/// # Errors
/// When the file or the group cannot be opened.
pub fn read_tuple_group(path: &Path, group: &str) -> Result<Vec<AttributeValue>, FormatError> {
    let mut attributes = read_attributes(path, group)?;
    Ok((0..).map_while(|i| attributes.remove(&format!("i{i}"))).collect())
}

pub(super) fn attributes_of(
    library: &Library,
    object: &Handle<'_>,
) -> Result<BTreeMap<String, AttributeValue>, String> {
    const MAX_ATTRIBUTES: u64 = 10_000;
    let mut found = BTreeMap::new();
    // SAFETY: the lock is held, the handle is an object's; zeros are a valid record, which is filled.
    let info = unsafe {
        let mut info = std::mem::zeroed::<H5O_info2_t>();
        if H5Oget_info3(object.id(), &raw mut info, H5O_INFO_NUM_ATTRS) < 0 {
            return Err(last_error());
        }
        info
    };
    let num_attributes = info.num_attrs.min(MAX_ATTRIBUTES);
    for i in 0..num_attributes {
        // SAFETY: as above; the name is a literal, and the buffer of the name as long as the call is told.
        unsafe {
            let opened = H5Aopen_by_idx(
                object.id(),
                c".".as_ptr(),
                H5_index_t::H5_INDEX_NAME,
                H5_iter_order_t::H5_ITER_NATIVE,
                i,
                H5P_DEFAULT,
                H5P_DEFAULT,
            );
            let Ok(attribute) = Handle::new(library, opened, H5Aclose) else { continue };
            let name = text(|buffer: *mut c_char, len| H5Aget_name(attribute.id(), len, buffer));
            if let (Some(name), Ok(Some(value))) = (name, value_of(library, &attribute)) {
                found.insert(name, value);
            }
        }
    }
    Ok(found)
}

/// `None` for types that are neither numbers nor text, and for more than a few thousand numbers.
fn value_of(library: &Library, attribute: &Handle<'_>) -> Result<Option<AttributeValue>, String> {
    const MAX_TEXT_BYTES: usize = 1 << 20;
    // SAFETY: the lock is held and the handle is an attribute's. Buffers have the size of the memory
    // type times the number of values of the attribute's space, which is what the library writes.
    unsafe {
        let data_type = Handle::new(library, H5Aget_type(attribute.id()), H5Tclose)?;
        let space = Handle::new(library, H5Aget_space(attribute.id()), H5Sclose)?;
        let num_values = usize::try_from(H5Sget_simple_extent_npoints(space.id())).map_err(|_| last_error())?;
        if num_values == 0 || num_values > MAX_VALUES {
            return Ok(None);
        }
        let read = |memory_type, buffer: *mut c_void| {
            if H5Aread(attribute.id(), memory_type, buffer) < 0 { Err(last_error()) } else { Ok(()) }
        };
        Ok(match H5Tget_class(data_type.id()) {
            H5T_class_t::H5T_INTEGER => {
                let mut values = vec![0i64; num_values];
                if H5Tget_sign(data_type.id()) == H5T_sign_t::H5T_SGN_NONE && H5Tget_size(data_type.id()) >= 8 {
                    let mut unsigned = vec![0u64; num_values];
                    read(*H5T_NATIVE_UINT64, unsigned.as_mut_ptr().cast())?;
                    for (value, &read) in values.iter_mut().zip(&unsigned) {
                        *value = i64::try_from(read).unwrap_or(i64::MAX);
                    }
                } else {
                    read(*H5T_NATIVE_INT64, values.as_mut_ptr().cast())?;
                }
                Some(AttributeValue::Integers(values))
            }
            H5T_class_t::H5T_FLOAT => {
                let mut values = vec![0f64; num_values];
                read(*H5T_NATIVE_DOUBLE, values.as_mut_ptr().cast())?;
                Some(AttributeValue::Floats(values))
            }
            H5T_class_t::H5T_STRING if num_values == 1 && H5Tis_variable_str(data_type.id()) > 0 => {
                let mut start: *mut c_char = ptr::null_mut();
                read(data_type.id(), (&raw mut start).cast())?;
                let value = (!start.is_null()).then(|| CStr::from_ptr(start).to_string_lossy().into_owned());
                H5Treclaim(data_type.id(), space.id(), H5P_DEFAULT, (&raw mut start).cast());
                value.map(AttributeValue::Text)
            }
            H5T_class_t::H5T_STRING if num_values == 1 => {
                let len = H5Tget_size(data_type.id());
                if len > MAX_TEXT_BYTES {
                    return Ok(None);
                }
                let mut bytes = vec![0u8; len];
                read(data_type.id(), bytes.as_mut_ptr().cast())?;
                let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(len);
                Some(AttributeValue::Text(String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()))
            }
            _ => None,
        })
    }
}
