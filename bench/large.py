#!/usr/bin/env python3
"""Large pictures with exact mattes: bench/large.py FOLDER [SCALE ...]   (needs numpy and opencv-python-headless)

For every SCALE (default 12 and 50 megapixels) NAME.jpg and NAME.alpha.png: creatures of fur, heads of hair, bushes and cages, drawn
stroke by stroke with sixteen samples a pixel, each filling most of a picture; and the rendered soft scenes, several in a picture, pixel
for pixel as they are stored. Behind is the rendered empty room, enlarged and so out of focus, or soft discs of light.
Subjects and grounds are joined in linear light, then get a sensor's grain and JPEG's losses.
"""

import csv
import math
import os
import sys

import cv2
import numpy as np

SCENES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "testdata", "scenes")
SIZES = {"12": (4000, 3000), "50": (8660, 5773)}
SAMPLES = 4  # across and down a pixel
STRIP = 512  # rows drawn at once


def light(number):
    return np.where(number <= 0.04045, number / 12.92, ((number + 0.055) / 1.055) ** 2.4).astype(np.float32)


def number(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055).astype(np.float32)


LIGHT = light(np.arange(256) / 255)


class Drawing:
    """Strokes and areas in the order they are painted; places in units of the picture's height."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.shapes = []

    def area(self, points, color):
        self.shapes.append((np.asarray(points, np.float64), None, color))

    def stroke(self, points, width, color):
        """Tapers to nothing; the width is that of a picture 3000 pixels high, in its pixels."""
        self.shapes.append((np.asarray(points, np.float64), width, color))

    def ellipse(self, center, radii, color, turned=0.0):
        angles = np.linspace(0, 2 * math.pi, 120, endpoint=False)
        x, y = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
        turn = np.array([[math.cos(turned), math.sin(turned)], [-math.sin(turned), math.cos(turned)]])
        self.area(np.stack([x, y], 1) @ turn + center, color)

    def near(self, color, spread):
        """A colour like this one: lighter or darker, hardly another hue."""
        return np.clip(np.asarray(color) * (1 + spread * self.random.normal()) + self.random.normal(0, 4, 3), 0, 255)

    def hair(self, root, angle, length, width, color, bend=0.6):
        steps = np.arange(1, 9) / 8
        curve = angle + bend * self.random.normal() * steps
        step = length / 8 * np.stack([np.cos(curve), np.sin(curve)], 1)
        self.stroke(np.vstack([root, root + np.cumsum(step, 0)]), width, color)

    def rendered(self, width, height):
        """Straight colours, 0 to 1, and coverage."""
        color, cover = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
        scaled = [(points * height * SAMPLES, points[:, 1].min() * height, points[:, 1].max() * height) for points, _, _ in self.shapes]
        for top in range(0, height, STRIP):
            rows = min(STRIP, height - top)
            paint = np.zeros((rows * SAMPLES, width * SAMPLES, 4), np.uint8)
            for (points, low, high), (_, wide, tone) in zip(scaled, self.shapes):
                if high > top - 8 and low < top + rows + 8:
                    draw(paint, points - [0, top * SAMPLES], wide and wide * height / 3000 * SAMPLES, (*map(float, tone), 255.0))
            share = paint[..., 3] > 0
            for c in range(3):
                lit = LIGHT[paint[..., c]] * share
                color[top : top + rows, :, c] = cv2.resize(lit, (width, rows), interpolation=cv2.INTER_AREA)
            cover[top : top + rows] = cv2.resize(share.astype(np.float32), (width, rows), interpolation=cv2.INTER_AREA)
        return color / np.maximum(cover, 1e-6)[..., None], cover


def draw(paint, points, width, color):
    whole = np.round(points).astype(np.int32)
    if width is None:
        cv2.fillPoly(paint, [whole], color)
        return
    last = len(whole) - 1
    for i in range(last):
        cv2.line(paint, whole[i], whole[i + 1], color, max(1, round(width * (1 - 0.9 * i / last))))


def creature(d):
    """A round animal of fur, sitting."""
    coat = d.random.choice([[205, 150, 95], [235, 230, 220], [70, 62, 58], [150, 145, 150]])
    x = d.random.uniform(0.6, 0.75)
    parts = [((x, 0.68), (0.28, 0.26)), ((x, 0.36), (0.19, 0.17)), ((x - 0.13, 0.2), (0.06, 0.08)), ((x + 0.13, 0.2), (0.06, 0.08))]
    for center, radii in parts:
        d.ellipse(center, radii, coat * 0.8)
    for center, radii in parts:
        middle, radii = np.array(center), np.array(radii)
        for _ in range(int(260_000 * radii[0] * radii[1])):
            angle, out = d.random.uniform(0, 2 * math.pi), math.sqrt(d.random.uniform(0, 1)) * 1.02
            root = middle + out * radii * [math.cos(angle), math.sin(angle)]
            shade = 0.75 + 0.35 * (1 - (root[1] - 0.1) / 0.85)
            length = d.random.uniform(0.015, 0.05) * (1 if d.random.uniform() < 0.95 else 1.7)
            d.hair(root, angle + d.random.normal(0, 0.35) + 0.2, length, d.random.uniform(1.5, 5), d.near(coat * shade, 0.13))
    for side in (-1, 1):
        d.ellipse((x + side * 0.07, 0.34), (0.022, 0.026), (25, 18, 15))
        d.ellipse((x + side * 0.07 + 0.006, 0.332), (0.006, 0.006), (240, 240, 240))
    d.ellipse((x, 0.42), (0.025, 0.018), (40, 28, 28))


def head(d):
    """Head and shoulders of a person with long loose hair."""
    locks = d.random.choice([[60, 38, 25], [190, 150, 90], [150, 70, 35], [28, 24, 26]])
    x = d.random.uniform(0.6, 0.75)
    for _ in range(2500):
        d.hair((x + d.random.normal(0, 0.1), 0.3 + d.random.normal(0, 0.06)), math.pi / 2 + d.random.normal(0, 0.3), 0.5, 5, d.near(locks * 0.7, 0.1), 0.5)
    cloth, outline = d.random.uniform(40, 180, 3), [(x - 0.42, 1.01), (x - 0.38, 0.82), (x - 0.12, 0.72), (x + 0.12, 0.72), (x + 0.38, 0.82), (x + 0.42, 1.01)]
    d.area(outline, cloth * 0.8)
    edge = np.array(outline)
    for _ in range(9000):
        place = np.array([x + d.random.uniform(-0.42, 0.42), d.random.uniform(0.72, 1.02)])
        if place[1] > np.interp(place[0], edge[:, 0], edge[:, 1]):
            slope = 1 - 0.5 * abs(place[0] - x) / 0.42
            d.hair(place, d.random.choice([0.8, 2.3]), 0.02, 8, d.near(cloth * slope, 0.12), 0.2)
    d.area([(x - 0.07, 0.5), (x + 0.07, 0.5), (x + 0.09, 0.74), (x, 0.8), (x - 0.09, 0.74)], (205, 155, 130))
    d.ellipse((x, 0.38), (0.14, 0.19), (225, 178, 150))
    for side in (-1, 1):
        d.ellipse((x + side * 0.055, 0.36), (0.024, 0.012), (245, 245, 245))
        d.ellipse((x + side * 0.055, 0.36), (0.011, 0.011), (60, 40, 30))
        d.ellipse((x + side * 0.055, 0.325), (0.032, 0.006), locks * 0.6)
    d.ellipse((x, 0.43), (0.016, 0.01), (195, 140, 120))
    d.ellipse((x, 0.485), (0.04, 0.012), (180, 80, 80))
    for _ in range(9000):
        side = d.random.choice([-1, 1])
        root = (x + side * abs(d.random.normal(0, 0.06)), 0.2 + d.random.normal(0, 0.015))
        aside = side * d.random.uniform(0.11, 0.19)
        down, stray = d.random.uniform(0.35, 0.62), d.random.normal(0, 0.012) if d.random.uniform() < 0.93 else d.random.normal(0, 0.06)
        along = np.linspace(0, 1, 12)
        curve = root[0] + (aside + stray * along * 2) * np.sin(np.minimum(along * 2.2, math.pi / 2)) + 0.01 * np.sin(along * 9 + d.random.uniform(0, 6))
        d.stroke(np.stack([curve, root[1] + down * along**1.3], 1), d.random.uniform(1.2, 4), d.near(locks, 0.18))


def bush(d):
    """A pot with a bush of small leaves and gaps between them."""
    x = d.random.uniform(0.6, 0.75)
    d.area([(x - 0.14, 0.72), (x + 0.14, 0.72), (x + 0.1, 0.95), (x - 0.1, 0.95)], (165, 85, 60))
    d.area([(x - 0.155, 0.69), (x + 0.155, 0.69), (x + 0.15, 0.74), (x - 0.15, 0.74)], (185, 100, 70))
    twigs = []
    for _ in range(60):
        angle = -math.pi / 2 + d.random.normal(0, 0.5)
        tip = np.array([x + 0.55 * d.random.uniform(0.4, 1) * math.cos(angle), 0.7 + 0.62 * d.random.uniform(0.5, 1) * math.sin(angle)])
        d.stroke(np.linspace((x, 0.7), tip, 6) + d.random.normal(0, 0.006, (6, 2)), 9, (95, 75, 50))
        twigs.append(tip)
    for _ in range(1600):
        tip, share = twigs[d.random.integers(60)], d.random.uniform(0.3, 1.05)
        place = np.array([x, 0.7]) + share * (tip - [x, 0.7]) + d.random.normal(0, 0.012, 2)
        length, turned = d.random.uniform(0.018, 0.04), d.random.uniform(0, 2 * math.pi)
        d.ellipse(place, (length, length * 0.32), d.near((70, 125, 50), 0.25), turned)


def cage(d):
    """A cage of wires around a ball, the ground seen through it."""
    x, wire = d.random.uniform(0.6, 0.75), np.array([60, 60, 66])
    d.ellipse((x, 0.62), (0.1, 0.1), (225, 190, 40))
    d.ellipse((x, 0.5), (0.06, 0.06), (235, 200, 60))
    for across in np.linspace(-1, 1, 23):
        along = np.linspace(0, 1, 30)
        sides = 0.3 * np.sin(along * math.pi / 2) ** 0.4 * across
        d.stroke(np.stack([x + sides, 0.15 + 0.7 * along], 1)[::-1], 9, d.near(wire, 0.1))
    for y in (0.35, 0.5, 0.65, 0.8):
        d.stroke([(x - 0.3, y), (x + 0.3, y)], 9, d.near(wire, 0.1))
    d.area([(x - 0.32, 0.84), (x + 0.32, 0.84), (x + 0.32, 0.91), (x - 0.32, 0.91)], wire * 1.3)
    d.ellipse((x, 0.13), (0.03, 0.03), wire)


KINDS = {"fur": creature, "hair": head, "leaves": bush, "wires": cage}


def room(size, random):
    """The rendered empty room, enlarged and so out of focus, in linear light."""
    small = cv2.imread(f"{SCENES}/empty.jpg")[..., ::-1]
    small = np.ascontiguousarray(small[:, ::-1] if random.uniform() < 0.5 else small)
    return light(np.clip(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC) / np.float32(255), 0, 1))


def lights(size, random):
    """Soft discs of light and colour far behind, in linear light."""
    small = np.zeros((600, 600 * size[0] // size[1], 3), np.float32) + random.uniform(0.02, 0.25, 3).astype(np.float32)
    for _ in range(160):
        disc = small.copy()
        place = (int(random.integers(small.shape[1])), int(random.integers(600)))
        cv2.circle(disc, place, int(random.uniform(12, 70)), random.uniform(0.02, 0.8, 3).tolist(), -1, cv2.LINE_AA)
        small = small + random.uniform(0.1, 0.5) * (disc - small)
    return np.clip(cv2.resize(cv2.GaussianBlur(small, (0, 0), 3), size, interpolation=cv2.INTER_CUBIC), 0, 1)


GROUNDS = (room, lights)


def joined(placed, size):
    """Scenes as they are stored, side by side, as one subject: straight colours in linear light, and coverage."""
    color, cover = np.zeros((size[1], size[0], 3), np.float32), np.zeros((size[1], size[0]), np.float32)
    for name, left, top in placed:
        own = light(cv2.imread(f"{SCENES}/{name}.foreground.png")[..., ::-1] / 255)
        alpha = cv2.imread(f"{SCENES}/{name}.alpha.png", 0) / np.float32(255)
        rows, columns = slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1])
        color[rows, columns], cover[rows, columns] = own, alpha
    return color, cover


def several(random, size):
    """Soft scenes in places of a raster wide enough for any but the fox."""
    names = [row["name"] for row in csv.DictReader(open(f"{SCENES}/index.csv"))]
    names = [name for name in names if os.path.exists(f"{SCENES}/{name}.foreground.png") and name not in ("fox", "bicycle")]
    columns, rows = size[0] // 1000, size[1] // 1000
    cells = random.permutation(columns * rows)[: columns * rows // 2 if columns < 5 else columns * rows // 3]
    return [(random.choice(names), int(cell % columns * 1000 + random.integers(150)), int(cell // columns * 1000 + random.integers(150))) for cell in cells]


def written(path, color, cover, behind, random):
    alpha = np.round(cover * 255) / 255
    picture = number(alpha[..., None] * color + (1 - alpha[..., None]) * behind) * 255
    grain = random.standard_normal(picture.shape[:2] + (3,), np.float32)
    picture += 2.2 * cv2.GaussianBlur(grain, (0, 0), 0.6) / 0.45
    cv2.imwrite(path + ".jpg", np.clip(np.round(picture), 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
    cv2.imwrite(path + ".alpha.png", np.round(alpha * 255).astype(np.uint8))
    print(path, flush=True)


def main():
    folder, scales = sys.argv[1], sys.argv[2:] or list(SIZES)
    os.makedirs(folder, exist_ok=True)
    for scale in scales:
        size = SIZES[scale]
        for turn, (kind, paint) in enumerate(list(KINDS.items()) * 2):
            drawing = Drawing(turn * 100 + int(scale))
            paint(drawing)
            behind = GROUNDS[(turn + turn // 4) % 2](size, drawing.random)
            written(f"{folder}/{scale}-{kind}{turn // 4}", *drawing.rendered(*size), behind, drawing.random)
        for turn in range(4 if scale == "12" else 2):
            random = np.random.default_rng(turn * 100 + int(scale) + 7)
            behind = GROUNDS[turn % 2](size, random)
            written(f"{folder}/{scale}-several{turn}", *joined(several(random, size), size), behind, random)


main()
