"""Renders test scenes: blender -b -P testdata/render/render.py -- OUTDIR [SCENE ...] [--draft | --large | --check]."""
import csv
import os
import sys
import time

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import check
import matte
import stage
from scenes import SCENES


def main():
    """Renders the scenes named on the command line, or all."""
    words = sys.argv[sys.argv.index("--") + 1:]
    options = {w for w in words if w.startswith("--")}
    folder, *names = [w for w in words if w not in options]
    os.makedirs(folder, exist_ok=True)
    write_index(folder)
    for name in names or SCENES:
        began = time.time()
        one(folder, name, options)
        print("rendered", name, "in %.0f s" % (time.time() - began), flush=True)


def write_index(folder):
    """Writes index.csv, a line per scene of the table."""
    with open(os.path.join(folder, "index.csv"), "w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["name", "width", "height", "kind", "what"])
        lines.writerows([n, s.width, s.height, s.kind, s.what] for n, s in SCENES.items())


# By option: what the sides are multiplied by, and how many samples a pixel of the picture gets (a number, or what the
# scene's own are multiplied by). Of a large picture each pixel is grainier, as a camera's is.
SIZES = {"--check": (0.25, 5.0), "--draft": (1 / 3, 10), "--large": (3.2, 11)}


def one(folder, name, options):
    """Builds one scene and writes its files, in the size that the options ask for."""
    row = SCENES[name]
    share, samples = next((SIZES[word] for word in SIZES if word in options), (1, 1.0))
    samples = int(row.samples * samples) if isinstance(samples, float) else samples
    stage.clear(int(row.width * share), int(row.height * share), samples)
    row.build()
    if "--check" in options:
        print(name, check.compare(folder), flush=True)
    else:
        matte.write(folder, name, row.foreground)


main()
