"""Renders test scenes: blender -b -P testdata/render/render.py -- OUTDIR [SCENE ...] [--draft | --check]."""
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
    """Builds one scene and writes its files; a draft is a third of the size and coarser, a check a quarter and finer."""
    row = SCENES[name]
    share, samples = (4, row.samples * 5) if checked else (3, 10) if draft else (1, row.samples)
    stage.clear(row.width // share, row.height // share, samples)
    row.build()
    if checked:
        print(name, check.compare(folder), flush=True)
    else:
        matte.write(folder, name, row.foreground)


main()
