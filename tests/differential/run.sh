#!/bin/sh
# Sets up h5py, flammkuchen and split_dataset once (in .tools/differential; TECTUM_DIFFERENTIAL_PYTHON names an
# interpreter that has them), then compares the program with them on random recordings: two minutes for 2,000.
set -eu
cd "$(dirname "$0")/../.."
python=${TECTUM_DIFFERENTIAL_PYTHON:-.tools/differential/bin/python}
if [ ! -x "$python" ]; then
    echo "differential: installing the Python programs into .tools/differential" >&2
    mkdir -p .tools
    rm -rf .tools/differential .tools/differential.new
    # Numpy 1.24, which split_dataset needs, ends at Python 3.11.
    if command -v uv >/dev/null; then
        uv venv --quiet --python 3.11 .tools/differential.new
        uv pip install --quiet --python .tools/differential.new/bin/python -r tests/differential/requirements.txt
    else
        interpreter=
        for candidate in python3.11 python3.10 python3.9 python3; do
            if command -v $candidate >/dev/null && $candidate -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))'; then
                interpreter=$candidate
                break
            fi
        done
        [ -n "$interpreter" ] || {
            echo "differential: this needs Python 3.9 to 3.11, or uv" >&2
            exit 1
        }
        $interpreter -m venv .tools/differential.new
        .tools/differential.new/bin/python -m pip install --quiet --disable-pip-version-check -r tests/differential/requirements.txt
    fi
    mv .tools/differential.new .tools/differential
fi
exec "$python" tests/differential/compare.py "${CARGO_TARGET_DIR:-target}/release/tectum" "$@"
