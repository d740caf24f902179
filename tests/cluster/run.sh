#!/bin/sh
# Sets up Slurm from Debian's packages, Snakemake and Dask in .tools/cluster, once, and has them run plans on this
# machine while tasks are killed and doubled (tests/cluster/cluster.py). What cannot be had is skipped with a sentence.
set -eu
cd "$(dirname "$0")/../.."
say() { printf 'test-cluster: %s\n' "$*" >&2; }

if ! command -v slurmctld >/dev/null && [ ! -x /usr/sbin/slurmctld ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing slurmctld, slurmd and munge with apt"
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install \
            slurmctld slurmd slurm-client munge >&2; } || say "Slurm cannot be installed; it is skipped"
    else
        say "Slurm is not here (apt-get install slurmctld slurmd slurm-client munge, as root); it is skipped"
    fi
fi
python=.tools/cluster/bin/python
if [ ! -e .tools/cluster/whole ]; then
    say "installing Snakemake and Dask into .tools/cluster"
    mkdir -p .tools
    rm -rf .tools/cluster
    if ! python3 -m venv .tools/cluster 2>/dev/null; then
        # Debian and Ubuntu ship python3 without the means to make an environment.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install python3-venv >&2
        fi
        rm -rf .tools/cluster
        python3 -m venv .tools/cluster
    fi
    for package in snakemake 'dask[distributed]'; do
        $python -m pip install --quiet --disable-pip-version-check "$package" >&2 ||
            say "$package cannot be installed; it is skipped"
    done
    : >.tools/cluster/whole
fi
exec $python tests/cluster/cluster.py "${CARGO_TARGET_DIR:-target}/${TECTUM_BUILD:-release}/tectum" "$@"
