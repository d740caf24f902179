"""Tectum and its peers in turns on one folder; prints the table of ratios and writes it into BENCHMARKS.md.

usage: run.py BIG [--turns N] [--keys N] [--only WORDS] [--windows NAMES] [--no-write]
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from desk import HERE, Screen, Window

ROOT = HERE.parent.parent
TECTUM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release" / "tectum"
TECTUM = Path(os.environ.get("TECTUM_BIN", TECTUM))
# ndv and fastplotlib want another NumPy than napari's plugin.
NEWER = Path(os.environ.get("TECTUM_PEERS", ROOT / ".tools" / "peers")).absolute().with_name("peers-newer") / "bin" / "python"
WINDOWS = ["tectum", "napari", "ndv", "fastplotlib"]
# fastplotlib gives its keys to the slider under the pointer: that of t, in a window of 1280 × 800 on this screen.
POINTERS = {"fastplotlib": (0.34, 0.648)}
PARTS = ["reads", "windows", "napari", "blocks", "memory"]


def run(*command, env=None):
    out = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=env)
    if out.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {out.stderr.strip()[-500:]}")
    return out.stdout


def figure(text, label, unit):
    """The number before `unit` in the line that starts with `label`."""
    line = next(line for line in text.splitlines() if line.startswith(label))
    return float(re.search(rf"([\d.]+) {unit}", line.split(":", 1)[1]).group(1))


def bench(path):
    report = json.loads(run(TECTUM, "bench", path, "--json"))
    report["scrub"] = {scrub["what"]: scrub for scrub in report["scrub"]}
    return report


class Figures(dict):
    """Every turn's figure under its name."""

    def add(self, name, value):
        self.setdefault(name, []).append(value)
        print(f"  {name}: {value:.2f}", flush=True)

    def mid(self, name):
        return statistics.median(self[name])

    def worst(self, name, most=True):
        return max(self[name]) if most else min(self[name])


def windows(figures, big, num_keys, only):
    """First picture and keys: Tectum and its peers, each on a screen of its own, one after the other."""
    for who in only:
        script = HERE / f"{who}_window.py"
        python = sys.executable if who == "napari" else NEWER
        command = [TECTUM, big] if who == "tectum" else [python, script, big]
        screen = Screen()
        try:
            window = Window(screen, command)
            figures.add(f"{who} first picture s", window.first_picture_s)
            if who in POINTERS:
                window.point(*POINTERS[who])
            # Once there and back, so that what is stepped over is in memory on every side.
            window.press("Right", 45, 0.15)
            window.press("Left", 45, 0.15)
            times = window.key_latency("Right", num_keys)
            if times:
                figures.add(f"{who} key least ms", times[0])
                figures.add(f"{who} key median ms", statistics.median(times))
                figures.add(f"{who} key p95 ms", times[int(len(times) * 0.95)])
            figures.add(f"{who} window memory MB", window.memory_mb()[1])
            window.close()
        except (RuntimeError, OSError) as error:
            # A peer that does not run here costs its rows, not the table.
            if who == "tectum":
                raise
            print(f"  {who}: {error}", flush=True)
        finally:
            screen.close()


def reads(figures, big, chunk30):
    text = run(sys.executable, HERE / "read_peer.py", big)
    figures.add("split_dataset max ms", figure(text, "split_dataset max over z", "ms"))
    figures.add("h5py plane ms", figure(text, "h5py plane", "ms"))
    figures.add("h5py recording MB/s", figure(text, "h5py whole recording", "MB/s"))
    report = bench(big)
    scrub = report["scrub"]
    figures.add("tectum max ms", scrub["max over z, jumps of t, uncached"]["median_ms"])
    figures.add("tectum max p95 ms", scrub["max over z, jumps of t, uncached"]["p95_ms"])
    figures.add("tectum max in order ms", scrub["max over z, steps of t, uncached"]["median_ms"])
    figures.add("tectum max cached ms", scrub["max over z, steps of t, cached"]["median_ms"])
    figures.add("tectum plane ms", report["plane_read"]["median_ms"])
    figures.add("tectum plane jump ms", scrub["plane, jumps of t, uncached"]["median_ms"])
    figures.add("tectum recording MB/s", report["rates"]["recording_mb_per_s"])
    figures.add("tectum codec MB/s", report["rates"]["codec_mb_per_s"])
    figures.add("tectum file MB/s", report["rates"]["file_mb_per_s"] / report["rates"]["stored_share"])
    figures.add("tectum memcpy MB/s", report["rates"]["memcpy_mb_per_s"])
    figures.add("tectum plan ms", report["plan"]["median_ms"])
    figures.add("tectum plan p95 ms", report["plan"]["p95_ms"])
    text = run(sys.executable, HERE / "chunk_peer.py", chunk30)
    figures.add("h5py chunk plane ms", figure(text, "h5py plane of", "ms"))
    figures.add("tectum chunk plane ms", bench(chunk30)["plane_read"]["median_ms"])


def napari_inside(figures, big):
    screen = Screen()
    try:
        text = run(sys.executable, HERE / "napari_peer.py", big, env=screen.env)
    finally:
        screen.close()
    figures.add("napari open s", figure(text, "window + open", "s"))
    figures.add("napari step ms", figure(text, "step of t", "ms"))


def many_blocks(figures, few, many):
    for name, path in (("12 blocks", few), ("5000 blocks", many)):
        times = [json.loads(run(TECTUM, "bench", path, "--json", "--first-image-only"))["first_image_ms"] for _ in range(5)]
        figures.add(f"tectum first image, {name} ms", statistics.median(times))


def link_blocks(big, folder, count):
    """A recording of `count` blocks, all the same file."""
    folder.mkdir()
    meta = json.loads((big / "stack_metadata.json").read_text())
    for i in range(count):
        os.link(big / "0000.h5", folder / f"{i:04d}.h5")
    meta["shape_full"][0] = count * meta["shape_block"][0]
    (folder / "stack_metadata.json").write_text(json.dumps(meta))
    return folder


def memory(figures, big):
    """Scrubs all of BIG in the window with budgets of 256 MB of RAM and 128 MB of GPU memory."""
    screen = Screen()
    try:
        window = Window(screen, [TECTUM, big, "--ram", "256", "--gpu", "128"])
        figures.add("tectum memory at rest MB", window.memory_mb()[0])
        for key in ("Right", "Left", "p", "Right"):
            window.press(key, 1 if key == "p" else 120, 0.06)
        figures.add("tectum memory peak MB", window.memory_mb()[1])
        window.close()
    finally:
        screen.close()


def table(figures):
    f, rows = figures, []

    def row(what, ours, theirs, ratio, least, aim, reached, worst):
        rows.append(f"| {what} | {ours} | {theirs} | **{ratio}** | {worst} | {least} | {aim} | {reached} |")

    def faster(what, ours, theirs, least, aim, unit="ms", digits=1, upward=False):
        if ours not in f or theirs not in f:
            return
        turns = [t / o if not upward else o / t for o, t in zip(f[ours], f[theirs])]
        factor, worst = statistics.median(turns), min(turns)
        reached = "aim" if factor >= aim else "yes" if factor >= least else "**no**"
        row(what, f"{f.mid(ours):.{digits}f} {unit}", f"{f.mid(theirs):.{digits}f} {unit}", f"{factor:.1f} ×", f"{least:g} ×",
            f"{aim:g} ×", reached, f"{worst:.1f} ×")

    faster("process start → first picture, against napari's open → first image", "tectum first picture s", "napari open s", 8, 20, "s", 2)
    faster("process start → first picture, against napari, both from process start", "tectum first picture s", "napari first picture s", 8, 20, "s", 2)
    faster("key pressed → pixels changed, step of t, cached, median, against napari", "tectum key median ms", "napari key median ms", 3, 5)
    faster("the same, p95", "tectum key p95 ms", "napari key p95 ms", 3, 5)
    for peer in ("ndv", "fastplotlib"):
        faster(f"process start → first picture, against {peer}", "tectum first picture s", f"{peer} first picture s", 1, 2, "s", 2)
        faster(f"key pressed → pixels changed, step of t, cached, median, against {peer}", "tectum key median ms", f"{peer} key median ms", 2, 4)
        faster("the same, p95", "tectum key p95 ms", f"{peer} key p95 ms", 2, 4)
    faster("max projection over z, jump in t, uncached, against split_dataset", "tectum max ms", "split_dataset max ms", 4, 10)
    faster("max projection over z, step of t, read ahead", "tectum max in order ms", "split_dataset max ms", 4, 10)
    faster("whole recording decoded, all cores, against h5py on one thread", "tectum recording MB/s", "h5py recording MB/s", 2.5, 4, "MB/s", 0, True)
    faster("one plane from a chunk of 30 planes (Blosc), against h5py", "tectum chunk plane ms", "h5py chunk plane ms", 20, 100, "ms", 3)
    faster("one plane, no cache, against h5py with its files open", "tectum plane ms", "h5py plane ms", 1, 2, "ms", 3)
    if "tectum codec MB/s" in f:
        turns = [a / b for a, b in zip(f["tectum recording MB/s"], f["tectum codec MB/s"])]
        share = statistics.median(turns)
        row("decode rate against the bare codec, same run", f"{f.mid('tectum recording MB/s'):.0f} MB/s", f"{f.mid('tectum codec MB/s'):.0f} MB/s",
            f"{share:.0%}", "80 %", "95 %", "aim" if share >= 0.95 else "yes" if share >= 0.8 else "**no**", f"{min(turns):.0%}")
    if "tectum first image, 5000 blocks ms" in f:
        few, many = f["tectum first image, 12 blocks ms"], f["tectum first image, 5000 blocks ms"]
        turns = [b / a for a, b in zip(few, many)]
        ratio = statistics.median(turns)
        row("open → first image, 5,000 blocks against 12", f"{f.mid('tectum first image, 5000 blocks ms'):.1f} ms", f"{f.mid('tectum first image, 12 blocks ms'):.1f} ms",
            f"{ratio:.2f} ×", "≤ 1.5 ×", "1.1 ×", "aim" if ratio <= 1.1 else "yes" if ratio <= 1.5 else "**no**", f"{max(turns):.2f} ×")
    if "tectum memory peak MB" in f:
        peak = f.worst("tectum memory peak MB")
        row("peak memory, scrubbing all of it with 256 MB RAM + 128 MB GPU budgets", f"{peak:.0f} MB", "", f"{peak - 384:+.0f} MB over the budgets",
            "≤ +300 MB", "+200 MB", "aim" if peak <= 584 else "yes" if peak <= 684 else "**no**", f"{peak - 384:+.0f} MB")
    if "tectum plan ms" in f:
        plan = f.mid("tectum plan ms")
        row("plan + submit, 10,000 chunks", f"{plan:.2f} ms", "", f"{plan:.2f} ms", "≤ 1 ms", "0.2 ms",
            "aim" if plan <= 0.2 else "yes" if plan <= 1 else "**no**", f"{f.worst('tectum plan p95 ms'):.2f} ms")
    head = "| what | Tectum | peer or limit | ratio (median of turns) | worst turn | at least | aim | reached |\n|---|---|---|---|---|---|---|---|"
    return "\n".join([head, *rows])


def machine():
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) / 2**20
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, software rasteriser, warm page cache"


def write(text, figures, turns):
    path = ROOT / "BENCHMARKS.md"
    begin, end = "<!-- measured -->", "<!-- /measured -->"
    old = path.read_text()
    busy = os.getloadavg()[2]
    if busy > os.cpu_count():
        load = f"**The machine was busy with other work** (load {busy:.0f} on {os.cpu_count()} cores): absolute figures and tails are far from what an idle one gives. "
    else:
        load = ""
    load += f"{turns} turns, both sides one after the other in each; the figures are medians over the turns."
    every = "\n".join(f"| {name} | {' · '.join(f'{value:.2f}' for value in values)} |" for name, values in figures.items())
    details = f"<details><summary>Every figure of every turn</summary>\n\n| what | turns |\n|---|---|\n{every}\n\n</details>"
    block = f"{begin}\nMachine: {machine()}. {load}\n\n{text}\n\n{details}\n{end}"
    path.write_text(old[: old.index(begin)] + block + old[old.index(end) + len(end):])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("big", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="which parts to measure")
    parser.add_argument("--windows", nargs="*", choices=WINDOWS, default=WINDOWS, help="whose windows to measure")
    parser.add_argument("--no-write", action="store_true")
    args = parser.parse_args()
    if not TECTUM.exists():
        sys.exit(f"{TECTUM} is missing: cargo build --release")
    figures = Figures()
    # Links need the same file system as the recording.
    scratch = Path(tempfile.mkdtemp(prefix="tectum-bench-", dir=args.big.resolve().parent))
    try:
        if "blocks" in args.only:
            few, many = (link_blocks(args.big, scratch / str(n), n) for n in (12, 5000))
        if "reads" in args.only:
            run(sys.executable, HERE / "chunk_peer.py", scratch / "chunk30")
        for turn in range(args.turns):
            print(f"turn {turn + 1} of {args.turns}", flush=True)
            if "reads" in args.only:
                reads(figures, args.big, scratch / "chunk30")
            if "windows" in args.only:
                windows(figures, args.big, args.keys, args.windows)
            if "napari" in args.only:
                napari_inside(figures, args.big)
            if "blocks" in args.only:
                many_blocks(figures, few, many)
            if "memory" in args.only:
                memory(figures, args.big)
    finally:
        shutil.rmtree(scratch)
    text = table(figures)
    print(text)
    if not args.no_write:
        write(text, figures, args.turns)


if __name__ == "__main__":
    main()
