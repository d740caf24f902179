#!/bin/sh
# Lets numpy and scipy compute random expressions, COUNT (6000) for each of SEEDS (three that change every day), and
# compares. TECTUM_WRITTEN_PYTHON names an interpreter with numpy 2 and scipy; `make written` sets one up in .tools.
set -eu
cd "$(dirname "$0")/../.."
python=${TECTUM_WRITTEN_PYTHON:-.tools/written/bin/python}
if ! "$python" -c "import numpy, scipy" 2>/dev/null; then
    echo "computed: no Python with numpy and scipy here; \`make written\` sets one up" >&2
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
day=$(date +%j)
for seed in ${SEEDS:-${day}1 ${day}2 ${day}3}; do
    "$python" tests/fixtures/delayed/make_cases.py "$folder/$seed.jsonl" "${COUNT:-6000}" "$seed"
    echo "computed: seed $seed"
    TECTUM_DELAYED_CASES="$folder/$seed.jsonl" ${CARGO:-cargo} test --locked --release --test delayed oracle
done
