#!/bin/bash
# Plans, submits an array of tasks, and merges after it. Run it again after a failure: what is missing is submitted.
set -euo pipefail
[ -s plan.json ] || tectum plan convert recording -o recording.ome.zarr --tasks 8 > plan.json
missing=$(tectum status plan.json --missing)
if [ -n "$missing" ]; then
    # A fault of disk or network that may pass (104) puts the task back into the queue, three times at most.
    job=$(sbatch --parsable --array="$missing" --cpus-per-task=2 --mem=2G --open-mode=append --wrap '
        tectum run plan.json && exit; code=$?
        [ $code = 104 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ] && scontrol requeue "$SLURM_JOB_ID"; exit $code')
fi
sbatch ${job:+--dependency=afterok:$job} --cpus-per-task=2 --mem=2G --wrap 'tectum merge plan.json'
