#!/bin/sh
# Sets up the Python peers once (in .tools/peers), writes the large recording once (in .tools/big), then
# measures both sides in turns and writes the table of BENCHMARKS.md. About ten minutes, and 2 GB of disk.
set -eu
cd "$(dirname "$0")/../.."
peers=${TECTUM_PEERS:-.tools/peers}
big=${TECTUM_BIG:-.tools/big}

packages="xvfb libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0
libxcb-xinerama0 libxcb-shape0 libegl1 libgl1-mesa-dri mesa-vulkan-drivers libdbus-1-3"
missing=
for package in $packages; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "bench-peers: installing with apt:$missing" >&2
    root=$([ "$(id -u)" = 0 ] || echo sudo)
    $root apt-get -qq update || true
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >&2
fi
if [ ! -e "$peers/ready" ]; then
    echo "bench-peers: installing the Python peers into $peers" >&2
    python3 -m venv "$peers"
    "$peers/bin/pip" install -q -r benches/peers/requirements.txt
    # Last, and by itself: the peers break on NumPy 2.
    "$peers/bin/pip" install -q "numpy<2"
    touch "$peers/ready"
fi
if [ ! -e "$big/stack_metadata.json" ]; then
    echo "bench-peers: writing the large recording into $big" >&2
    "$peers/bin/python" benches/peers/make_big.py "$big" 120
fi
exec "$peers/bin/python" benches/peers/run.py "$big" "$@"
