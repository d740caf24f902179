"""Write the recording of a split dataset in every other format that holds the same chunks, and three that are large
by their numbers: for benches/sources.rs.

usage: make.py SPLIT OUT      SPLIT: a folder of blocks under one chunk shape, as benches/peers/make_big.py writes it
"""
import json
import sys
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the filters)
import numpy as np
import tifffile
import zarr
from zarr.codecs import BloscCodec

KEY = "stack_4D"


def blocks_of(split):
    return sorted(path for path in split.iterdir() if path.suffix == ".h5")


def plain(blocks, out):
    """One HDF5 file with the stored bytes of the blocks, and the places of its chunks."""
    first = h5py.File(blocks[0])[KEY]
    lengths = [h5py.File(block)[KEY].shape[0] for block in blocks]
    with h5py.File(out, "w", libver=("earliest", "v114")) as file:
        creation = first.id.get_create_plist().copy()
        space = h5py.h5s.create_simple((sum(lengths),) + first.shape[1:])
        h5py.h5d.create(file.id, b"data", first.id.get_type(), space, creation)
        data, start = file["data"], 0
        for block, length in zip(blocks, lengths):
            source = h5py.File(block)[KEY]
            for i in range(source.id.get_num_chunks()):
                info = source.id.get_chunk_info(i)
                mask, raw = source.id.read_direct_chunk(info.chunk_offset)
                at = (info.chunk_offset[0] + start,) + tuple(info.chunk_offset[1:])
                data.id.write_direct_chunk(at, raw, mask)
            start += length
        places = [data.id.get_chunk_info(i) for i in range(data.id.get_num_chunks())]
        return data.shape, data.chunks, data.dtype, places


def virtual(blocks, out):
    lengths = [h5py.File(block)[KEY].shape[0] for block in blocks]
    first = h5py.File(blocks[0])[KEY]
    layout = h5py.VirtualLayout((sum(lengths),) + first.shape[1:], first.dtype)
    start = 0
    for block, length in zip(blocks, lengths):
        layout[start : start + length] = h5py.VirtualSource(str(block.resolve()), KEY, (length,) + first.shape[1:])
        start += length
    with h5py.File(out, "w", libver=("earliest", "v114")) as file:
        file.create_virtual_dataset("data", layout)


def lindi(shape, chunks, dtype, places, out):
    array = dict(zarr_format=2, shape=shape, chunks=chunks, dtype=dtype.str, order="C", fill_value=0, compressor=None,
                 filters=[dict(id="blosc", cname="lz4", clevel=5, shuffle=1, blocksize=0)])
    refs = {".zgroup": {"zarr_format": 2}, ".zattrs": {}, "data/.zarray": array, "data/.zattrs": {}}
    for place in places:
        key = ".".join(str(start // size) for start, size in zip(place.chunk_offset, chunks))
        refs[f"data/{key}"] = ["./plain.h5", place.byte_offset, place.size]
    out.write_text(json.dumps({"refs": refs, "version": 1}))


def ome(data, out, chunks, shards=None):
    group = zarr.open_group(out, mode="w", zarr_format=3)
    array = group.create_array("0", shape=data.shape, dtype=data.dtype, chunks=chunks, shards=shards,
                               compressors=BloscCodec(cname="lz4", clevel=5, shuffle="shuffle"))
    step = (shards or chunks)[0]
    for t in range(0, data.shape[0], step):
        array[t : t + step] = data[t : t + step]
    group.attrs["ome"] = ome_attributes(["0"], [1])


def ome_attributes(names, factors):
    axes = [dict(name="t", type="time", unit="second")]
    axes += [dict(name=name, type="space", unit="micrometer") for name in "zyx"]
    scales = [[0.5, 8.0, 0.6 * factor, 0.6 * factor] for factor in factors]
    datasets = [dict(path=name, coordinateTransformations=[dict(type="scale", scale=scale)])
                for name, scale in zip(names, scales)]
    return {"version": "0.5", "multiscales": [dict(name="bench", axes=axes, datasets=datasets)]}


def tiff(data, out):
    with tifffile.TiffWriter(out, bigtiff=True) as file:
        for volume in data:
            file.write(volume, photometric="minisblack", contiguous=False, metadata=dict(axes="ZYX"))


def many_chunks(out):
    """100,000 chunks of 4 × 16 × 16."""
    with h5py.File(out, "w", libver=("earliest", "v114")) as file:
        data = file.create_dataset("data", (100_000, 4, 16, 16), "u2", chunks=(1, 4, 16, 16))
        volume = np.arange(4 * 16 * 16, dtype="u2").reshape(4, 16, 16)
        for t in range(100_000):
            data.id.write_direct_chunk((t, 0, 0, 0), (volume + t % 1000).tobytes())


def many_pages(out):
    """100,000 pages of 16 × 16."""
    page = np.arange(256, dtype="u2").reshape(16, 16)
    with tifffile.TiffWriter(out, bigtiff=True) as file:
        for i in range(100_000):
            file.write(page + i % 1000, photometric="minisblack", contiguous=False, metadata=None)


def pyramid(out):
    """40,000 × 40,000 × 50 with the chunks along a diagonal written, the others left out: they are zero."""
    group = zarr.open_group(out, mode="w", zarr_format=3)
    names, factors = [], []
    for level, factor in enumerate([1, 2, 4, 8, 16, 32]):
        side = 40_000 // factor
        array = group.create_array(str(level), shape=(1, 50, side, side), dtype="u2", chunks=(1, 1, 512, 512),
                                   compressors=BloscCodec(cname="lz4", clevel=5, shuffle="shuffle"))
        ramp = np.add.outer(np.arange(512, dtype="u2"), np.arange(512, dtype="u2"))
        for z in (0, 24, 25, 26, 49):
            for at in range(0, side - 511, 512):
                for other in range(max(0, at - 1024), min(side - 511, at + 1025), 512):
                    array[0, z, at : at + 512, other : other + 512] = ramp + at // 512
        names.append(str(level))
        factors.append(factor)
    group.attrs["ome"] = ome_attributes(names, factors)


def main(split, out):
    split, out = Path(split), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    blocks = blocks_of(split)
    shape, chunks, dtype, places = plain(blocks, out / "plain.h5")
    virtual(blocks, out / "virtual.h5")
    lindi(shape, chunks, dtype, places, out / "refs.lindi.json")
    data = h5py.File(out / "plain.h5")["data"]
    per_block = h5py.File(blocks[0])[KEY].shape[0]
    ome(data, out / "unsharded.zarr", chunks)
    ome(data, out / "sharded.zarr", chunks, (per_block * chunks[0],) + tuple(data.shape[1:]))
    tiff(data, out / "uncompressed.tif")
    many_chunks(out / "many_chunks.h5")
    many_pages(out / "many_pages.tif")
    pyramid(out / "pyramid.zarr")


if __name__ == "__main__":
    main(*sys.argv[1:3])
