#!/usr/bin/env python3
"""Checks the dependencies: that each is used, and that each may be passed on.

Reads `cargo metadata`, compiles nothing. Part of `make lint`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Licences under which a program may be passed on in binary form with a notice.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    # Certificates of authorities: data.
    "CDLA-Permissive-2.0",
    "CC0-1.0", "ISC", "MIT", "OFL-1.1", "Ubuntu-font-1.0", "Unicode-3.0", "Unlicense", "Zlib", "bzip2-1.0.6",
    # Weak: concerns changes to its own files alone.
    "MPL-2.0",
}

# Packages that name no licence in their manifest, and what their text says.
KNOWN = {"hdf5-metno-src": "BSD-3-Clause"}

# Where each kind of dependency must be named.
PLACES = {None: ["src"], "dev": ["src", "tests", "benches", "examples"], "build": ["build.rs"]}


def is_allowed(licence):
    """Evaluates an SPDX expression; the old form with a slash means OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", licence.replace("/", " OR "))

    def either():
        result = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            # Both sides are read, whatever the first says.
            result = both() or result
        return result

    def both():
        result = single()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            result = single() and result
        return result

    def single():
        token = tokens.pop(0)
        if token == "(":
            result = either()
            tokens.pop(0)
            return result
        if tokens[:1] == ["WITH"]:
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        return token in ALLOWED

    return either()


def code_of(places, with_tests):
    places = [ROOT / place for place in places]
    files = [file for place in places for file in (place.rglob("*.rs") if place.is_dir() else [place]) if file.is_file()]
    code = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        if not with_tests:
            # What only tests need is a dev-dependency.
            text = "" if file.name == "tests.rs" else re.split(r"#\[cfg\(test\)\]\s*mod ", text)[0]
        # A crate named in a comment is not used.
        code.append(re.sub(r"//.*", "", text))
    return "\n".join(code)


def is_named(name, code):
    """Whether a crate is named by a path that begins with it, and not a module of ours of the same name."""
    return re.search(rf"(?<![\w:]){name}::|\b(use|extern crate) {name}\b|::{name}::", code) is not None


def main():
    cargo = os.environ.get("CARGO", "cargo")
    command = [cargo, "metadata", "--locked", "--format-version", "1"]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE)
    if run.returncode:
        return run.returncode
    metadata = json.loads(run.stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    own = set(metadata["workspace_members"])
    faults = []

    for id, package in sorted(packages.items(), key=lambda item: item[1]["name"]):
        licence = package["license"] or KNOWN.get(package["name"])
        if id in own:
            continue
        if licence is None:
            faults.append(f"{package['name']} {package['version']}: names no licence")
        elif not is_allowed(licence):
            faults.append(f"{package['name']} {package['version']}: {licence} is not among the licences that are allowed")

    code = {kind: code_of(places, kind == "dev") for kind, places in PLACES.items()}
    for id in own:
        for dependency in packages[id]["dependencies"]:
            name = (dependency["rename"] or dependency["name"]).replace("-", "_")
            # Tests alone may need a feature: Cargo knows no optional dependency of tests.
            kind = "dev" if dependency["optional"] else dependency["kind"]
            if not is_named(name, code[kind]):
                where = ", ".join(PLACES[kind])
                faults.append(f"{dependency['name']}: is in Cargo.toml and used nowhere in {where}")

    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        return 1
    print(f"{len(packages) - len(own)} dependencies: all that are named are used, all may be passed on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
