#!/bin/sh
# Sets up the Python programs once, in .tools/written and .tools/lindi (TECTUM_WRITTEN_PYTHON and TECTUM_LINDI_PYTHON
# name interpreters that have them), then lets them read what the program writes: each check writes random arrays.
set -eu
cd "$(dirname "$0")/../.."
tectum=${CARGO_TARGET_DIR:-target}/release/tectum

# python_with NAME INTERPRETER: an environment with what requirements-NAME.txt lists, unless INTERPRETER is given.
python_with() {
    if [ -n "$2" ]; then
        echo "$2"
        return
    fi
    if [ ! -x ".tools/$1/bin/python" ]; then
        echo "written: installing the Python programs into .tools/$1" >&2
        mkdir -p .tools
        rm -rf ".tools/$1" ".tools/$1.new"
        if command -v uv >/dev/null; then
            uv venv --quiet --python 3.11 ".tools/$1.new"
            uv pip install --quiet --python ".tools/$1.new/bin/python" -r "tests/written/requirements-$1.txt"
        else
            python3 -m venv ".tools/$1.new"
            ".tools/$1.new/bin/python" -m pip install --quiet --disable-pip-version-check -r "tests/written/requirements-$1.txt"
        fi
        mv ".tools/$1.new" ".tools/$1"
    fi
    echo ".tools/$1/bin/python"
}

python=$(python_with written "${TECTUM_WRITTEN_PYTHON:-}")
"$python" tests/written/vds.py "$tectum" "$@"
"$python" tests/written/sparse_matrices.py "$tectum" "$@"
"$python" tests/written/convert.py "$tectum" "$@"
# split_dataset needs an older numpy: the environment of the comparison with it has both, once that was made.
upstream=${TECTUM_DIFFERENTIAL_PYTHON:-.tools/differential/bin/python}
if [ -x "$upstream" ]; then
    "$upstream" tests/written/convert.py "$tectum" "$@"
else
    echo "written: nothing was read by split_dataset; make differential installs it" >&2
fi
"$python" tests/written/zarr_tiff.py "$tectum" "$@"
if "$python" -c 'import moto.server, boto3' 2>/dev/null; then
    tests/written/bucket.sh "$python" "$python" tests/written/zarr_tiff.py "$tectum" 12
else
    echo "written: no bucket was written to; that needs moto[server] and boto3" >&2
fi
"$(python_with lindi "${TECTUM_LINDI_PYTHON:-}")" tests/written/references.py "$tectum" "$@"
