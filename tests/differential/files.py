"""Random HDF5 files by h5py, in every layout, chunk index, file version, type and filter it writes."""

import h5py
import hdf5plugin
import numpy as np
from h5py import h5d, h5p

from recording import Recording, random_dtype, random_shape, random_values

VERSIONS = ["earliest", "latest", ("earliest", "v108"), ("v108", "v110"), ("v110", "latest"), ("v112", "v114")]


def random_filters(rng, dtype, may_fail):
    """Arguments of create_dataset, and whether the program reads what comes out."""
    plugin = hdf5plugin
    item = rng.integers(0, 13)
    if item == 0:
        return {"compression": "gzip", "compression_opts": int(rng.integers(0, 10))}, True
    if item == 1:
        return {"compression": "gzip", "shuffle": True, "fletcher32": bool(rng.integers(2))}, True
    if item == 2:
        return {"compression": "lzf", "shuffle": bool(rng.integers(2))}, True
    if item == 3:
        return {"fletcher32": True, "shuffle": bool(rng.integers(2))}, True
    if item == 4:
        cname = str(rng.choice(["blosclz", "lz4", "lz4hc", "zlib", "zstd"]))
        return dict(plugin.Blosc(cname=cname, clevel=int(rng.integers(1, 10)), shuffle=int(rng.integers(3)))), True
    if item == 5:
        cname = str(rng.choice(["blosclz", "lz4", "lz4hc", "zlib", "zstd"]))
        filters = int(rng.choice([plugin.Blosc2.NOFILTER, plugin.Blosc2.SHUFFLE, plugin.Blosc2.BITSHUFFLE, plugin.Blosc2.DELTA]))
        return dict(plugin.Blosc2(cname=cname, clevel=int(rng.integers(1, 10)), filters=filters)), True
    if item == 6:
        return dict(plugin.LZ4()), True
    if item == 7:
        return dict(plugin.Zstd(clevel=int(rng.integers(1, 10)))), True
    if item == 8:
        return dict(plugin.Bitshuffle(cname=str(rng.choice(["none", "lz4", "zstd"])))), True
    if item == 9:
        return dict(plugin.BZip2()), True
    if item == 10 and dtype.kind in "iu":
        return {"scaleoffset": 0}, True
    if item == 11 and dtype.kind == "f" and dtype.itemsize >= 4:
        if may_fail and rng.random() < 0.3:
            return dict(plugin.SZ3(absolute=0.1)), False
        return dict(plugin.Zfp(reversible=True)), True
    return {}, True


def random_chunking(rng, shape):
    """Chunks and the largest extents: limited, unlimited, or wider than needed."""
    chunks = [int(rng.integers(1, n + 1)) for n in shape]
    limits = []
    for axis, n in enumerate(shape):
        kind = rng.choice(["same", "none", "wider", "wide chunk"], p=[0.45, 0.35, 0.1, 0.1])
        if kind == "wide chunk":
            chunks[axis] = n + int(rng.integers(1, 4))
        limits.append({"same": n, "none": None, "wider": n + int(rng.integers(1, 7)), "wide chunk": chunks[axis]}[kind])
    return tuple(chunks), tuple(limits)


def random_creation(rng):
    creation = h5p.create(h5p.DATASET_CREATE)
    alloc = rng.choice(["default", "early", "late", "incremental"], p=[0.6, 0.15, 0.1, 0.15])
    if alloc != "default":
        kinds = {"early": h5d.ALLOC_TIME_EARLY, "late": h5d.ALLOC_TIME_LATE, "incremental": h5d.ALLOC_TIME_INCR}
        creation.set_alloc_time(kinds[alloc])
    return creation, alloc


def write_chunks(rng, dataset, values, alloc):
    """Writes some of the chunks; returns the voxels that none of them holds."""
    grid = [-(-n // chunk) for n, chunk in zip(dataset.shape, dataset.chunks)]
    missing = np.ones(dataset.shape, bool)
    share = rng.choice([0.2, 0.7, 0.95])
    for at in np.ndindex(*grid):
        if rng.random() < share:
            box = tuple(slice(i * chunk, min((i + 1) * chunk, n)) for i, chunk, n in zip(at, dataset.chunks, dataset.shape))
            dataset[box] = values[box]
            missing[box] = False
    # What was given its place with the array holds the fill value.
    if alloc == "early":
        missing[...] = False
    return missing


def add_dataset(rng, file, name, values, may_fail=True):
    """One array in a random layout; returns its voxels, those missing, and whether it is read. Unless it
    `may_fail`, all of it is there and in filters that are read."""
    shape, dtype = values.shape, values.dtype
    missing = np.zeros(shape, bool)
    creation, alloc = random_creation(rng)
    layout = rng.choice(["contiguous", "compact", "chunked"], p=[0.12, 0.08, 0.8])
    kind = dtype.newbyteorder(">") if dtype.itemsize > 1 and rng.random() < 0.1 else dtype
    if layout == "compact" and values.nbytes < 60000:
        creation.set_layout(h5d.COMPACT)
        creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        file.create_dataset(name, data=values, dtype=kind, dcpl=creation)
        return values, missing, True
    if layout == "contiguous":
        dataset = file.create_dataset(name, shape, kind, dcpl=creation)
        if may_fail and rng.random() < 0.1 and alloc != "early":
            return np.zeros(shape, dtype), ~missing, True
        dataset[...] = values
        return values, missing, True
    filters, is_read = random_filters(rng, dtype, may_fail)
    chunks, limits = random_chunking(rng, shape)
    fill = None if rng.random() < 0.7 or "scaleoffset" in filters else dtype.type(1)
    before = shape
    if rng.random() < 0.25:
        before = tuple(int(rng.integers(1, n + 4)) if limit is None else n for n, limit in zip(shape, limits))
    more = {"fillvalue": fill} if fill is not None else {}
    dataset = file.create_dataset(name, before, kind, chunks=chunks, maxshape=limits, dcpl=creation, **filters, **more)
    if before != shape:
        dataset[...] = values.flat[0]
        dataset.resize(shape)
        dataset[...] = values
    elif may_fail and rng.random() < 0.25 and alloc != "late" and "scaleoffset" not in filters:
        missing = write_chunks(rng, dataset, values, alloc)
        values = np.where(missing, values, dataset[...].astype(dtype))
    else:
        dataset[...] = values
    return values, missing, is_read


def decoys(rng, file):
    """What lies beside the image in such files."""
    if rng.random() < 0.3:
        file["notes"] = "a text"
        file["number"] = 3.5
    if rng.random() < 0.2:
        file["table"] = np.zeros(4, [("x", "f4"), ("y", "f4")])
        file["shifts"] = np.zeros(7)
    if rng.random() < 0.1:
        file["link"] = h5py.ExternalLink("elsewhere.h5", "/stack")
        file["soft"] = h5py.SoftLink("/nowhere")


def random_file(rng, folder):
    """A file of one image, perhaps among others."""
    path = folder / str(rng.choice(["image.h5", "0000.h5", "fish 1.hdf5", "größe.h5"]))
    name = str(rng.choice(["stack", "stack_4D", "data", "a/b/stack", "größe/stäck", "t0/channel0"]))
    version = VERSIONS[rng.integers(len(VERSIONS))]
    values = random_values(rng, random_shape(rng), random_dtype(rng))
    with h5py.File(path, "w", libver=version, userblock_size=int(rng.choice([0, 0, 0, 512, 2048]))) as file:
        decoys(rng, file)
        truth, missing, is_read = add_dataset(rng, file, name, values)
        note = describe(file[name], version)
    refused = None if is_read else "filter"
    return Recording(path, truth, missing, ["--dataset", name], refused, note)


def describe(dataset, version):
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    return f"{dataset.shape} {dataset.dtype} chunks {dataset.chunks} max {dataset.maxshape} filters {filters} {version}"
