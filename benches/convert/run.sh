#!/bin/sh
# Sets up Python's side once (in .tools/convert-env; TECTUM_CONVERT_PYTHON names an interpreter that has it), then converts
# the recording of bench-peers, or the folder TECTUM_BIG, beside it, and measures how near each conversion comes to what
# reading alone, and encoding and writing alone, take. What is written goes into .tools/convert-out, or TECTUM_OUT.
set -eu
cd "$(dirname "$0")/../.."
python=${TECTUM_CONVERT_PYTHON:-.tools/convert-env/bin/python}
if [ -z "${TECTUM_CONVERT_PYTHON:-}" ] && [ ! -e .tools/convert-env/ready ]; then
    echo "bench-convert: installing Python's side into .tools/convert-env" >&2
    python3 -m venv .tools/convert-env
    .tools/convert-env/bin/pip install -q -r benches/convert/requirements.txt
    touch .tools/convert-env/ready
fi
big=${TECTUM_BIG:-.tools/big}
if [ ! -e "$big/stack_metadata.json" ]; then
    . benches/peers/setup.sh
    "$peers/bin/python" benches/peers/make_big.py "$big" 120
fi
"$python" benches/convert/peers.py "${CARGO_TARGET_DIR:-target}/release/tectum" "$big" "${TECTUM_OUT:-.tools/convert-out}" "$@"
TECTUM_CONVERT_RECORDING=$(cd "$big" && pwd) cargo bench --locked --bench convert
