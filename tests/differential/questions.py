"""Random questions to a recording, and numpy's answers."""

from dataclasses import dataclass

import numpy as np

OPERATIONS = {"max": np.max, "min": np.min, "mean": np.mean, "std": np.std, "sum": np.sum}


@dataclass
class Question:
    """Arguments of `tectum export`, with what they ask for."""

    select: str | None = None
    project: str | None = None
    over: int | None = None

    def arguments(self):
        found = [] if self.select is None else [f"--select={self.select}"]
        if self.project is not None:
            found += ["--project", self.project, f"--over={self.over}"]
        return found

    def index(self):
        return eval(f"np.index_exp[{self.select}]", {"np": np}) if self.select is not None else ()

    def answer(self, values):
        """What numpy says; its errors come out as they are."""
        picked = values[self.index()]
        if self.project is None:
            return picked
        with np.errstate(all="ignore"):
            if picked.dtype == "f2" and not self.is_exact(picked.dtype):
                # numpy loses more on the way than the result has to.
                return np.asarray(OPERATIONS[self.project](picked.astype("f8"), axis=self.over)).astype("f2")
            return np.asarray(OPERATIONS[self.project](picked, axis=self.over))

    def is_exact(self, dtype):
        """Whether the answer is the same to the bit whatever the order of adding."""
        return self.project not in ("mean", "std") and not (self.project == "sum" and dtype.kind == "f")


def random_part(rng, size):
    kind = rng.random()
    if kind < 0.3:
        return str(int(rng.integers(-size, size)))
    if kind < 0.8:
        ends = [str(int(rng.integers(-size - 1, size + 2))) if rng.random() < 0.5 else "" for _ in range(2)]
        step = f":{rng.choice([-2, -1, 2, 3])}" if rng.random() < 0.3 else ""
        return ":".join(ends) + step
    if kind < 0.9:
        return str([int(i) for i in rng.integers(-size, size, int(rng.integers(1, 4)))])
    return str([bool(b) for b in rng.random(size) < 0.5])


def random_question(rng, values):
    """A numpy index, at times beyond the array, and at times a projection of what it picks."""
    parts = [random_part(rng, size) for size in values.shape[: int(rng.integers(0, values.ndim + 1))]]
    # One list at most: the shapes of several would seldom agree.
    lists = [i for i, part in enumerate(parts) if part.startswith("[")]
    for i in lists[1:]:
        parts[i] = ":"
    if rng.random() < 0.15:
        parts.insert(int(rng.integers(len(parts) + 1)), "...")
    if rng.random() < 0.05:
        parts.insert(int(rng.integers(len(parts) + 1)), "None")
    if rng.random() < 0.03:
        parts[:1] = [str(values.shape[0] + 1)]
    select = ", ".join(parts) if parts or rng.random() < 0.5 else None
    question = Question(select or None)
    try:
        picked = values[question.index()]
    except (IndexError, DeprecationWarning):
        return question
    if picked.ndim > 0 and picked.size > 0 and rng.random() < 0.45:
        question.project = str(rng.choice(list(OPERATIONS)))
        question.over = int(rng.integers(-picked.ndim, picked.ndim))
    return question


def differs(found, expected, is_exact):
    """What is wrong with an answer; `None` if nothing is. What is not exact may differ by rounding."""
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    if found.dtype != expected.dtype:
        return f"type {found.dtype} instead of {expected.dtype}"
    wrong = ~is_close(found, expected, is_exact)
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} values differ: {found[at]} instead of {expected[at]} at {at}"


def is_close(found, expected, is_exact):
    is_float = expected.dtype.kind == "f"
    if is_exact:
        return (found == expected) | (is_float and (found != found) & (expected != expected))
    precision = {"f2": 4e-3, "f4": 2e-6}.get(expected.dtype.str[1:], 1e-9)
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(expected[np.isfinite(expected)].astype("f8")), initial=1e-300)
    return np.isclose(found.astype("f8"), expected.astype("f8"), rtol=precision, atol=precision * scale, equal_nan=True)
