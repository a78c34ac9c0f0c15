"""Renders test scenes: blender -b -P testdata/render/render.py -- OUTDIR [SCENE ...] [--draft] [--check]."""
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
        one(folder, name, "--draft" in options, "--check" in options)
        print("rendered", name, "in %.0f s" % (time.time() - began), flush=True)


def write_index(folder):
    """Writes index.csv, a line per scene of the table."""
    with open(os.path.join(folder, "index.csv"), "w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["name", "width", "height", "kind", "what"])
        lines.writerows([n, s.width, s.height, s.kind, s.what] for n, s in SCENES.items())


def one(folder, name, draft, checked):
    """Builds one scene and writes its files; a draft is smaller and coarser."""
    row = SCENES[name]
    share = 3 if draft else 1
    stage.clear(int(row.width / share), int(row.height / share), 10 if draft else row.samples)
    row.build()
    matte.write(folder, name, row.foreground)
    if checked:
        print(name, check.compare(folder), flush=True)


main()
