//! The arrays that an expression names: .npy files, and whatever else can be opened.

use std::path::Path;
use std::sync::Arc;

use crate::format::memory::MemorySource;
use crate::format::{FormatError, FormatErrorCode, NpyHeader, OpenOptions, Source, open};
use crate::volume::{DType, Location};

/// Larger .npy files are not taken into memory.
const MAX_BYTES: u64 = 1 << 32;

/// Opens an array by the name it has in an expression: a .npy file, or the location of a recording, with the name of
/// one of its datasets after `#`.
///
/// # Errors
/// As [`open()`], and where a .npy file is none or too large.
pub fn open_operand(name: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
    let (path, dataset) = split(name);
    let location = Location::parse(path);
    if dataset.is_none() && Path::new(path).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("npy")) {
        let too_large = |num: u64| {
            FormatError::new(location.clone(), format!("{num} bytes, and {MAX_BYTES} are the most of a .npy file here"))
        };
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                FormatError::new(location.clone(), "no such file or folder").with_code(FormatErrorCode::NotFound)
            }
            _ => FormatError::new(location.clone(), error.to_string()),
        };
        let num_bytes = std::fs::metadata(path).map_err(failed)?.len();
        if num_bytes > MAX_BYTES {
            return Err(too_large(num_bytes));
        }
        return read_npy(&std::fs::read(path).map_err(failed)?, location);
    }
    let options =
        OpenOptions { dataset: dataset.map(str::to_owned), axes: None, level: None, prefix: None, ..options.clone() };
    open(&location, &options).map(|opened| opened.source)
}

/// A location, and the name of one of its datasets.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('#') {
        Some((path, dataset)) if !path.is_empty() && !Path::new(name).exists() => (path, Some(dataset)),
        _ => (name, None),
    }
}

/// The name under which [`open_operand`] finds the same array whichever folder the program is started in.
pub fn absolute_operand(name: &str) -> String {
    let (path, dataset) = split(name);
    let absolute = Location::parse(path).path().and_then(|path| std::path::absolute(path).ok());
    match (absolute.as_deref().and_then(Path::to_str), dataset) {
        (Some(path), Some(dataset)) => format!("{path}#{dataset}"),
        (Some(path), None) => path.to_owned(),
        (None, _) => name.to_owned(),
    }
}

/// The array of a .npy file (versions 1 to 3) of numbers in any byte order; in Fortran order its axes are turned round.
///
/// # Errors
/// Where it is no such file, or ends early.
pub fn read_npy(bytes: &[u8], location: impl Into<Location>) -> Result<Arc<dyn Source>, FormatError> {
    let location = location.into();
    let bad = |what: &str| FormatError::new(location.clone(), format!("no .npy file of numbers: {what}"));
    let NpyHeader { dtype, is_big_endian, is_fortran, shape, num_bytes: start } =
        NpyHeader::parse(bytes).map_err(|what| bad(&what))?;
    let mut dims = shape.dims().to_vec();
    let values = &bytes[start..];
    let num_bytes = shape.num_bytes(dtype).filter(|&num| num <= values.len()).ok_or_else(|| bad("it ends early"))?;
    let mut values = values[..num_bytes].to_vec();
    if is_big_endian {
        values.chunks_exact_mut(dtype.num_bytes()).for_each(<[u8]>::reverse);
    }
    if is_fortran {
        let mut turned = vec![0; values.len()];
        dims.reverse();
        crate::volume::reverse_axes(&values, &dims, &mut turned, dtype.num_bytes());
        dims.reverse();
        values = turned;
    }
    if dtype == DType::Bool {
        values.iter_mut().for_each(|value| *value = u8::from(*value != 0));
    }
    let grid: Vec<usize> = dims.iter().map(|dim| (*dim).max(1)).collect();
    let axes: String = dims.iter().map(|_| '_').collect();
    let source = MemorySource::new(dtype, shape, &axes, &grid, values).ok_or_else(|| bad("its shape does not fit"))?;
    Ok(Arc::new(source.with_info(|info| {
        (info.name, info.format) = (location.to_string(), "NumPy array".to_owned());
        info.location = location.clone();
    })))
}
