"""Writes random TIFF files by tifffile into a folder, with a manifest of what tifffile reads of them.

    python tests/differential/tiff.py FOLDER [NUMBER] [SEED]
    TIFF_RANDOM=FOLDER cargo test --release --test sources random_files -- --ignored --nocapture

Needs tifffile and imagecodecs. A seed gives the same files again.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

import numpy as np
import tifffile

folder = Path(sys.argv[1])
number = int(sys.argv[2]) if len(sys.argv) > 2 else 300
seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
rng = random.Random(seed)
values = np.random.default_rng(seed)
folder.mkdir(parents=True, exist_ok=True)
KINDS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64", "bool"]


def data_of(shape, kind):
    kind = np.dtype(kind)
    if kind.kind == "b":
        return values.random(shape) > 0.5
    if kind.kind == "f":
        return (values.standard_normal(shape) * 1000).astype(kind)
    info = np.iinfo(kind)
    # Slowly changing with some noise, as pictures are; now and then all values.
    if rng.random() < 0.3:
        return values.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
    ramp = np.arange(int(np.prod(shape))).reshape(shape) // rng.randint(1, 40)
    return (ramp + values.integers(0, 9, shape)).astype(kind)


def one(i):
    kind = rng.choice(KINDS)
    height, width = rng.randint(2, 90), rng.randint(2, 90)
    outer = [rng.randint(1, 5) for _ in range(rng.randint(0, 3))]
    samples = rng.choice([0, 0, 0, 2, 3, 4, 5])
    planar = bool(samples) and rng.random() < 0.4
    shape = [*outer, *([samples] if planar else []), height, width, *([samples] if samples and not planar else [])]
    options = dict(byteorder=rng.choice("<>"), bigtiff=rng.random() < 0.4, photometric="minisblack")
    how = rng.choice(["plain", "plain", "ome", "imagej", "bare"])
    if samples:
        options["planarconfig"] = "separate" if planar else "contig"
    if how == "imagej":
        kind = rng.choice(["uint8", "uint16", "float32"])
        outer = [rng.randint(1, 4) for _ in range(3)]
        shape, samples = [*outer, height, width], 0
        options = dict(imagej=True, metadata=dict(axes="TZCYX"), byteorder=options["byteorder"], photometric="minisblack")
    elif how == "ome":
        if kind in ["int64", "uint64", "float16", "bool"]:
            kind = "uint16"
        outer = [rng.randint(1, 4) for _ in range(3)]
        shape, samples = [*outer, height, width], 0
        options.pop("planarconfig", None)
        axes = "".join(rng.sample("TZC", 3)) + "YX"
        options |= dict(ome=True, metadata=dict(axes=axes))
    elif how == "bare":
        options["metadata"] = None
    if kind != "bool" and how != "imagej":
        options["compression"] = rng.choice([None, None, "deflate", "lzw", "packbits", "zstd"])
        if options["compression"] in ["deflate", "lzw", "zstd"] and rng.random() < 0.6:
            options["predictor"] = True
    if how != "imagej" and rng.random() < 0.4 and kind != "bool":
        options["tile"] = (16 * rng.randint(1, 4), 16 * rng.randint(1, 4))
    elif rng.random() < 0.5:
        options["rowsperstrip"] = rng.randint(1, height)
    data = data_of(shape, kind)
    name = f"{how}_{i}.tif" if how != "ome" else f"{i}.ome.tif"
    path = folder / name
    try:
        tifffile.imwrite(path, data, **options)
        series = tifffile.TiffFile(path).series[0]
        read = series.asarray()
    except Exception as error:  # What tifffile does not write or read is no reference.
        path.unlink(missing_ok=True)
        return f"{name}: {type(error).__name__} {error}"
    if read.size != data.size:
        path.unlink()
        return f"{name}: tifffile finds {series.shape} of {data.shape}"
    read = np.ascontiguousarray(read)
    read = read.astype(read.dtype.newbyteorder("<"))
    arrays.append(dict(file=name, size=int(read.size), dtype=read.dtype.name, sha256=hashlib.sha256(read.tobytes()).hexdigest(), options=str(options), shape=list(data.shape)))


arrays = []
left_out = [why for why in map(one, range(number)) if why]
(folder / "manifest.json").write_text(json.dumps(dict(seed=seed, arrays=arrays), indent=1))
print(f"{len(arrays)} files, seed {seed}; {len(left_out)} left out")
for why in left_out[:5]:
    print("  ", why)
