#!/bin/sh
# Puts the program, its icon, its desktop entry and its file type into the user's own folders, or with
# --remove takes them away. Run through `make install` and `make uninstall`.
set -eu
cd "$(dirname "$0")/.."

bin=$HOME/.local/bin
data=${XDG_DATA_HOME:-$HOME/.local/share}
program=$bin/tectum
entry=$data/applications/tectum.desktop
type=$data/mime/packages/tectum.xml
icons=$data/icons/hicolor

default_for_folders() { xdg-mime query default inode/directory 2>/dev/null || true; }

refresh() {
    if command -v update-mime-database >/dev/null; then update-mime-database "$data/mime"; fi
    if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$data/applications"; fi
    if [ -e "$icons/icon-theme.cache" ] && command -v gtk-update-icon-cache >/dev/null; then
        gtk-update-icon-cache -q -f -t "$icons"
    fi
}

if [ "${1:-}" = --remove ]; then
    rm -f "$program" "$entry" "$type" "$icons/scalable/apps/tectum.svg"
    for size in 48 128 256; do rm -f "$icons/${size}x$size/apps/tectum.png"; done
    mkdir -p "$data/mime/packages" "$data/applications"
    refresh
    echo "Tectum is no longer installed for $(id -un)."
    exit 0
fi

# The last one lets xdg-mime know file types by their names where no desktop does.
scripts/setup.sh xdg-utils shared-mime-info desktop-file-utils libfile-mimeinfo-perl
before=$(default_for_folders)

mkdir -p "$bin" "$(dirname "$entry")" "$(dirname "$type")" "$icons/scalable/apps"
# A running program cannot be overwritten, but it can be replaced.
cp "${CARGO_TARGET_DIR:-target}/release/tectum" "$program.new"
# Most of it is what only a debugger reads.
if command -v strip >/dev/null; then strip "$program.new"; fi
chmod 755 "$program.new"
mv -f "$program.new" "$program"
cp assets/icons/tectum.svg "$icons/scalable/apps/tectum.svg"
for size in 48 128 256; do
    mkdir -p "$icons/${size}x$size/apps"
    cp "assets/icons/tectum-$size.png" "$icons/${size}x$size/apps/tectum.png"
done
cp assets/desktop/tectum.xml "$type"
# The desktop may not look into ~/.local/bin: name the program by its full path.
quoted=$(printf '%s' "$program" | sed 's/[&|\\]/\\&/g')
sed "s|^Exec=tectum|Exec=\"$quoted\"|" assets/desktop/tectum.desktop >"$entry"
refresh

# "Open With" for folders, never their default: where no default is set, the desktop would take whoever
# says that it can, so Tectum does not say so there. Nobody's defaults are changed.
if [ "$(default_for_folders)" != "$before" ]; then
    sed -i 's/inode\/directory;//' "$entry"
    refresh
    echo "This desktop has no fixed program for folders. Tectum does not offer itself for them, lest it become it."
fi

echo "Installed: $program, with icon, desktop entry and file type. \`make uninstall\` takes it away."
case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "$bin is not in your PATH: add it to call \`tectum\` from a terminal." ;;
esac
