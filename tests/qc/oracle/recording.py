"""Recordings made by rule: the very values of `made.rs`, which says what is what.

Nothing but + - * / sqrt and floor is used, in the same order, so that both sides get the same bits."""

import math

import numpy as np

DEFAULT = dict(
    shape=[80, 6, 64, 64], seed=1, num_cells=120, cell_px=3.5, brightness=400.0, haze=80.0, background=20.0,
    activity=1.0, slow=0.0, gain=2.0, offset=100.0, read_noise=2.5, bits=16, faults=[],
)  # fmt: skip
OUT_OF_FOCUS = 2.5


def mix(counter):
    """SplitMix64's finaliser of an array of counters, or of one."""
    with np.errstate(over="ignore"):
        bits = np.asarray(counter, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))


def uniform(key, i):
    with np.errstate(over="ignore"):
        return (mix(key + np.uint64(i)) >> np.uint64(11)).astype(np.float64) * (1.0 / 9007199254740992.0)


def faults(recipe, kind):
    return [fault[kind] for fault in recipe["faults"] if kind in fault]


def within(t_range, t):
    return t_range[0] <= t < t_range[1]


def position(recipe, t):
    at = [0.0, 0.0, 0.0]
    for fault in recipe["faults"]:
        ((kind, f),) = fault.items()
        if kind == "drift":
            steps = float(max(t - f["from"], 0))
            at = [at[0], at[1] + steps * f["by"][0], at[2] + steps * f["by"][1]]
        elif kind == "jump" and within(f["t"], t):
            at = [at[0], at[1] + f["by"][0], at[2] + f["by"][1]]
        elif kind == "sink":
            at[0] += float(max(t - f["from"], 0)) * f["planes"]
    return at


def blobs(recipe):
    _, num_z, num_y, num_x = recipe["shape"]
    size = float(min(num_y, num_x))
    key = mix(recipe["seed"])
    made = []
    for i in range(6 + recipe["num_cells"]):
        u = [float(uniform(key, 16 * i + j)) for j in range(8)]
        at = [u[0] * num_z - 0.5, u[1] * num_y, u[2] * num_x]
        blob = dict(at=at, period=40 + int(u[5] * 120.0), phase=int(u[6] * 200.0))
        if i < 6:
            blob.update(radius=size * (0.25 + 0.2 * u[3]), depth=5.0, peak=recipe["haze"], activity=0.0)
        else:
            peak = recipe["brightness"] * (0.4 + 1.2 * u[4] * u[4])
            radius = recipe["cell_px"] * (0.8 + 0.4 * u[3])
            blob.update(radius=radius, depth=1.9, peak=peak, activity=recipe["activity"] * u[7] * u[7])
        made.append(blob)
    return made


def add(blob, t, z, at, blur, light):
    q = (z - (blob["at"][0] + at[0])) / blob["depth"]
    if abs(q) >= 1.0:
        return
    since = float((t + blob["phase"]) % blob["period"])
    decay = 1.0 + (since - 1.0) / 2.0
    active = 1.0 + blob["activity"] * (0.4 if since < 1.0 else 1.0 / (decay * decay))
    focus = 1.0 - q * q
    radius = blob["radius"] * (1.0 + 0.3 * q * q) * blur
    peak = blob["peak"] * active * focus * focus / (blur * blur)
    cy, cx = blob["at"][1] + at[1], blob["at"][2] + at[2]

    def span(centre, num):
        first = int(max(math.ceil(centre - radius), 0.0))
        last = min(math.floor(centre + radius), num - 1.0)
        return first, max(int(max(last + 1.0, 0.0)), first)

    (y0, y1), (x0, x1) = span(cy, light.shape[0]), span(cx, light.shape[1])
    dy = np.arange(y0, y1, dtype=np.float64)[:, None] - cy
    dx = np.arange(x0, x1, dtype=np.float64)[None, :] - cx
    fall = 1.0 - (dy * dy + dx * dx) / (radius * radius)
    part = light[y0:y1, x0:x1]
    part[:] = np.where(fall > 0.0, part + peak * fall * fall, part)


def brightness(recipe, t):
    half = float(t) / float(recipe["shape"][0]) - 0.5
    light = 1.0 + recipe["slow"] * (1.0 - 2.0 * abs(half))
    for fault in faults(recipe, "bleach"):
        for _ in range(t):
            light *= fault["factor"]
    return light


def light_of(recipe, made, t, z):
    _, num_z, num_y, num_x = recipe["shape"]
    shown, blur = z, 1.0
    for fault in faults(recipe, "slip"):
        if t >= fault["from"]:
            shown = (z + fault["planes"]) % num_z
    for fault in faults(recipe, "blurred"):
        if within(fault["t"], t) and fault["z"] == z:
            blur = OUT_OF_FOCUS
    at = position(recipe, t)
    for fault in faults(recipe, "flyback"):
        if z < fault["planes"]:
            blur = OUT_OF_FOCUS
            at[1] += 3.0
    light = np.full((num_y, num_x), recipe["background"])
    for blob in made:
        add(blob, t, float(shown), at, blur, light)
    light *= brightness(recipe, t)
    for fault in faults(recipe, "striped"):
        if within(fault["t"], t):
            key = mix(np.uint64(recipe["seed"]) ^ np.uint64(77))
            light *= 1.0 + fault["by"] * (2.0 * uniform(key, np.arange(num_x, dtype=np.uint64)) - 1.0)
    for fault in faults(recipe, "saturated"):
        if within(fault["t"], t) and fault["z"] == z:
            light[8 : 8 + fault["px"], 8 : 8 + fault["px"]] = 1e6
    return light


def expose(recipe, first, light):
    key = mix(np.uint64(recipe["seed"]) ^ np.uint64(99))
    sigma = math.sqrt(8.0 * (65536.0 * 65536.0 - 1.0) / 12.0)
    with np.errstate(over="ignore"):
        counter = key + np.uint64(2) * (np.uint64(first) + np.arange(light.size, dtype=np.uint64))
        both = mix(counter), mix(counter + np.uint64(1))
    low = np.uint64(0xFFFF)
    parts = sum((bits >> np.uint64(shift)) & low for bits in both for shift in (0, 16, 32, 48))
    normal = (parts.astype(np.float64) - 8.0 * 32767.5) / sigma
    light = light.ravel()
    deviation = np.sqrt(recipe["gain"] * light + recipe["read_noise"] * recipe["read_noise"])
    skew = recipe["gain"] / 6.0 * (normal * normal - 1.0)
    counts = np.floor(recipe["offset"] + light + deviation * normal + skew + 0.5)
    return np.clip(counts, 0.0, float(2 ** recipe["bits"] - 1)).astype(np.uint16)


def draw(recipe):
    """All values of a recipe, (t, z, y, x)."""
    num_t, num_z, num_y, num_x = recipe["shape"]
    made = blobs(recipe)
    values = np.empty(recipe["shape"], np.uint16)
    for t in range(num_t):
        for z in range(num_z):
            first = (t * num_z + z) * num_y * num_x
            values[t, z] = expose(recipe, first, light_of(recipe, made, t, z)).reshape(num_y, num_x)
    for fault in faults(recipe, "doubled"):
        values[fault["t"], fault["z"]] = values[fault["t"] - 1, fault["z"]]
    return values
