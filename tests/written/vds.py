"""Virtual datasets over random split datasets and files, written by `tectum vds` and read by h5py.

`vds.py TECTUM [NUMBER [SEED]]`. Needs h5py and hdf5plugin; where split_dataset is there, it writes the recordings.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 (the filters of split_dataset's blocks)
import numpy as np

try:
    import split_dataset
except ImportError:
    split_dataset = None

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64", "bool"]


def run(tectum, *args, fails=False):
    done = subprocess.run([tectum, "vds", *map(str, args)], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, (args, done.stdout, done.stderr)
    assert len(done.stderr.splitlines()) == 1 if fails else True, done.stderr
    return done.stderr


def array(rng, shape, dtype):
    values = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 250, shape)
    return (values % 2 == 0) if dtype == "bool" else values.astype(dtype)


def write_split(rng, folder, full, truth, block, padding):
    """As split_dataset lays it out, by itself where it is there."""
    if split_dataset is not None and not any(padding) and full.ndim == 4:
        split_dataset.save_to_split_dataset(full, root_name=folder, block_size=block)
        return
    folder.mkdir()
    starts = [range(0, max(1, dim - pad), step) for dim, step, pad in zip(full.shape, block, padding)]
    import itertools

    for number, start in enumerate(itertools.product(*starts)):
        part = tuple(slice(a, min(dim, a + b + p)) for a, b, p, dim in zip(start, block, padding, full.shape))
        with h5py.File(folder / f"{number:04d}.h5", "w") as file:
            file.create_dataset(f"stack_{full.ndim}D", data=full[part], chunks=True if rng.random() < 0.5 else None)
    claim = {"shape_full": full.shape, "shape_block": block, "padding": padding, "crop_start": [0] * full.ndim,
             "crop_end": [0] * full.ndim, "resolution": [10.0, 0.5, 0.5], "dtype": str(full.dtype)}
    (folder / "stack_metadata.json").write_text(json.dumps(claim))


def read(path, name="data"):
    with h5py.File(path, "r") as file:
        assert file[name].is_virtual
        return file[name][()], dict(file[name].attrs)


def one_split(tectum, rng, folder):
    rank = 4 if rng.random() < 0.8 else rng.choice([3, 4])
    shape = [rng.randint(2, 12) for _ in range(rank - 2)] + [rng.randint(8, 14) for _ in range(2)]
    block = [dim if rng.random() < 0.5 else rng.randint(1, dim) for dim in shape]
    padding = [rng.choice([0, 0, 1]) if step < dim and step > 1 else 0 for dim, step in zip(shape, block)]
    # Several axes and padding at a time leave blocks that hold nothing of their own: those are for the readers' tests.
    padding = [min(pad, dim % step) if step < dim else 0 for pad, dim, step in zip(padding, shape, block)]
    full = array(rng, shape, rng.choice(DTYPES[:-1]))
    rec = folder / "rec"
    write_split(rng, rec, full, full, block, padding)
    gap = None
    blocks = sorted(rec.glob("*.h5"))
    if len(blocks) > 2 and rng.random() < 0.2:
        gap = rng.choice(blocks[1:-1])
        gap.unlink()
    (folder / "out").mkdir()
    out = folder / "out" / "all.h5"
    before = sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in rec.iterdir())
    axes = ["--axes", {3: "tyx", 4: "tzyx"}[rank]]
    said = run(tectum, rec, "-o", out, "--fill", "7", *axes, *(["--absolute"] if rng.random() < 0.3 else []))
    assert before == sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in rec.iterdir())
    got, attributes = read(out)
    assert got.shape == full.shape and got.dtype == full.dtype, (got.shape, got.dtype, full.shape, full.dtype)
    assert list(attributes["DIMENSION_LABELS"]) == list(axes[1])
    if gap is None:
        assert np.array_equal(got, full), (shape, block, padding)
        assert "reads as" not in said, said
    else:
        assert gap.name in said, said
        wrong = got != full
        assert (got[wrong] == 7).all() and wrong.any()
    # Both are moved together.
    moved = folder.with_name(folder.name + " moved")
    folder.rename(moved)
    if str(folder) not in str(subprocess.run(["strings", moved / "out" / "all.h5"], capture_output=True).stdout):
        assert np.array_equal(read(moved / "out" / "all.h5")[0], got)


def many_files(tectum, rng, folder):
    rank = rng.randint(3, 5)
    shape = [rng.randint(2, 5) for _ in range(rank - 2)] + [rng.randint(8, 12) for _ in range(2)]
    over = rng.choice(["new", *range(rank)])
    dtypes = rng.choice([["uint16"], ["uint8", "uint16"], ["int16", "uint16"], ["float32", "uint16"], [">u2", "uint16"]])
    parts = []
    for number in range(rng.randint(2, 13)):
        if over != "new":
            shape[over] = rng.randint(8, 12) if over >= rank - 2 else rng.randint(1, 5)
        parts.append(array(rng, shape, rng.choice(dtypes)))
        with h5py.File(folder / f"scan {number}.h5", "w") as file:
            file["other"] = np.zeros((3, 9, 9))
            file.create_dataset("a/movie", data=parts[-1], chunks=True if rng.random() < 0.5 else None, compression=None)
    truth = np.stack(parts) if over == "new" else np.concatenate(parts, axis=over)
    out = folder / "out.h5"
    run(tectum, folder, "-o", out, "--dataset", "a/movie", "--over", over, "--name", "x/all")
    got, _ = read(out, "x/all")
    assert np.array_equal(got, truth) and got.shape == truth.shape, (over, got.shape, truth.shape)


def growing(tectum, rng, folder):
    shape = [rng.randint(1, 4), 2, 8, 9]
    parts = [array(rng, shape, "uint16") for _ in range(13)]
    rec = folder / "rec 5%"
    rec.mkdir()
    name = rng.choice(["{}.h5", "cam1_{}.h5", "{}_of_day2.h5"]).format

    def record(numbers):
        for number in numbers:
            with h5py.File(rec / name(number), "w") as file:
                file["stack_4D"] = parts[number]

    record(range(2))
    out = folder / "out.h5"
    run(tectum, rec / name(0), rec / name(1), "-o", out, "--axes", "tzyx", "--grow")
    for end in (3, 11, 13):
        record(range(2, end))
        assert np.array_equal(read(out)[0], np.concatenate(parts[:end])), end


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def followed(tectum, rng, folder):
    """A recording that still runs, in blocks that HDF5 cannot count; h5py looks at it all the time."""
    shape = [rng.randint(1, 3), 2, 8, 9]
    num = rng.randint(4, 9)
    parts = [array(rng, shape if i < num - 1 else [1, *shape[1:]], "uint16") + 1 for i in range(num)]
    is_split = rng.random() < 0.6
    rec, out = folder / "rec", folder / "out.h5"
    rec.mkdir()
    name = rng.choice(["{:04d}.h5", "cam1_{:04d}.h5"] if is_split else ["scan {:02d}.h5", "{}_day.h5"]).format

    def record(number):
        # As a rig does: under its own name, growing.
        with h5py.File(rec / name(number), "w") as file:
            file["stack_4D"] = parts[number]

    record(0)
    if is_split:
        record(1)
        args = ["--axes", "tzyx"]
    else:
        args = ["--axes", "tzyx", "--dataset", "stack_4D"]
    process = subprocess.Popen([tectum, "vds", rec, "-o", out, "--follow", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(out.exists)
        kept = h5py.File(out, "r")
        first = kept["data"][()]
        longest = 0
        for end in range(1 + is_split, num + 1):
            if end > 1 + is_split:
                record(end - 1)
            truth = np.concatenate(parts[:end])

            def is_there():
                nonlocal longest
                got = read(out)[0]
                longest = max(longest, len(got))
                same = min(len(got), len(truth))
                # Never anything else than what was recorded, or what is not there yet.
                assert all(np.array_equal(got[t], truth[t]) or not got[t].any() for t in range(same))
                return got.shape == truth.shape and np.array_equal(got, truth)

            wait_for(is_there)
        assert len(kept["data"]) == len(first) and np.array_equal(kept["data"][()], first)
        kept.close()
        assert process.poll() is None, process.communicate()
        # The writer says that it is done, or somebody has seen enough.
        ends = is_split and rng.random() < 0.5
        if ends:
            claim = {"shape_full": [sum(map(len, parts)), *shape[1:]], "shape_block": shape, "resolution": [5, 0.5, 0.5]}
            (rec / "stack_metadata.json").write_text(json.dumps(claim))
        else:
            process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)
        assert process.returncode == (0 if ends else 130), (process.returncode, said)
        assert np.array_equal(read(out)[0], np.concatenate(parts))
        assert sorted(p.name for p in folder.iterdir()) == ["out.h5", "rec"]
    finally:
        if process.poll() is None:
            process.kill()


def refused(tectum, folder):
    rec = folder / "rec"
    rec.mkdir()
    for number in range(3):
        with h5py.File(rec / f"{number:04d}.h5", "w") as file:
            file["stack_4D"] = np.full((2, 3, 8, 8), number, "uint16")
    out = folder / "out.h5"
    for args, word in [
        ([rec, "-o", rec / "x.h5"], "never written to"),
        ([rec, "-o", folder / "nowhere" / "x.h5"], "no folder"),
        ([rec, "-o", folder / "x.txt"], "only .h5"),
        ([rec, "-o", out, "--grow"], "--follow"),
        ([rec, rec, "-o", out, "--follow"], "one recording"),
        ([rec, "-o", out, "--fill", "70000"], "is no uint16"),
        ([folder / "absent", "-o", out], "no such"),
        ([rec / "0000.h5", folder / "absent.h5", "-o", out], "no such"),
    ]:
        said = run(tectum, *args, fails=True)
        assert word in said, (args, said)
        assert not out.exists()
    run(tectum, rec, "-o", out)
    assert "--force" in run(tectum, rec, "-o", out, fails=True)
    run(tectum, rec, "-o", out, "--force")
    if os.getuid() != 0:
        folder.chmod(0o500)
        run(tectum, rec, "-o", folder / "other.h5", fails=True)


def main():
    tectum, number = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory() as root:
        for i in range(number):
            folder = Path(root) / f"case{i}"
            folder.mkdir()
            kind = [one_split, many_files, growing, followed][rng.choices(range(4), [60, 30, 10, 8])[0]]
            state = rng.getstate()
            try:
                kind(tectum, rng, folder)
            except Exception:
                print(f"case {i}: {kind.__name__}", file=sys.stderr)
                raise
        folder = Path(root) / "refused"
        folder.mkdir()
        refused(tectum, folder)
    print(f"vds: {number} random cases as h5py {h5py.__version__} (HDF5 {h5py.version.hdf5_version}) reads them")


main()
