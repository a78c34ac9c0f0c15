#!/usr/bin/env python3
"""Pictures with exact mattes to learn from: pictures.py FOLDER ASSETS FIRST COUNT

Writes NUMBER.jpg and NUMBER.alpha.png. A subject is drawn in the colours of one texture and set before another, out of
focus or not, in linear light; then a lens, a sensor's grain and JPEG have their way.
"""

import os
import sys

import cv2
import numpy as np

import subjects
import textures


def subject(size, source, random):
    """Straight colours in linear light and coverage."""
    names = list(subjects.KINDS)
    kind = names[random.choice(len(names), p=[subjects.KINDS[name][1] for name in names])]
    texture = source.any(size, random)
    if random.uniform() < 0.6:
        texture = cv2.GaussianBlur(texture, (0, 0), random.uniform(1, 12))
    canvas = subjects.Canvas(size, np.ascontiguousarray(texture), random)
    subjects.KINDS[kind][0](canvas)
    return canvas.finished()


def behind(size, source, random):
    """What lies behind, mostly out of focus."""
    ground = source.any(size, random)
    if random.uniform() < 0.3:
        share = textures.field(size, random, 3, 0.6)[..., None] > 0.5
        ground = np.where(share, ground, source.any(size, random))
    if random.uniform() < 0.7:
        ground = cv2.GaussianBlur(ground, (0, 0), random.uniform(0.5, 14))
    return ground


def picture(size, source, random):
    """sRGB bytes and coverage."""
    color, cover = subject(size, source, random)
    ground = behind(size, source, random)
    # Light alike, or a subject and a ground of nearly one brightness, as fur in grass has.
    if random.uniform() < 0.3:
        ground = np.clip(ground * (color[cover > 0.5].mean() + 0.01) / (ground.mean() + 0.01), 0, 1)
    if random.uniform() < 0.25:
        soft = random.uniform(0.5, 3.5)
        color, cover = cv2.GaussianBlur(color * cover[..., None], (0, 0), soft), cv2.GaussianBlur(cover, (0, 0), soft)
        color = color / np.maximum(cover, 1e-4)[..., None]
    if random.uniform() < 0.35:
        shade = 1 + 0.35 * (textures.field(size, random, 3, 0.3) - 0.5)[..., None]
        color = np.clip(color * shade, 0, 1)
    cover = np.clip(cover, 0, 1)
    alpha = cover[..., None]
    if random.uniform() < 0.5:
        mixed = textures.number(alpha * color + (1 - alpha) * ground)
    else:
        mixed = alpha * textures.number(color) + (1 - alpha) * textures.number(ground)
    if random.uniform() < 0.4:
        lens = random.uniform(0.3, 0.9)
        mixed, cover = cv2.GaussianBlur(mixed, (0, 0), lens), cv2.GaussianBlur(cover, (0, 0), lens)
    grain = random.standard_normal((size[1], size[0], 3), np.float32)
    mixed = mixed * 255 + random.uniform(0, 6) * cv2.GaussianBlur(grain, (0, 0), random.uniform(0.4, 1.2))
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8), cover


def main():
    folder, assets, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    cv2.setNumThreads(1)
    os.makedirs(folder, exist_ok=True)
    source = textures.Textures(assets)
    for index in range(first, first + count):
        random = np.random.default_rng(index)
        size = [(1080, 810), (1200, 900), (900, 1200), (1440, 1080), (1000, 1000)][random.integers(5)]
        made, cover = picture(size, source, random)
        quality = int(random.integers(80, 97))
        cv2.imwrite(f"{folder}/{index:05}.jpg", made[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        cv2.imwrite(f"{folder}/{index:05}.alpha.png", np.round(cover * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
