"""Convert a split dataset by h5py, by zarr-python with and without dask, and by `tectum convert`, to the same chunks
and codecs, in turns: how long each takes (a process of its own, its start included), and how much memory.

usage: peers.py TECTUM SPLIT OUT [TURNS]    SPLIT: a folder of blocks; OUT: a folder that is made and removed
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

KEY = "stack_4D"


def blocks_of(split):
    import h5py
    import hdf5plugin  # noqa: F401  (registers the filters)

    return [h5py.File(path)[KEY] for path in sorted(Path(split).glob("*.h5"))]


def shape_of(blocks):
    return (sum(len(block) for block in blocks),) + blocks[0].shape[1:]


def by_h5py(split, out, filters):
    """Block by block, as most scripts do it."""
    import h5py

    blocks = blocks_of(split)
    with h5py.File(out, "w") as file:
        data = file.create_dataset("data", shape_of(blocks), blocks[0].dtype, chunks=(1, 1) + blocks[0].shape[2:], **filters)
        start = 0
        for block in blocks:
            data[start : start + len(block)] = block[:]
            start += len(block)


def gzip(split, out):
    by_h5py(split, out, dict(compression="gzip", compression_opts=4, shuffle=True))


def lz4(split, out):
    import hdf5plugin

    by_h5py(split, out, dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=1)))


def resaved(split, out):
    """The same blocks anew, in the chunks and with the filter they have."""
    import h5py

    os.mkdir(out)
    for i, block in enumerate(blocks_of(split)):
        filters = dict(compression=32001, compression_opts=(2, 2, 2, 0, 5, 1, 0))
        with h5py.File(f"{out}/{i:04d}.h5", "w") as file:
            file.create_dataset(KEY, data=block[:], chunks=block.chunks, **filters)


def zarr_array(out, blocks):
    import zarr

    return zarr.create_array(out, shape=shape_of(blocks), dtype=blocks[0].dtype, chunks=(1, 4) + blocks[0].shape[2:],
                             compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"), fill_value=0)


def by_zarr(split, out):
    blocks = blocks_of(split)
    data, start = zarr_array(out, blocks), 0
    for block in blocks:
        data[start : start + len(block)] = block[:]
        start += len(block)


def by_dask(split, out):
    import dask.array as da

    blocks = blocks_of(split)
    whole = da.concatenate([da.from_array(block, chunks=(1,) + block.shape[1:], lock=True) for block in blocks])
    with __import__("dask").config.set(scheduler="threads", num_workers=os.cpu_count()):
        da.store(whole, zarr_array(out, blocks), lock=False)


# Of each way: what tectum is asked for, the name of what is written, and the peers.
WAYS = {
    "HDF5, shuffle and gzip:4": (["--compression", "gzip:4"], "out.h5", {"h5py": gzip}),
    "HDF5, blosc:lz4:5": (["--compression", "blosc:lz4:5"], "out.h5", {"h5py": lz4}),
    "split dataset, blosc": (["--to", "split"], "out", {"h5py": resaved}),
    "OME-Zarr, blosc:zstd:3": (["--levels", "1"], "out.zarr", {"zarr-python": by_zarr, "dask": by_dask}),
}


def timed(command, out):
    """Seconds, and the most MB in memory, of a process; what it wrote is removed."""
    os.sync()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{command}: {message.decode()[-2000:]}")
    num_bytes = sum(path.stat().st_size for path in out.rglob("*")) if out.is_dir() else out.stat().st_size
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    return seconds, usage.ru_maxrss / 1024, num_bytes / 1e6


def main(tectum, split, folder, turns=3):
    folder = Path(folder)
    folder.mkdir(parents=True)
    num_bytes = 2
    for dim in shape_of(blocks_of(split)):
        num_bytes *= dim
    print(f"{num_bytes / 1e9:.2f} GB of voxels, {os.cpu_count()} cores, best of {turns} turns")
    for way, (options, name, peers) in WAYS.items():
        out = folder / name
        commands = {"tectum": [tectum, "convert", split, "-o", str(out), *options]}
        for peer, function in peers.items():
            commands[peer] = [sys.executable, __file__, "--peer", function.__name__, split, str(out)]
        best = {}
        for _ in range(int(turns)):
            for who, command in commands.items():
                best[who] = min(best.get(who, (1e9,)), timed(command, out))
        for who, (seconds, memory, size) in best.items():
            ratio = "" if who == "tectum" else f"   {seconds / best['tectum'][0]:.1f} times as long"
            print(f"{way:26} {who:12} {seconds:6.2f} s {num_bytes / 1e6 / seconds:6.0f} MB/s  {memory:5.0f} MB in memory"
                  f"  {size:5.0f} MB written{ratio}", flush=True)
    folder.rmdir()


if __name__ == "__main__":
    if sys.argv[1] == "--peer":
        globals()[sys.argv[2]](*sys.argv[3:])
    else:
        main(*sys.argv[1:])
