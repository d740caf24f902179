#!/bin/sh
# Installs what building, running and testing Tectum needs and this machine lacks; says what it installs.
# --headless: only what the command line alone needs. Further packages may be named as arguments. Assumes
# Rust, gcc, make and python3. Takes a few milliseconds when everything is there.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

has_window=yes
if [ "${1:-}" = --headless ]; then
    has_window=no
    shift
fi

# g++ compiles one codec. The rest is loaded at run time: the window system's libraries, Vulkan and GL
# with their software drivers (so that a machine without a GPU draws, and tests, the same window), and
# D-Bus for the system's file dialog.
packages="g++ $*"
[ $has_window = no ] || packages="$packages
libx11-6 libx11-xcb1 libxcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon0 libxkbcommon-x11-0
libwayland-client0 libvulkan1 mesa-vulkan-drivers libegl1 libgl1-mesa-dri libdbus-1-3"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

is_apt_fresh=no
apt_install() {
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        say "these packages are missing, and you are neither root nor is there sudo: $*"
        say "have them installed (apt-get install $*), then try again"
        exit 1
    fi
    say "installing with apt: $*"
    if [ $is_apt_fresh = no ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update || say "apt-get update failed; going on"
        is_apt_fresh=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >&2
}

cmake_is_new() {
    # 3.26 or newer, which the bundled HDF5 needs.
    version=$("$1" --version 2>/dev/null | sed -n '1s/[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    [ -n "$version" ] || return 1
    # shellcheck disable=SC2086
    set -- $version
    [ "$1" -gt 3 ] || { [ "$1" -eq 3 ] && [ "$2" -ge 26 ]; }
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $packages 2>/dev/null |
        sed -n 's/^installed //p') || true
    missing=
    for package in $packages; do
        case "
$installed
" in
            *"
$package
"*) ;;
            *) missing="$missing $package" ;;
        esac
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install $missing
elif [ ! -e .tools/told ]; then
    say "this is no Debian or Ubuntu: nothing was installed. Tectum needs a C++ compiler, the client"
    say "libraries of X11 (x11, xcb, xcursor, xi, xrandr, xkbcommon) or Wayland, a Vulkan or EGL driver"
    say "(Mesa's software driver will do), and D-Bus for the file dialog."
    mkdir -p .tools && : >.tools/told
fi

# cmake: the caller's choice, the private one, the system's, or a private one installed now.
private=.tools/cmake/cmake/data/bin/cmake
if [ -n "${CMAKE:-}" ] && cmake_is_new "$CMAKE"; then
    :
elif [ -x $private ]; then
    :
elif cmake_is_new cmake; then
    :
else
    say "installing cmake (3.26 or newer is needed) into $PWD/.tools"
    mkdir -p .tools
    if python3 -m pip --version >/dev/null 2>&1; then
        pip="python3 -m pip"
    else
        # Debian and Ubuntu ship python3 without pip and without the means to make an environment.
        if ! python3 -m venv .tools/venv >/dev/null 2>&1; then
            command -v apt-get >/dev/null && apt_install python3-venv
            rm -rf .tools/venv
            python3 -m venv .tools/venv
        fi
        pip=".tools/venv/bin/python -m pip"
    fi
    rm -rf .tools/cmake .tools/cmake.new
    # Into a folder of its own, whatever the interpreter says about being managed by the system.
    PIP_ROOT_USER_ACTION=ignore $pip install --quiet --disable-pip-version-check --target .tools/cmake.new 'cmake>=3.26' >&2
    mv .tools/cmake.new .tools/cmake
    rm -rf .tools/venv
    if ! cmake_is_new $private; then
        say "the private cmake does not run; install cmake 3.26 or newer and set CMAKE to it"
        exit 1
    fi
fi

if ! command -v cargo >/dev/null && [ ! -x "$HOME/.cargo/bin/cargo" ]; then
    say "Rust is missing: install it from https://rustup.rs, then try again"
    exit 1
fi
