"""Sparse matrices written by `tectum sparse` from random arrays, read by h5py, scipy and, where it is there, anndata.

`sparse_matrices.py TECTUM [NUMBER [SEED]]`.
"""

import os
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse

try:
    import anndata
except ImportError:
    anndata = None

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bool"]


def run(tectum, *args, fails=False, command="sparse"):
    done = subprocess.run([tectum, command, *map(str, args)], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, (args, done.stdout, done.stderr)
    return done.stderr


def one(tectum, rng, folder):
    random_state = np.random.default_rng(rng.randrange(1 << 30))
    shape = [rng.randint(8, 300), rng.randint(8, 300)] if rng.random() < 0.9 else [rng.randint(8, 40), rng.randint(60000, 150000)]
    dtype = rng.choice(DTYPES)
    density = rng.choice([0, 0.01, 0.1, 0.6, 1])
    dense = random_state.integers(0, 250, shape).astype(dtype) * (random_state.random(shape) < density).astype(dtype)
    if dtype.startswith("float"):
        dense = dense / 7
        dense = dense.astype(dtype)
        if density:
            dense[random_state.integers(0, shape[0]), random_state.integers(0, shape[1])] = np.nan
    path = folder / "dense.h5"
    with h5py.File(path, "w") as file:
        chunks = tuple(rng.randint(1, dim) for dim in shape) if rng.random() < 0.7 else None
        file.create_dataset("dense", data=dense, chunks=chunks)
    layout = rng.choice(["csc", "csr", "anndata-csc", "anndata-csr"])
    out = folder / rng.choice(["out.h5", "out.h5ad"])
    # What is done on the way.
    changes = []
    if rng.random() < 0.3:
        start, step = rng.randint(0, 3), rng.randint(1, 2)
        changes += ["--select", f"{start}:, ::{step}"]
        dense = dense[start:, ::step]
    if rng.random() < 0.3 and dtype != "bool":
        changes += ["--op", "* 2"]
        dense = dense * np.asarray(2, dense.dtype)
    if rng.random() < 0.3 and dtype not in ("bool", "int64", "uint64"):
        changes += ["--dtype", "f8"]
        dense = dense.astype("f8")
    dtype = str(dense.dtype)
    if rng.random() < 0.5:
        run(tectum, path, "-o", out, "--layout", layout, "--axes", "yx", "--buffer-mb", rng.choice([1, 256]), *changes)
    else:
        to = [] if out.suffix == ".h5ad" and layout == "anndata-csr" and rng.random() < 0.5 else ["--to", layout]
        run(tectum, path, "-o", out, *to, "--axes", "yx", "--memory", rng.choice([1, 256]), *changes, command="convert")
    assert sorted(p.name for p in folder.iterdir()) == sorted(["dense.h5", out.name])
    with h5py.File(out) as file:
        group = file["X" if layout.startswith("anndata") else "matrix"]
        if layout == "csc":
            assert tuple(group["shape"][()]) == dense.shape
        parts = (group["data"][()], group["indices"][()], group["indptr"][()])
    kind = scipy.sparse.csc_matrix if layout.endswith("csc") else scipy.sparse.csr_matrix
    matrix = kind(parts, shape=dense.shape)
    matrix.check_format(full_check=True)
    assert matrix.has_sorted_indices and matrix.dtype == dense.dtype
    assert np.array_equal(matrix.toarray(), dense, equal_nan=dtype.startswith("float")), (layout, shape, dtype)
    assert len(parts[0]) == np.count_nonzero(dense)
    if anndata is not None and layout.startswith("anndata"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = anndata.read_h5ad(out)
        assert read.shape == dense.shape and list(read.obs_names[:3]) == ["0", "1", "2"]
        assert np.array_equal(read.X.toarray(), dense, equal_nan=dtype.startswith("float"))
    # And back.
    run(tectum, out, "-o", folder / "back.h5", command="convert")
    with h5py.File(folder / "back.h5") as file:
        assert np.array_equal(file["data"][()], dense, equal_nan=dtype.startswith("float")) and file["data"].dtype == dense.dtype


def main():
    tectum, number = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory() as root:
        for i in range(number):
            folder = Path(root) / f"case{i}"
            folder.mkdir()
            one(tectum, rng, folder)
        with h5py.File(Path(root) / "volume.h5", "w") as file:
            file["v"] = np.ones((3, 9, 9), "uint8")
        said = run(tectum, Path(root) / "volume.h5", "-o", Path(root) / "x.h5", fails=True)
        assert "two axes" in said and len(said.splitlines()) == 1, said
        run(tectum, Path(root) / "volume.h5", "-o", Path(root) / "x.h5", "--select", "0", "--to", "csc", command="convert")
        with h5py.File(Path(root) / "x.h5") as file:
            assert (file["matrix/data"][()] == 1).all() and len(file["matrix/data"]) == 81
        for args, word in [
            (["-o", "x.h5", "--to", "csr", "--select", "0"], "--force"),
            (["-o", "y.h5", "--to", "csr"], "two axes"),
            (["-o", "y.npy", "--to", "csr", "--select", "0"], "only .h5"),
            (["-o", "y.h5", "--to", "csx", "--select", "0"], "csc, csr"),
            (["-o", "y.h5", "--to", "csr", "--select", "0", "--resume"], "--resume"),
            (["-o", "y.h5", "--to", "csr", "--select", "0", "--chunk-shape", "3,3"], "--chunk-shape"),
            (["-o", "y.h5", "--to", "csr", "--select", "0", "--compression", "gzip:1"], "--compression"),
            (["-o", "y.h5", "--to", "csr", "--select", "0", "--buffer-gb", "1"], "--buffer-gb"),
            (["-o", "s3://bucket/y.h5", "--to", "csr", "--select", "0"], "this machine"),
            (["-o", "none/y.h5", "--to", "csr", "--select", "0"], "no folder"),
            (["-o", "volume.h5", "--to", "csr", "--select", "0", "--force"], "never written to"),
        ]:
            args = [str(Path(root) / arg) if arg.endswith((".h5", ".npy")) and ":" not in arg else arg for arg in args]
            said = run(tectum, Path(root) / "volume.h5", *args, fails=True, command="convert")
            assert word in said, (args, said)
            assert not (Path(root) / "y.h5").exists() and not list(Path(root).glob(".*part*"))
        said = run(tectum, "convert", Path(root) / "volume.h5", "-o", Path(root) / "y.h5", "--to", "csr", "--tasks", 2, fails=True, command="plan")
        assert "in one go" in said, said
    print(f"sparse: {number} random cases as scipy {scipy.__version__} reads them" + (", and anndata" if anndata else ""))


main()
