"""Reference files written by `tectum index` over random HDF5 files, NWB files and split datasets, read by lindi and
compared with what h5py reads in the originals.

`references.py TECTUM [NUMBER [SEED]]`. Needs lindi, h5py and hdf5plugin.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import lindi
from lindi.LindiH5pyFile.LindiH5pyReference import LindiH5pyReference
import numpy as np

try:
    import hdf5plugin
except ImportError:
    hdf5plugin = None

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bool", ">u2", ">f4"]
FIXTURES = Path(__file__).parent.parent / "fixtures"


def run(tectum, *args, fails=False):
    done = subprocess.run([tectum, "index", *map(str, args)], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, (args, done.stdout, done.stderr)
    assert not fails or len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind in "OSU" or b.dtype.kind in "OSU":
        def text(value):
            return value.decode() if isinstance(value, bytes) else value
        return a.shape == b.shape and [text(v) for v in a.ravel()] == [text(v) for v in b.ravel()]
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def referred(file, value):
    # lindi does not find the root group by a reference to it.
    return value._path if isinstance(value, LindiH5pyReference) else file[value].name


def compare(h5, made, path="/", left_out=()):
    """Everything of a group; `left_out` are the paths that were named as left out."""
    found = {}
    for name, value in h5[path].attrs.items():
        where = f"{path.strip('/')}@{name}"
        if where in left_out:
            continue
        got = made[path].attrs[name]
        if isinstance(value, h5py.Reference):
            assert referred(h5, value) == referred(made, got), where
        else:
            assert same(value, got), (where, value, got)
        found[where] = True
    if isinstance(h5[path], h5py.Dataset):
        a, b = h5[path], made[path]
        assert a.shape == b.shape, (path, a.shape, b.shape)
        if a.fletcher32 and a.compression:
            # lindi fills up what is shorter than a chunk before it decodes it; Tectum's own tests read these.
            return 1
        if a.dtype.names:
            for name in a.dtype.names:
                left, right = np.ravel(a[name]), np.ravel(b[name][:])
                if h5py.check_ref_dtype(a.dtype[name]):
                    assert [referred(h5, v) for v in left] == [referred(made, v) for v in right], (path, name)
                else:
                    assert same(left, right), (path, name, left, right)
        elif h5py.check_ref_dtype(a.dtype):
            for left, right in zip(np.ravel(a[()]), np.ravel(b[()])):
                assert referred(h5, left) == referred(made, right), path
        else:
            assert same(a[()], b[()]), path
        return 1
    num = 0
    for name in h5[path]:
        inner = f"{path.rstrip('/')}/{name}"
        if inner.strip("/") in left_out:
            assert name not in made[path], inner
            continue
        link = h5[path].get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            there = made[path].get(name, getlink=True)
            assert isinstance(there, h5py.SoftLink) and there.path == link.path, inner
            num += 1
            continue
        num += compare(h5, made, inner, left_out)
    return num


def named(said):
    return {line.split("left out: ")[1].split(": ")[0].strip("/") for line in said.splitlines() if "left out: " in line}


def check(tectum, path, out, *args, min_objects=1):
    left_out = named(run(tectum, path, "-o", out, *args))
    made = lindi.LindiH5pyFile.from_lindi_file(str(out))
    with h5py.File(path, "r") as h5:
        num = compare(h5, made, left_out=left_out)
    assert num >= min_objects, (path, num)
    return num, left_out


def array(rng, shape, dtype):
    values = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 120, shape)
    return values % 2 == 0 if dtype == "bool" else values.astype(dtype)


def numbers(rng, group, name):
    dtype = rng.choice(DTYPES)
    shape = [rng.randint(0 if rng.random() < 0.05 else 1, rng.choice([3, 20, 60])) for _ in range(rng.randint(1, 4))]
    data = array(rng, shape, dtype)
    options = {}
    if min(shape) and rng.random() < 0.7:
        options["chunks"] = tuple(rng.randint(1, dim) for dim in shape)
        if data.size / np.prod(options["chunks"]) > 3000:
            options["chunks"] = tuple(shape)
        if rng.random() < 0.7:
            # Short chunks behind other filters than deflate fail in lindi, which fills them up before decoding.
            options.update(rng.choice([{"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"shuffle": True},
                                       {"compression": "lzf"}, {"scaleoffset": 0} if dtype != "bool" and data.dtype.kind in "iu" else {}]))
            if hdf5plugin and rng.random() < 0.3 and data.dtype.byteorder != ">":
                options = {"chunks": options["chunks"], **hdf5plugin.Blosc(cname="zstd")}
        if rng.random() < 0.3:
            options["fillvalue"] = 7
    if options.get("fillvalue") is not None and rng.random() < 0.5 and dtype != "bool":
        dataset = group.create_dataset(name, shape, dtype, **options)
        dataset[: shape[0] // 2] = data[: shape[0] // 2]
        return dataset
    return group.create_dataset(name, data=data, **options)


def attributes(rng, node, all_nodes):
    for i in range(rng.randint(0, 4)):
        value = rng.choice([
            3, -(2**40), 2**63 + 1, 0.1, float("nan"), float("-inf"), "text é", b"bytes", True, np.float32(0.1), np.uint8(200),
            [1, 2, 3], [[1.5, 2.5], [3.5, float("inf")]], ["a", "bc"], np.array([b"x", b"yz"]), np.array([True, False]),
            rng.choice(all_nodes).ref, np.int16(-3), "",
        ])
        node.attrs[f"a{i}"] = value


def random_file(rng, path):
    with h5py.File(path, "w", libver=rng.choice(["earliest", ("earliest", "v110")]), userblock_size=rng.choice([0, 512])) as file:
        if rng.random() < 0.5:
            file.attrs["object_id"] = "whole"
        groups, nodes = [file], [file]
        for i in range(rng.randint(2, 14)):
            group, name = rng.choice(groups), f"n{i}"
            kind = rng.choice(["group", "numbers", "numbers", "numbers", "texts", "fixed", "scalar", "table", "references", "link", "soft"])
            if kind == "group":
                node = group.create_group(name)
                groups.append(node)
                if rng.random() < 0.3:
                    node.attrs["object_id"] = f"id{i}"
            elif kind == "numbers":
                node = numbers(rng, group, name)
            elif kind == "texts":
                node = group.create_dataset(name, data=np.array(["", "a\"b", "é\n", "long " * 300], dtype=object)[: rng.randint(1, 4)])
            elif kind == "fixed":
                node = group.create_dataset(name, data=np.array([[b"ab", b"c"], [b"", b"defg"]]))
            elif kind == "scalar":
                node = group.create_dataset(name, data=rng.choice([5, -2.5, "scalar é", True, np.uint16(9), float("nan"), ""]))
            elif kind == "table":
                rows = np.array([(1, 2.5, b"ab", True), (300, float("inf"), b"c", False)], dtype=[("x", "uint32"), ("y", "f8"), ("s", "S3"), ("b", "?")])
                node = group.create_dataset(name, data=rows[["x", "y"]] if rng.random() < 0.5 else rows[["y", "x"]])
            elif kind == "references":
                node = group.create_dataset(name, data=np.array([n.ref for n in rng.choices(nodes, k=3)], dtype=h5py.ref_dtype))
            elif kind == "soft":
                group[name] = h5py.SoftLink(rng.choice(nodes).name)
                continue
            else:
                if rng.random() < 0.3:
                    group[name] = h5py.ExternalLink("elsewhere.h5", "/x")
                continue
            nodes.append(node)
            attributes(rng, node, nodes)


def split(tectum, rng, folder):
    rec = folder / "rec"
    rec.mkdir()
    step = rng.randint(2, 4)
    full = array(rng, [rng.randint(step + 1, 11), 3, 16, 20], rng.choice(DTYPES[:8]))
    chunk = (1, rng.choice([1, 3]), 8, 20) if rng.random() < 0.7 else None
    for number, start in enumerate(range(0, len(full), step)):
        with h5py.File(rec / f"{number:04d}.h5", "w") as file:
            file.create_dataset("stack_4D", data=full[start : start + step], chunks=chunk, compression="gzip" if chunk else None)
    (rec / "stack_metadata.json").write_text(json.dumps({"shape_full": full.shape, "shape_block": [step, 3, 16, 20], "resolution": [5, 0.5, 0.5]}))
    out = folder / rng.choice(["all.lindi.json", "all.lindi.tar", "all.lindi.d"])
    run(tectum, rec, "-o", out, "--name", "a/movie", "--axes", "tzyx")
    made = lindi.LindiH5pyFile.from_lindi_file(str(out))
    assert np.array_equal(made["a/movie"][()], full), (full.shape, step, chunk)
    assert list(made["a/movie"].attrs["DIMENSION_LABELS"]) == list("tzyx")


def refused(tectum, folder):
    path = folder / "x.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(2000)
    for args, word in [
        ([path, "-o", folder / "x.json"], "must end in"),
        ([path, "-o", folder / "none" / "x.lindi.json"], "folder"),
        ([folder / "absent.h5", "-o", folder / "x.lindi.json"], "no such"),
        ([Path(__file__), "-o", folder / "x.lindi.json"], ""),
    ]:
        said = run(tectum, *args, fails=True)
        assert word in said, (args, said)
    for form in ["json", "tar", "d"]:
        out = folder / f"x.lindi.{form}"
        run(tectum, path, "-o", out)
        assert "--force" in run(tectum, path, "-o", out, fails=True)
        run(tectum, path, "-o", out, "--force")
        assert np.array_equal(lindi.LindiH5pyFile.from_lindi_file(str(out))["a"][()], np.arange(2000))
    assert sorted(p.name for p in folder.iterdir()) == ["x.h5", "x.lindi.d", "x.lindi.json", "x.lindi.tar"]


def main():
    tectum, number = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory() as root:
        num = 0
        for i in range(number):
            folder = Path(root) / f"case{i}"
            folder.mkdir()
            try:
                if rng.random() < 0.2:
                    split(tectum, rng, folder)
                else:
                    path = folder / "random.h5"
                    random_file(rng, path)
                    num += check(tectum, path, folder / ("x.lindi." + rng.choice(["json", "tar", "d"])), min_objects=0)[0]
            except Exception:
                print(f"case {i}", file=sys.stderr)
                raise
        for name in ["nwb/ophys.nwb", "lindi/ophys.nwb", "plain/nested.h5", "plain/dtypes.h5", "nwb_made/random0.nwb"]:
            left = check(tectum, FIXTURES / "sources" / name, Path(root) / (Path(name).name + ".lindi.json"), "--force")[1]
            print(f"lindi: {name}: left out {sorted(left) or 'nothing'}")
        (Path(root) / "refused").mkdir()
        refused(tectum, Path(root) / "refused")
    print(f"lindi: {number} random cases, {num} objects, as lindi {lindi.__version__ if hasattr(lindi, '__version__') else ''} reads them")


main()
