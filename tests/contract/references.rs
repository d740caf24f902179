//! Reference files over raw bytes and coded chunks: as JSON, and in a folder of blobs.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tectum::format::{FormatError, OpenOptions, Source, open};
use tectum::volume::{DType, Region, Shape};

use crate::common::indices;
use crate::suite::{Subject, Truth, contract};
use crate::writer::sample;

/// An array whose chunks lie one behind the other in files beside the reference file, or in it.
struct References {
    shape: [usize; 4],
    chunk: [usize; 4],
    dtype: DType,
    is_packed: bool,
    /// Files that chunks are spread over; none: they stand in the reference file.
    num_files: usize,
    is_folder: bool,
}

impl References {
    fn chunk_bytes(&self, at: &[usize], bytes: &[u8]) -> Vec<u8> {
        let item = self.dtype.num_bytes();
        let start: Vec<usize> = at.iter().zip(self.chunk).map(|(at, len)| at * len).collect();
        let stop: Vec<usize> = start.iter().zip(self.chunk).map(|(start, len)| start + len).collect();
        let whole = Region::whole(&Shape::from(self.shape));
        let chunk = Region::new(&start, &stop).unwrap();
        let mut plain = vec![0; self.chunk.iter().product::<usize>() * item];
        tectum::volume::copy_region(bytes, &whole, &mut plain, &chunk, item);
        if !self.is_packed {
            return plain;
        }
        zstd::bulk::compress(&plain, 3).unwrap()
    }
}

impl Subject for References {
    fn write(&self, folder: &Path) -> Truth {
        let bytes = sample(&self.shape, self.dtype);
        let filters = if self.is_packed { json!([{"id": "zstd"}]) } else { json!(null) };
        let array = json!({"shape": self.shape, "chunks": self.chunk, "dtype": self.dtype.npy_descr(), "order": "C",
            "fill_value": 7, "compressor": null, "filters": filters, "zarr_format": 2});
        let mut refs = serde_json::Map::new();
        refs.insert(".zgroup".to_owned(), json!({"zarr_format": 2}));
        refs.insert("stack/.zarray".to_owned(), array);
        let mut files = vec![Vec::new(); self.num_files];
        let counts: Vec<usize> = self.shape.iter().zip(self.chunk).map(|(dim, len)| dim.div_ceil(len)).collect();
        for (i, at) in indices(&counts).enumerate() {
            let stored = self.chunk_bytes(&at, &bytes);
            let key = format!("stack/{}", at.iter().map(usize::to_string).collect::<Vec<_>>().join("."));
            let entry = match self.num_files {
                0 => {
                    use base64::Engine;
                    json!(format!("base64:{}", base64::engine::general_purpose::STANDARD.encode(&stored)))
                }
                num => {
                    let file = &mut files[i % num];
                    file.extend_from_slice(b"between");
                    let offset = file.len();
                    file.extend_from_slice(&stored);
                    let name =
                        if self.is_folder { format!("./blobs/{}", i % num) } else { format!("{{{{u}}}}{}", i % num) };
                    json!([name, offset, stored.len()])
                }
            };
            refs.insert(key, entry);
        }
        let document = json!({"version": 1, "templates": {"u": "data."}, "refs": refs}).to_string();
        let place = if self.is_folder { folder.join("fish.lindi.d/blobs") } else { folder.to_owned() };
        std::fs::create_dir_all(&place).unwrap();
        for (i, file) in files.iter().enumerate() {
            std::fs::write(place.join(if self.is_folder { i.to_string() } else { format!("data.{i}") }), file).unwrap();
        }
        std::fs::write(folder.join(self.name()), document).unwrap();
        Truth { dtype: self.dtype, shape: Shape::from(self.shape), bytes, missing: Vec::new() }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        let name = if self.is_folder { "fish.lindi.d" } else { "fish.lindi.json" };
        open(folder.join(name), options).map(|opened| opened.source)
    }
}

impl References {
    fn name(&self) -> &'static str {
        if self.is_folder { "fish.lindi.d/lindi.json" } else { "fish.lindi.json" }
    }
}

fn raw() -> References {
    let (shape, chunk) = ([5, 4, 13, 11], [2, 3, 5, 11]);
    References { shape, chunk, dtype: DType::U16, is_packed: false, num_files: 2, is_folder: false }
}

/// So large that a chunk is read in parts.
fn raw_in_parts() -> References {
    let (shape, chunk) = ([3, 2, 600, 401], [3, 2, 600, 401]);
    References { shape, chunk, dtype: DType::F32, is_packed: false, num_files: 1, is_folder: false }
}

fn packed() -> References {
    References { is_packed: true, num_files: 3, ..raw() }
}

fn inline() -> References {
    References { is_packed: true, num_files: 0, ..raw() }
}

fn in_a_folder() -> References {
    References { is_folder: true, dtype: DType::I32, ..raw() }
}

/// An NWB file, as pynwb writes it.
struct Nwb;

impl Subject for Nwb {
    fn write(&self, folder: &Path) -> Truth {
        let file = folder.join("ophys.nwb");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/nwb/ophys.nwb");
        std::fs::copy(fixture, &file).unwrap();
        let source = self.open(folder, &OpenOptions::default()).unwrap();
        let whole = crate::common::read_whole(source.as_ref());
        let info = source.info();
        Truth { dtype: info.dtype, shape: info.shape, bytes: whole.bytes, missing: Vec::new() }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        let options = OpenOptions { dataset: Some("acquisition/TwoPhotonVolume".to_owned()), ..options.clone() };
        open(folder.join("ophys.nwb"), &options).map(|opened| opened.source)
    }
}

contract!(references_raw, raw());
contract!(references_raw_in_parts, raw_in_parts());
contract!(references_packed, packed());
contract!(references_inline, inline());
contract!(references_in_a_folder, in_a_folder());
contract!(nwb_volume, Nwb);
