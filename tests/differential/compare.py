"""Asks the program and numpy the same questions of random recordings, and reports where they disagree.

    compare.py TECTUM [--count 2000] [--seed 1] [--only N] [--keep]

Recording N of a seed is always the same: --only N --keep leaves it in place to be looked at."""

import argparse
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from files import random_file
from folders import random_folder
from questions import Question, differs, random_question

QUESTIONS = 4

# Numpy's later versions refuse these.
warnings.filterwarnings("error", message="Out of bound index", category=DeprecationWarning)
REFUSALS = (IndexError, ValueError, DeprecationWarning)


def make(seed, number, folder):
    """Recording `number`, written into `folder`, and the generator its questions come from."""
    rng = np.random.default_rng([seed, number])
    recording = (random_file if rng.random() < 0.5 else random_folder)(rng, folder)
    return recording, rng


class Asked:
    """The program, asked about one recording."""

    def __init__(self, tectum, recording, folder):
        self.tectum, self.recording, self.out = tectum, recording, folder / "out.npy"
        self.found = []

    def run(self, *arguments):
        return subprocess.run([self.tectum, *map(str, arguments)], capture_output=True, text=True, timeout=60)

    def note(self, what, output=None):
        last = "" if output is None else f" [{output.returncode}] {output.stderr.strip()[-300:]}"
        self.found.append(f"{what}{last}")

    def info(self):
        recording = self.recording
        output = self.run("info", recording.path, "--json", *recording.options)
        if output.returncode != 0:
            return self.note("info fails", output)
        told = json.loads(output.stdout)
        if tuple(told["shape"]) != recording.truth.shape:
            self.note(f"info: shape {told['shape']} instead of {recording.truth.shape}")
        if told["dtype"] != recording.truth.dtype.name:
            self.note(f"info: type {told['dtype']} instead of {recording.truth.dtype}")
        errors = [problem["message"] for problem in told["problems"] if problem["severity"] == "error"]
        if bool(errors) != bool(recording.missing.any()):
            self.note(f"info: errors {errors} though {int(recording.missing.sum())} voxels are missing")

    def export(self, question, fill=None):
        recording, arguments = self.recording, question.arguments()
        extra = [] if fill is None else [f"--fill={fill}"]
        self.out.unlink(missing_ok=True)
        output = self.run("export", recording.path, "-o", self.out, *recording.options, *arguments, *extra)
        what = "export " + " ".join([*arguments, *extra])
        values = recording.truth.copy()
        try:
            lacks = bool(recording.missing[question.index()].any())
            if fill is not None:
                values[recording.missing] = values.dtype.type(fill == "true" if fill in ("true", "false") else float(fill))
            expected = question.answer(values)
        except REFUSALS:
            return output.returncode != 0 or self.note(f"{what}: numpy refuses", output)
        is_refused = recording.refused is not None and bool((~recording.missing[question.index()]).any())
        if is_refused or lacks and fill is None:
            if output.returncode == 0 or self.out.exists():
                self.note(f"{what}: not refused", output)
            elif is_refused and recording.refused not in output.stderr:
                self.note(f"{what}: refused in other words", output)
            return None
        if output.returncode != 0:
            return self.note(what, output)
        wrong = differs(np.load(self.out), expected, question.is_exact(values.dtype))
        return wrong and self.note(f"{what}: {wrong}")


def random_fill(rng, dtype):
    if dtype == bool:
        return str(rng.choice(["true", "false"]))
    return str(int(rng.integers(0, 100)))


def check(job):
    tectum, seed, number, keep = job
    folder = Path(tempfile.mkdtemp(prefix=f"tectum-differential-{number}-"))
    note = ""
    try:
        recording, rng = make(seed, number, folder)
        note = recording.note
        asked = Asked(tectum, recording, folder)
        if recording.refused is None:
            asked.info()
        asked.export(Question())
        for _ in range(QUESTIONS):
            question = random_question(rng, recording.truth)
            asked.export(question)
            if recording.missing.any() or recording.refused is not None:
                asked.export(question, random_fill(rng, recording.truth.dtype))
        found = asked.found
    except Exception as error:
        found = [f"{type(error).__name__}: {error}"]
    finally:
        if not keep:
            shutil.rmtree(folder)
    return number, f"{folder}: {note}" if keep else note, found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tectum")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    numbers = range(args.count) if args.only is None else [args.only]
    begin, num_wrong = time.time(), 0
    jobs = [(args.tectum, args.seed, number, args.keep) for number in numbers]
    with multiprocessing.Pool() as pool:
        for number, note, found in pool.imap_unordered(check, jobs, chunksize=4):
            if found or args.keep:
                num_wrong += bool(found)
                print(f"recording {number}: {note}", *(f"    {line}" for line in found), sep="\n", flush=True)
    print(f"{len(jobs)} recordings in {time.time() - begin:.0f} s: {num_wrong} with differences")
    sys.exit(num_wrong > 0)


if __name__ == "__main__":
    main()
