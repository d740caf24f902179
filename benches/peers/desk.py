"""A virtual screen, a program's window on it, and what can be seen and pressed there."""
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
CENTRE = (0.3, 0.2, 0.18, 0.3)  # a region of the screen inside every window's picture, as fractions


class Screen:
    """An Xvfb of its own."""

    def __init__(self, size="1600x1200x24"):
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
            pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = f":{pipe.readline().strip()}"
        # No second desktop protocol: everything is seen here.
        self.env = {k: v for k, v in os.environ.items() if k != "WAYLAND_DISPLAY"} | {"DISPLAY": self.name}

    def close(self):
        self.server.terminate()
        self.server.wait()


class Window:
    """A program on a screen; knows when its first picture was seen."""

    def __init__(self, screen, command, limit_s=60):
        import mss
        from Xlib import display

        self.screen = screen
        self.x = display.Display(screen.name)
        self.mss = mss.MSS(display=screen.name)
        full = self.mss.monitors[0]
        x, y, w, h = CENTRE
        self.box = dict(left=int(full["width"] * x), top=int(full["height"] * y),
                        width=int(full["width"] * w), height=int(full["height"] * h))
        start = time.perf_counter()
        self.process = subprocess.Popen(command, env=screen.env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        while not self.shows_data():
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {self.process.returncode}")
            if time.perf_counter() - start > limit_s:
                raise RuntimeError(f"{command[0]} showed no picture within {limit_s} s")
        self.first_picture_s = time.perf_counter() - start
        self.focus()

    def grab(self):
        return bytes(self.mss.grab(self.box).raw)

    def shows_data(self):
        """Noisy voxels, not a background, a logo or text: no colour fills half of the region."""
        raw = self.grab()
        pixels = Counter(raw[i:i + 3] for i in range(0, len(raw), 4 * 7))
        return pixels.most_common(1)[0][1] < 0.5 * sum(pixels.values())

    def focus(self):
        """There is no window manager to give the keys to the window."""
        from Xlib import X

        for child in self.x.screen().root.query_tree().children:
            attributes, geometry = child.get_attributes(), child.get_geometry()
            if attributes.map_state == X.IsViewable and geometry.width > 400:
                child.set_input_focus(X.RevertToParent, X.CurrentTime)
        self.x.sync()

    def key_latency(self, key, count):
        """Milliseconds of every press that was answered, in order of length, by latency.py, which watches from outside."""
        region = ",".join(map(str, CENTRE))
        out = subprocess.run([sys.executable, HERE / "latency.py", key, str(count), region], env=self.screen.env,
                             capture_output=True, text=True)
        if out.returncode:
            raise RuntimeError(out.stderr.strip())
        answer = json.loads(out.stdout)
        if answer["missed"]:
            print(f"  {answer['missed']} presses changed nothing within 3 s", flush=True)
        return sorted(answer["times"])

    def press(self, key, times=1, pause_s=0.02):
        from Xlib import XK, X
        from Xlib.ext import xtest

        code = self.x.keysym_to_keycode(XK.string_to_keysym(key))
        for _ in range(times):
            xtest.fake_input(self.x, X.KeyPress, code)
            xtest.fake_input(self.x, X.KeyRelease, code)
            self.x.sync()
            time.sleep(pause_s)

    def point(self, x, y):
        """Moves the pointer to a place of the screen, in fractions of it."""
        from Xlib import X
        from Xlib.ext import xtest

        full = self.mss.monitors[0]
        xtest.fake_input(self.x, X.MotionNotify, x=int(full["width"] * x), y=int(full["height"] * y))
        self.x.sync()

    def memory_mb(self):
        """(now, peak) resident, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().split("\n")
        value = {line.split(":")[0]: line.split()[1] for line in status if line.startswith(("VmRSS", "VmHWM"))}
        return int(value["VmRSS"]) * 1024 / 1e6, int(value["VmHWM"]) * 1024 / 1e6

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.x.close()
