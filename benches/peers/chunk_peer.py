"""One plane out of Blosc chunks of 30 planes: h5py. usage: chunk_peer.py FOLDER  (writes it when absent)"""
import json
import sys
import time
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

folder = Path(sys.argv[1])
path = folder / "0000.h5"
if not path.exists():
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    data = rng.poisson(200, (8, 30, 512, 512)).astype(np.uint16)
    with h5py.File(path, "w", libver="earliest") as file:
        file.create_dataset("stack_4D", data=data, chunks=(1, 30, 512, 512), **hdf5plugin.Blosc(cname="blosclz", clevel=5))
    meta = dict(shape_full=data.shape, shape_block=data.shape, padding=[0] * 4, voxel_size=[8.0, 0.6, 0.6])
    (folder / "stack_metadata.json").write_text(json.dumps(meta))
times = []
for i in range(40):
    with h5py.File(path, "r") as file:  # opened anew: h5py keeps no chunk cache of 15 MB chunks anyway
        array = file["stack_4D"]
        start = time.perf_counter()
        array[i % 8, (7 * i) % 30]
        times.append(time.perf_counter() - start)
times.sort()
print(f"h5py plane of a 30-plane chunk: median {times[20] * 1e3:.3f} ms, p95 {times[38] * 1e3:.3f} ms")
