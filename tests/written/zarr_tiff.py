"""OME-Zarr and TIFF of random arrays, written by `tectum convert` and read by zarr-python, ome-zarr and tifffile.

`zarr_tiff.py TECTUM [NUMBER [SEED]]`. Needs zarr 3, ome-zarr, tifffile and imagecodecs; where ome-zarr-models is there,
it checks the metadata. The sources are OME-Zarr images that zarr-python writes.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

try:
    from ome_zarr_models.v05 import Image as ImageModel
except ImportError:
    ImageModel = None

DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]
KINDS = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def convert(tectum, *args):
    done = subprocess.run([tectum, "convert", *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    return done.stdout + done.stderr


def voxels(rng, shape, dtype):
    values = np.random.default_rng(rng.randrange(1 << 30)).integers(-100, 100, shape)
    values[values < -40] = 0
    if rng.random() < 0.3:
        values[: shape[0] // 2 + 1] = 0
    return values > 0 if dtype == "bool" else (values * (3 if dtype.startswith("f") else 1)).astype(dtype)


def write_source(path, array, letters, steps):
    """An OME-Zarr image of one resolution."""
    group = zarr.create_group(path, zarr_format=3)
    chunks = tuple(max(1, dim // 2) for dim in array.shape)
    group.create_array("0", shape=array.shape, dtype=array.dtype, chunks=chunks)[...] = array
    axes = [{"name": letter, "type": KINDS[letter]} for letter in letters]
    for axis in axes:
        if axis["type"] == "space":
            axis["unit"] = "micrometer"
        if axis["type"] == "time":
            axis["unit"] = "second"
    scale = [{"type": "scale", "scale": [steps[letter] for letter in letters]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    ome = {"version": "0.5", "multiscales": [{"name": "fish", "axes": axes, "datasets": datasets}]}
    if "c" in letters:
        names = ["green & co", "red"]
        window = {"min": 0, "max": 200, "start": 5, "end": 90}
        ome["omero"] = {"channels": [{"label": name, "color": color, "window": window, "active": True}
                                     for name, color in zip(names, ["00FF00", "FF00FF"])]}
    group.attrs["ome"] = ome


def random_source(rng, folder, dtypes, letters=None):
    letters = letters or rng.choice(["yx", "zyx", "tyx", "tzyx", "tczyx", "tcyx", "czyx"])
    small = len(letters) > 3
    shape = [2 if letter == "c" else rng.randint(2, 6 if small else 12) for letter in letters[:-2]]
    shape += [rng.randint(8, 40) for _ in range(2)]
    steps = {"t": 0.25, "c": 1.0, "z": rng.choice([0.5, 1.0, 4.0]), "y": 0.5, "x": 0.325}
    array = voxels(rng, shape, rng.choice(dtypes))
    write_source(folder / "source.zarr", array, letters, steps)
    return folder / "source.zarr", array, letters, steps


def halved(array, factors, dtype):
    """Means over what is there, of whole numbers rounded to the even one where two are as near."""
    is_long = np.dtype(dtype).kind in "ui" and np.dtype(dtype).itemsize == 8
    total, count = array.astype(object if is_long else "float64"), np.ones(array.shape, dtype=int)
    for axis, factor in enumerate(factors):
        starts = np.arange(0, array.shape[axis], factor)
        total, count = np.add.reduceat(total, starts, axis), np.add.reduceat(count, starts, axis)
    if is_long:
        # Sums of large numbers are not exact in floating point.
        below, rest = total // count, 2 * (total % count)
        return (below + ((rest > count) | (rest == count) & (below % 2 == 1))).astype(dtype)
    mean = total / count
    return mean.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(mean).astype(dtype)


def fetched(location, folder):
    """The objects of a bucket as files."""
    import boto3

    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    for item in (item for page in pages for item in page["Contents"]):
        path = folder / item["Key"].removeprefix(f"{prefix}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        boto3.client("s3").download_file(bucket, item["Key"], str(path))
    return folder


def zarr_image(tectum, rng, folder, afar=None):
    source, array, letters, steps = random_source(rng, folder, DTYPES)
    chunk = [rng.randint(1, dim) for dim in array.shape]
    options = ["--compression", rng.choice(["none", "gzip:1", "zstd:2", "blosc:lz4", "blosc:zstd:1", "blosc:blosclz"])]
    sharding = rng.choice(["no", "auto", "said"])
    if rng.random() < 0.7:
        options += ["--chunk-shape", ",".join(map(str, chunk))]
    elif sharding == "said":
        sharding = "auto"
    if sharding != "no":
        shard = "auto" if sharding == "auto" else ",".join(str(step * rng.randint(1, 3)) for step in chunk)
        options += ["--shard-shape", shard]
    num_levels = rng.randint(1, 3)
    nearest = array.dtype == bool or rng.random() < 0.3
    options += ["--levels", num_levels, *(["--level-by", "nearest"] if nearest else [])]
    out = afar or folder / "out.zarr"
    convert(tectum, source, "-o", out, *options)
    if afar:
        out = fetched(afar, folder / "fetched.zarr")
    group = zarr.open_group(out, mode="r")
    assert group.metadata.consolidated_metadata is not None
    level, shown = group["0"], (array.shape, array.dtype, letters, options)
    assert level.shape == array.shape and level.dtype == array.dtype, shown
    assert np.array_equal(level[...], array), shown
    assert level.metadata.dimension_names == tuple(letters), shown
    (image,) = group.attrs["ome"]["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == list(letters) and image["name"], shown
    former, factors = array, np.ones(len(letters))
    for number, dataset in enumerate(image["datasets"]):
        level = group[dataset["path"]]
        step = np.ceil(np.array(former.shape) / np.array(level.shape)).astype(int)
        factors = factors * step
        if number > 0:
            picked = former[tuple(slice(None, None, by) for by in step)]
            wanted = picked if nearest else halved(former, step, array.dtype)
            assert np.array_equal(level[...], wanted), (number, shown)
        scale = dataset["coordinateTransformations"][0]["scale"]
        assert np.allclose(scale, [steps[letter] * by for letter, by in zip(letters, factors)]), (number, scale, shown)
        former = level[...]
    if "c" in letters:
        channels = group.attrs["ome"]["omero"]["channels"]
        assert [channel["label"] for channel in channels] == ["green & co", "red"], channels
        assert [channel["color"] for channel in channels] == ["00FF00", "FF00FF"], channels
    if ImageModel is not None:
        ImageModel.from_zarr(group)
    (node, *_) = list(Reader(parse_url(out))())
    assert np.array_equal(np.asarray(node.data[0]), array), shown
    assert len(node.data) == len(image["datasets"])


def tiff(tectum, rng, folder):
    flavor = rng.choice(["imagej", "ome", "plain"])
    dtypes = {"imagej": ["uint8", "uint16", "int16", "float32"],
              "ome": [name for name in DTYPES[1:] if name not in ("uint64", "int64", "float16")]}.get(flavor, DTYPES[1:])
    source, array, letters, steps = random_source(rng, folder, dtypes)
    codec = "none" if flavor == "imagej" else rng.choice(["none", "deflate:6", "zstd:3", "lzw"])
    options = ["--compression", codec] + (["--big"] if flavor != "imagej" and rng.random() < 0.3 else [])
    out = folder / ("out.ome.tif" if flavor == "ome" else "out.tif")
    convert(tectum, source, "-o", out, *(["--flavor", flavor] if flavor != "ome" else []), *options)
    shown = (array.shape, array.dtype, letters, flavor, options)
    with tifffile.TiffFile(out) as file:
        series = file.series[0]
        assert len(file.series) == 1 and series.kind == {"plain": "shaped"}.get(flavor, flavor), (series.kind, shown)
        axes = series.axes
        assert sorted(axes.replace("S", "")) == sorted(letters.upper()), (axes, shown)
        got = series.asarray()
        wanted = array.transpose([letters.upper().index(letter) for letter in axes])
        assert got.dtype == array.dtype and np.array_equal(got, wanted), (axes, shown)
        assert file.is_bigtiff == ("--big" in options), shown
        x, y = (file.pages[0].tags[name].value for name in ("XResolution", "YResolution"))
        per_unit = 1.0 if flavor == "imagej" else 1e4
        spacing = [per_unit * below / above for above, below in (x, y)]
        assert np.allclose(spacing, [steps["x"], steps["y"]]) or not {"z"} <= set(letters), (spacing, shown)
        if flavor == "imagej":
            said = file.imagej_metadata
            assert said["images"] == int(np.prod(array.shape[:-2])), (said, shown)
            if "z" in letters:
                assert said["unit"] == "micron" and said["spacing"] == steps["z"], (said, shown)
            if "t" in letters:
                assert said["finterval"] == 0.25 and said["fps"] == 4, (said, shown)
            if "c" in letters:
                assert said["mode"] == "composite" and list(said["Ranges"]) == [5, 90, 5, 90], (said, shown)
                assert said["LUTs"][0][:, 255].tolist() == [0, 255, 0], (said, shown)
        if flavor == "ome":
            text = file.ome_metadata
            assert tifffile.validate_ome(text) if hasattr(tifffile, "validate_ome") else True
            if "z" in letters:
                assert re.search(r'PhysicalSizeZ="([^"]*)"', text)[1] == str(steps["z"]).removesuffix(".0"), text
            if "t" in letters:
                assert 'TimeIncrement="0.25"' in text, text
            if "c" in letters:
                assert 'Name="green &amp; co"' in text, text


def resumed(tectum, rng, folder):
    """A run that was killed and taken up is the same to the byte."""
    array = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 60000, (24, 3, 700, 900)).astype("uint16")
    write_source(folder / "source.zarr", array, "tzyx", {"t": 1.0, "z": 1.0, "y": 1.0, "x": 1.0})
    for name, options in [("a.zarr", ["--levels", "2", "--shard-shape", "auto"]), ("a.ome.tif", ["--compression", "zstd:6"])]:
        whole, killed = folder / f"whole-{name}", folder / name
        convert(tectum, folder / "source.zarr", "-o", whole, *options, "--memory", "8")
        for _ in range(3):
            args = [tectum, "convert", folder / "source.zarr", "-o", killed, *options, "--memory", "8"]
            args += ["--resume"] if Path(f"{killed}.part").exists() else []
            process = subprocess.Popen(list(map(str, args)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(rng.uniform(0.05, 0.8))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if killed.exists():
                break
        if not killed.exists():
            convert(tectum, folder / "source.zarr", "-o", killed, *options, "--memory", "8", "--resume")
        files = [sorted(path.relative_to(top) for path in top.rglob("*")) if top.is_dir() else [Path()] for top in (whole, killed)]
        assert files[0] == files[1], name
        for file in files[0]:
            if (whole / file).is_file():
                assert (whole / file).read_bytes() == (killed / file).read_bytes(), (name, file)
        assert not Path(f"{killed}.part").exists()


def main(tectum, number=60, seed=None):
    seed = int(seed) if seed is not None else random.randrange(1 << 30)
    rng = random.Random(seed)
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    with tempfile.TemporaryDirectory() as top:
        resumed(tectum, rng, Path(top))
        for i in range(int(number)):
            folder = Path(top) / str(i)
            folder.mkdir()
            check = rng.choice([zarr_image, tiff])
            try:
                if endpoint:
                    os.chdir(folder)
                    zarr_image(tectum, rng, folder, f"s3://bucket/{seed}/{i}/out.zarr")
                else:
                    check(tectum, rng, folder)
            except Exception:
                print(f"seed {seed}, case {i}", file=sys.stderr)
                raise
    print(f"{number} images {'in a bucket' if endpoint else 'in OME-Zarr and TIFF'}: as zarr-python, ome-zarr and tifffile read them (seed {seed})")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), *sys.argv[2:])
