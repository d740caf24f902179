"""Conversions and measures by the engines that laboratories have, on bad days: tasks are killed at random moments, and
others are started a second time while they run. What comes out is what one process makes, to the byte.

python cluster.py PROGRAM [--only ENGINE …] [--seed N] [--keep DIR]
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import slurm

# Killed and doubled in each trial, at most.
WRECKS = 8
TASKS = 12

parser = argparse.ArgumentParser()
parser.add_argument("program", type=Path)
parser.add_argument("--only", nargs="*", default=["slurm", "snakemake", "dask", "make"])
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--keep", type=Path)
args = parser.parse_args()
program = args.program.resolve()
own = Path(sys.executable).parent
rng = random.Random(args.seed)


def sh(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, **options)


class Wrecker(threading.Thread):
    """While a plan's tasks run: kills some of them without warning, and starts others once more."""

    def __init__(self, folder, environment):
        super().__init__(daemon=True)
        self.folder, self.environment = str(folder), environment
        self.is_over, self.killed, self.doubles = threading.Event(), 0, []

    def running(self):
        """Processes of `tectum run` in this trial's folder, with what names their task."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")[:-1]
                if len(words) < 2 or words[1] != "run" or Path(words[0]).name != "tectum":
                    continue
                if os.readlink(entry / "cwd") != self.folder:
                    continue
                variables = dict(v.split("=", 1) for v in (entry / "environ").read_bytes().decode().split("\0") if "=" in v)
            except OSError:
                continue
            if "--task" in words:
                yield int(entry.name), words[words.index("--task") + 1]
            elif "SLURM_ARRAY_TASK_ID" in variables:
                yield int(entry.name), variables["SLURM_ARRAY_TASK_ID"]

    def run(self):
        own = set()
        while not self.is_over.wait(rng.uniform(0.02, 0.25)):
            tasks = [(pid, task) for pid, task in self.running() if pid not in own]
            if not tasks or self.killed + len(self.doubles) >= WRECKS:
                continue
            pid, task = rng.choice(tasks)
            if rng.random() < 0.5:
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.killed += 1
                except ProcessLookupError:
                    pass
            else:
                again = subprocess.Popen(
                    [program, "run", "plan.json", "--task", task, "--threads", "1"],
                    cwd=self.folder, env=self.environment, stderr=subprocess.DEVNULL,
                )
                own.add(again.pid)
                self.doubles.append(again)

    def end(self):
        self.is_over.set()
        self.join()
        return [double.wait() for double in self.doubles]


def by_slurm(cluster, folder, environment):
    script = folder / "slurm.sh"
    text = script.read_text().replace("--cpus-per-task=2 --mem=2G", "--cpus-per-task=1 --mem=1G")
    script.write_text(text)
    environment = {**cluster.environment, "PATH": environment["PATH"] + ":" + cluster.environment["PATH"]}
    subprocess.run(["bash", "slurm.sh"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    cluster.wait_for(cluster.is_idle, "the end of the jobs", 300)


def by_snakemake(_, folder, environment):
    # What it said of a former run that was killed is taken back.
    command = [own / "snakemake", "--cores", "2", "--quiet", "all", "--rerun-incomplete", "--nolock"]
    subprocess.run(command, cwd=folder, env=environment)


def by_dask(cluster, folder, environment):
    subprocess.run([own / "python", "dask_tasks.py", cluster.scheduler_address], cwd=folder, env=environment)


def by_make(_, folder, environment):
    subprocess.run(["make", "-s", "-f", "tasks.mk", "-j", "2"], cwd=folder, env=environment)


ENGINES = {
    "slurm": (by_slurm, "slurm.sh"),
    "snakemake": (by_snakemake, "Snakefile"),
    "dask": (by_dask, "dask_tasks.py"),
    "make": (by_make, "tasks.mk"),
}


def timeless(path):
    report = json.loads(path.read_text())
    # When it was made, and on how many cores.
    for name in ["made_s", "cores"]:
        report["provenance"].pop(name)
    report["provenance"]["read"].pop("seconds")
    return report


def contents(path):
    if path.suffix == ".json":
        return timeless(path)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def trial(engine, cluster, work, command, out, single):
    """One kind of work by one engine, as often as it takes."""
    run, name = ENGINES[engine]
    folder = Path(work) / f"{engine}-{out}"
    folder.mkdir()
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    lines = sh(program, "plan", *command, "-o", out, "--tasks", TASKS, "--emit", engine, capture_output=True).stdout
    (folder / name).write_text(lines)
    wrecker = Wrecker(folder, environment)
    wrecker.start()
    rounds = 0
    while not (folder / out).exists():
        rounds += 1
        if rounds > 2 * WRECKS:
            raise SystemExit(f"{engine}, {out}: is not done after {rounds - 1} rounds")
        run(cluster, folder, environment)
    codes = wrecker.end()
    if contents(folder / out) != contents(single):
        raise SystemExit(f"{engine}, {out}: is not what one process makes ({folder})")
    left = [path.name for path in folder.iterdir() if ".part" in path.name]
    if left or any(code not in (0, 1, 104) for code in codes):
        raise SystemExit(f"{engine}, {out}: left {left}; doubles ended with {codes}")
    print(f"  {engine:10} {out:12} {wrecker.killed} killed, {len(codes)} started twice, {rounds} rounds: the same bytes")
    shutil.rmtree(folder)


def main(work):
    recording = work / "demo/original"
    sh(program, "demo", work / "demo", "--no-open", "--shape", "240,10,192,256", "--block", "9", stdout=subprocess.DEVNULL)
    # What was written a moment ago is taken for a running recording.
    old = time.time() - 3600
    for file in recording.iterdir():
        os.utime(file, (old, old))
    works = {
        "out.ome.zarr": ["convert", str(recording), "--to", "zarr", "--shard-shape", "8,10,192,256"],
        "out.split": ["split", str(recording), "--block", "t=11"],
        "out.json": ["qc", str(recording)],
    }
    singles = {}
    for out, command in list(works.items()):
        option = "--json" if out.endswith(".json") else "-o"
        made = subprocess.run(
            [program, *command, option, work / out], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if made.returncode:
            print(f"  skipped {out}: {made.stderr.strip()}")
            del works[out]
            continue
        singles[out] = work / out
    if not singles:
        raise SystemExit("nothing to compare")

    def trials(engine, cluster):
        for out, command in works.items():
            trial(engine, cluster, work, command, out, singles[out])

    if "slurm" in args.only:
        if why := slurm.why_not():
            print(f"  slurm      skipped: {why}")
        else:
            with slurm.Slurm(work / "slurm") as cluster:
                trials("slurm", cluster)
    if "snakemake" in args.only:
        if (own / "snakemake").exists():
            trials("snakemake", None)
        else:
            print("  snakemake  skipped: not installed")
    if "dask" in args.only:
        try:
            from dask.distributed import LocalCluster
        except ImportError as error:
            print(f"  dask       skipped: {error}")
        else:
            # Its workers find the program as a laboratory's do.
            os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
                trials("dask", cluster)
    if "make" in args.only:
        trials("make", None)


if __name__ == "__main__":
    if args.keep:
        args.keep.mkdir(parents=True)
        main(args.keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="tectum-cluster-") as work:
            main(Path(work))
