"""What a viewer that follows a recording costs its writer, and how late it shows it.

usage: run.py [--minutes M] [--turns N] [--rate HZ] [--folder DIR] [--poll]
Each turn records once without and once with Tectum on a screen of its own, at 210 MB/s of voxels.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))
from desk import Screen  # noqa: E402

TECTUM = Path(os.environ.get("TECTUM_BIN", HERE.parent.parent / "target/release/tectum"))
BLOCK_LEN = 10


def key(screen, name):
    from Xlib import XK, X, display
    from Xlib.ext import xtest

    x = display.Display(screen.name)
    for child in x.screen().root.query_tree().children:
        if child.get_attributes().map_state == X.IsViewable and child.get_geometry().width > 400:
            child.set_input_focus(X.RevertToParent, X.CurrentTime)
    x.sync()
    code = x.keysym_to_keycode(XK.string_to_keysym(name))
    xtest.fake_input(x, X.KeyPress, code)
    xtest.fake_input(x, X.KeyRelease, code)
    x.sync()


class Viewer:
    """Tectum following a folder: its memory and processor time by the second, and when it showed what."""

    def __init__(self, folder, poll):
        self.screen = Screen("1400x900x24")
        env = self.screen.env | {"TECTUM_LOG": "tectum::live=debug"} | ({"TECTUM_NO_NOTIFY": "1"} if poll else {})
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([TECTUM, folder, "--wait", "--ram", "512", "--gpu", "128"], env=env, stdout=self.log, stderr=self.log)
        self.memory_mb, self.cpu_s = [], []
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        ticks = os.sysconf("SC_CLK_TCK")
        while self.process.poll() is None:
            try:
                status = Path(f"/proc/{self.process.pid}/status").read_text()
                stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                return
            rss = [line for line in status.splitlines() if line.startswith("VmRSS")]
            if rss:
                self.memory_mb.append(int(rss[0].split()[1]) / 1024)
                self.cpu_s.append((int(stat[11]) + int(stat[12])) / ticks)
            time.sleep(1)

    def close(self, shot):
        subprocess.run(["import", "-window", "root", shot], env=self.screen.env, check=False)
        self.process.terminate()
        self.process.wait()
        self.screen.close()
        self.log.seek(0)
        shown = {}
        for line in self.log:
            if "newest on screen" in line:
                when = datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).replace(tzinfo=timezone.utc)
                t = int(line.split(" t=")[1].split()[0])
                shown[t // BLOCK_LEN] = when.timestamp()
        return shown


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def record(args, with_viewer):
    folder = Path(tempfile.mkdtemp(prefix="tectum-rig-", dir=args.folder))
    num_blocks = max(2, int(args.minutes * 60 * args.rate / BLOCK_LEN))
    viewer = Viewer(folder, args.poll) if with_viewer else None
    command = [sys.executable, HERE / "writer.py", folder, "--rate", str(args.rate), "--blocks", str(num_blocks)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    blocks = []
    for line in writer.stdout:
        report = json.loads(line)
        if "seconds" in report:
            break
        blocks.append(report)
        if viewer and len(blocks) == 2:
            # The window is there, and something to follow.
            key(viewer.screen, "l")
    seconds = report["seconds"]
    time.sleep(3)
    shown = viewer.close(args.shot) if viewer else {}
    writer.stdin.write("\n")
    writer.stdin.close()
    check = json.loads(writer.stdout.readline())
    writer.wait()
    shutil.rmtree(folder)
    save = [b["save_s"] for b in blocks]
    volume_mb = 20 * 1024 * 1024 * 2 / 1e6
    line = dict(viewer=with_viewer, mb_per_s=num_blocks * BLOCK_LEN * volume_mb / seconds,
                save_median_s=statistics.median(save), save_p95_s=percentile(save, 0.95), save_mean_s=statistics.mean(save),
                late_worst_s=max(b["late_s"] for b in blocks), blocks=num_blocks, compared=check["compared"],
                whole=check["whole"])
    if viewer:
        lags = [shown[b["block"]] - b["closed"] for b in blocks if b["block"] in shown] or [float("nan")]
        half = len(viewer.memory_mb) // 2
        line |= dict(seen=len(lags), lag_median_s=statistics.median(lags), lag_p95_s=percentile(lags, 0.95), lag_worst_s=max(lags),
                     memory_first_half_mb=max(viewer.memory_mb[:half]), memory_second_half_mb=max(viewer.memory_mb[half:]),
                     cpu_share=(viewer.cpu_s[-1] - viewer.cpu_s[0]) / len(viewer.cpu_s))
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}), flush=True)
    return line


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--folder", default=None)
    parser.add_argument("--shot", default="rig.png")
    parser.add_argument("--poll", action="store_true")
    args = parser.parse_args()
    lines = [record(args, with_viewer) for _ in range(args.turns) for with_viewer in (False, True)]
    for what in ("mb_per_s", "save_mean_s", "save_median_s"):
        without, with_ = ([line[what] for line in lines if line["viewer"] is v] for v in (False, True))
        change = statistics.mean(with_) / statistics.mean(without) - 1
        spread = (max(without) - min(without)) / statistics.mean(without)
        print(f"{what}: {change:+.1%} with the viewer; {spread:.1%} between runs without")


main()
