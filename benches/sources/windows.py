"""Tectum's window and napari's (with napari-ome-zarr) on the same OME-Zarr, in turns: from process start to the first
picture, and from a key to changed pixels. Run with the Python of benches/peers, with napari-ome-zarr in it.

usage: windows.py TECTUM OME_ZARR
"""
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "peers"))
from desk import Screen, Window  # noqa: E402

TURNS = 2
KEYS = 40


def main(tectum, path):
    commands = {
        "Tectum": [tectum, path],
        "napari, napari-ome-zarr": [sys.executable, HERE / "napari_window.py", path],
    }
    figures = {name: [] for name in commands}
    for _ in range(TURNS):
        for name, command in commands.items():
            screen = Screen()
            window = Window(screen, [str(part) for part in command])
            window.key_latency("Right", 10)
            times = window.key_latency("Right", KEYS)
            figures[name].append((window.first_picture_s, times[len(times) // 2], times[int(len(times) * 0.95)]))
            window.close()
            screen.close()
    print("| window | first picture, s | key → pixels, ms, median | p95 |\n|---|---|---|---|")
    for name, turns in figures.items():
        first, median, p95 = (statistics.median(values) for values in zip(*turns))
        print(f"| {name} | {first:.2f} | {median:.1f} | {p95:.1f} |")


if __name__ == "__main__":
    main(*sys.argv[1:3])
