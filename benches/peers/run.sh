#!/bin/sh
# Sets up the Python peers once (in .tools/peers and .tools/peers-newer), writes the large recording once (in .tools/big), then
# measures both sides in turns and writes the table of BENCHMARKS.md. About ten minutes, and 2 GB of disk.
set -eu
cd "$(dirname "$0")/../.."
. benches/peers/setup.sh
big=${TECTUM_BIG:-.tools/big}
if [ ! -e "$big/stack_metadata.json" ]; then
    echo "bench-peers: writing the large recording into $big" >&2
    "$peers/bin/python" benches/peers/make_big.py "$big" 120
fi
exec "$peers/bin/python" benches/peers/run.py "$big" "$@"
