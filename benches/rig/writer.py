"""Records as sashimi does: flammkuchen, blosc, blocks straight to their final names, the JSON last.

usage: writer.py FOLDER --rate HZ --blocks N [--len VOLUMES] [--planes N] [--side PIXELS]
Prints one JSON line a block: its number, when it was closed (seconds since 1970), how long saving it took and
how late its saving began; and at the end how many of its blocks hold what was written.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import flammkuchen
import numpy as np


def camera(args, seed):
    """Noise where the brain is, a flat offset elsewhere, so that one core can compress it in time."""
    rng = np.random.default_rng(seed)
    side = args.side
    rows, columns = np.ogrid[-1:1:side * 1j, -1:1:side * 1j]
    brain = (rows / 0.7) ** 2 + (columns / 0.4) ** 2 < 1
    block = np.full((args.len, args.planes, side, side), 100, np.uint16)
    noise = rng.integers(120, 200, (args.planes, brain.sum()), dtype=np.uint16)
    for volume in range(args.len):
        block[volume, :, brain] = np.roll(noise, 977 * volume, axis=1).T
    return block


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--len", type=int, default=10)
    parser.add_argument("--planes", type=int, default=20)
    parser.add_argument("--side", type=int, default=1024)
    args = parser.parse_args()
    blocks = [camera(args, seed) for seed in (0, 1)]
    args.folder.mkdir(parents=True, exist_ok=True)
    period, begin = args.len / args.rate, time.perf_counter()
    for k in range(args.blocks):
        # A block is there once its last volume has been taken.
        due = begin + (k + 1) * period
        time.sleep(max(0.0, due - time.perf_counter()))
        start = time.perf_counter()
        flammkuchen.save(args.folder / f"{k:04d}.h5", {"stack_4D": blocks[k % 2]}, compression="blosc")
        report = dict(block=k, closed=time.time(), save_s=time.perf_counter() - start, late_s=start - due)
        print(json.dumps(report), flush=True)
    full = [args.blocks * args.len, args.planes, args.side, args.side]
    meta = dict(shape_full=full, shape_block=[args.len, *full[1:]], crop=[0, 0, 0, 0], padding=[0, 0, 0, 0],
                voxel_size=[10.0, 0.6, 0.6])
    (args.folder / "stack_metadata.json").write_text(json.dumps(meta))
    print(json.dumps(dict(seconds=time.perf_counter() - begin)), flush=True)
    sys.stdin.readline()
    some = range(0, args.blocks, max(1, args.blocks // 20))
    whole = sum(np.array_equal(flammkuchen.load(args.folder / f"{k:04d}.h5", "/stack_4D"), blocks[k % 2]) for k in some)
    print(json.dumps(dict(compared=len(some), whole=whole)), flush=True)


main()
