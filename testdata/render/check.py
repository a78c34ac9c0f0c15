"""Checks that the layers of a scene add up to the scene rendered in one piece."""
import numpy as np

import matte


def compare(folder):
    """Difference in linear light: mean (signed, so noise cancels) and root mean square, everywhere and on the soft edge."""
    layer, ground, whole = matte.subject_layer(folder), matte.stage_layer(folder), matte.whole(folder)
    alpha = matte.coverage(folder)[..., None]
    joined = matte.straight(layer) * alpha + np.clip(ground, 0, 1) * (1 - alpha)
    off = joined - np.clip(whole, 0, 1)
    edge = (alpha[..., 0] > 0.02) & (alpha[..., 0] < 0.98)
    parts = [(name, off[where]) for name, where in (("everywhere", edge | True), ("edge", edge)) if where.any()]
    return "; ".join("%s: mean %+.5f, rms %.4f" % (name, part.mean(), (part ** 2).mean() ** 0.5) for name, part in parts)
