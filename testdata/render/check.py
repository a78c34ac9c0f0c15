"""Checks that the two layers of a scene add up to the scene rendered in one piece."""
import numpy as np

import matte


def compare(folder):
    """Mean and worst difference in linear light, over all pixels and over the soft edge."""
    layer, ground, whole = matte.subject_layer(folder), matte.stage_layer(folder), matte.whole(folder)
    alpha = matte.coverage(folder)[..., None]
    joined = matte.straight(layer) * alpha + np.clip(ground, 0, 1) * (1 - alpha)
    off = np.abs(joined - np.clip(whole, 0, 1)).max(axis=-1)
    edge = (alpha[..., 0] > 0.02) & (alpha[..., 0] < 0.98)
    return "mean %.5f, on the edge %.5f, worst %.3f" % (off.mean(), off[edge].mean() if edge.any() else 0, off.max())
