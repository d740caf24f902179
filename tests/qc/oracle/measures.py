"""The measures of quality, written from their formulas with numpy, scipy and scikit-image, the plain way: whole
arrays in memory, float64, nothing streamed. `F` is (t, z, y, x)."""

import numpy as np
from numpy.fft import fft2, ifft2, ifftshift
from scipy import fft, ndimage, optimize
from skimage.feature import peak_local_max

NUM_REFERENCE = 10
SMOOTH_PX, TAPER_PX = 1.15, 3.45


def intensity(F):
    planes = F.reshape(*F.shape[:2], -1).astype(np.float64)
    p01, p50, p99 = np.percentile(planes, [1, 50, 99], axis=2)
    return dict(mean=planes.mean(2), std=planes.std(2), p01=p01, p50=p50, p99=p99)


def full_scale(F):
    """The camera's, where its largest value is that of 10, 12 or 14 bits and occurs often enough."""
    largest = int(F.max())
    if largest in (1023, 4095, 16383) and np.mean(F == largest) > 1e-5:
        return largest
    return int(np.iinfo(F.dtype).max)


def saturation(F):
    return np.mean(F == full_scale(F), axis=(2, 3))


def offset(F):
    return float(np.percentile(F[0], 0.1))


def read_noise(F):
    """Deviation of single values where there is least light: the darkest hundredth of the first pairs in time."""
    now, then = F[: NUM_REFERENCE - 1].astype(np.float64), F[1:NUM_REFERENCE].astype(np.float64)
    level = np.floor((now + then + 1) / 2)
    darkest = level <= np.percentile(level, 1, method="higher")
    return float(np.sqrt(np.mean((now - then)[darkest] ** 2) / 2))


def duplicate(F):
    same = np.all(F[1:] == F[:-1], axis=(2, 3)) & (F[1:].std((2, 3)) > 0)
    return [[int(t) + 1, int(z)] for t, z in np.argwhere(same)]


def change(F):
    """Root mean square of the change since the volume before, counts; the first has none."""
    rms = np.sqrt(np.mean(np.diff(F.astype(np.float64), axis=0) ** 2, axis=(2, 3)))
    return np.concatenate([np.full((1, F.shape[1]), np.nan), rms])


# Motion, as suite2p registers rigidly


def _taper(shape):
    def along(num):
        far = np.abs(np.arange(num) - (num - 1) / 2)
        return 1 / (1 + np.exp((far - (far.max() - 2 * TAPER_PX)) / TAPER_PX))

    return along(shape[0])[:, None] * along(shape[1])[None, :]


def _gaussian(shape):
    y, x = (np.arange(num) - num // 2 for num in shape)
    kernel = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * SMOOTH_PX**2))
    return np.real(fft2(ifftshift(kernel / kernel.sum())))


def _whitened(spectrum):
    return spectrum / (1e-5 + np.abs(spectrum))


def phase_correlation(image, reference):
    """Peak at the shift of the image against the reference; zero shift in the middle."""
    taper = _taper(image.shape)
    filled = image * taper + reference.mean() * (1 - taper)
    kernel = np.conj(_whitened(fft2(reference))) * _gaussian(image.shape)
    return np.fft.fftshift(np.real(ifft2(_whitened(fft2(filled)) * kernel)))


def _parabola(low, peak, high):
    bend = low - 2 * peak + high
    return 0.0 if bend == 0 else 0.5 * (low - high) / bend


def shift(image, reference):
    """(dy, dx) in px and the quality of the peak."""
    surface = phase_correlation(image, reference)
    centre = np.array(image.shape) // 2
    reach = max(1, int(0.1 * min(image.shape)))
    window = tuple(slice(c - reach, c + reach + 1) for c in centre)
    y, x = np.unravel_index(np.argmax(surface[window]), surface[window].shape) + centre - reach
    dy = _parabola(surface[y - 1, x], surface[y, x], surface[y + 1, x])
    dx = _parabola(surface[y, x - 1], surface[y, x], surface[y, x + 1])
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    far = np.hypot(rows - y, columns - x) > 3
    peaks = peak_local_max(np.where(far, surface, surface.min()), min_distance=1, num_peaks=1, exclude_border=False)
    second = surface[tuple(peaks[0])] if len(peaks) else np.nan
    return y - centre[0] + dy, x - centre[1] + dx, surface[y, x] / second


def motion(F):
    images = F.max(1).astype(np.float64)
    moved = []
    for image in images[:NUM_REFERENCE]:
        dy, dx, _ = shift(image, images[0])
        moved.append(np.roll(image, (-round(dy), -round(dx)), (0, 1)))
    reference = np.mean(moved, axis=0)
    dy, dx, _ = np.array([shift(image, reference) for image in images]).T
    return dict(dy=dy, dx=dx)


# Depth


def _correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def reference_volume(F):
    return F[:NUM_REFERENCE].mean(0)


def z_drift(F):
    """The reference plane that the middle third resembles most, as an offset in planes."""
    num_z = F.shape[1]
    reference = reference_volume(F)
    first = num_z // 3
    middle = range(first, max(num_z - first, first + 1))
    offsets = list(range(-middle[0], num_z - middle[-1]))
    found = []
    for volume in F.astype(np.float64):
        score = [np.mean([_correlation(volume[z], reference[z + k]) for z in middle]) for k in offsets]
        best = int(np.argmax(score))
        inside = 0 < best < len(score) - 1
        found.append(offsets[best] + (_parabola(*score[best - 1 : best + 2]) if inside else 0.0))
    return np.array(found)


def plane_slip(F):
    """Cyclic offset k for which plane z resembles reference plane z + k."""
    num_z = F.shape[1]
    reference = reference_volume(F)
    found = []
    for volume in F.astype(np.float64):
        score = [
            np.mean([_correlation(volume[z], reference[(z + k) % num_z]) for z in range(num_z)]) for k in range(num_z)
        ]
        found.append(int(np.argmax(score)))
    return np.array(found)


# Sharpness and structure


def focus(F):
    """Shannon entropy of the low frequencies of the cosine transform (AutoPilot)."""
    num_y, num_x = F.shape[2:]
    otf_y, otf_x = num_y / 3, num_x / 3
    rows, columns = np.mgrid[:num_y, :num_x]
    inside = rows / otf_y + columns / otf_x < 1
    out = np.empty(F.shape[:2])
    for index in np.ndindex(*F.shape[:2]):
        c = np.abs(fft.dctn(F[index].astype(np.float64), type=2, norm="ortho"))
        c = c[inside] / np.sqrt(np.sum(c**2))
        c = c[c > 0]
        out[index] = -2 * np.sum(c * np.log(c)) / (otf_x * otf_y)
    return out


def stripes(F):
    """Share of the plane's energy about its mean in rows and columns that are brighter than their surroundings."""
    out = np.empty(F.shape[:2])
    for index in np.ndindex(*F.shape[:2]):
        plane = F[index].astype(np.float64)
        energy = 0.0
        for axis in (0, 1):
            profile = plane.mean(axis=axis)
            rest = profile - ndimage.median_filter(profile, 15, mode="reflect")
            energy += np.sum(rest**2) * plane.shape[axis]
        out[index] = energy / np.sum((plane - plane.mean()) ** 2)
    return out


# The end


def tsnr(F, dark):
    """For each plane the median of mean/std over t of the voxels brighter than `dark`, and how many those are."""
    F = F.astype(np.float64)
    mean, std = F.mean(0), F.std(0)
    out = []
    for z in range(F.shape[1]):
        use = (mean[z] >= dark) & (std[z] > 0)
        out.append(np.median(mean[z][use] / std[z][use]) if use.any() else np.nan)
    return np.array(out)


def _lost_percent(light):
    """Percent lost from the first to the last value of A exp(-t/tau) + C."""
    t = np.arange(len(light), dtype=np.float64)

    def fall(rate):
        """Least squares for A and C at one rate, and what is left over."""
        design = np.stack([np.exp(-t * rate), np.ones_like(t)], 1)
        (a, c), *_ = np.linalg.lstsq(design, light, rcond=None)
        fitted = design @ (a, c)
        return np.sum((light - fitted) ** 2), fitted

    rates = np.geomspace(0.01 / len(t), 5 / len(t) * 4, 60)
    best = rates[np.argmin([fall(rate)[0] for rate in rates])]
    result = optimize.minimize_scalar(lambda r: fall(r)[0], bounds=(best / 1.5, best * 1.5), method="bounded")
    fitted = fall(result.x)[1]
    return 100 * (1 - fitted[-1] / fitted[0])


def bleaching(F):
    medians = intensity(F)["p50"] - offset(F)
    return dict(
        percent=[_lost_percent(medians[:, z]) for z in range(F.shape[1])],
        overall=_lost_percent(np.median(medians, axis=1)),
    )


def _longest_run(flags):
    """First and one past the last of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    runs = edges.reshape(-1, 2)
    return runs[np.argmax(runs[:, 1] - runs[:, 0])]


def photon_gain(F):
    """Counts per photon and zero level by the mean-variance line (Lees 2024), fitted by Huber's loss."""
    now, then = F[:-1].astype(np.int64), F[1:].astype(np.int64)
    level = ((now + then + 1) // 2).ravel()
    square = ((now - then) ** 2).ravel() / 2
    counts = np.bincount(level)
    first, stop = _longest_run(counts > 0.01 * counts.mean())
    first = max(stop * 3 // 100, first)
    if stop - first <= 100:
        return None
    variance = np.bincount(level, weights=square)[first:stop] / counts[first:stop]
    levels = np.arange(first, stop)
    weight = counts[first:stop] ** 0.2
    gain, zero = np.polyfit(levels, variance, 1, w=np.sqrt(weight))
    for _ in range(200):
        rest = np.abs(variance - gain * levels - zero)
        scale = 1.4826 * np.median(rest)
        huber = np.minimum(1, 1.35 * scale / np.maximum(rest, 1e-12))
        gain, zero = np.polyfit(levels, variance, 1, w=np.sqrt(weight * huber))
    return dict(gain=gain, zero=-zero / gain, levels=int(stop - first))


def noise(F, dark):
    """Shot-noise level of the brightest tenth of the voxels, percent per root volume (Rupprecht 2021)."""
    light = F.astype(np.float64) - dark
    mean = light.mean(0)
    bright = mean >= np.percentile(mean, 90)
    relative = light[:, bright] / mean[bright]
    return 100 * float(np.median(np.abs(np.diff(relative, axis=0)), axis=0).mean())
