"""Colours to paint with: rendered surroundings, photographs in the public domain, and patterns out of numbers; all linear light."""

import base64
import glob
import math
import os
import re
import tempfile

import cv2
import numpy as np
import OpenEXR

BLENDER = "/usr/share/blender/datafiles/studiolights/world/*.exr"
PHOTOGRAPHS = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "grass.png", "gravel.png", "brick.png", "color.png"]


def light(number):
    return np.where(number <= 0.04045, number / 12.92, ((number + 0.055) / 1.055) ** 2.4).astype(np.float32)


def number(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055).astype(np.float32)


def surroundings(path):
    """An OpenEXR picture in linear light."""
    with OpenEXR.File(path) as file:
        channels = file.channels()
        whole = channels["RGB"].pixels if "RGB" in channels else np.stack([channels[c].pixels for c in "RGB"], -1)
        return np.ascontiguousarray(whole, np.float32)


class Textures:
    """Surroundings from `@pmndrs/assets` (CC0) in `assets` and Blender's (CC0), photographs of scikit-image."""

    def __init__(self, assets):
        import skimage

        self.skies, self.photographs = [], []
        for path in sorted(glob.glob(os.path.join(assets, "hdri", "*.js"))):
            coded = max(re.findall(r"[A-Za-z0-9+/=]{1000,}", open(path).read()), key=len)
            with tempfile.NamedTemporaryFile(suffix=".exr") as file:
                file.write(base64.b64decode(coded))
                file.flush()
                self.skies.append(surroundings(file.name))
        for path in sorted(glob.glob(BLENDER)):
            self.skies.append(surroundings(path))
        folder = os.path.join(os.path.dirname(skimage.__file__), "data")
        for name in PHOTOGRAPHS:
            self.photographs.append(light(cv2.imread(os.path.join(folder, name))[..., ::-1] / np.float32(255)))

    def sky(self, size, random):
        """A view into surroundings, exposed so that its brighter parts are not quite white."""
        picture = self.skies[random.integers(len(self.skies))]
        height, width = picture.shape[:2]
        wide = random.uniform(0.12, 0.4)
        view_width, view_height = max(8, int(width * wide)), max(8, int(width * wide * size[1] / size[0]))
        view_height = min(view_height, height)
        picture = np.roll(picture, int(random.integers(width)), 1)
        top = int(np.clip(random.normal(0.5, 0.12) * height - view_height / 2, 0, height - view_height))
        view = picture[top : top + view_height, :view_width]
        view = np.clip(view / max(1e-4, np.percentile(view, random.uniform(85, 98))) * random.uniform(0.4, 1.0), 0, 1)
        return np.clip(cv2.resize(view, size, interpolation=cv2.INTER_CUBIC), 0, 1)

    def photograph(self, size, random):
        """Part of a photograph, mirrored, its colours exchanged now and then."""
        picture = self.photographs[random.integers(len(self.photographs))]
        height, width = picture.shape[:2]
        share = random.uniform(0.3, 1.0)
        part_width = int(min(width, height * size[0] / size[1]) * share)
        part_height = int(part_width * size[1] / size[0])
        left, top = int(random.integers(width - part_width + 1)), int(random.integers(height - part_height + 1))
        part = picture[top : top + part_height, left : left + part_width]
        part = part[:, ::-1] if random.uniform() < 0.5 else part
        if random.uniform() < 0.4:
            part = part[..., random.permutation(3)]
        part = np.clip(part * random.uniform(0.5, 1.2, 3), 0, 1).astype(np.float32)
        return np.clip(cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_CUBIC), 0, 1)

    def any(self, size, random):
        kinds = [self.sky, self.photograph, noise, strokes, cells, plain]
        return kinds[random.choice(len(kinds), p=[0.4, 0.15, 0.15, 0.12, 0.1, 0.08])](size, random)


def palette(random, count):
    """Colours that go together: one hue and brightness, scattered."""
    middle, spread = random.uniform(0.02, 0.8) ** 1.3, random.uniform(0.1, 0.9)
    tint = np.clip(1 + random.normal(0, 0.35, 3), 0.2, 2)
    colors = middle * tint * np.exp(spread * random.normal(0, 0.6, (count, 1))) * np.exp(random.normal(0, 0.15, (count, 3)))
    return np.clip(colors, 0.003, 1).astype(np.float32)


def field(size, random, coarse, falloff):
    """Numbers around 0.5 that vary over many scales."""
    width, height = size
    out, weight, cells = np.zeros((height, width), np.float32), 1.0, coarse
    while cells < max(size) and weight > 0.02:
        small = random.standard_normal((max(2, cells * height // width + 1), cells + 1)).astype(np.float32)
        out += weight * cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
        weight, cells = weight * falloff, cells * 2
    return np.clip(0.5 + 0.22 * out / max(1e-6, out.std()), 0, 1)


def blended(values, colors):
    place = values * (len(colors) - 1)
    low = np.minimum(place.astype(int), len(colors) - 2)
    share = (place - low)[..., None]
    return (colors[low] * (1 - share) + colors[low + 1] * share).astype(np.float32)


def plain(size, random):
    """A wall, lit from one side."""
    color = palette(random, 1)[0]
    angle = random.uniform(0, 2 * math.pi)
    x, y = np.meshgrid(np.linspace(-1, 1, size[0], dtype=np.float32), np.linspace(-1, 1, size[1], dtype=np.float32))
    lit = np.exp(random.uniform(0, 0.5) * (x * math.cos(angle) + y * math.sin(angle)))
    return np.clip(lit[..., None] * color, 0, 1)


def noise(size, random):
    """Clouds, stone, cloth: colours by a rough field."""
    return blended(field(size, random, int(random.integers(2, 24)), random.uniform(0.4, 0.85)), palette(random, int(random.integers(2, 6))))


def strokes(size, random):
    """Grass, straw, leaves: strokes that lie about in one way or none."""
    colors = palette(random, 12)
    paint = np.ascontiguousarray(np.tile(colors[0], (size[1], size[0], 1)))
    way, stray = random.uniform(0, math.pi), random.uniform(0.1, 2)
    length, width = random.uniform(10, 90), int(random.integers(1, 9))
    for _ in range(int(min(9000, 2.2 * size[0] * size[1] / length / width))):
        start, angle = random.uniform(0, 1, 2) * size, way + stray * random.normal()
        far = length * random.uniform(0.4, 1.3)
        end = start + far * np.array([math.cos(angle), math.sin(angle)])
        cv2.line(paint, start.astype(int).tolist(), end.astype(int).tolist(), (colors[random.integers(12)] * random.uniform(0.6, 1.4)).tolist(), width, cv2.LINE_AA)
    return np.clip(paint, 0, 1)


def cells(size, random):
    """Bricks, tiles, shelves: rectangles with gaps."""
    colors = palette(random, 10)
    paint = np.ascontiguousarray(np.tile(colors[0] * 0.5, (size[1], size[0], 1)))
    high, gap = random.uniform(15, 120), int(random.integers(0, 6))
    wide = high * random.uniform(0.5, 4)
    for row in range(int(size[1] / high) + 1):
        shift = random.uniform(0, wide)
        for column in range(-1, int(size[0] / wide) + 1):
            corner = (int(column * wide + shift), int(row * high))
            other = (int(corner[0] + wide - gap), int(corner[1] + high - gap))
            cv2.rectangle(paint, corner, other, (colors[random.integers(10)] * random.uniform(0.8, 1.2)).tolist(), -1)
    turned = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), random.choice([0, random.uniform(-40, 40)]), 1.5)
    return np.clip(cv2.warpAffine(paint, turned, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), 0, 1)
