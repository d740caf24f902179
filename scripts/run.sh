#!/bin/sh
# Opens the window on the demo recording; without a display, draws the same window into a picture.
set -eu
cd "$(dirname "$0")/.."
tectum=${CARGO_TARGET_DIR:-target}/release/tectum

if [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    exec "$tectum" demo demo
fi
echo "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set):"
echo "drawing the window into tectum-demo.png instead."
"$tectum" demo demo --no-open
"$tectum" snapshot demo -o tectum-demo.png --force --wait
