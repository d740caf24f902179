"""How fast the Python readers of each format read the files of make.py, in the same run as benches/sources.rs.

usage: peers.py FOLDER
"""
import statistics
import sys
import time
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401
import tifffile
import zarr

TURNS = 3


def h5(path):
    data = h5py.File(path)["data"]
    for t in range(len(data)):
        yield data[t]


def ome(path):
    data = zarr.open_group(path, mode="r")["0"]
    for t in range(data.shape[0]):
        yield data[t]


def tiff(path):
    with tifffile.TiffFile(path) as file:
        for series in file.series:
            yield series.asarray()


def first_plane(read):
    start = time.perf_counter()
    read()
    return time.perf_counter() - start


def main(folder):
    folder = Path(folder)
    readers = {
        "h5py, plain HDF5": (h5, "plain.h5"),
        "h5py, virtual dataset": (h5, "virtual.h5"),
        "zarr-python, Blosc": (ome, "unsharded.zarr"),
        "zarr-python, Blosc, sharded": (ome, "sharded.zarr"),
        "tifffile, uncompressed": (tiff, "uncompressed.tif"),
    }
    rates = {name: [] for name in readers}
    for _ in range(TURNS):
        for name, (read, file) in readers.items():
            start = time.perf_counter()
            num_bytes = sum(volume.nbytes for volume in read(folder / file))
            rates[name].append(num_bytes / (time.perf_counter() - start) / 1e6)
    print("\n| peer | MB/s |\n|---|---|")
    for name, values in rates.items():
        print(f"| {name} | {statistics.median(values):.0f} |")
    print("\n| peer | first plane, s |\n|---|---|")
    openings = {
        "h5py, 100,000 chunks": lambda: h5py.File(folder / "many_chunks.h5")["data"][99_999],
        "tifffile, 100,000 pages": lambda: tifffile.TiffFile(folder / "many_pages.tif").pages[99_999].asarray(),
        "zarr-python, pyramid": lambda: zarr.open_group(folder / "pyramid.zarr", mode="r")["0"][0, 25, :512, :512],
    }
    for name, read in openings.items():
        print(f"| {name} | {first_plane(read):.3f} |")


if __name__ == "__main__":
    main(sys.argv[1])
