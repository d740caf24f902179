#!/bin/sh
# Sets up Python's side once (in .tools/sources-env), writes the recording in every format once (in .tools/sources,
# 8 GB), then measures. The recording itself is that of bench-peers, or the folder TECTUM_BIG.
set -eu
cd "$(dirname "$0")/../.."
env=.tools/sources-env
if [ ! -e "$env/ready" ]; then
    echo "bench-sources: installing Python's side into $env" >&2
    python3 -m venv "$env"
    "$env/bin/pip" install -q -r benches/sources/requirements.txt
    touch "$env/ready"
fi
big=${TECTUM_BIG:-.tools/big}
if [ ! -e "$big/stack_metadata.json" ]; then
    . benches/peers/setup.sh
    "$peers/bin/python" benches/peers/make_big.py "$big" 120
fi
if [ ! -e .tools/sources/pyramid.zarr/zarr.json ]; then
    echo "bench-sources: writing .tools/sources" >&2
    "$env/bin/python" benches/sources/make.py "$big" .tools/sources
fi
TECTUM_SOURCES=$PWD/.tools/sources TECTUM_RECORDING=$(cd "$big" && pwd) cargo bench --locked --bench sources
exec "$env/bin/python" benches/sources/peers.py .tools/sources
