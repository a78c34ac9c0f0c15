"""Plants: many leaves, fronds and filaments."""
import math
import random

import numpy as np
from mathutils import Vector

import materials
import matte
import shapes
import stage


def pot(colour, size=0.5, height=0.75):
    """A clay pot full of soil."""
    clay = materials.noisy("clay", [c * 0.8 for c in colour], colour, 5, rough=0.7)
    s, h = size, height
    profile = [(0.001, 0.0), (s * 0.68, 0.0), (s * 0.92, h * 0.78), (s * 0.93, h * 0.8), (s, h * 0.8), (s * 1.02, h), (s * 0.92, h), (s * 0.88, h * 0.82), (0.001, h * 0.82)]
    body = shapes.turned("pot", profile, clay)
    soil = shapes.turned("soil", [(0.001, h * 0.9), (s * 0.92, h * 0.88)], materials.noisy("soil", (0.02, 0.012, 0.008), (0.06, 0.035, 0.02), 20, rough=1, bump=1))
    return [body, soil]


def green(dark, light):
    """Leaf colour, a little glossy."""
    return materials.noisy("leaf", dark, light, 2.5, rough=0.35)


def ficus():
    """A potted bush with a few hundred leaves and gaps between them."""
    stage.studio(560)
    stage.floor(materials.planks(0.6))
    stage.wall(materials.plaster((0.6, 0.55, 0.47)), 3.2)
    stage.clutter(9, 6, 2.0, 2.9, 3, 0.4, 0.3)
    stage.camera((0.7, -7.0, 1.9), (0, 0, 1.28), 74, (0, -0.4, 1.6), 4)
    rng, anchors, made = random.Random(11), [], pot((0.5, 0.2, 0.1))
    bark = materials.plain("bark", (0.16, 0.09, 0.05), 0.8)
    for i in range(17):
        a, lean = 2.4 * i, rng.uniform(0.25, 1.05)
        tall = rng.uniform(1.0, 1.9) * (1.15 - 0.4 * lean)
        tip = Vector((math.cos(a) * lean, math.sin(a) * lean, 0.7 + tall))
        root = Vector((math.cos(a) * 0.1, math.sin(a) * 0.1, 0.62))
        bend = root.lerp(tip, 0.5) + Vector((0, 0, 0.18))
        made.append(shapes.tube("branch", [tuple(root), tuple(bend), tuple(tip)], 0.018, bark, sides=8))
        for k in range(34):
            t = rng.uniform(0.3, 1.0)
            at = root * (1 - t) ** 2 + bend * (2 * t * (1 - t)) + tip * t * t
            way = Vector((rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-0.3, 0.7))) + (tip - root).normalized() * 0.4
            anchors.append((at, way, rng.uniform(0.26, 0.42), rng.uniform(0.14, 0.21)))
    made.append(shapes.leaves("leaves", anchors, green((0.02, 0.1, 0.02), (0.08, 0.24, 0.04)), 3))
    matte.subject(*made)


def fern():
    """A fern in a white pot: hundreds of narrow leaflets on arching fronds."""
    stage.studio(540)
    stage.floor(materials.noisy("table", (0.2, 0.1, 0.05), (0.32, 0.18, 0.1), 2, (0.6, 7, 1), 0.35))
    stage.wall(materials.noisy("outdoors", (0.25, 0.3, 0.34), (0.5, 0.52, 0.5), 0.7, rough=1, detail=2), 4, False)
    stage.camera((0.3, -6.4, 2.0), (0, 0, 0.95), 66, (0, -0.3, 1.1), 3)
    rng, anchors, made = random.Random(23), [], pot((0.72, 0.72, 0.7), 0.45, 0.7)
    stem = materials.plain("stem", (0.12, 0.2, 0.05), 0.6)
    for i in range(38):
        # young fronds in the middle stand upright, old ones hang outwards
        age = i / 37
        a, rise, reach = 2.399 * i + rng.uniform(-0.2, 0.2), 1.15 - 0.6 * age + rng.uniform(-0.1, 0.1), 0.45 + 0.85 * age + rng.uniform(-0.1, 0.1)
        out = Vector((math.cos(a), math.sin(a), 0))
        root, top = out * 0.08 + Vector((0, 0, 0.62)), out * reach * 0.5 + Vector((0, 0, 0.75 + rise * 1.25))
        tip = out * reach + Vector((0, 0, 0.75 + rise * (0.9 - 0.45 * age)))
        curve = [root * (1 - t) ** 2 + top * 2 * t * (1 - t) + tip * t * t for t in np.linspace(0, 1, 26)]
        made.append(shapes.tube("stem", [tuple(p) for p in curve[::5]], 0.009, stem, sides=8))
        for k in range(3, 26):
            along = (curve[k] - curve[k - 1]).normalized()
            side = along.cross((0, 0, 1)).normalized()
            size = 0.27 * math.sin(math.pi * (0.12 + 0.86 * k / 26)) + 0.02
            for s in (-1, 1):
                anchors.append((curve[k], side * s + along * 0.45 + Vector((0, 0, rng.uniform(-0.15, 0.2))), size, 0.055))
    made.append(shapes.leaves("leaflets", anchors, green((0.04, 0.16, 0.02), (0.14, 0.34, 0.06)), 5, fold=0.1))
    matte.subject(*made)


def dandelion():
    """A dandelion clock: thousands of filaments thinner than a pixel, before a blurred meadow."""
    stage.studio(600, sky_strength=0.6)
    stage.floor(materials.noisy("meadow", (0.02, 0.06, 0.012), (0.1, 0.17, 0.04), 3, rough=1))
    stage.wall(materials.noisy("hedge", (0.015, 0.05, 0.02), (0.14, 0.2, 0.06), 0.8, rough=1, detail=3), 5, False)
    stage.camera((0, -6, 1.7), (0, 0, 1.36), 72, (0, -0.3, 1.9), 1.6)
    rng = np.random.default_rng(2)
    heart, count = np.array([0, 0, 1.95]), 420
    ways = rng.normal(size=(count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    lines, hairs = [], []
    for way in ways:
        end = heart + way * rng.uniform(0.62, 0.68)
        lines.append([heart + (end - heart) * k / 5 for k in range(6)])
        aside = np.cross(way, rng.normal(size=3))
        aside /= np.linalg.norm(aside)
        third = np.cross(way, aside)
        for j in range(22):
            a = 2 * math.pi * j / 22 + rng.uniform(0, 0.2)
            lean = way * rng.uniform(0.35, 0.8) + aside * math.cos(a) + third * math.sin(a)
            hairs.append([end + lean * 0.15 * k / 4 + way * 0.02 * (k / 4) ** 2 for k in range(5)])
    silk = materials.plain("silk", (0.85, 0.84, 0.8), 0.4)
    made = [shapes.strands("stalks", lines, 0.004, silk, 0.8), shapes.strands("hairs", hairs, 0.0032, silk, 0.4, 3),
            shapes.ball("heart", heart, 0.12, materials.plain("seed", (0.2, 0.12, 0.06), 0.8)),
            shapes.tube("stem", [(0.12, 0.05, -0.2), (0.1, 0.03, 0.8), (0, 0, 1.9)], 0.045, materials.plain("stem", (0.2, 0.32, 0.1), 0.5))]
    leaves = [(Vector((0.12, 0, 0.0)), Vector((math.cos(a), math.sin(a) * 0.6, 0.75)), 1.0, 0.22) for a in (0.2, 1.4, 2.8, 3.6, 5.6)]
    made.append(shapes.leaves("leaves", leaves, green((0.03, 0.12, 0.02), (0.1, 0.26, 0.05)), 1))
    matte.subject(*made)


def vase():
    """Tulips in a clear glass vase; the glass counts as covered."""
    stage.studio(460, sky_strength=0.5)
    stage.floor(materials.noisy("cloth", (0.34, 0.36, 0.42), (0.46, 0.48, 0.53), 30, rough=1, bump=0.2))
    stage.wall(materials.plaster((0.3, 0.4, 0.42)), 4)
    stage.clutter(61, 6, 2.4, 3.6, 3.2, 0.5, 0.35)
    stage.camera((0.3, -7.0, 2.1), (0, 0, 1.3), 80, (0, -0.2, 1.4), 3)
    profile = [(0.001, 0.02), (0.36, 0.02), (0.44, 0.12), (0.4, 0.5), (0.3, 0.85), (0.34, 1.1), (0.44, 1.25), (0.42, 1.26), (0.315, 1.1), (0.27, 0.85), (0.365, 0.5), (0.4, 0.16), (0.33, 0.1), (0.001, 0.1)]
    made = [shapes.turned("vase", shapes.rounded(profile, 6), materials.glass())]
    rng, blades = random.Random(6), []
    stem, leaf = materials.plain("stem", (0.1, 0.24, 0.06), 0.5), green((0.03, 0.14, 0.03), (0.1, 0.28, 0.07))
    hues = [(0.65, 0.04, 0.05), (0.75, 0.28, 0.03), (0.7, 0.1, 0.25), (0.75, 0.5, 0.05)]
    for i in range(9):
        a = 2.399 * i
        lean = 0.15 + 0.085 * i
        tip = Vector((math.cos(a) * lean, math.sin(a) * lean * 0.8, 2.3 - 0.075 * i + rng.uniform(-0.08, 0.08)))
        foot = Vector((-math.cos(a) * 0.18, -math.sin(a) * 0.18, 0.14))
        neck = Vector((math.cos(a) * 0.12, math.sin(a) * 0.12, 1.0))
        made.append(shapes.tube("stem", [tuple(foot), tuple(neck), tuple(tip)], 0.028, stem))
        blades.append((neck + Vector((0, 0, 0.15)), tip - neck + Vector((rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), 0)), rng.uniform(0.7, 1.0), 0.16))
        made += tulip(tip, (tip - neck).normalized(), materials.plain("petal", rng.choice(hues), 0.4, subsurface=0.05), i)
    made.append(shapes.leaves("blades", blades, leaf, 2))
    matte.subject(*made)


def tulip(place, way, petal, seed):
    """Six petals cupped around an axis."""
    made, turn = [], Vector((0, 0, 1)).rotation_difference(way)
    for k in range(6):
        a, inner = math.pi / 3 * k + seed, 0.02 * (k % 2)
        at = Vector((math.cos(a) * (0.09 - inner), math.sin(a) * (0.09 - inner), 0.17))
        ob = shapes.ball("petal", (0, 0, 0), (0.1, 0.035, 0.23), petal)
        ob.rotation_mode = "QUATERNION"
        ob.rotation_quaternion = turn @ Vector((0, -1, 0)).rotation_difference(Vector((math.cos(a), math.sin(a), 0)))
        ob.location = Vector(place) + turn @ at
        made.append(ob)
    return made
