"""Random split folders as their writers leave them: split_dataset itself, the microscopes' programs
(which save block after block with flammkuchen), scripts that use h5py, and what happens to such folders."""

import json
import os
import shutil
import time
import warnings

import flammkuchen as fl
import h5py
import numpy as np
from split_dataset import EmptySplitDataset, SplitDataset, save_to_split_dataset

from files import VERSIONS, add_dataset
from recording import Recording, random_dtype, random_shape, random_values, whole

CODECS = ["blosc"] * 4 + ["blosc:lz4", "blosc:zstd", "blosc2", "blosc2:zstd", "zlib", "lzo", "bzip2", None]


def settle(rng, folder):
    """A folder at rest: its files are old, in the order they were written, or as a copy left them."""
    now = time.time() - 3600 * 24 * float(rng.integers(1, 300))
    order = rng.choice(["written", "copied", "reversed", "same"])
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for i, path in enumerate(paths):
        offset = {"written": 10.0 * i, "copied": float(rng.uniform(0, 60)), "reversed": -10.0 * i, "same": 0.0}[order]
        os.utime(path, (now + offset, now + offset))
    return order


def saved(rng, folder):
    """By save_to_split_dataset or EmptySplitDataset: any axis may be split."""
    rank = int(rng.choice([2, 3, 4, 4, 4]))
    values = random_values(rng, random_shape(rng, rank), random_dtype(rng))
    block = [int(rng.integers(-(-n // 3), n + 1)) if rng.random() < 0.6 else n for n in values.shape]
    codec = CODECS[rng.integers(len(CODECS))]
    if rng.random() < 0.7:
        save_to_split_dataset(values, folder, block_size=tuple(block), prefix="exp", compression=codec)
    else:
        dataset = EmptySplitDataset(folder, "exp", values.shape, tuple(block), resolution=(1, 2.5, 0.5, 0.5)[-rank:])
        for i, (_, box) in enumerate(dataset.slices()):
            dataset.save_block_data(i, values[box])
        dataset.finalize()
    root = folder / "exp"
    assert np.array_equal(SplitDataset(root)[tuple([None] * rank)], values, equal_nan=values.dtype.kind == "f")
    order = settle(rng, root)
    return whole(root, values, note=f"save_to_split_dataset {values.shape} {values.dtype} blocks {block} {codec} {order}")


def write_block(rng, path, values, writer):
    if writer == "h5py":
        version = VERSIONS[rng.integers(len(VERSIONS))]
        with h5py.File(path, "w", libver=version) as file:
            add_dataset(rng, file, f"stack_{values.ndim}D", values, may_fail=False)
    else:
        codec = CODECS[rng.integers(len(CODECS))]
        fl.save(str(path), {f"stack_{values.ndim}D": values}, compression=codec)


def names_of(rng, count):
    """Names of blocks and what to tell the program of them."""
    style = rng.choice(["plain", "plain", "plain", "three digits", "from one", "prefix"])
    if style == "three digits":
        return style, [f"{i:03d}.h5" for i in range(count)], []
    if style == "from one":
        return style, [f"{i:04d}.h5" for i in range(1, count + 1)], []
    if style == "prefix":
        return style, [f"fish1_{i:04d}.h5" for i in range(count)], ["--prefix", "fish1"] if rng.random() < 0.5 else []
    return style, [f"{i:04d}.h5" for i in range(count)], []


def claim(rng, metadata, rank):
    """Metadata as the different programs write them."""
    writer = rng.choice(["split_dataset", "sashimi 2020", "sashimi 2024", "brunoise", "julia"])
    if writer != "julia":
        metadata["padding"] = [0] * rank
    if writer == "sashimi 2024":
        metadata["crop"] = [0, 0, 2048, 2048]
    elif writer != "julia":
        metadata.update(crop_start=[0] * rank, crop_end=[0] * rank)
    if writer.startswith("sashimi"):
        metadata["voxel_size"] = [5.0, 0.6, 0.6]
    if writer == "split_dataset":
        metadata.update(resolution=[1] * rank, axis_order="tzyx" if rank == 4 else "zyx")
    return metadata


def rig(rng, folder):
    """Block after block along time: stopped early, longer than claimed, without metadata, copied."""
    rank = int(rng.choice([3, 4, 4, 4]))
    shape = random_shape(rng, rank)
    shape = (int(rng.integers(2, 13)), *shape[1:-1], max(shape[-1], 2))
    values = random_values(rng, shape, random_dtype(rng))
    length = int(rng.integers(1, shape[0] + 1))
    starts = list(range(0, shape[0], length))
    style, names, options = names_of(rng, len(starts))
    root = folder / "original"
    root.mkdir()
    writer = rng.choice(["flammkuchen", "h5py"], p=[0.75, 0.25])
    for name, start in zip(names, starts):
        write_block(rng, root / name, values[start : start + length], writer)
    said = rng.choice(["right", "more", "fewer", "none"], p=[0.4, 0.2, 0.15, 0.25])
    if style == "from one" and said in ("more", "fewer"):
        # Nobody could tell whether block 0 was lost.
        said = "right"
    if rank == 4 and shape[1] == 1 and shape[0] % length == 0 and values.dtype not in ("u1", "u2") and said != "more":
        # Such blocks are as likely planes, each with all of its time: only right metadata tell.
        said = "right"
    full = shape[0] + {"right": 0, "more": int(rng.integers(1, 9)), "fewer": -int(rng.integers(1, shape[0])), "none": 0}[said]
    if said != "none":
        metadata = claim(rng, {"shape_full": [full, *shape[1:]], "shape_block": [length, *shape[1:]]}, rank)
        prefix = "fish1_" if style == "prefix" and rng.random() < 0.5 else ""
        (root / f"{prefix}stack_metadata.json").write_text(json.dumps(metadata))
    note = f"rig {shape} {values.dtype} blocks of {length}, {style}, metadata {said} ({full}), {writer}"
    recording = whole(root, values, options=options, note=note)
    if len(starts) > 2 and said in ("right", "none") and rng.random() < 0.4:
        damage(rng, recording, [root / name for name in names], starts, length)
    recording.note += f", {settle(rng, root)}"
    if rng.random() < 0.2:
        recording.path = rng.choice([folder, root / names[0]]) if not options else root
    return recording


def damage(rng, recording, paths, starts, length):
    """A block between others is gone, or is no longer a block."""
    which = int(rng.integers(1, len(paths) - 1))
    how = rng.choice(["gone", "empty", "text", "cut"])
    path, box = paths[which], slice(starts[which], starts[which] + length)
    if how == "gone":
        path.unlink()
    else:
        content = {"empty": b"", "text": b"not a block\n" * 20, "cut": path.read_bytes()[:90]}[how]
        path.write_bytes(content)
    recording.missing[box] = True
    recording.note += f", block {which} {how}"


def planes(rng, folder):
    """Plane after plane, all of time in each file, as a two-photon microscope records."""
    shape = (int(rng.integers(1, 9)), int(rng.integers(1, 6)), int(rng.integers(2, 12)), int(rng.integers(2, 12)))
    values = random_values(rng, shape, np.dtype(rng.choice(["i2", "i2", "f4", "u2"])))
    root = folder / "original"
    root.mkdir()
    for z in range(shape[1]):
        fl.save(str(root / f"{z:04d}.h5"), {"stack_4D": values[:, z : z + 1]}, compression="blosc")
    zeros = [0] * 4
    metadata = {"shape_full": shape, "shape_block": [shape[0], 1, *shape[2:]], "crop_start": zeros, "crop_end": zeros}
    (root / "stack_metadata.json").write_text(json.dumps({**metadata, "padding": zeros}))
    recording = whole(root, values, note=f"planes {shape} {values.dtype}")
    if shape[1] > 2 and rng.random() < 0.3:
        z = int(rng.integers(1, shape[1] - 1))
        (root / f"{z:04d}.h5").unlink()
        recording.missing[:, z] = True
        recording.note += f", plane {z} gone"
    recording.note += f", {settle(rng, root)}"
    return recording


def random_folder(rng, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rng.choice([saved, rig, rig, planes], p=[0.35, 0.25, 0.25, 0.15])(rng, folder)
