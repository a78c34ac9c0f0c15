#!/usr/bin/env python3
"""Mattes to correct: mattes.py PICTURES SEED

Writes NUMBER.made.raw.png, the truth made worse on purpose: as a network that looks at 1024 × 1024 might see it. Removes
NUMBER.net.raw.png, a network's matte, where that has not found the subject.
"""

import glob
import os
import sys

import cv2
import numpy as np

import textures

FOUND = 0.6  # least over greatest alpha from which a subject counts as found


def worse(truth, random):
    """Softer in places, decided too early in others, grown or shrunk, shifted, and unsure of thin things."""
    side = 1024
    seen = cv2.resize(truth, (side, side), interpolation=cv2.INTER_AREA)
    low, high = random.uniform(0.8, 2.5), random.uniform(2.5, 9)
    share = textures.field((side, side), random, 4, 0.6)
    soft = cv2.GaussianBlur(seen, (0, 0), low) * (1 - share) + cv2.GaussianBlur(seen, (0, 0), high) * share
    spread = np.exp(random.normal(1.3, 0.5)) * (0.4 + 1.2 * textures.field((side, side), random, 5, 0.6))
    middle = 0.5 + 0.22 * random.normal() + 0.35 * (textures.field((side, side), random, 5, 0.6) - 0.5)
    decided = 1 / (1 + np.exp(-spread * (soft - np.clip(middle, 0.15, 0.85)) * 4))
    low, high = 1 / (1 + np.exp(spread * np.clip(middle, 0.15, 0.85) * 4)), 1 / (1 + np.exp(-spread * (1 - np.clip(middle, 0.15, 0.85)) * 4))
    decided = (decided - low) / (high - low)
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    shift = [random.uniform(0, 5) * 4 * (textures.field((side, side), random, 6, 0.5) - 0.5) for _ in range(2)]
    decided = cv2.remap(decided.astype(np.float32), x + shift[0], y + shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    decided = decided * (1 - random.uniform(0, 0.08) * textures.field((side, side), random, 4, 0.6))
    return cv2.resize(np.clip(decided, 0, 1), truth.shape[::-1], interpolation=cv2.INTER_LINEAR)


def main():
    folder, seed = sys.argv[1], int(sys.argv[2])
    for path in sorted(glob.glob(os.path.join(folder, "*.alpha.png"))):
        stem = path.removesuffix(".alpha.png")
        random = np.random.default_rng([seed, int(os.path.basename(stem))])
        truth = cv2.imread(path, 0) / np.float32(255)
        cv2.imwrite(stem + ".made.raw.png", np.round(worse(truth, random) * 255).astype(np.uint8))
        found = cv2.imread(stem + ".net.raw.png", 0)
        if found is not None and np.minimum(found / 255, truth).sum() < FOUND * np.maximum(found / 255, truth).sum():
            os.remove(stem + ".net.raw.png")


main()
