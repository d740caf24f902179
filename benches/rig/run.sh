#!/bin/sh
# Records 210 MB/s with the rigs' own writer, with and without Tectum following, and compares. Twenty minutes a
# turn and 30 GB of disk, less with --minutes.
set -eu
cd "$(dirname "$0")/../.."
. benches/peers/setup.sh
mkdir -p .tools/rig
exec "$peers/bin/python" benches/rig/run.py --folder .tools/rig "$@"
