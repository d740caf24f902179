"""Slurm on this machine alone: one controller, one node, in a folder of its own, without systemd."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue"]


def why_not():
    """Why it cannot be run here; None where it can."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"{', '.join(missing)}: not installed"
    return None if os.geteuid() == 0 else "slurmd starts its jobs as root only"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Slurm:
    """Runs while it is entered; `environment` is what its commands need."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.daemons = []

    def __enter__(self):
        folder, host = self.folder, socket.gethostname().split(".")[0]
        for name in ["state", "spool", "munge"]:
            (folder / name).mkdir(parents=True)
        # Others than their owner may not write on the way to a key.
        folder.chmod(0o755)
        key, munge = folder / "munge/key", folder / "munge/socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        (folder / "slurm.conf").write_text(
            f"""ClusterName=tectum
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
        )
        (folder / "cgroup.conf").write_text("")
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self.environment["PATH"] += ":/usr/sbin:/sbin"
        self.start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge}",
            f"--pid-file={folder}/munge/pid", f"--log-file={folder}/munge/log", f"--seed-file={folder}/munge/seed",
        )
        self.wait_for(munge.exists, "munged")
        self.start("slurmctld", "-D", "-f", folder / "slurm.conf")
        self.start("slurmd", "-D", "-N", host, "-f", folder / "slurm.conf")
        self.wait_for(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), "the node")
        return self

    def start(self, *command):
        log = open(self.folder / f"{command[0]}.out", "wb")
        self.daemons.append(
            subprocess.Popen([str(word) for word in command], env=self.environment, stdout=log, stderr=log)
        )

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def wait_for(self, is_so, what, patience=60):
        end = time.monotonic() + patience
        while not is_so():
            if time.monotonic() > end or any(daemon.poll() is not None for daemon in self.daemons):
                for log in sorted(self.folder.rglob("*.log")) + sorted(self.folder.glob("*.out")):
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}")
                raise RuntimeError(f"{what} does not come up")
            time.sleep(0.2)

    def is_idle(self):
        """Whether nothing runs or waits any more. A merge whose tasks have failed is taken out of the queue."""
        jobs = [line.split() for line in self.ask("squeue", "--noheader", "--format=%A %r").splitlines()]
        for job, reason in jobs:
            if reason == "DependencyNeverSatisfied":
                self.ask("scancel", job)
        return not jobs

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
