"""Writes a few small random recordings with numpy's answers into the folder stored beside this file.

    store.py [COUNT]        (40)

The test `differential` asks the program the same questions where there is no Python."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from compare import REFUSALS, make, random_fill
from questions import Question, random_question

STORED = Path(__file__).parent / "stored"
SEED = 8
MOST_BYTES = 60_000
QUESTIONS = 4


def answer_of(recording, question, fill):
    """What is expected of one export, as JSON."""
    case = {"arguments": question.arguments() + ([] if fill is None else [f"--fill={fill}"])}
    values = recording.truth.copy()
    index = question.index()
    is_refused = recording.refused is not None and values[index].size > 0
    if is_refused or fill is None and recording.missing[index].any():
        return {**case, "refused": recording.refused or "missing"}
    if fill is not None:
        values[recording.missing] = fill == "true" if values.dtype == bool else float(fill)
    answer = np.ascontiguousarray(question.answer(values))
    digest = hashlib.sha256(answer.tobytes()).hexdigest()
    return {**case, "descr": answer.dtype.str, "shape": answer.shape, "sha256": digest}


def cases_of(recording, rng):
    questions = [Question()]
    while len(questions) < QUESTIONS:
        question = random_question(rng, recording.truth)
        try:
            question.answer(recording.truth)
        except REFUSALS:
            continue
        if question.is_exact(recording.truth.dtype):
            questions.append(question)
    lacks = recording.missing.any() or recording.refused is not None
    for question in questions:
        yield answer_of(recording, question, None)
        if lacks:
            yield answer_of(recording, question, random_fill(rng, recording.truth.dtype))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    shutil.rmtree(STORED, ignore_errors=True)
    STORED.mkdir()
    found, number = [], 0
    while len(found) < count:
        folder = Path(tempfile.mkdtemp())
        recording, rng = make(SEED, number, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        names = [str(path.relative_to(folder)) for path in files]
        size = sum(path.stat().st_size for path in files)
        if size <= MOST_BYTES and all(name.isascii() for name in names):
            shutil.copytree(folder, STORED / f"{number:04d}")
            now = time.time()
            found.append({
                "folder": f"{number:04d}",
                "note": recording.note,
                "path": str(recording.path.relative_to(folder)),
                "options": recording.options,
                "ages_s": {name: round(now - os.stat(path).st_mtime) for name, path in zip(names, files)},
                "shape": recording.truth.shape,
                "dtype": recording.truth.dtype.name,
                "lacks": bool(recording.missing.any()),
                "is_read": recording.refused is None,
                "cases": list(cases_of(recording, rng)),
            })
        shutil.rmtree(folder)
        number += 1
    (STORED / "cases.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
