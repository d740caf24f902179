"""Measures some small recordings with numpy, scipy and scikit-image and writes `results.json`, with which
`tests/qc/oracle.rs` compares: `python make.py`. The recordings are not stored, both sides make them (recording.py)."""

import hashlib
import json
import math
from pathlib import Path

import measures
import numpy as np
from recording import DEFAULT, draw

RECIPES = {
    "drifting": dict(shape=[40, 6, 64, 72], seed=3, faults=[{"drift": {"from": 0, "by": [0.11, -0.07]}}]),
    "ten_bits": dict(
        shape=[31, 3, 48, 40], seed=5, bits=10, gain=0.42, offset=60.0, brightness=250.0, num_cells=40,
        faults=[{"saturated": {"t": [8, 20], "z": 1, "px": 6}}, {"doubled": {"t": 17, "z": 2}}],
    ),
    "slipping": dict(shape=[36, 9, 48, 48], seed=7, faults=[{"slip": {"from": 23, "planes": 2}}]),
    "sinking": dict(shape=[36, 12, 48, 48], seed=11, faults=[{"sink": {"from": 10, "planes": 0.08}}]),
    "bleaching": dict(
        shape=[60, 3, 48, 48], seed=13, slow=0.05, background=60.0, haze=160.0,
        faults=[{"bleach": {"factor": 0.995}}, {"blurred": {"t": [30, 60], "z": 1}}],
    ),
    "one_plane": dict(shape=[30, 1, 60, 80], seed=17, bits=12, faults=[{"striped": {"t": [12, 30], "by": 0.2}}]),
}  # fmt: skip
"""Timepoints of which what each plane gives is kept."""
STEP = 6


def short(value):
    """Seven digits, and null for what cannot be had."""
    if isinstance(value, dict):
        return {key: short(v) for key, v in value.items()}
    if isinstance(value, np.ndarray | list):
        return [short(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def measured(recipe):
    F = draw(recipe)
    kept = list(range(0, len(F), STEP))
    dark, deviation = measures.offset(F), measures.read_noise(F)
    planes = dict(
        measures.intensity(F), saturation=measures.saturation(F), change=measures.change(F), focus=measures.focus(F),
        stripes=measures.stripes(F),
    )  # fmt: skip
    return dict(
        sha256=hashlib.sha256(F.astype("<u2").tobytes()).hexdigest(),
        t=kept,
        planes={name: values[kept] for name, values in planes.items()},
        full_scale=measures.full_scale(F),
        offset=dark,
        duplicate=measures.duplicate(F),
        motion=measures.motion(F),
        z_drift=measures.z_drift(F),
        plane_slip=measures.plane_slip(F),
        read_noise=deviation,
        tsnr=measures.tsnr(F, dark + 3 * deviation),
        bleaching=measures.bleaching(F),
        photon_gain=measures.photon_gain(F),
        noise=measures.noise(F, dark),
    )


def main():
    results = {}
    for name, given in RECIPES.items():
        recipe = {**DEFAULT, **given}
        results[name] = dict(recipe=given, **short(measured(recipe)))
        print(name, {k: v for k, v in results[name].items() if k in ("photon_gain", "noise", "bleaching", "tsnr")})
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(result)}" for name, result in results.items())
    Path(__file__).with_name("results.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
