"""A random recording on disk and what is in it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
FLOATS = ["f2", "f4", "f8"]


@dataclass
class Recording:
    """What was written. `truth` holds the voxels in the order of the axes on disk."""

    path: Path
    truth: np.ndarray
    # Voxels that were never written, or whose file is gone or damaged.
    missing: np.ndarray
    # What is given to the program beside the path.
    options: list = field(default_factory=list)
    # Words of the error where the recording is not read at all.
    refused: str | None = None
    # What it is, for whoever looks into a difference.
    note: str = ""


def whole(path, truth, **more):
    return Recording(path, truth, np.zeros(truth.shape, bool), **more)


def random_dtype(rng, with_bool=True):
    kinds = ["u2"] * 4 + ["i2"] * 2 + INTEGERS + FLOATS + ["f4", "?"]
    kind = rng.choice(kinds)
    return np.dtype("u1" if kind == "?" and not with_bool else kind)


def random_values(rng, shape, dtype):
    """Voxels as cameras, detectors and scripts leave them: noise, extremes, NaN, zeros, all the same."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape))
    style = rng.choice(["noise", "noise", "full", "counter", "zeros", "same"], p=[0.3, 0.2, 0.2, 0.2, 0.05, 0.05])
    if dtype == bool:
        values = rng.random(size) < rng.choice([0.0, 0.1, 0.5, 1.0])
    elif dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        values = {
            "noise": lambda: rng.poisson(rng.choice([0.3, 20, 100]), size) - (5 if low < 0 else 0),
            "full": lambda: rng.integers(low, high, size, dtype, endpoint=True),
            "counter": lambda: np.arange(size),
            "zeros": lambda: np.zeros(size),
            "same": lambda: np.full(size, rng.choice([low, high, 1])),
        }[style]()
    else:
        values = {
            "noise": lambda: rng.normal(100, 30, size),
            "full": lambda: rng.normal(0, 1, size) * 10.0 ** rng.integers(-4, 4, size),
            "counter": lambda: np.arange(size) / 4,
            "zeros": lambda: np.zeros(size),
            "same": lambda: np.full(size, -1.5),
        }[style]()
        if rng.random() < 0.4:
            values[rng.random(size) < 0.1] = np.nan
        if rng.random() < 0.1:
            values[rng.random(size) < 0.05] = rng.choice([np.inf, -np.inf])
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(values).astype(dtype).reshape(shape)
    # Timepoints without light, often the last ones.
    if rng.random() < 0.2:
        values[int(rng.integers(shape[0])) :] = 0
    return values


def random_shape(rng, rank=None, most=1500):
    """Small, and rarely the same along two axes."""
    rank = rank or int(rng.choice([2, 3, 4, 4, 4, 5]))
    while True:
        shape = tuple(int(n) for n in rng.integers(1, [9, 5, 13, 14, 6][-rank:] if rank < 5 else [4, 4, 4, 8, 9]))
        if np.prod(shape) <= most:
            return shape
