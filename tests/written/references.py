"""Reference files written by `tectum index` over random HDF5 files, NWB files and split datasets, read by lindi and
compared with what h5py reads in the originals.

`references.py TECTUM [NUMBER [SEED]]`. Needs lindi, h5py and hdf5plugin.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import lindi
from lindi.LindiH5pyFile.LindiH5pyReference import LindiH5pyReference
from lindi.tar.lindi_tar import LindiTarFile
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


def has_zstd(dataset):
    plist = dataset.id.get_create_plist()
    return any(plist.get_filter(i)[0] == 32015 for i in range(plist.get_nfilters()))


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
        if (a.fletcher32 and a.compression) or has_zstd(a):
            # lindi fills up what is shorter than a chunk before it decodes it; Tectum's own tests read these.
            return 1
        if a.dtype.names and a.ndim != 1 and a.ndim:
            # lindi picks fields of tables of one axis alone; the rows are there.
            rows = [row for row in b._zarr_array[:].ravel()]
            for name, got in zip(a.dtype.names, zip(*rows)):
                assert same(np.ravel(a[name]), np.array(got, a.dtype[name])), (path, name)
        elif a.dtype.names:
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
    out = folder / rng.choice(["all.lindi.json", "all.lindi.tar", "all.lindi.d"])
    starts = list(range(0, len(full), step))
    for number, start in enumerate(starts):
        if number == len(starts) - 1:
            # It is indexed while it runs, and brought up to date.
            run(tectum, rec, "-o", out, "--name", "a/movie", "--axes", "tzyx")
            assert np.array_equal(lindi.LindiH5pyFile.from_lindi_file(str(out))["a/movie"][()], full[:start])
        with h5py.File(rec / f"{number:04d}.h5", "w") as file:
            file.create_dataset("stack_4D", data=full[start : start + step], chunks=chunk, compression="gzip" if chunk else None)
    (rec / "stack_metadata.json").write_text(json.dumps({"shape_full": full.shape, "shape_block": [step, 3, 16, 20], "resolution": [5, 0.5, 0.5]}))
    run(tectum, rec, "-o", out, "--update", "--axes", "tzyx")
    made = lindi.LindiH5pyFile.from_lindi_file(str(out))
    assert np.array_equal(made["a/movie"][()], full), (full.shape, step, chunk)
    assert list(made["a/movie"].attrs["DIMENSION_LABELS"]) == list("tzyx")


def digest(path):
    """What must not change: all bytes of a file, or of the files in a folder."""
    if path.is_dir():
        return {str(p.relative_to(path)): digest(p) for p in sorted(path.rglob("*")) if p.is_file()}
    return hashlib.sha256(path.read_bytes()).hexdigest()


def movie_options(rng, shape, is_coded=False):
    options = {"chunks": (rng.randint(1, 4), *[rng.randint(1, dim) for dim in shape[1:]]), "maxshape": (None, *shape[1:])}
    coded = [{"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"shuffle": True}]
    return {**options, **rng.choice(coded[:2] if is_coded else [{}, *coded])}


def fill(dataset, at, chunk, value):
    """A plane, chunk by chunk."""
    for y in range(0, dataset.shape[2], chunk[2]):
        for x in range(0, dataset.shape[3], chunk[3]):
            part = (*at, slice(y, y + chunk[2]), slice(x, x + chunk[3]))
            dataset[part] = np.full(np.empty(dataset.shape[2:])[part[2:]].shape, value, dataset.dtype)


def updated(tectum, rng, folder):
    """An index that lindi has written into, brought up to date with a file that has grown and changed."""
    path, out = folder / "rec.h5", folder / ("x.lindi." + rng.choice(["json", "tar", "d"]))
    shape = [rng.randint(4, 12), 2, rng.randint(9, 20), rng.randint(40, 60)]
    dtype = rng.choice(["uint16", "int8", "float32", ">u2"])
    movie = array(rng, shape, dtype)
    with h5py.File(path, "w") as file:
        # Into a .json lindi writes no chunks that are not compressed.
        dataset = file.create_dataset("g/movie", data=movie, **movie_options(rng, shape, out.suffix == ".json"))
        chunk = dataset.chunks
        dataset.attrs["rate"], dataset.attrs["tiny"] = 2.5, 1.1125369292536007e-308
        file["small"], file["texts"] = np.arange(20), np.array(["a", "b" * 3000], dtype=object)
        file["big"], file["doomed"] = array(rng, [50, 60], "int32"), array(rng, [50, 60], "int32")
        file.attrs["by"], file["g"].attrs["x"] = "source", 1
        file["small"].attrs["both"] = 0
    run(tectum, path, "-o", out, *(["--relative"] if out.suffix == ".json" and rng.random() < 0.5 else []))
    os.chdir(folder)
    # What somebody does to it.
    expected = movie.copy()
    staged = np.zeros(shape, bool)
    ragged = False
    for _ in range(rng.randint(0, 3)):
        t, z = rng.randrange(shape[0]), rng.randrange(shape[1])
        value = rng.randint(0, 100)
        # One plane at a time: what lindi has just written into an archive it reads as zeros until it has closed that. And
        # one chunk at a time: of several that are small it stores the first.
        with lindi.LindiH5pyFile.from_lindi_file(str(out), mode="r+") as made:
            fill(made["g/movie"], (t, z), chunk, value)
        expected[t, z] = value
        at = tuple(slice(i // c * c, i // c * c + c) for i, c in zip((t, z), chunk))
        staged[at] = True
        ragged |= at[0].stop > shape[0]
    with lindi.LindiH5pyFile.from_lindi_file(str(out), mode="r+") as made:
        added = rng.random() < 0.5
        if added:
            made.create_dataset("new/array", data=array(rng, [40, 50], "uint8"), chunks=(20, 25))
            made["g"].attrs["x"] = 7
        if rng.random() < 0.5:
            del made["doomed"]
            doomed = False
        else:
            doomed = True
        made["small"].attrs["both"] = 1
    new = {"new/array": lindi.LindiH5pyFile.from_lindi_file(str(out))["new/array"][()]} if added else {}
    # What becomes of the source.
    grows = rng.choice([0, 0, 1, 5])
    later = np.concatenate([movie, array(rng, [grows, *shape[1:]], dtype)]).astype(movie.dtype)
    later[rng.randrange(shape[0])] = 9
    with h5py.File(path, "r+") as file:
        file["g/movie"].resize(len(later), 0)
        file["g/movie"][...] = later
        file["g/movie"].attrs["rate"] = 5.0
        file["small"].attrs["both"] = 2
        file["texts"][1] = "c" * 2500
        file["second"] = array(rng, [30, 40], "uint16")
        if rng.random() < 0.3:
            del file["big"]
    truth, was = digest(path), digest(out)
    if grows and ragged:
        said = run(tectum, path, "-o", out, "--update", fails=True)
        assert "has grown into that chunk" in said, said
        assert digest(out) == was and digest(path) == truth
        run(tectum, path, "-o", out, "--force")
        assert np.array_equal(lindi.LindiH5pyFile.from_lindi_file(str(out))["g/movie"][()], later)
        return
    said = run(tectum, path, "-o", out, "--update")
    assert "small/.zattrs: has changed in" in said, said
    assert digest(path) == truth
    if out.suffix == ".d":
        kept = {name: value for name, value in was.items() if name != "lindi.json"}
        assert all(digest(out)[name] == value for name, value in kept.items()), "blobs are never written to"
    expected = np.concatenate([np.where(staged, expected, later[: shape[0]]), later[shape[0] :]])
    made = lindi.LindiH5pyFile.from_lindi_file(str(out))
    assert made["g/movie"].shape == expected.shape and np.array_equal(made["g/movie"][()], expected)
    assert made["g/movie"].attrs["rate"] == 5.0 and made["g/movie"].attrs["tiny"] == 1.1125369292536007e-308
    assert made["small"].attrs["both"] == 1 and made.attrs["by"] == "source"
    assert made["g"].attrs["x"] == (7 if added else 1)
    assert ("doomed" in made) == doomed
    for name, value in new.items():
        assert np.array_equal(made[name][()], value)
    with h5py.File(path, "r") as file:
        for name in ["small", "texts", "second", "big"]:
            assert (name in made) == (name in file)
            assert name not in file or same(file[name][()], made[name][()]), name
    # Another time nothing is left to do.
    before = references(out)
    run(tectum, path, "-o", out, "--update")
    assert references(out) == before
    got = exported(tectum, out, "g/movie", folder)
    assert np.array_equal(got, expected)
    # lindi goes on with it.
    with lindi.LindiH5pyFile.from_lindi_file(str(out), mode="r+") as made:
        fill(made["g/movie"], (0, 0), chunk, 99)
        made.create_dataset("big2", data=np.arange(5000))
    expected[0, 0] = 99
    made = lindi.LindiH5pyFile.from_lindi_file(str(out))
    assert np.array_equal(made["g/movie"][()], expected) and np.array_equal(made["big2"][()], np.arange(5000))


def exported(tectum, path, name, folder):
    out = folder / "read.npy"
    subprocess.run([tectum, "export", path, "--dataset", name, "-o", out, "--force"], check=True, capture_output=True)
    return np.load(out)


def references(out):
    tar = LindiTarFile(str(out), dir_representation=out.is_dir()) if out.suffix != ".json" else None
    return json.loads(tar.read_file("lindi.json") if tar else out.read_text())


def changed(tectum, rng, folder):
    """An array that is another one in places: those chunks lie in the index, and the rest is referred to."""
    shape = [rng.randint(4, 12), 2, rng.randint(9, 20), rng.randint(40, 60)]
    dtype = rng.choice(["uint16", "int8", "float32", "float64", ">u2", "bool"])
    movie = array(rng, shape, dtype)
    path, out = folder / "rec.h5", folder / ("x.lindi." + rng.choice(["tar", "d"]))
    is_split = rng.random() < 0.3
    with h5py.File(path, "w") as file:
        options = rng.choice([{}, movie_options(rng, shape), movie_options(rng, shape)])
        file.create_dataset("g/movie", data=movie, **options)
        file["small"] = np.arange(60).reshape(6, 10)
        chunk = file["g/movie"].chunks or tuple(shape)
    name = "g/movie"
    if is_split:
        path, step, chunk = folder / "rec", 3, (1, 2, shape[2], shape[3])
        path.mkdir()
        for number, start in enumerate(range(0, shape[0], step)):
            with h5py.File(path / f"{number:04d}.h5", "w") as file:
                file.create_dataset("stack_4D", data=movie[start : start + step], chunks=chunk, compression="gzip")
        (path / "stack_metadata.json").write_text(json.dumps({"shape_full": shape, "shape_block": [step, *shape[1:]]}))
        name = "data"
    truth = digest(path)
    corrected, wanted = movie.copy(), set()
    for _ in range(rng.randint(0, 4)):
        at = tuple(rng.randrange(dim) for dim in shape)
        corrected[at] = not corrected[at] if dtype == "bool" else corrected[at] + 1
        wanted.add(tuple(i // c for i, c in zip(at, chunk)))
    wanted = {key for key in wanted
              if (corrected != movie)[tuple(slice(k * c, k * c + c) for k, c in zip(key, chunk))].any()}
    other = folder / "other.npy"
    if rng.random() < 0.5:
        np.save(other, corrected)
        named = str(other)
    else:
        other = folder / "other.h5"
        with h5py.File(other, "w") as file:
            file["c"] = corrected
        named = f"{other}#c"
    axes = ["--axes", "tzyx"] if is_split else []
    run(tectum, path, "-o", out, "--changed", f"{name}={named}", *axes)
    small = np.arange(60).reshape(6, 10)
    for again in range(3):
        made = lindi.LindiH5pyFile.from_lindi_file(str(out))
        assert np.array_equal(made[name][()], corrected), (again, shape, chunk, dtype)
        assert np.array_equal(exported(tectum, out, name, folder), corrected)
        inside = {key for key, entry in references(out)["refs"].items()
                  if key.startswith(name + "/") and ".z" not in key and (isinstance(entry, str) or entry[0].startswith("./"))}
        # Truth values stand in the index as a whole, as lindi has it.
        assert (dtype == "bool" and not is_split) or inside == {f"{name}/" + ".".join(map(str, key)) for key in wanted}, (inside, wanted)
        if not is_split:
            assert np.array_equal(made["small"][()], small)
        if again == 0:
            # It is kept; and told anew.
            run(tectum, path, "-o", out, "--update", *axes)
        elif again == 1:
            corrected = movie.copy()
            corrected[0, 0, 0, 0] = not movie[0, 0, 0, 0] if dtype == "bool" else movie[0, 0, 0, 0] + 1
            wanted = {(0, 0, 0, 0)}
            np.save(folder / "third.npy", corrected)
            more = []
            if not is_split:
                small = small * 2
                np.save(folder / "small.npy", small)
                more = ["--changed", f"small={folder / 'small.npy'}"]
            run(tectum, path, "-o", out, "--update", "--changed", f"{name}={folder / 'third.npy'}", *axes, *more)
    assert digest(path) == truth
    was = digest(out)
    np.save(folder / "short.npy", corrected[1:])
    for value, word in [(f"{name}={folder / 'short.npy'}", "where the array is"), (f"none={named}", "none"), ("x", "is none of an array"),
                        (f"{name}={folder / 'absent.npy'}", "absent.npy")]:
        said = subprocess.run([tectum, "index", path, "-o", out, "--update", *axes, "--changed", value], capture_output=True, text=True)
        assert said.returncode != 0 and word in said.stderr, (value, said.stderr)
        assert digest(out) == was
    assert not list(folder.glob("*.part"))


def killed(tectum, rng, folder):
    """Killed at any moment while it is brought up to date, an index is the old one or the new one."""
    path = folder / "rec.h5"
    movie = np.random.default_rng(3).integers(0, 4000, (60, 4, 200, 200), "uint16")
    with h5py.File(path, "w") as file:
        file.create_dataset("movie", data=movie, chunks=(1, 4, 200, 200), compression="gzip", compression_opts=1)
    was, will = movie + 1, movie + 2
    np.save(folder / "was.npy", was)
    np.save(folder / "will.npy", will)
    for form in ["d", "tar"]:
        out = folder / f"x.lindi.{form}"
        run(tectum, path, "-o", out, "--changed", f"movie={folder / 'was.npy'}")
        started = time.monotonic()
        done = subprocess.run([tectum, "index", path, "-o", folder / f"y.lindi.{form}", "--changed", f"movie={folder / 'will.npy'}"],
                              stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
        assert done.returncode == 0
        ends = []
        for i in range(6):
            process = subprocess.Popen([tectum, "index", path, "-o", out, "--update", "--changed", f"movie={folder / 'will.npy'}"],
                                       stdout=subprocess.DEVNULL)
            time.sleep(seconds * (i + rng.random()) / 5)
            process.kill()
            process.wait()
            made = lindi.LindiH5pyFile.from_lindi_file(str(out))["movie"][()]
            ends.append(np.array_equal(made, will))
            assert ends[-1] or np.array_equal(made, was), (form, i)
        print(f"lindi: .{form} killed {len(ends)} times, whole each time, the new one after {sum(ends)}")
        run(tectum, path, "-o", out, "--update")
        assert not [p for p in folder.iterdir() if p.name.endswith(".part")], list(folder.iterdir())
        if form == "d":
            # Nobody else does while one is at it.
            first = subprocess.Popen([tectum, "index", path, "-o", out, "--update", "--changed", f"movie={folder / 'was.npy'}"],
                                     stdout=subprocess.DEVNULL)
            while not (folder / "x.lindi.d.part" / "lock").exists() and first.poll() is None:
                time.sleep(0.001)
            said = subprocess.run([tectum, "index", path, "-o", out, "--update"], capture_output=True, text=True)
            assert first.wait() == 0
            assert said.returncode == 0 or "working at it" in said.stderr or "meanwhile" in said.stderr, said
            assert np.array_equal(lindi.LindiH5pyFile.from_lindi_file(str(out))["movie"][()], was)


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
                kind = rng.random()
                if kind < 0.15:
                    split(tectum, rng, folder)
                elif kind < 0.35:
                    updated(tectum, rng, folder)
                elif kind < 0.5:
                    changed(tectum, rng, folder)
                else:
                    path = folder / "random.h5"
                    random_file(rng, path)
                    num += check(tectum, path, folder / ("x.lindi." + rng.choice(["json", "tar", "d"])), min_objects=0)[0]
            except Exception:
                print(f"case {i}", file=sys.stderr)
                raise
        files = 0
        for path in sorted(path for path in FIXTURES.rglob("*") if path.suffix in [".h5", ".nwb", ".h5ad"]):
            try:
                with h5py.File(path, "r") as file:
                    file.visititems(lambda _, node: node[()] if isinstance(node, h5py.Dataset) and node.size < 1e6 else None)
            except Exception:
                # Damaged on purpose, or coded with what is not installed here.
                continue
            left = check(tectum, path, Path(root) / f"{files}.lindi.json", min_objects=0)[1]
            left = {what for what in left if not what.endswith("@TITLE")}
            if left and not path.parent.name.startswith(("vds", "r")):
                print(f"lindi: {path.relative_to(FIXTURES)}: left out {', '.join(sorted(left))}")
            files += 1
        assert files > 100, files
        (Path(root) / "killed").mkdir()
        killed(tectum, rng, Path(root) / "killed")
        (Path(root) / "refused").mkdir()
        refused(tectum, Path(root) / "refused")
    print(f"lindi: {number} random cases, {num} objects, {files} fixtures, as lindi {lindi.__version__ if hasattr(lindi, '__version__') else ''} reads them")


main()
