"""Clips of small frames, and what official code makes of them, as a file that the tests read."""

import numpy
import onnx
from onnx import helper, numpy_helper


def frames(count, height, width, seed=7):
    """Frames [count, height, width, 3] of 8 bits: two soft discs that cross a patterned ground, one of them leaves."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float32)
    ground = 90 + 60 * numpy.sin(x / 7)[..., None] * numpy.cos(y[..., None] / 5 + numpy.arange(3))
    made = []
    for index in range(count):
        share = index / max(count - 1, 1)
        picture = ground + rng.normal(0, 6, (height, width, 3))
        for (centre, across, color) in [(0.3, 0.5, (220, 60, 40)), (0.7, -1.1, (30, 90, 230))]:
            middle = (centre + across * share) * width
            distance = numpy.hypot(x - middle, y - (0.4 + 0.2 * share) * height)
            cover = 1 / (1 + numpy.exp((distance - 0.3 * height) / 2))[..., None]
            picture = picture * (1 - cover) + numpy.array(color, dtype=numpy.float32) * cover
        made.append(picture)
    return numpy.clip(numpy.rint(numpy.stack(made)), 0, 255).astype(numpy.uint8)


def write(path, **tensors):
    """Writes tensors under their names: a graph without nodes, whose initializers they are, as 32-bit numbers."""
    values = [numpy_helper.from_array(numpy.ascontiguousarray(value, dtype=numpy.float32), name) for name, value in tensors.items()]
    onnx.save(helper.make_model(helper.make_graph([], "clip", [], [], values)), path)
    for name, value in tensors.items():
        value = numpy.asarray(value, dtype=numpy.float32)
        print(f"{path}: {name} {list(value.shape)}, {value.min():.4f} to {value.max():.4f}, mean {value.mean():.4f}")
