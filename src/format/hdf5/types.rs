//! Which types of voxels are read, and what the others are called.
#![allow(unsafe_code)]

use std::ffi::CStr;

use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::{
    H5T_class_t, H5T_norm_t, H5T_order_t, H5T_sign_t, H5Tclose, H5Tcopy, H5Tget_class, H5Tget_ebias, H5Tget_fields,
    H5Tget_member_name, H5Tget_member_type, H5Tget_member_value, H5Tget_nmembers, H5Tget_norm, H5Tget_offset,
    H5Tget_order, H5Tget_precision, H5Tget_sign, H5Tget_size, H5Tget_super, H5Tset_offset, H5Tset_order,
    H5Tset_precision,
};

use super::library::{Handle, Library, last_error};
use super::rows::normalize_bools;
use crate::codec::swap_bytes;
use crate::volume::DType;

/// How the reason ends why an array is not read though nothing is wrong with it.
pub(super) const UNSUPPORTED: &str = "is not supported";

/// How a voxel is stored.
pub(super) struct StoredType {
    pub dtype: DType,
    pub is_big_endian: bool,
    /// Fewer bits are used than its bytes have.
    pub has_odd_bits: bool,
    /// Values have names, which a copy of the type that is another in bits would lose.
    is_named: bool,
}

impl StoredType {
    /// What an open datatype is here, or why it is not supported.
    pub fn of(library: &Library, data_type: &Handle<'_>) -> Result<Self, String> {
        let unsupported = |what: &str| format!("type {what} {UNSUPPORTED}");
        // SAFETY: the lock is held and the handle is an open datatype's; the functions below only ask it.
        unsafe {
            let id = data_type.id();
            let (class, num_bytes, order) = (H5Tget_class(id), H5Tget_size(id), H5Tget_order(id));
            if class == H5T_class_t::H5T_ENUM && !is_h5py_bool(library, id)? {
                let base = Handle::new(library, H5Tget_super(id), H5Tclose)?;
                return Ok(Self { is_named: true, ..Self::of(library, &base)? });
            }
            let is_number = matches!(class, H5T_class_t::H5T_INTEGER | H5T_class_t::H5T_FLOAT);
            let (num_bits, first_bit) = (H5Tget_precision(id), H5Tget_offset(id));
            let last_bit = usize::try_from(first_bit).ok().and_then(|first| first.checked_add(num_bits));
            if is_number && (num_bits == 0 || last_bit.is_none_or(|last| last > num_bytes * 8)) {
                return Err(unsupported("number that claims more bits than it has"));
            }
            if is_number && num_bytes > 1 && !matches!(order, H5T_order_t::H5T_ORDER_LE | H5T_order_t::H5T_ORDER_BE) {
                return Err(unsupported("number in the byte order of a VAX"));
            }
            let dtype = match class {
                H5T_class_t::H5T_INTEGER => integer(num_bytes, H5Tget_sign(id) == H5T_sign_t::H5T_SGN_2)
                    .ok_or_else(|| unsupported(&format!("integer of {num_bytes} bytes")))?,
                H5T_class_t::H5T_FLOAT => float(id, num_bytes).map_err(|name| unsupported(&name))?,
                // PyTables stores numpy's bool so; any other 8 bits read as "is not zero".
                H5T_class_t::H5T_BITFIELD if num_bytes == 1 => DType::Bool,
                H5T_class_t::H5T_ENUM => DType::Bool,
                _ => return Err(unsupported(&name_of(library, id))),
            };
            let is_big_endian = num_bytes > 1 && order == H5T_order_t::H5T_ORDER_BE;
            let has_odd_bits = dtype != DType::Bool && (num_bits != num_bytes * 8 || first_bit != 0);
            Ok(Self { dtype, is_big_endian, has_odd_bits, is_named: false })
        }
    }

    /// The type that the library is to give values in: the stored one, with all of its bits and the least
    /// significant byte first. A value takes as many bytes as one of `dtype`.
    pub fn memory_type<'l>(&self, library: &'l Library, data_type: &Handle<'_>) -> Result<Handle<'l>, String> {
        // SAFETY: the lock is held and every handle is an open datatype's.
        unsafe {
            let wanted = Handle::new(library, H5Tcopy(data_type.id()), H5Tclose)?;
            if self.is_named {
                // Its names hold it as it is; see `finish`.
                return Ok(wanted);
            }
            // In this order: an offset set first would widen a type that claims more bits than it has.
            let is_widened = !self.has_odd_bits
                || (H5Tset_precision(wanted.id(), self.dtype.num_bytes() * 8) >= 0
                    && H5Tset_offset(wanted.id(), 0) >= 0);
            let is_ordered = !self.is_big_endian || H5Tset_order(wanted.id(), H5T_order_t::H5T_ORDER_LE) >= 0;
            if !is_widened || !is_ordered {
                return Err(last_error());
            }
            if H5Tget_size(wanted.id()) != self.dtype.num_bytes() {
                return Err("its values have an unusual width".into());
            }
            Ok(wanted)
        }
    }

    /// What is left to do to values that the library gave in that type.
    pub fn finish(&self, values: &mut [u8]) {
        if self.is_named && self.is_big_endian {
            swap_bytes(self.dtype.num_bytes(), values);
        }
        if self.dtype == DType::Bool {
            normalize_bools(values);
        }
    }
}

fn integer(num_bytes: usize, is_signed: bool) -> Option<DType> {
    Some(match (num_bytes, is_signed) {
        (1, false) => DType::U8,
        (1, true) => DType::I8,
        (2, false) => DType::U16,
        (2, true) => DType::I16,
        (4, false) => DType::U32,
        (4, true) => DType::I32,
        (8, false) => DType::U64,
        (8, true) => DType::I64,
        _ => return None,
    })
}

/// The IEEE type that a float type is, bit for bit; else its name. One that differs in its bias alone has
/// other values in the same bits.
unsafe fn float(id: hid_t, num_bytes: usize) -> Result<DType, String> {
    let mut fields = [0; 5];
    let [sign, exponent, exponent_bits, mantissa, mantissa_bits] = &mut fields;
    // SAFETY: the caller gives an open float type; every pointer is to a live number.
    let (status, bias, is_implied) = unsafe {
        let status = H5Tget_fields(id, sign, exponent, exponent_bits, mantissa, mantissa_bits);
        (status, H5Tget_ebias(id), H5Tget_norm(id) == H5T_norm_t::H5T_NORM_IMPLIED)
    };
    match (num_bytes, fields, bias) {
        _ if status < 0 => Err(format!("float of {num_bytes} bytes")),
        (2, [15, 10, 5, 0, 10], 15) if is_implied => Ok(DType::F16),
        (4, [31, 23, 8, 0, 23], 127) if is_implied => Ok(DType::F32),
        (8, [63, 52, 11, 0, 52], 1023) if is_implied => Ok(DType::F64),
        (2, [15, 7, 8, 0, 7], 127) => Err("bfloat16".into()),
        (_, [_, _, exponent, _, mantissa], _) => Err(format!(
            "float of {num_bytes} bytes with {exponent} bits of exponent (bias {bias}) and {mantissa} of mantissa"
        )),
    }
}

/// Whether an enumeration is the one h5py stores bool as: FALSE (0) and TRUE (1) over 8-bit integers.
unsafe fn is_h5py_bool(library: &Library, id: hid_t) -> Result<bool, String> {
    // SAFETY: the caller gives an open enumeration type; the value of a member is asked for where it takes one byte.
    unsafe {
        let base = Handle::new(library, H5Tget_super(id), H5Tclose)?;
        if H5Tget_class(base.id()) != H5T_class_t::H5T_INTEGER || H5Tget_size(id) != 1 || H5Tget_nmembers(id) != 2 {
            return Ok(false);
        }
        let members = [0, 1].map(|member| {
            let mut value = u8::MAX;
            let status = H5Tget_member_value(id, member, (&raw mut value).cast());
            (member_name(id, member).to_ascii_uppercase(), (status >= 0).then_some(value))
        });
        let has = |name: &str, value| members.contains(&(name.to_owned(), Some(value)));
        Ok(has("FALSE", 0) && has("TRUE", 1))
    }
}

/// Name of a member of a compound or enumeration, empty if it has none.
pub(super) unsafe fn member_name(id: hid_t, member: u32) -> String {
    // SAFETY: the caller gives an open type with members; names returned are the library's to free.
    unsafe {
        let name = H5Tget_member_name(id, member);
        if name.is_null() {
            return String::new();
        }
        let copy = CStr::from_ptr(name).to_string_lossy().into_owned();
        hdf5_sys::h5::H5free_memory(name.cast());
        copy
    }
}

/// What a type that is not read is called.
unsafe fn name_of(library: &Library, id: hid_t) -> String {
    // SAFETY: the caller gives an open type.
    match unsafe { H5Tget_class(id) } {
        // SAFETY: as above; the type has members.
        H5T_class_t::H5T_COMPOUND => unsafe { compound(library, id) },
        H5T_class_t::H5T_COMPLEX => "complex".into(),
        H5T_class_t::H5T_BITFIELD => "bit field".into(),
        H5T_class_t::H5T_STRING => "text".into(),
        H5T_class_t::H5T_REFERENCE => "reference".into(),
        H5T_class_t::H5T_VLEN => "list of varying length".into(),
        H5T_class_t::H5T_ARRAY => "array (in each voxel)".into(),
        H5T_class_t::H5T_TIME => "time".into(),
        H5T_class_t::H5T_OPAQUE => "opaque bytes".into(),
        _ => "of an unknown class".into(),
    }
}

/// A compound by its fields; the two that numpy's complex numbers are stored as are those.
unsafe fn compound(library: &Library, id: hid_t) -> String {
    const MAX_NAMES: i32 = 6;
    // SAFETY: the caller gives an open compound type; members asked for are below their number.
    unsafe {
        let num_members = H5Tget_nmembers(id).max(0);
        let is_float = |member: i32| {
            Handle::new(library, H5Tget_member_type(id, member as u32), H5Tclose)
                .is_ok_and(|member| H5Tget_class(member.id()) == H5T_class_t::H5T_FLOAT)
        };
        let mut names: Vec<_> = (0..num_members.min(MAX_NAMES)).map(|i| member_name(id, i as u32)).collect();
        if names == ["r", "i"] && is_float(0) && is_float(1) {
            return "complex".into();
        }
        if num_members > MAX_NAMES {
            names.push("…".into());
        }
        format!("compound (fields {})", names.join(", "))
    }
}
