# python dask_tasks.py [address of a scheduler]: plans, runs the tasks on the cluster's workers, and merges.
import os, subprocess, sys
from dask.distributed import Client

N = 8

def run(folder, i):
    subprocess.run(["tectum", "run", "plan.json", "--task", f"{i}/{N}"], cwd=folder, check=True)

if __name__ == "__main__":
    client = Client(*sys.argv[1:])
    subprocess.run("tectum plan convert recording -o recording.ome.zarr --tasks 8 > plan.json", shell=True, check=True)
    client.gather(client.map(run, [os.getcwd()] * N, range(N), pure=False, retries=3))
    subprocess.run(["tectum", "merge", "plan.json"], check=True)
