# Sourced in the project's folder: installs the Python peers once, into $peers (.tools/peers), and those that want
# a newer NumPy into peers-newer beside it.
peers=${TECTUM_PEERS:-.tools/peers}

packages="xvfb libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0
libxcb-xinerama0 libxcb-shape0 libegl1 libgl1-mesa-dri mesa-vulkan-drivers libdbus-1-3 imagemagick"
missing=
for package in $packages; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "benches: installing with apt:$missing" >&2
    root=$([ "$(id -u)" = 0 ] || echo sudo)
    $root apt-get -qq update || true
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >&2
fi
if [ ! -e "$peers/ready" ]; then
    echo "benches: installing the Python peers into $peers" >&2
    python3 -m venv "$peers"
    "$peers/bin/pip" install -q -r benches/peers/requirements.txt
    # Last, and by itself: the peers break on NumPy 2.
    "$peers/bin/pip" install -q "numpy<2"
    touch "$peers/ready"
fi
newer=$(dirname "$peers")/peers-newer
if [ ! -e "$newer/ready" ]; then
    echo "benches: installing the newer Python peers into $newer" >&2
    python3 -m venv "$newer"
    # One that cannot be had here is left out of the table.
    "$newer/bin/pip" install -q -r benches/peers/requirements-newer.txt && touch "$newer/ready" ||
        echo "benches: the newer peers could not be installed" >&2
fi
