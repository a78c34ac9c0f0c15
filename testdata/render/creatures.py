"""Furry animals, each a melted skin with painted fur, glossy eyes and a nose."""
import math
import random

from mathutils import Matrix, Vector

import materials
import matte
import shapes
import stage

WHITE, CREAM, DARK = (0.85, 0.82, 0.76), (0.75, 0.6, 0.42), (0.035, 0.025, 0.02)


def glossy(colour):
    """Wet eyes and noses."""
    return materials.plain("glossy", colour, 0.06, clearcoat=1.0)


def near(point, places, reach):
    """1 at any of the places, 0 from `reach` away."""
    return max(max(0.0, 1 - (point - Vector(p)).length / reach) for p in places)


def mixed(first, second, share):
    """A colour between two."""
    share = min(1.0, max(0.0, share))
    return tuple(a + (b - a) * share for a, b in zip(first, second))


def face(eyes, size, nose, nose_size, iris=(0.09, 0.035, 0.01)):
    """Two eyes, each with iris and pupil, and a nose; returned as objects."""
    made = []
    for place in eyes:
        place = Vector(place)
        outward = Vector((place.x * 0.25, -1, 0.05)).normalized()
        made.append(shapes.ball("eye", place, size, glossy(iris)))
        made.append(shapes.ball("pupil", place + outward * size * 0.45, size * 0.62, glossy((0.003, 0.003, 0.003))))
        light = materials.plain("glint", (1, 1, 1), 0.3, emission=(1, 1, 1, 1), emission_strength=1.5)
        made.append(shapes.ball("glint", place + outward * size * 0.98 + Vector((-0.28, 0, 0.32)) * size, size * 0.16, light))
    made.append(shapes.ball("nose", nose, nose_size, glossy((0.01, 0.008, 0.008))))
    return made


def fox():
    """A sitting fox cub with a bushy tail: the hero picture."""
    stage.studio(620)
    stage.floor(materials.planks())
    stage.wall(materials.plaster((0.30, 0.38, 0.36)), 4.5)
    stage.clutter(3, 9, 2.6, 4.0, 3.6, 0.5, 0.3)
    stage.camera((1.1, -6.4, 2.1), (0.22, 0, 1.12), 58, (0, -0.5, 1.7), 2.8)
    tail = [(0.35, 0.45, 0.25, 0.16), (0.65, 0.45, 0.26, 0.2), (0.95, 0.35, 0.3, 0.24), (1.2, 0.15, 0.36, 0.27),
            (1.36, -0.08, 0.44, 0.26), (1.44, -0.3, 0.54, 0.21), (1.46, -0.46, 0.64, 0.13)]
    parts = [("ball", (0, 0.15, 0.7), (0.52, 0.5, 0.68), (10, 0, 0)), ("ball", (0, -0.1, 0.95), (0.42, 0.38, 0.5), (0, 0, 0)),
             ("ball", (0, -0.15, 1.72), (0.56, 0.46, 0.45), (0, 0, 0)), ("ball", (0, -0.55, 1.58), (0.2, 0.3, 0.15), (0, 0, 0))]
    for s in (-1, 1):
        parts += [("cone", (s * 0.34, -0.08, 2.2), (0.22, 0.11, 0.3), (0, s * 16, 0)),
                  ("ball", (s * 0.33, -0.3, 1.58), (0.25, 0.25, 0.2), (0, 0, 0)),
                  ("ball", (s * 0.2, -0.36, 0.5), (0.14, 0.16, 0.5), (0, 0, 0)),
                  ("ball", (s * 0.21, -0.5, 0.12), (0.16, 0.23, 0.11), (0, 0, 0)),
                  ("ball", (s * 0.44, 0.05, 0.36), (0.26, 0.42, 0.34), (0, 0, 0)),
                  ("ball", (s * 0.52, -0.3, 0.11), (0.15, 0.26, 0.1), (0, 0, 0))]
    parts += [("ball", p[:3], (p[3],) * 3, (0, 0, 0)) for p in tail]
    skin = shapes.blob("fox", parts, materials.painted("skin", 0.8), 0.04)
    eyes, nose = [(-0.225, -0.555, 1.8), (0.225, -0.555, 1.8)], (0, -0.86, 1.63)
    orange = (0.62, 0.2, 0.035)

    def colour(point, normal):
        if point.x > 0.75 and point.z < 1.0:
            return mixed(orange, WHITE, (point.z - 0.42) / 0.1 if point.y < 0.1 else 0)
        if point.z < 0.33 and point.y < -0.15:
            return DARK
        if point.z > 1.35:
            if point.z > 2.0 and abs(point.x) > 0.14:
                inner = normal.y < -0.6 and point.z < 2.4
                return mixed(CREAM if inner else orange, DARK, (point.z - 2.22) / 0.16)
            low = (1.66 - point.z) / 0.06 + max(0, abs(point.x) - 0.25) * 1.5
            return mixed(orange, WHITE, low if point.y < -0.1 else 0)
        chest = 1 - abs(point.x) / 0.3
        return mixed(orange, WHITE, chest * 4 if point.y < -0.1 and point.z > 0.5 else 0)

    def length(point):
        if near(point, eyes, 0.17) > 0.2 or near(point, [nose], 0.12) > 0.1:
            return 0.0
        if point.x > 0.7:
            return 1.0
        if point.z > 2.0 and abs(point.x) > 0.14:
            return 0.4
        if point.z > 1.35:
            return min(0.85, max(0.12, 0.3 + (point.y + 0.5) * 0.5 + max(0, abs(point.x) - 0.2) * 0.9))
        return 0.32 if point.z < 0.3 else 0.75

    shapes.paint(skin, colour)
    shapes.fur(skin, materials.fur(), 9000, 0.27, 14, where=length, comb=(0, 0.01, -0.03), curl=0.012)
    matte.subject(skin, *face(eyes, 0.1, nose, (0.085, 0.06, 0.06)))


def chick(place, turn, seed):
    """One fluffy chick standing at `place`, turned about the vertical by degrees."""
    parts = [("ball", (0, 0.05, 0.5), (0.36, 0.42, 0.34), (0, 0, 0)), ("ball", (0, -0.18, 0.95), (0.27, 0.27, 0.26), (0, 0, 0)),
             ("ball", (0, 0.45, 0.58), (0.12, 0.14, 0.1), (30, 0, 0))]
    for s in (-1, 1):
        parts.append(("ball", (s * 0.34, 0.1, 0.52), (0.08, 0.25, 0.17), (0, 0, 0)))
    down = shapes.blob("chick", parts, materials.painted("skin", 0.8), 0.04)
    eyes = [(-0.17, -0.375, 1.01), (0.17, -0.375, 1.01)]
    shapes.paint(down, lambda p, n: mixed((0.93, 0.66, 0.07), (0.95, 0.8, 0.25), p.z - 0.3))
    shapes.fur(down, materials.fur(), 3500, 0.15, 14, seed, lambda p: 0.0 if near(p, eyes + [(0, -0.46, 0.93)], 0.09) > 0 else 0.7,
               curl=0.03, comb=(0, 0.01, -0.01), spread=0.05)
    horn = materials.plain("horn", (0.8, 0.28, 0.04), 0.4)
    made = [down, shapes.cylinder("beak", (0, -0.4, 0.93), (0, -0.62, 0.9), 0.075, horn, 0.005)]
    made += [shapes.ball("eye", p, 0.05, glossy((0.004, 0.003, 0.003))) for p in eyes]
    for s in (-1, 1):
        made.append(shapes.cylinder("leg", (s * 0.14, 0, 0.3), (s * 0.14, 0, 0.03), 0.022, horn))
        for toe in (-0.09, 0, 0.09):
            made.append(shapes.cylinder("toe", (s * 0.14, 0.02, 0.025), (s * 0.14 + toe, -0.2, 0.02), 0.022, horn, 0.012))
    return grouped(made, place, turn)


def grouped(made, place, turn):
    """Moves objects together: turned about the vertical by degrees, then put at `place`."""
    around = Matrix.Translation(place) @ Matrix.Rotation(math.radians(turn), 4, "Z")
    for ob in made:
        ob.matrix_world = around @ ob.matrix_basis
    return made


def chicks():
    """Three chicks side by side, one a little behind."""
    stage.studio(520)
    stage.floor(materials.noisy("meadow", (0.03, 0.09, 0.02), (0.11, 0.2, 0.05), 9, rough=0.9, bump=0.6))
    stage.wall(materials.noisy("hedge", (0.01, 0.04, 0.012), (0.08, 0.16, 0.05), 3, rough=0.9), 6, False)
    stage.camera((0.2, -5.6, 1.7), (0, 0, 0.62), 62, (0, -0.3, 0.8), 2.0)
    for place, turn, seed in (((-0.95, -0.05, 0), 18, 1), ((0.02, 0.3, 0), -5, 2), ((0.98, -0.15, 0), -24, 3)):
        matte.subject(*chick(place, turn, seed))


def cat():
    """A black cat sitting in a dim room; whiskers are thinner than a pixel."""
    stage.sky(0.05)
    stage.area_light((-3, -3.5, 4.5), (0, 0, 1), 170, 1.6, (1, 0.85, 0.7))
    stage.area_light((2.2, 3, 3.6), (0, 0, 1.2), 420, 1.0, (0.7, 0.82, 1))
    stage.floor(materials.noisy("carpet", (0.03, 0.012, 0.012), (0.075, 0.03, 0.026), 30, rough=1, bump=0.5))
    stage.wall(materials.plaster((0.05, 0.045, 0.06)), 4.0)
    stage.clutter(8, 6, 2.2, 3.4, 3, 0.4, 0.06)
    stage.camera((-0.9, -6.2, 1.7), (0.1, 0, 1.02), 60, (0, -0.4, 1.6), 2.8)
    parts = [("ball", (0, 0.2, 0.65), (0.42, 0.48, 0.62), (12, 0, 0)), ("ball", (0, -0.08, 0.95), (0.32, 0.3, 0.48), (0, 0, 0)),
             ("ball", (0, -0.16, 1.6), (0.4, 0.36, 0.34), (0, 0, 0)), ("ball", (0, -0.46, 1.5), (0.16, 0.13, 0.11), (0, 0, 0))]
    for s in (-1, 1):
        parts += [("cone", (s * 0.25, -0.1, 1.96), (0.16, 0.07, 0.2), (0, s * 12, 0)), ("ball", (s * 0.16, -0.3, 0.5), (0.11, 0.12, 0.5), (0, 0, 0)),
                  ("ball", (s * 0.17, -0.4, 0.09), (0.13, 0.18, 0.09), (0, 0, 0)), ("ball", (s * 0.38, 0.12, 0.32), (0.2, 0.36, 0.3), (0, 0, 0))]
    for i in range(14):
        t = i / 13
        parts.append(("ball", (0.3 + 0.6 * math.sin(2.9 * t), 0.5 - 1.2 * t, 0.13), (0.11 - 0.03 * t,) * 3, (0, 0, 0)))
    skin = shapes.blob("cat", parts, materials.painted("skin", 0.8), 0.04)
    eyes, nose = [(-0.155, -0.46, 1.66), (0.155, -0.46, 1.66)], (0, -0.6, 1.53)
    shapes.paint(skin, lambda p, n: (0.012, 0.01, 0.01))

    def length(point):
        if near(point, eyes, 0.12) > 0.15 or near(point, [nose], 0.06) > 0:
            return 0.0
        if point.z < 0.27 and max(point.x - 0.6, -0.62 - point.y) > 0:
            return 0.4  # the tail
        return 0.3 + max(0, point.y + 0.5) * 0.2 if point.z > 1.25 else 0.75

    shapes.fur(skin, materials.fur(rough=0.3), 8000, 0.16, 12, where=length, comb=(0, 0.01, -0.03), curl=0.01, width=0.005)
    made = face(eyes, 0.085, nose, (0.045, 0.035, 0.03), (0.5, 0.42, 0.03))
    rng, lines = random.Random(4), []
    for s in (-1, 1):
        for i in range(6):
            way = Vector((s, -0.15 + 0.1 * i - 0.2, 0.25 - 0.1 * i)).normalized()
            droop = Vector((0, 0, rng.uniform(0.04, 0.16)))
            lines.append([tuple(Vector((s * 0.09, -0.56, 1.49)) + way * (0.62 * k / 9) - droop * (k / 9) ** 2) for k in range(10)])
    made.append(shapes.strands("whiskers", lines, 0.004, materials.plain("whisker", (0.8, 0.8, 0.8), 0.3)))
    matte.subject(skin, *made)


def lamb():
    """A woolly white lamb standing before a pale wall."""
    stage.studio(430, sky_strength=0.6)
    stage.floor(materials.tiled("flags", (0.52, 0.5, 0.47), (0.62, 0.6, 0.56), (0.35, 0.33, 0.3), 1.1, 1.1, 0.012, 0.5, 0.5))
    stage.wall(materials.plaster((0.62, 0.66, 0.68)), 4.5)
    stage.clutter(12, 6, 2.8, 4.0, 4.0, 0.5, 0.45)
    stage.camera((-1.6, -6.4, 1.8), (0.05, 0, 0.92), 56, (-0.5, -0.4, 1.2), 2.8)
    parts = [("ball", (0.3, 0.1, 0.95), (0.75, 0.45, 0.45), (0, 0, 0)), ("ball", (-0.35, 0, 1.15), (0.35, 0.33, 0.42), (0, 0, 0)),
             ("ball", (-0.62, -0.1, 1.68), (0.27, 0.27, 0.22), (0, 0, 0)), ("ball", (1.05, 0.15, 1.0), (0.16, 0.14, 0.14), (0, 0, 0))]
    wool = shapes.blob("wool", parts, materials.painted("skin", 0.8), 0.05)
    shapes.paint(wool, lambda p, n: (0.84, 0.82, 0.77))
    shapes.fur(wool, materials.fur(rough=0.8), 6500, 0.17, 14, curl=0.05, clump=0.5, comb=(0, 0, 0), spread=0.06)
    bare = materials.plain("bare", (0.14, 0.1, 0.085), 0.7)
    ahead, aside, heart = Vector((-0.45, -0.89, 0)), Vector((-0.89, 0.45, 0)), Vector((-0.72, -0.3, 1.52))
    made = [wool, shapes.ball("head", heart, (0.2, 0.3, 0.2), bare, (28, 0, -27)), shapes.ball("muzzle", heart + ahead * 0.2 - Vector((0, 0, 0.13)), 0.15, bare),
            shapes.ball("nose", heart + ahead * 0.345 - Vector((0, 0, 0.11)), (0.05, 0.03, 0.03), glossy((0.02, 0.012, 0.012)), (0, 0, -27))]
    for s in (-1, 1):
        made.append(shapes.ball("ear", heart + aside * (s * 0.34) - ahead * 0.08 + Vector((0, 0, 0.06)), (0.19, 0.05, 0.09), bare, (0, s * -20, -27)))
        made.append(shapes.ball("eye", heart + aside * (s * 0.125) + ahead * 0.18 + Vector((0, 0, 0.1)), 0.045, glossy((0.01, 0.006, 0.004))))
    for x, y in ((-0.35, -0.16), (-0.1, 0.3), (0.6, -0.14), (0.85, 0.3)):
        made.append(shapes.cylinder("leg", (x, y, 0.8), (x, y, 0.0), 0.1, bare, 0.075))
    matte.subject(*made)
