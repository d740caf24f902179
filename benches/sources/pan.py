"""How long frames of Tectum's window take while a large plane is moved and zoomed: what the window's thread does in each,
and the time from one frame to the next, beside those of a small recording moved in the same way. A frame is blocked
where the window's thread has been at work for longer than 16.7 ms. Run with the Python of benches/peers.

usage: pan.py TECTUM LARGE SMALL
"""
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "peers"))
from desk import Screen  # noqa: E402

FRAME_MS = 1000 / 60


class Hand:
    """Presses, drags and rolls at 60 moves a second."""

    def __init__(self, screen):
        from Xlib import display

        self.x = display.Display(screen.name)
        geometry = self.x.screen().root.get_geometry()
        self.size = geometry.width, geometry.height

    def event(self, kind, detail=0, **place):
        from Xlib.ext import xtest

        xtest.fake_input(self.x, kind, detail, **place)
        self.x.sync()

    def focus(self):
        from Xlib import X

        for child in self.x.screen().root.query_tree().children:
            if child.get_attributes().map_state == X.IsViewable and child.get_geometry().width > 400:
                child.set_input_focus(X.RevertToParent, X.CurrentTime)
        self.x.sync()

    def move(self, x, y):
        from Xlib import X

        self.event(X.MotionNotify, x=int(x), y=int(y))

    def drag(self, start, stop, moves=60):
        from Xlib import X

        self.move(*start)
        self.event(X.ButtonPress, 1)
        for i in range(1, moves + 1):
            self.move(*(a + (b - a) * i / moves for a, b in zip(start, stop)))
            time.sleep(1 / 60)
        self.event(X.ButtonRelease, 1)

    def zoom(self, steps, at):
        """Ctrl and the wheel, in for steps above nothing."""
        from Xlib import XK, X

        self.move(*at)
        control = self.x.keysym_to_keycode(XK.string_to_keysym("Control_L"))
        self.event(X.KeyPress, control)
        for _ in range(abs(steps)):
            button = 4 if steps > 0 else 5
            self.event(X.ButtonPress, button)
            self.event(X.ButtonRelease, button)
            time.sleep(1 / 20)
        self.event(X.KeyRelease, control)


def frames(log):
    """When each frame was drawn, and for how long, ms."""
    found = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", log).splitlines():
        match = re.match(r"(\d{4}-\S+)Z .*drawn us=(\d+)", line)
        if match:
            found.append((datetime.fromisoformat(match[1]).timestamp() * 1e3, int(match[2]) / 1e3))
    return found


def journey(tectum, path):
    """The frames of a way in and out of a recording, and the most memory it took, MB."""
    screen = Screen("1400x900x24")
    with tempfile.TemporaryFile("w+") as log, tempfile.TemporaryDirectory() as settings:
        env = screen.env | {"TECTUM_LOG": "tectum::app::window=trace"}
        window = subprocess.Popen([tectum, path, "--settings", settings], env=env, stdout=log, stderr=log)
        time.sleep(4)
        hand = Hand(screen)
        hand.focus()
        width, height = hand.size
        middle = (width * 0.355, height * 0.3)
        begin = time.time() * 1e3
        # In steps to where the finest voxels are a pixel, along the diagonal there and back, and out again.
        for steps in (8, 8, 8, 8, -8, -8, -8, -8):
            hand.zoom(steps, middle)
            for there in (1, -1):
                start = [m + there * 180 for m in middle]
                hand.drag(start, [m - there * 180 for m in middle])
        end = time.time() * 1e3
        resident = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{window.pid}/status").read_text())[1]) / 1e3
        window.terminate()
        window.wait()
        log.seek(0)
        drawn = [frame for frame in frames(log.read()) if begin <= frame[0] <= end]
    screen.close()
    return drawn, resident


def main(tectum, *paths):
    print("| recording | frames | ms of work, median | p95 | worst | blocked | between frames, median | p95 | worst | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for path in paths:
        drawn, resident = journey(tectum, path)
        took = sorted(ms for _, ms in drawn)
        gaps = sorted(b[0] - a[0] for a, b in zip(drawn, drawn[1:]))
        p95 = lambda values: values[int(len(values) * 0.95)]
        blocked = sum(ms > FRAME_MS for ms in took)
        print(f"| {Path(path).name} | {len(took)} | {statistics.median(took):.1f} | {p95(took):.1f} | {took[-1]:.1f} "
              f"| {blocked} | {statistics.median(gaps):.1f} | {p95(gaps):.1f} | {gaps[-1]:.1f} | {resident:.0f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
