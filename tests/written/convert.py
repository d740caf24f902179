"""Random arrays converted by `tectum convert` and `tectum split`, read by h5py, numpy and, where they are there,
split_dataset and flammkuchen; some runs are killed at random moments and go on to the same bytes.

`convert.py TECTUM [NUMBER [SEED]]`.
"""

import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

try:
    import h5py
except ImportError:
    h5py = None
try:
    import hdf5plugin  # noqa: F401 (Blosc and Zstandard)
except ImportError:
    hdf5plugin = None
try:
    import flammkuchen
    import split_dataset
except ImportError:
    flammkuchen = split_dataset = None

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64", "bool"]
PLAIN = ["none", "gzip:1", "gzip:9", "lzf"]
PLUGINS = ["zstd:3", "blosc", "blosc:lz4:5", "blosc:zstd:3", "blosc:lz4hc:9"]


def run(*args, fails=False):
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, (args, done.stdout, done.stderr)
    return done.stdout


def array(rng, shape, dtype):
    values = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 250, shape)
    return (values % 2 == 0) if dtype == "bool" else values.astype(dtype)


def written(rng, folder, shape, dtype):
    full = array(rng, shape, dtype)
    store(folder / "in.h5", full, tuple(rng.randint(1, dim) for dim in shape) if rng.random() < 0.8 else None)
    return full


def store(path, full, chunks):
    if h5py is None:
        flammkuchen.save(path, {"counts": full}, compression="blosc")
        return
    with h5py.File(path, "w") as file:
        file.create_dataset("counts", data=full, chunks=chunks)


def shown(dims):
    return ",".join(map(str, dims))


def hdf5(tectum, rng, folder, full):
    if h5py is None:
        return
    codec = rng.choice(PLAIN + (PLUGINS if hdf5plugin else []))
    args = ["--compression", codec]
    if rng.random() < 0.5:
        args += ["--chunk-shape", shown(rng.randint(1, dim + 3) for dim in full.shape)]
    if rng.random() < 0.5:
        args += ["--buffer-shape", shown(rng.randint(1, dim) for dim in full.shape)]
    run(tectum, "convert", folder / "in.h5", "-o", folder / "out.h5", *args)
    with h5py.File(folder / "out.h5") as file:
        read = file["data"]
        assert read.dtype == full.dtype and read.shape == full.shape, (read, full.dtype, full.shape)
        assert np.array_equal(read[()], full), (codec, full.dtype, full.shape)


def npy(tectum, rng, folder, full):
    run(tectum, "convert", folder / "in.h5", "-o", folder / "out.npy")
    read = np.load(folder / "out.npy")
    assert read.dtype == full.dtype and np.array_equal(read, full)
    index = ", ".join(rng.choice([":", "::-1", f":{rng.randint(1, dim)}"]) for dim in full.shape)
    run(tectum, "convert", folder / "in.h5", "-o", folder / "part.npy", "--select", index)
    assert np.array_equal(np.load(folder / "part.npy"), eval(f"full[{index}]")), index


def split(tectum, rng, folder, full):
    out = folder / "blocks"
    axes = rng.sample(range(full.ndim), rng.randint(1, full.ndim))
    block = ",".join(f"{axis}={rng.randint(1, full.shape[axis])}" for axis in axes)
    codec = rng.choice(["gzip:3"] if split_dataset is None and not hdf5plugin else ["blosc", "blosc:lz4", "gzip:3"])
    run(tectum, "split", folder / "in.h5", "-o", out, "--block", block, "--compression", codec)
    said = json.loads((out / "stack_metadata.json").read_text())
    blocks = sorted(out.glob("*.h5"))
    counts = [-(-dim // size) for dim, size in zip(full.shape, said["shape_block"])]
    assert len(blocks) == np.prod(counts) and said["shape_full"] == list(full.shape)
    for number, path in enumerate(blocks):
        at = np.unravel_index(number, counts)
        part = full[tuple(slice(i * size, (i + 1) * size) for i, size in zip(at, said["shape_block"]))]
        if flammkuchen is not None:
            read = flammkuchen.load(path)[f"stack_{full.ndim}D"]
            assert read.dtype == part.dtype and np.array_equal(read, part), (path, block)
        elif full.dtype != bool:
            with h5py.File(path) as file:
                assert np.array_equal(file[f"stack_{full.ndim}D"][()], part), (path, block)
    if split_dataset is not None:
        ds = split_dataset.SplitDataset(out)
        assert ds.shape == full.shape
        whole = ds[tuple(slice(None) for _ in full.shape)] if full.ndim > 1 else ds[:]
        assert np.array_equal(whole, full), block


def state(path):
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def killed(tectum, rng, folder, kind):
    """Killed at random moments, again and again, and then let through."""
    store(folder / "in.h5", array(rng, (24, 4, 128, 160), "uint16"), (1, 1, 128, 160))
    source = state(folder / "in.h5")
    name = {"hdf5": "out.h5", "npy": "out.npy", "split": "out"}[kind]
    how = [tectum, "convert", folder / "in.h5", "--to", kind, "--buffer-shape", "1,1,128,160", "--axes", "tzyx"]
    once = time.monotonic()
    run(*how, "-o", folder / ("whole-" + name))
    once = time.monotonic() - once
    wanted, out, num_killed = state(folder / ("whole-" + name)), folder / name, 0
    args = [*how, "-o", out]
    for _ in range(5):
        process = subprocess.Popen([str(arg) for arg in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.wait(once * rng.random())
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        # It may be killed when it has just become whole.
        if process.returncode == 0 or out.exists():
            break
        num_killed += 1
        if "--resume" not in args:
            args.append("--resume")
    else:
        run(*args)
    assert state(out) == wanted, (kind, num_killed)
    assert state(folder / "in.h5") == source
    return num_killed


def of_numpy(tectum, rng, folder, full):
    """What numpy saved, in either order of axes and bytes, is what is written of it."""
    full = full.astype(full.dtype.newbyteorder(rng.choice("<>")))
    np.save(folder / "saved.npy", np.asfortranarray(full) if rng.random() < 0.5 else full)
    out = folder / "of_numpy.npy"
    run(tectum, "convert", folder / "saved.npy", "-o", out)
    got = np.load(out)
    assert got.dtype.kind == full.dtype.kind and got.shape == full.shape and np.array_equal(got, full, equal_nan=True)


def main():
    tectum, number, seed = Path(sys.argv[1]).absolute(), *(map(int, (sys.argv[2:] + ["60", "0"][len(sys.argv) - 2 :])[:2]))
    rng = random.Random(seed)
    for _ in range(number):
        with tempfile.TemporaryDirectory() as folder:
            shape = [rng.choice([1, 2, 5, 9, 14]) for _ in range(rng.randint(2, 5))]
            full = written(rng, Path(folder), shape, rng.choice(DTYPES))
            for check in (hdf5, npy, split, of_numpy):
                check(tectum, rng, Path(folder), full)
    num_killed = 0
    for kind in ("hdf5", "npy", "split") * 4:
        with tempfile.TemporaryDirectory() as folder:
            num_killed += killed(tectum, rng, Path(folder), kind)
    with_what = "" if split_dataset is not None else ", without split_dataset"
    print(f"convert: {number} arrays in three formats and out of numpy's, {num_killed} runs killed{with_what}")


main()
