//! Everything of a file but its large arrays of numbers, with types: groups, links, attributes, texts, tables,
//! references. For whoever describes a file elsewhere; one walk, the file closed afterwards.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::path::Path;

use hdf5_sys::h5::{H5_index_t, H5_iter_order_t};
use hdf5_sys::h5a::{H5Aclose, H5Aget_name, H5Aget_space, H5Aget_type, H5Aopen_by_idx, H5Aread};
use hdf5_sys::h5d::{H5D_layout_t, H5Dget_create_plist, H5Dget_space, H5Dget_type, H5Dread};
use hdf5_sys::h5g::{H5Gclose, H5Gopen2};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5o::{H5O_INFO_NUM_ATTRS, H5O_info2_t, H5O_type_t, H5Oget_info3};
use hdf5_sys::h5p::{H5P_DEFAULT, H5Pclose, H5Pget_layout};
use hdf5_sys::h5s::{
    H5S_ALL, H5S_class_t, H5Sclose, H5Sget_simple_extent_dims, H5Sget_simple_extent_ndims, H5Sget_simple_extent_type,
};
use hdf5_sys::h5t::{
    H5T_STD_REF_OBJ, H5T_class_t, H5Tclose, H5Tequal, H5Tget_class, H5Tget_member_offset, H5Tget_member_type,
    H5Tget_nmembers, H5Tget_size, H5Tis_variable_str, H5Treclaim,
};

use super::file::Hdf5File;
use super::index::not_hdf5;
use super::library::{Handle, Library, last_error, locked, text};
use super::links::{Link, Token, link_at, names_in, object_at, token_of};
use super::types::{StoredType, member_name};
use super::{chunks, mappings, plugins};
use crate::dispatch_dtype;
use crate::format::FormatError;
use crate::volume::{DType, Voxel};

/// Most objects of one file.
const MAX_OBJECTS: usize = 200_000;

/// Most bytes that the values of one attribute or dataset take in memory.
const MAX_BYTES: usize = 256 << 20;

/// Most axes of an attribute or dataset.
const MAX_AXES: usize = 32;

/// All objects of a file, those in a group behind it.
#[derive(Debug, Default)]
pub struct Objects {
    /// The root group first.
    pub all: Vec<Object>,
    /// Why these are not all; `None` where they are.
    pub cut: Option<String>,
    /// Paths of objects by what references hold.
    paths: HashMap<u64, String>,
    /// Where in `all` an object is, by its path.
    places: HashMap<String, usize>,
}

/// A named object.
#[derive(Debug)]
pub struct Object {
    /// Path without the leading slash; empty for the root.
    pub path: String,
    /// What it is.
    pub kind: ObjectKind,
    /// Its attributes by name, or why one cannot be told.
    pub attributes: Vec<(String, Result<TypedValues, String>)>,
}

/// What an object is.
#[derive(Debug)]
pub enum ObjectKind {
    /// A group.
    Group,
    /// Another name of something in the same file.
    Link(String),
    /// Something of another file: the file, and the path in it.
    Elsewhere(String, String),
    /// An array of numbers, or of truth values, of one axis or more, by its extent.
    Numbers(Vec<u64>),
    /// A dataset of anything else, with its values; or why they cannot be told.
    Values(Result<TypedValues, String>),
}

/// Values with their type and extent.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedValues {
    /// Extent; without axes it is a single value.
    pub dims: Vec<u64>,
    /// What each is.
    pub kind: ValueKind,
    /// In C order.
    pub values: Vec<TypedValue>,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueKind {
    /// A number, or a truth value.
    Number(DType),
    /// Text of any length; or of so many bytes.
    Text(Option<usize>),
    /// The name of another object.
    Reference,
    /// Named fields.
    Row(Vec<(String, ValueKind)>),
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedValue {
    /// A whole number.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text, as its bytes stand in the file, without what fills it up.
    Text(Vec<u8>),
    /// What [`Objects::path_of`] takes.
    Reference(u64),
    /// The fields of a row.
    Row(Vec<TypedValue>),
}

impl Objects {
    /// Lists a file of this machine.
    ///
    /// # Errors
    /// When it cannot be opened, or its root group cannot be read.
    pub fn read(path: &Path) -> Result<Self, FormatError> {
        let failed = |message: String| FormatError::new(path, message);
        let opened = Hdf5File::open(path).map_err(failed)?;
        locked(|library| {
            let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
            plugins::prepare(library, 0);
            let mut walk = Walk { library, found: Self::default(), seen: HashMap::new() };
            // SAFETY: the lock is held and the handle is a file's.
            let root = unsafe { Handle::new(library, H5Gopen2(file.id(), c"/".as_ptr(), H5P_DEFAULT), H5Gclose) };
            let root = root.map_err(|message| not_hdf5(&message))?;
            if let Some((_, token)) = token_of(&root) {
                walk.note(token, "");
            }
            walk.group(&root, "", 0);
            Ok(walk.found)
        })
        .map_err(failed)
    }

    /// The path of what a reference names, with its leading slash; `None` where it names nothing.
    pub fn path_of(&self, reference: u64) -> Option<&str> {
        self.paths.get(&reference).map(String::as_str)
    }

    /// A text among the attributes of an object, by the path it has here.
    pub fn text_of(&self, path: &str, attribute: &str) -> Option<String> {
        let object = &self.all[*self.places.get(path.trim_start_matches('/'))?];
        let (_, value) = object.attributes.iter().find(|(name, _)| name == attribute)?;
        match value.as_ref().ok()?.values.as_slice() {
            [TypedValue::Text(text)] => String::from_utf8(text.clone()).ok(),
            _ => None,
        }
    }
}

struct Walk<'library> {
    library: &'library Library,
    found: Objects,
    /// Objects already listed: hard links give an object several names, and can form a ring.
    seen: HashMap<Token, String>,
}

impl Walk<'_> {
    fn note(&mut self, token: Token, path: &str) {
        let mut address = [0; 8];
        address.copy_from_slice(&token[..8]);
        self.found.paths.insert(u64::from_le_bytes(address), format!("/{path}"));
        self.seen.insert(token, path.to_owned());
    }

    fn cut(&mut self, why: String) {
        self.found.cut.get_or_insert(why);
    }

    fn push(&mut self, path: String, kind: ObjectKind, object: Option<&Handle<'_>>) {
        let attributes = object.map(|object| attributes_of(self.library, object)).unwrap_or_default();
        self.found.places.insert(path.clone(), self.found.all.len());
        self.found.all.push(Object { path, kind, attributes });
    }

    fn group(&mut self, group: &Handle<'_>, path: &str, depth: usize) {
        self.push(path.to_owned(), ObjectKind::Group, Some(group));
        for name in names_in(group, path, depth, |why| self.cut(why)) {
            if self.found.all.len() >= MAX_OBJECTS {
                self.cut(format!("it holds more than {MAX_OBJECTS} objects"));
                return;
            }
            let Ok(text) = name.to_str() else {
                self.cut(format!("a name in the group {path:?} is no text"));
                continue;
            };
            let text = if path.is_empty() { text.to_owned() } else { format!("{path}/{text}") };
            match link_at(group, &name) {
                Some(Link::Hard) => self.object(group, &name, text, depth),
                Some(Link::Soft(target)) => self.push(text, ObjectKind::Link(target), None),
                Some(Link::External { file, object }) => self.push(text, ObjectKind::Elsewhere(file, object), None),
                Some(Link::Other) | None => self.cut(format!("{text:?} is a link of an unknown kind")),
            }
        }
    }

    fn object(&mut self, group: &Handle<'_>, name: &CStr, path: String, depth: usize) {
        let (object, kind, token) = match object_at(self.library, group, name) {
            Ok(object) => object,
            Err(why) => return self.cut(format!("{path:?} is damaged: {why}")),
        };
        if let Some(first) = self.seen.get(&token) {
            let target = format!("/{first}");
            return self.push(path, ObjectKind::Link(target), None);
        }
        self.note(token, &path);
        match kind {
            H5O_type_t::H5O_TYPE_GROUP => self.group(&object, &path, depth + 1),
            H5O_type_t::H5O_TYPE_DATASET => {
                let kind = dataset(self.library, &object).unwrap_or_else(|why| ObjectKind::Values(Err(why)));
                self.push(path, kind, Some(&object));
            }
            // A named type describes nothing but itself.
            _ => {}
        }
    }
}

fn dataset(library: &Library, dataset: &Handle<'_>) -> Result<ObjectKind, String> {
    // SAFETY: the lock is held and the handle is a dataset's.
    unsafe {
        let creation = Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?;
        let is_virtual = H5Pget_layout(creation.id()) == H5D_layout_t::H5D_VIRTUAL;
        let space = match mappings::space_of(library, &creation) {
            Some(space) => space,
            None => Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)?,
        };
        let stored = Handle::new(library, H5Dget_type(dataset.id()), H5Tclose)?;
        let kind = Kind::of(library, &stored)?;
        let dims = dims_of(&space)?;
        if !dims.is_empty() && matches!(kind, Kind::Number { .. }) {
            return Ok(ObjectKind::Numbers(dims));
        }
        if is_virtual {
            return Err("is a virtual dataset of no numbers".into());
        }
        chunks::check(library, dataset, &space)?;
        let read = |buffer| H5Dread(dataset.id(), stored.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
        Ok(ObjectKind::Values(values(&kind, dims, &stored, &space, read)))
    }
}

fn attributes_of(library: &Library, object: &Handle<'_>) -> Vec<(String, Result<TypedValues, String>)> {
    const MAX_ATTRIBUTES: u64 = 10_000;
    let mut found = Vec::new();
    // SAFETY: the lock is held, the handle is an object's; zeros are a valid record, which is filled.
    let num = unsafe {
        let mut info = std::mem::zeroed::<H5O_info2_t>();
        let status = H5Oget_info3(object.id(), &raw mut info, H5O_INFO_NUM_ATTRS);
        if status < 0 { 0 } else { info.num_attrs.min(MAX_ATTRIBUTES) }
    };
    for i in 0..num {
        let (by, order) = (H5_index_t::H5_INDEX_NAME, H5_iter_order_t::H5_ITER_INC);
        // SAFETY: as above; the name is a literal, and the buffer of the name as long as the call is told.
        unsafe {
            let opened = H5Aopen_by_idx(object.id(), c".".as_ptr(), by, order, i, H5P_DEFAULT, H5P_DEFAULT);
            let Ok(attribute) = Handle::new(library, opened, H5Aclose) else { continue };
            if let Some(name) = text(|buffer: *mut c_char, len| H5Aget_name(attribute.id(), len, buffer)) {
                found.push((name, attribute_of(library, &attribute)));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn attribute_of(library: &Library, attribute: &Handle<'_>) -> Result<TypedValues, String> {
    // SAFETY: the lock is held and the handle is an attribute's.
    unsafe {
        let stored = Handle::new(library, H5Aget_type(attribute.id()), H5Tclose)?;
        let space = Handle::new(library, H5Aget_space(attribute.id()), H5Sclose)?;
        let kind = Kind::of(library, &stored)?;
        let read = |buffer| H5Aread(attribute.id(), stored.id(), buffer);
        values(&kind, dims_of(&space)?, &stored, &space, read)
    }
}

fn dims_of(space: &Handle<'_>) -> Result<Vec<u64>, String> {
    let mut dims = [0u64; MAX_AXES];
    // SAFETY: the lock is held with the handle, a dataspace's; `dims` has room for as many axes as there can be.
    unsafe {
        match H5Sget_simple_extent_type(space.id()) {
            H5S_class_t::H5S_SCALAR => return Ok(Vec::new()),
            H5S_class_t::H5S_SIMPLE => {}
            _ => return Err("holds nothing, not even a list of no length".into()),
        }
        let rank = usize::try_from(H5Sget_simple_extent_ndims(space.id())).map_err(|_| last_error())?;
        if rank > MAX_AXES || H5Sget_simple_extent_dims(space.id(), dims.as_mut_ptr(), std::ptr::null_mut()) < 0 {
            return Err(last_error());
        }
        Ok(dims[..rank].to_vec())
    }
}

/// Reads values as they are stored, and makes sense of their bytes.
fn values(
    kind: &Kind,
    dims: Vec<u64>,
    stored: &Handle<'_>,
    space: &Handle<'_>,
    read: impl FnOnce(*mut c_void) -> i32,
) -> Result<TypedValues, String> {
    // SAFETY: the handle is an open datatype's.
    let item = unsafe { H5Tget_size(stored.id()) };
    let num = dims.iter().try_fold(1usize, |num, &dim| num.checked_mul(usize::try_from(dim).ok()?));
    let num_bytes = num.and_then(|num| num.checked_mul(item.max(1))).filter(|&num_bytes| num_bytes <= MAX_BYTES);
    let num_bytes = num_bytes.ok_or_else(|| format!("takes more than {} MB in memory", MAX_BYTES >> 20))?;
    // In words of eight bytes, so that pointers in it are aligned.
    let mut words = vec![0u64; num_bytes.div_ceil(8)];
    if num_bytes > 0 && read(words.as_mut_ptr().cast()) < 0 {
        return Err(last_error());
    }
    let bytes: &[u8] = &bytemuck::cast_slice(&words)[..num_bytes];
    let found = bytes.chunks_exact(item.max(1)).map(|bytes| kind.value(bytes)).collect();
    // SAFETY: the lock is held; what the library has allocated goes back to it, once.
    unsafe { H5Treclaim(stored.id(), space.id(), H5P_DEFAULT, words.as_mut_ptr().cast()) };
    Ok(TypedValues { dims, kind: kind.told(), values: found })
}

/// How a value is stored.
enum Kind {
    Number {
        dtype: DType,
        is_big_endian: bool,
    },
    Varying,
    Fixed(usize),
    Reference,
    /// Name, first byte, size, type.
    Row(Vec<(String, usize, usize, Kind)>),
}

impl Kind {
    fn of(library: &Library, stored: &Handle<'_>) -> Result<Self, String> {
        const MAX_FIELDS: u32 = 1000;
        // SAFETY: the lock is held and the handle is an open datatype's; members asked for are below their number.
        unsafe {
            let id: hid_t = stored.id();
            match H5Tget_class(id) {
                H5T_class_t::H5T_STRING if H5Tis_variable_str(id) > 0 => Ok(Self::Varying),
                H5T_class_t::H5T_STRING => Ok(Self::Fixed(H5Tget_size(id))),
                H5T_class_t::H5T_REFERENCE if H5Tequal(id, *H5T_STD_REF_OBJ) > 0 => Ok(Self::Reference),
                H5T_class_t::H5T_REFERENCE => Err("holds references to parts of arrays".into()),
                H5T_class_t::H5T_COMPOUND => {
                    let num = u32::try_from(H5Tget_nmembers(id)).ok().filter(|&num| num <= MAX_FIELDS);
                    let mut fields = Vec::new();
                    for i in 0..num.ok_or("has more fields than are read")? {
                        let member = Handle::new(library, H5Tget_member_type(id, i), H5Tclose)?;
                        let (start, size) = (H5Tget_member_offset(id, i), H5Tget_size(member.id()));
                        fields.push((member_name(id, i), start, size, Self::of(library, &member)?));
                    }
                    Ok(Self::Row(fields))
                }
                _ => {
                    let number = StoredType::of(library, stored)?;
                    if number.has_odd_bits || number.dtype.num_bytes() != H5Tget_size(id) {
                        return Err("has numbers of fewer bits than their bytes".into());
                    }
                    Ok(Self::Number { dtype: number.dtype, is_big_endian: number.is_big_endian })
                }
            }
        }
    }

    fn told(&self) -> ValueKind {
        match self {
            Self::Number { dtype, .. } => ValueKind::Number(*dtype),
            Self::Varying => ValueKind::Text(None),
            Self::Fixed(len) => ValueKind::Text(Some(*len)),
            Self::Reference => ValueKind::Reference,
            Self::Row(fields) => {
                ValueKind::Row(fields.iter().map(|(name, _, _, kind)| (name.clone(), kind.told())).collect())
            }
        }
    }

    /// The value in bytes as the library gave them; texts of any length are still where its pointers lead.
    fn value(&self, bytes: &[u8]) -> TypedValue {
        match self {
            Self::Number { dtype, is_big_endian } => number(*dtype, *is_big_endian, bytes),
            Self::Varying => {
                let start: *const c_char =
                    usize::from_ne_bytes(bytes[..size_of::<usize>()].try_into().unwrap_or_default()) as *const c_char;
                if start.is_null() {
                    return TypedValue::Text(Vec::new());
                }
                // SAFETY: the library has put here a pointer to a text that ends with a zero byte, which is its own until
                // it is reclaimed.
                TypedValue::Text(unsafe { CStr::from_ptr(start) }.to_bytes().to_vec())
            }
            Self::Fixed(_) => {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                TypedValue::Text(bytes[..end].to_vec())
            }
            Self::Reference => TypedValue::Reference(u64::from_le_bytes(bytes.try_into().unwrap_or_default())),
            Self::Row(fields) => TypedValue::Row(
                fields.iter().map(|(_, start, size, kind)| kind.value(&bytes[*start..start + size])).collect(),
            ),
        }
    }
}

fn number(dtype: DType, is_big_endian: bool, bytes: &[u8]) -> TypedValue {
    let mut bytes = bytes.to_vec();
    if is_big_endian {
        bytes.reverse();
    }
    match dtype {
        DType::Bool => TypedValue::Bool(bytes[0] != 0),
        DType::U64 => TypedValue::Integer(bytemuck::pod_read_unaligned::<u64>(&bytes).into()),
        DType::I64 => TypedValue::Integer(bytemuck::pod_read_unaligned::<i64>(&bytes).into()),
        _ => {
            let value = dispatch_dtype!(dtype, V => bytemuck::pod_read_unaligned::<V>(&bytes).to_f64());
            if dtype.is_float() { TypedValue::Float(value) } else { TypedValue::Integer(value as i128) }
        }
    }
}
