"""Makes the pictures of the benchmarks from the rendered scenes: enlarged, with grain so that they are as hard to code as photographs."""
import glob
import os
import sys

import numpy
from PIL import Image

scenes, work = sys.argv[1:]
names = sorted(glob.glob(os.path.join(scenes, "*.jpg")))
grain = numpy.random.default_rng(1)


def enlarged(path, width, height):
    picture = Image.open(path).convert("RGB").resize((width, height), Image.LANCZOS)
    noise = grain.normal(0, 4, (height, width, 1)).astype(numpy.int16)
    return Image.fromarray((numpy.asarray(picture).astype(numpy.int16) + noise).clip(0, 255).astype(numpy.uint8))


hero = os.path.join(scenes, "fox.jpg")
for name, width, height in (("512", 512, 512), ("12mp", 4000, 3000), ("24mp", 6000, 4000)):
    enlarged(hero, width, height).save(os.path.join(work, name + ".jpg"), quality=90)
for folder, width, height in (("small", 800, 600), ("large", 4000, 3000)):
    os.makedirs(os.path.join(work, folder))
    for number, path in enumerate(names[:8]):
        enlarged(path, width, height).save(os.path.join(work, folder, f"{number}.jpg"), quality=90)
