//! Zarr arrays and OME-Zarr images, written by zarrs.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tectum::format::{FormatError, Growing, OpenOptions, Refresh, Source, open};
use tectum::volume::{DType, Grid, Region, Shape, copy_region};
use zarrs::array::{Array, ArrayBytes, ArrayMetadata};
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{ListableStorageTraits, ReadableStorageTraits};

use crate::suite::{State, Subject, Truth, contract};
use crate::writer::sample;

/// One array, or the finest of an image.
struct Stack {
    shape: &'static [usize],
    /// The stored objects.
    chunks: &'static [usize],
    dtype: DType,
    metadata: fn() -> Value,
    /// Objects that are left out.
    skip: fn(usize) -> bool,
    fill: u8,
    is_image: bool,
}

impl Stack {
    fn metadata(&self) -> Value {
        let mut metadata = (self.metadata)();
        metadata["shape"] = json!(self.shape);
        if metadata["zarr_format"] == 2 {
            metadata["chunks"] = json!(self.chunks);
        } else {
            metadata["node_type"] = json!("array");
            metadata["data_type"] = json!(self.dtype.name());
            metadata["chunk_grid"] = json!({"name": "regular", "configuration": {"chunk_shape": self.chunks}});
            metadata["chunk_key_encoding"] = json!({"name": "default"});
        }
        metadata["fill_value"] = json!(self.fill);
        metadata
    }

    /// Its extent when it is as long as this.
    fn long(&self, len: usize) -> Shape {
        let mut dims = self.shape.to_vec();
        dims[0] = len;
        Shape::new(&dims).unwrap()
    }

    /// Writes the array below a path of the folder, and returns its voxels.
    fn write_array(&self, folder: &Path, path: &str) -> Vec<u8> {
        self.write_long(folder, path, self.shape[0])
    }

    /// The same as long as it is after some time. What is as it was is not written once more.
    fn write_long(&self, folder: &Path, path: &str, len: usize) -> Vec<u8> {
        let shape = self.long(len);
        let whole = Region::whole(&shape);
        let num_bytes = shape.num_bytes(self.dtype).unwrap();
        let mut bytes = sample(self.shape, self.dtype)[..num_bytes].to_vec();
        let item = self.dtype.num_bytes();
        let fill: Vec<u8> = std::iter::once(self.fill).chain(std::iter::repeat(0)).take(item).collect();
        let store = Arc::new(MemoryStore::new());
        let mut metadata = self.metadata();
        metadata["shape"] = json!(shape.dims());
        let metadata: ArrayMetadata = serde_json::from_value(metadata).unwrap();
        let array = Array::new_with_metadata(Arc::clone(&store), "/", metadata).unwrap();
        array.store_metadata().unwrap();
        let grid = Grid::new(shape, Shape::new(self.chunks).unwrap()).unwrap();
        grid.each(&whole, |cell| {
            let at: Vec<u64> = cell.at[..shape.rank()].iter().map(|&i| i as u64).collect();
            let object = grid.whole_cell(&cell.at);
            let mut voxels = fill.repeat(object.shape().num_voxels().unwrap());
            match (self.skip)(cell.position as usize) {
                true => {
                    copy_region(&voxels, &object, &mut bytes, &whole, item);
                }
                false => {
                    copy_region(&bytes, &whole, &mut voxels, &object, item);
                    array.store_chunk(&at, ArrayBytes::new_flen(voxels)).unwrap();
                }
            }
        });
        for key in store.list().unwrap() {
            let file = folder.join(path).join(key.as_str());
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let content = store.get(&key).unwrap().unwrap();
            if std::fs::read(&file).ok().as_deref() != Some(&content[..]) {
                std::fs::write(file, content).unwrap();
            }
        }
        bytes
    }
}

fn as_source(growing: &Arc<dyn Growing>) -> Arc<dyn Source> {
    Arc::clone(growing) as Arc<dyn Source>
}

/// Metadata of an image of two resolutions.
fn image() -> Value {
    let axis = |name: &str| json!({"name": name, "type": if name == "t" { "time" } else { "space" }});
    let level = |path: &str, step: f64| json!({"path": path, "coordinateTransformations": [{"type": "scale", "scale": [1.0, 1.0, step, step]}]});
    let axes: Vec<Value> = ["t", "z", "y", "x"].into_iter().map(axis).collect();
    let multiscales = json!([{"axes": axes, "datasets": [level("0", 1.0), level("1", 2.0)]}]);
    json!({"zarr_format": 3, "node_type": "group",
        "attributes": {"ome": {"version": "0.5", "multiscales": multiscales}}})
}

impl Subject for Stack {
    fn write(&self, folder: &Path) -> Truth {
        let path = if self.is_image { "0" } else { "" };
        let bytes = self.write_array(folder, path);
        if self.is_image {
            std::fs::write(folder.join("zarr.json"), image().to_string()).unwrap();
            let coarse = Stack { shape: &[3, 4, 5, 6], skip: |_| true, ..*self };
            coarse.write_array(folder, "1");
        }
        Truth { dtype: self.dtype, shape: Shape::new(self.shape).unwrap(), bytes, missing: Vec::new() }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        open(folder, options).map(|opened| opened.source)
    }

    fn grow(&self, folder: &Path) -> Vec<State> {
        let path = if self.is_image { "0" } else { "" };
        let truth = |len: usize| {
            let bytes = self.write_long(folder, path, len);
            let shape = self.long(len);
            Truth { dtype: self.dtype, shape, bytes, missing: Vec::new() }
        };
        let first = truth(1);
        if self.is_image {
            std::fs::write(folder.join("zarr.json"), image().to_string()).unwrap();
        }
        let mut source = open(folder, &OpenOptions::default()).unwrap().growing.expect("it may grow");
        let mut states = vec![State { source: as_source(&source), truth: first, stale: Vec::new() }];
        for len in 2..=self.shape[0] {
            let truth = truth(len);
            let Refresh::Changed { source: longer, stale } = source.refresh(&[]).unwrap() else {
                panic!("it has grown")
            };
            source = longer;
            states.push(State { source: as_source(&source), truth, stale });
        }
        states
    }

    fn is_layout(&self, file: &Path) -> bool {
        // Without it there is no image, or one without this resolution.
        file.ends_with("1/zarr.json")
    }

    fn value_when_gone(&self, file: &Path) -> Option<Vec<u8>> {
        let is_object = !file.ends_with("zarr.json") && !file.ends_with(".zarray");
        is_object.then(|| std::iter::once(self.fill).chain(std::iter::repeat(0)).take(self.dtype.num_bytes()).collect())
    }
}

fn packed() -> Value {
    json!({"zarr_format": 3, "codecs": [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "blosc", "configuration": {
            "cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 2, "blocksize": 0}}]})
}

fn sharded() -> Value {
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    json!({"zarr_format": 3, "codecs": [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [1, 2, 4, 5],
        "codecs": [bytes, {"name": "zstd", "configuration": {"level": 1, "checksum": false}}],
        "index_codecs": [bytes, {"name": "crc32c"}], "index_location": "end"}}]})
}

fn transposed_big_endian() -> Value {
    json!({"zarr_format": 3, "codecs": [
        {"name": "transpose", "configuration": {"order": [2, 0, 1]}},
        {"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip", "configuration": {"level": 1}}]})
}

fn version_2() -> Value {
    json!({"zarr_format": 2, "dtype": ">i4", "compressor": null, "filters": null, "order": "F",
        "dimension_separator": "."})
}

const PACKED: Stack = Stack {
    shape: &[3, 4, 9, 11],
    chunks: &[1, 4, 5, 8],
    dtype: DType::U16,
    metadata: packed,
    skip: |_| false,
    fill: 0,
    is_image: false,
};
const SHARDED: Stack = Stack { chunks: &[2, 4, 8, 10], metadata: sharded, skip: |at| at == 1, fill: 9, ..PACKED };
const IMAGE: Stack = Stack { is_image: true, skip: |at| at % 5 == 2, ..PACKED };

contract!(zarr_packed, PACKED);
contract!(zarr_sharded, SHARDED);
contract!(zarr_image, IMAGE);
contract!(
    zarr_transposed_big_endian,
    Stack { shape: &[5, 6, 7], chunks: &[2, 6, 4], dtype: DType::F32, metadata: transposed_big_endian, ..PACKED }
);
contract!(zarr_2_in_column_order, Stack { dtype: DType::I32, metadata: version_2, fill: 3, ..PACKED });
