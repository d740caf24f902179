"""Cuts Inter and Phosphor down to what the window uses. Needs fonttools[woff].

    python3 cut.py INTER_FOLDER PHOSPHOR_FOLDER

INTER_FOLDER holds Inter-{Regular,Medium,SemiBold}.woff2 (version 4.1), PHOSPHOR_FOLDER holds Phosphor.ttf
and Phosphor-Fill.ttf. The digits of Inter are replaced by its tabular ones, because the toolkit cannot ask
a font for a feature; the icons kept are those named in src/ui/icons.rs.
"""

import re
import subprocess
import sys
from pathlib import Path

from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
SCRIPTS = (
    "U+0020-007E,U+00A0-017F,U+0192,U+0218-021B,U+0370-03FF,U+0400-045F,U+2002-200A,U+2010-2015,U+2018-201E,"
    "U+2020-2022,U+2026,U+202F,U+2030,U+2032,U+2033,U+2039,U+203A,U+2070-209C,U+20AC,U+2122,U+2126,U+2190-2199,"
    "U+21B5,U+2212,U+2215,U+221A,U+221E,U+2248,U+2260,U+2264,U+2265,U+25A0,U+25B2,U+25B6,U+25BC,U+25C0,U+25CB,"
    "U+25CF,U+2303,U+2318,U+2325,U+21E7"
)


def subset(source, target, unicodes, features):
    options = [f"--unicodes={unicodes}", f"--layout-features={features}", "--no-hinting", "--notdef-outline"]
    subprocess.check_call(["pyftsubset", str(source), f"--output-file={target}", *options])


def with_tabular_digits(path):
    font = TTFont(path)
    font.flavor = None
    gsub = font["GSUB"].table
    tabular = {}
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in gsub.LookupList.Lookup[index].SubTable:
                    tabular.update(getattr(getattr(table, "ExtSubTable", table), "mapping", {}))
    names = font.getBestCmap()
    digits = {ord(digit): tabular[names[ord(digit)]] for digit in "0123456789"}
    for table in font["cmap"].tables:
        table.cmap.update({code: name for code, name in digits.items() if code in table.cmap})
    return font


def main():
    inter, phosphor = Path(sys.argv[1]), Path(sys.argv[2])
    for weight in ["Regular", "Medium", "SemiBold"]:
        whole = HERE / "whole.ttf"
        with_tabular_digits(inter / f"Inter-{weight}.woff2").save(whole)
        subset(whole, HERE / f"Inter-{weight}.ttf", SCRIPTS, "kern,ccmp,mark,mkmk")
        whole.unlink()
    icons = re.findall(r"u\{(\w+)\}", (HERE / "../../src/ui/icons.rs").read_text())
    for name in ["Phosphor.ttf", "Phosphor-Fill.ttf"]:
        subset(phosphor / name, HERE / "../icons" / name, ",".join(icons), "")


main()
