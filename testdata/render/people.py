"""Heads with hair made of single strands."""
import math
import random

import numpy as np
from mathutils import Vector

import materials
import matte
import shapes
import stage


def long_hair(count, seed, colour, reach=1.55):
    """Strands from the crown that fall over the skull and shoulders, with waves and a few fly-aways."""
    rng = np.random.default_rng(seed)
    points = 26
    azimuth = rng.uniform(-math.pi, math.pi, count)
    start = rng.uniform(0.02, 1.0, count) ** 0.7 * 1.25
    swirl = rng.uniform(0, 2 * math.pi, count)
    wave = rng.uniform(0.005, 0.03, count)
    loose = rng.random(count) < 0.05
    out = rng.normal(0, 0.03, count) + np.where(loose, rng.uniform(0.02, 0.28, count), 0)
    length = reach * rng.uniform(0.75, 1.05, count)
    t = np.linspace(0, 1, points)[None]
    path = start[:, None] + t * (length / 0.5)[:, None]
    aside = 0.85 * np.clip((path - 0.7) / 0.5, 0, 1)
    azimuth = np.sign(azimuth)[:, None] * (np.abs(azimuth)[:, None] ** 4 + aside ** 4) ** 0.25
    lean = np.minimum(path, math.pi / 2)
    fall = np.maximum(path - math.pi / 2, 0) * 0.5
    radius_x, radius_y, radius_z = 0.50 + out[:, None] * t, 0.58 + out[:, None] * t, 0.62
    across = np.sin(lean)
    front = np.clip(np.cos(azimuth), 0, 1)
    side = np.sin(azimuth) * (1 + 0.35 * front * np.minimum(1, fall * 2))
    shoulder = 1 + 0.28 * np.clip(fall - 0.35, 0, 1)
    ripple = wave[:, None] * np.sin(swirl[:, None] + path * 5) * (0.3 + fall)
    x = radius_x * across * side * shoulder + ripple
    y = 0.08 - radius_y * across * np.cos(azimuth) + ripple * 0.7 + fall * 0.06
    z = 2.12 + radius_z * np.cos(lean) - fall + 0.12 * out[:, None] * t
    lines = np.stack([x, y, z], axis=-1)
    hair = materials.plain("hair", colour, 0.35, specular=0.5)
    return shapes.strands("hair", lines, rng.uniform(0.0022, 0.0042, count), hair, 0.25, 3)


def portrait():
    """A mannequin head with long wavy hair, upright format."""
    stage.sky(0.3)
    stage.area_light((-2.5, -4, 4), (0, 0, 2), 330, 1.8, (1, 0.94, 0.86))
    stage.area_light((3, -2.5, 2.5), (0, 0, 2), 80, 2.5, (0.8, 0.9, 1))
    stage.area_light((1.8, 2.6, 3.8), (0, 0, 2), 330, 1.0)
    stage.floor(materials.planks())
    stage.wall(materials.noisy("mural", (0.05, 0.11, 0.06), (0.3, 0.36, 0.2), 0.9, rough=0.9, detail=3), 4.2)
    stage.clutter(21, 10, 2.5, 4, 2.5, 1.0, 0.3)
    stage.camera((0.35, -5.6, 2.15), (0.02, 0, 1.68), 62, (0, -0.4, 2.1), 1.8)
    skin = materials.plain("skin", (0.62, 0.34, 0.23), 0.42)
    parts = [("ball", (0, 0, 2.15), (0.42, 0.5, 0.55), (0, 0, 0)), ("ball", (0, -0.16, 1.86), (0.31, 0.33, 0.36), (0, 0, 0)),
             ("ball", (0, -0.4, 1.63), (0.12, 0.1, 0.09), (0, 0, 0)), ("cone", (0, -0.52, 2.03), (0.085, 0.1, 0.19), (-14, 0, 0)),
             ("ball", (0, 0.06, 1.4), (0.2, 0.21, 0.5), (0, 0, 0)), ("ball", (0, -0.49, 1.785), (0.12, 0.05, 0.035), (0, 0, 0)),
             ("ball", (0, -0.475, 1.74), (0.095, 0.05, 0.04), (0, 0, 0))]
    for s in (-1, 1):
        parts += [("ball", (s * 0.21, -0.32, 1.93), (0.13, 0.13, 0.14), (0, 0, 0)), ("ball", (s * 0.17, -0.43, 2.21), (0.14, 0.055, 0.05), (0, s * 6, 0)),
                  ("ball", (s * 0.05, -0.56, 1.91), (0.05, 0.06, 0.04), (0, 0, 0))]
    head = shapes.blob("head", parts, skin, 0.022, 6)
    made = [head]
    cloth = materials.noisy("shirt", (0.05, 0.11, 0.2), (0.08, 0.16, 0.28), 40, rough=0.9, bump=0.2)
    made.append(shapes.blob("shirt", [("ball", (0, 0.08, 0.62), (0.62, 0.4, 0.62), (0, 0, 0)), ("ball", (-0.62, 0.1, 0.85), (0.32, 0.3, 0.28), (0, 0, 0)),
                                      ("ball", (0.62, 0.1, 0.85), (0.32, 0.3, 0.28), (0, 0, 0)), ("ball", (-0.78, 0.1, 0.35), (0.22, 0.24, 0.6), (0, -6, 0)),
                                      ("ball", (0.78, 0.1, 0.35), (0.22, 0.24, 0.6), (0, 6, 0)), ("ball", (0, 0.08, 0.0), (0.6, 0.38, 0.7), (0, 0, 0))], cloth, 0.04))
    white = materials.plain("white", (0.8, 0.8, 0.78), 0.1)
    iris, black = materials.plain("iris", (0.05, 0.11, 0.1), 0.05), materials.plain("black", (0.004, 0.003, 0.003), 0.05)
    brow = materials.plain("brow", (0.06, 0.025, 0.012), 0.7)
    for s in (-1, 1):
        made += [shapes.ball("eye", (s * 0.175, -0.425, 2.11), (0.085, 0.06, 0.055), white), shapes.ball("iris", (s * 0.17, -0.468, 2.11), (0.042, 0.022, 0.044), iris),
                 shapes.ball("pupil", (s * 0.17, -0.485, 2.11), (0.02, 0.008, 0.021), black),
                 shapes.tube("lid", [(s * 0.085, -0.462, 2.115), (s * 0.17, -0.483, 2.166), (s * 0.265, -0.43, 2.13)], 0.011, brow),
                 shapes.tube("brow", [(s * 0.075, -0.505, 2.245), (s * 0.19, -0.5, 2.285), (s * 0.3, -0.415, 2.25)], 0.019, brow)]
    lips = materials.plain("lips", (0.5, 0.11, 0.1), 0.35)
    made.append(shapes.tube("lips", [(-0.12, -0.487, 1.765), (-0.04, -0.538, 1.775), (0.04, -0.538, 1.775), (0.12, -0.487, 1.765)], 0.022, lips))
    made.append(long_hair(9000, 5, (0.16, 0.055, 0.018)))
    matte.subject(*made)
