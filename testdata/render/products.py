"""Made things: holes, spokes, glass, white on white, dark on dark, and motion."""
import math

import bpy
import numpy as np
from mathutils import Matrix, Vector

import materials
import matte
import shapes
import stage


def mug():
    """A white mug on a white table before a near-white wall."""
    stage.sky(0.3, (1, 1, 1), (0.9, 0.95, 1))
    stage.area_light((-3.5, -3, 4), (0, 0, 0.8), 300, 1.6)
    stage.area_light((3, 2.5, 3), (0, 0, 0.8), 60, 1.5)
    stage.floor(materials.noisy("table", (0.74, 0.73, 0.72), (0.82, 0.82, 0.81), 2, (1, 8, 1), 0.5))
    stage.wall(materials.plaster((0.8, 0.8, 0.79)), 5)
    stage.camera((0.4, -6.2, 2.3), (0.2, 0, 0.78), 56)
    china = materials.plain("china", (0.86, 0.85, 0.83), 0.12, clearcoat=0.6)
    profile = shapes.rounded([(0.001, 0.03), (0.5, 0.02), (0.62, 0.1), (0.66, 0.5), (0.68, 1.0), (0.7, 1.52), (0.685, 1.56), (0.655, 1.53),
                              (0.63, 1.0), (0.61, 0.5), (0.54, 0.16), (0.001, 0.13)])
    body = shapes.turned("mug", profile, china)
    handle = shapes.tube("handle", [(0.64, 0, 1.26), (0.92, 0, 1.3), (1.14, 0, 1.05), (1.12, 0, 0.72), (0.92, 0, 0.46), (0.62, 0, 0.36)], 0.085, china, sides=24)
    tea = shapes.turned("tea", [(0.001, 1.36), (0.635, 1.36)], materials.plain("tea", (0.16, 0.05, 0.015), 0.05))
    band = shapes.turned("band", [(0.668, 0.62), (0.676, 0.64), (0.686, 0.9), (0.68, 0.92)], materials.plain("band", (0.12, 0.3, 0.48), 0.15))
    matte.subject(body, handle, tea, band)


def chair():
    """A wooden chair with a slatted back; the wall shows between the slats."""
    stage.studio(560)
    stage.floor(materials.planks(1.2))
    stage.wall(materials.plaster((0.42, 0.5, 0.52)), 3.4)
    stage.camera((2.4, -5.9, 2.0), (0.02, 0, 1.1), 76)
    wood = materials.noisy("wood", (0.2, 0.06, 0.02), (0.42, 0.15, 0.05), 3, (1, 1, 0.15), 0.35)
    made = [shapes.box("seat", (0, 0, 1.0), (1.1, 1.05, 0.08), wood)]
    for x in (-0.48, 0.48):
        made += [shapes.cylinder("leg", (x, -0.45, 0), (x * 0.97, -0.42, 0.98), 0.042, wood, 0.055),
                 shapes.cylinder("post", (x, 0.5, 0), (x, 0.46, 1.0), 0.042, wood, 0.052),
                 shapes.cylinder("post", (x, 0.46, 1.0), (x, 0.66, 2.22), 0.052, wood, 0.04),
                 shapes.cylinder("stretcher", (x, -0.45, 0.42), (x, 0.5, 0.42), 0.028, wood)]
    made += [shapes.box("top rail", (0, 0.65, 2.16), (1.12, 0.06, 0.2), wood, (-9, 0, 0)), shapes.box("low rail", (0, 0.52, 1.3), (0.96, 0.05, 0.07), wood, (-9, 0, 0)),
             shapes.cylinder("stretcher", (-0.48, -0.45, 0.55), (0.48, -0.45, 0.55), 0.028, wood), shapes.cylinder("stretcher", (-0.48, 0.49, 0.55), (0.48, 0.49, 0.55), 0.028, wood)]
    for i in range(7):
        x = -0.36 + 0.12 * i
        made.append(shapes.box("slat", (x, 0.585, 1.72), (0.05, 0.025, 0.86), wood, (-9, 0, 0), 0.008))
    matte.subject(*made)


def basket():
    """A wire basket of fruit; wires and gaps in front of fruit and table."""
    stage.studio(520)
    stage.floor(materials.noisy("stone", (0.32, 0.31, 0.3), (0.5, 0.49, 0.47), 2.2, rough=0.4))
    stage.wall(materials.tiled("kitchen", (0.45, 0.52, 0.5), (0.5, 0.57, 0.55), (0.3, 0.32, 0.3), 0.8, 0.4, 0.015, 0.3, 0.0, False), 3.4)
    stage.clutter(5, 5, 2.2, 3.2, 3, 0.45, 0.25)
    stage.camera((0.3, -5.2, 2.7), (0, 0, 0.66), 54, (0, -0.6, 0.7), 4)
    steel = materials.plain("steel", (0.035, 0.035, 0.04), 0.35, 0.3)
    made = []
    outline = [(0.62, 0.05), (0.86, 0.35), (1.0, 0.75), (1.08, 1.05)]
    for i in range(28):
        a = 2 * math.pi * i / 28
        made.append(shapes.tube("wire", [(r * math.cos(a), r * math.sin(a), z) for r, z in outline], 0.014, steel, sides=8))
    made += [shapes.ring("hoop", (0, 0, z), r, t, steel) for r, z, t in ((0.62, 0.05, 0.025), (0.86, 0.35, 0.014), (1.0, 0.75, 0.014), (1.08, 1.05, 0.03))]
    for s in (-1, 1):
        made.append(shapes.tube("handle", [(s * 1.06, -0.28, 1.05), (s * 1.2, -0.2, 1.36), (s * 1.2, 0.2, 1.36), (s * 1.06, 0.28, 1.05)], 0.026, steel))
    colours = [(0.55, 0.03, 0.02), (0.75, 0.3, 0.02), (0.4, 0.5, 0.04), (0.7, 0.5, 0.05), (0.5, 0.05, 0.03), (0.75, 0.33, 0.03), (0.45, 0.5, 0.06), (0.6, 0.06, 0.03)]
    places = [(-0.4, -0.3, 0.42), (0.36, -0.36, 0.42), (0.02, 0.4, 0.42), (-0.5, 0.3, 0.66), (0.55, 0.22, 0.62), (0.02, -0.1, 0.86), (-0.42, -0.32, 0.98), (0.42, -0.3, 0.98)]
    for place, colour in zip(places, colours):
        fruit = materials.noisy("fruit", colour, [min(1, c * 1.3 + 0.03) for c in colour], 5, rough=0.3)
        made += [shapes.ball("fruit", place, (0.33, 0.33, 0.3), fruit),
                 shapes.cylinder("stalk", Vector(place) + Vector((0, 0, 0.27)), Vector(place) + Vector((0.04, 0, 0.4)), 0.014, materials.plain("stalk", (0.08, 0.04, 0.02)))]
    matte.subject(*made)


def rings():
    """A toy of stacked rings on a peg."""
    stage.studio(520)
    stage.floor(materials.noisy("rug", (0.26, 0.22, 0.2), (0.46, 0.42, 0.38), 25, rough=1, bump=0.4))
    stage.wall(materials.plaster((0.36, 0.34, 0.42)), 4)
    stage.clutter(33, 8, 2.2, 3.6, 3.4, 0.45, 0.3)
    stage.camera((0.6, -5.8, 1.7), (0.25, 0, 0.9), 54, (0, -0.5, 0.9), 3.5)
    hues = [(0.6, 0.03, 0.03), (0.75, 0.25, 0.02), (0.75, 0.6, 0.04), (0.08, 0.4, 0.08), (0.03, 0.2, 0.55)]
    wood = materials.plain("peg", (0.6, 0.42, 0.24), 0.5)
    made, height = [shapes.cylinder("foot", (0, 0, 0), (0, 0, 0.12), 0.62, wood), shapes.cylinder("peg", (0, 0, 0.1), (0, 0, 1.85), 0.1, wood), shapes.ball("knob", (0, 0, 1.87), 0.15, wood)], 0.12
    for i, hue in enumerate(hues):
        thick = 0.17 - 0.012 * i
        made.append(shapes.ring("ring", (0, 0, height + thick), 0.58 - 0.075 * i, thick, materials.plain("lacquer", hue, 0.15, clearcoat=1.0)))
        height += 2 * thick
    made.append(shapes.ring("loose", (1.12, -0.28, 0.52), 0.38, 0.13, materials.plain("lacquer", (0.4, 0.05, 0.4), 0.15, clearcoat=1.0), (72, 0, 35)))
    matte.subject(*made)


def wheel(place, radius, spokes, tyre, steel):
    """A bicycle wheel in the x-z plane."""
    made = [shapes.ring("tyre", place, radius, 0.045, tyre, (90, 0, 0)), shapes.ring("rim", place, radius - 0.06, 0.022, steel, (90, 0, 0)),
            shapes.cylinder("hub", Vector(place) - Vector((0, 0.09, 0)), Vector(place) + Vector((0, 0.09, 0)), 0.055, steel)]
    lines = []
    for i in range(spokes):
        a, s = 2 * math.pi * i / spokes, 1 if i % 2 else -1
        b = a + s * 0.9 * (1 if i % 4 < 2 else -1)
        start = np.array([place[0] + 0.05 * math.cos(b), place[1] + s * 0.06, place[2] + 0.05 * math.sin(b)])
        end = np.array([place[0] + (radius - 0.06) * math.cos(a), place[1], place[2] + (radius - 0.06) * math.sin(a)])
        lines.append([start + (end - start) * k / 3 for k in range(4)])
    return made + [shapes.strands("spokes", lines, 0.006, steel, 1.0)]


def bicycle():
    """A bicycle seen from the side; spokes about as thin as a pixel."""
    stage.studio(650)
    stage.floor(materials.tiled("paving", (0.3, 0.29, 0.28), (0.36, 0.35, 0.33), (0.15, 0.15, 0.14), 0.8, 0.8, 0.015, 0.8))
    stage.wall(materials.plaster((0.66, 0.6, 0.48)), 2.6)
    stage.camera((0.5, -7.0, 1.6), (0.02, 0, 0.9), 62)
    steel, tyre = materials.plain("steel", (0.6, 0.6, 0.62), 0.2, 1.0), materials.plain("tyre", (0.012, 0.012, 0.013), 0.7)
    lacquer, leather = materials.plain("lacquer", (0.5, 0.03, 0.025), 0.15, clearcoat=1.0), materials.plain("leather", (0.12, 0.05, 0.02), 0.5)
    made = wheel((-0.98, 0, 0.66), 0.61, 32, tyre, steel) + wheel((0.98, 0, 0.66), 0.61, 32, tyre, steel)
    rear, crank, seat, head, fork = (-0.98, 0, 0.66), (-0.16, 0, 0.6), (-0.42, 0, 1.42), (0.66, 0, 1.5), (0.72, 0, 1.3)
    for start, end, thick in ((crank, seat, 0.04), (crank, fork, 0.045), (seat, head, 0.038)):
        made.append(shapes.cylinder("frame", start, end, thick, lacquer))
    made += [shapes.cylinder("head", (0.62, 0, 1.62), (0.75, 0, 1.22), 0.048, lacquer), shapes.cylinder("post", seat, (-0.5, 0, 1.66), 0.026, steel),
             shapes.cylinder("stem", (0.62, 0, 1.6), (0.59, 0, 1.76), 0.026, steel), shapes.ball("saddle", (-0.5, 0, 1.7), (0.26, 0.1, 0.055), leather)]
    for y in (-0.085, 0.085):
        made += [shapes.cylinder("stay", crank, (rear[0], y, rear[2]), 0.02, lacquer), shapes.cylinder("stay", seat, (rear[0], y, rear[2]), 0.018, lacquer),
                 shapes.cylinder("fork", (0.745, y * 0.7, 1.24), (0.98, y, 0.66), 0.024, lacquer)]
    made.append(shapes.tube("bar", [(0.36, -0.4, 1.74), (0.55, -0.34, 1.78), (0.62, -0.1, 1.76), (0.62, 0.1, 1.76), (0.55, 0.34, 1.78), (0.36, 0.4, 1.74)], 0.022, steel))
    made.append(shapes.ring("chain ring", (-0.16, -0.1, 0.6), 0.15, 0.018, steel, (90, 0, 0)))
    made += [shapes.cylinder("crank", (-0.16, -0.13, 0.6), (0.06, -0.13, 0.42), 0.02, steel), shapes.box("pedal", (0.08, -0.2, 0.41), (0.17, 0.12, 0.035), tyre),
             shapes.cylinder("crank", (-0.16, 0.13, 0.6), (-0.38, 0.13, 0.78), 0.02, steel), shapes.box("pedal", (-0.4, 0.2, 0.79), (0.17, 0.12, 0.035), tyre)]
    matte.subject(*made)


def car():
    """A toy car on a floor with scattered, dimmer bricks."""
    stage.studio(560)
    stage.floor(materials.planks(0.9))
    stage.wall(materials.plaster((0.4, 0.42, 0.46)), 4.6)
    stage.clutter(41, 26, 1.5, 4.2, 4, 0.3, 0.25)
    stage.clutter(42, 3, -2.0, -1.7, 2.2, 0.14, 0.2)
    stage.camera((-2.6, -5.2, 2.1), (0.02, 0, 0.55), 56, (-0.4, -0.6, 0.6), 3.2)
    lacquer = materials.plain("lacquer", (0.62, 0.42, 0.02), 0.12, clearcoat=1.0)
    dark, chrome = materials.plain("window", (0.015, 0.02, 0.03), 0.03), materials.plain("chrome", (0.75, 0.75, 0.77), 0.1, 1.0)
    rubber = materials.plain("rubber", (0.014, 0.014, 0.015), 0.6)
    made = [shapes.box("body", (0, 0, 0.52), (2.5, 1.1, 0.42), lacquer, bevel=0.16), shapes.box("cabin", (0.15, 0, 0.88), (1.25, 0.94, 0.46), lacquer, bevel=0.17),
            shapes.box("side glass", (0.15, 0, 0.9), (0.98, 0.952, 0.25), dark, bevel=0.06), shapes.box("front glass", (0.15, 0, 0.9), (1.262, 0.74, 0.25), dark, bevel=0.06)]
    for x in (-0.78, 0.78):
        for y in (-0.54, 0.54):
            out = 0.1 if y > 0 else -0.1
            made += [shapes.cylinder("wheel", (x, y - out, 0.3), (x, y + out, 0.3), 0.3, rubber), shapes.cylinder("cap", (x, y, 0.3), (x, y + out * 1.12, 0.3), 0.17, chrome)]
    for y in (-0.36, 0.36):
        made += [shapes.ball("lamp", (-1.24, y, 0.58), (0.05, 0.12, 0.12), materials.plain("lamp", (0.9, 0.88, 0.8), 0.1)),
                 shapes.ball("tail lamp", (1.24, y, 0.58), (0.03, 0.1, 0.08), materials.plain("red", (0.5, 0.01, 0.01), 0.2))]
    made += [shapes.box("bumper", (-1.25, 0, 0.37), (0.1, 1.0, 0.1), chrome, bevel=0.04), shapes.box("bumper", (1.25, 0, 0.37), (0.1, 1.0, 0.1), chrome, bevel=0.04),
             shapes.box("stripe", (-0.84, 0, 0.726), (0.7, 0.3, 0.012), materials.plain("stripe", (0.02, 0.02, 0.022), 0.2), bevel=0.004)]
    matte.subject(*made)


def headphones():
    """Black headphones on a dark desk."""
    stage.sky(0.04)
    stage.area_light((-3, -3.2, 4.2), (0, 0, 0.8), 190, 1.5, (1, 0.9, 0.8))
    stage.area_light((3, 2.4, 3.2), (0, 0, 0.8), 330, 1.2, (0.75, 0.85, 1))
    stage.floor(materials.noisy("slate", (0.018, 0.018, 0.02), (0.05, 0.05, 0.055), 4, rough=0.45))
    stage.wall(materials.plaster((0.045, 0.045, 0.055)), 4)
    stage.clutter(17, 4, 2.2, 3.2, 3, 0.4, 0.05)
    stage.camera((1.4, -5.4, 1.7), (0, 0, 0.85), 54)
    black, pad = materials.plain("black", (0.02, 0.02, 0.022), 0.3, clearcoat=0.4), materials.plain("pad", (0.03, 0.028, 0.028), 0.8)
    steel = materials.plain("steel", (0.5, 0.5, 0.52), 0.25, 1.0)
    arch = [(0.86 * math.cos(a), 0, 0.65 + 1.0 * math.sin(a)) for a in np.linspace(0, math.pi, 9)]
    made = [shapes.tube("band", arch, 0.045, steel), shapes.tube("cushion", [(x * 0.97, y, z - 0.03) for x, y, z in arch[2:7]], 0.1, pad)]
    for s in (-1, 1):
        made += [shapes.cylinder("cup", (s * 0.78, 0, 0.42), (s * 0.97, 0, 0.42), 0.42, black, 0.36), shapes.ring("pad", (s * 0.74, 0, 0.42), 0.3, 0.12, pad, (0, 90, 0)),
                 shapes.ring("trim", (s * 0.965, 0, 0.42), 0.27, 0.012, steel, (0, 90, 0)), shapes.cylinder("arm", (s * 0.87, 0, 0.47), (s * 0.86, 0, 0.92), 0.05, black)]
    matte.subject(*made)


def bottle():
    """An empty green wine bottle and a glass: both count as covered, not as see-through."""
    stage.studio(420, sky_strength=0.5)
    stage.floor(materials.planks(0.1))
    stage.wall(materials.plaster((0.55, 0.47, 0.38)), 3.8)
    stage.clutter(25, 7, 2.2, 3.4, 3, 0.5, 0.4)
    stage.camera((0.3, -6.6, 1.7), (0.1, 0, 1.15), 54, (0, 0, 1.1), 3.5)
    body = [(0.001, 0.06), (0.3, 0.02), (0.37, 0.06), (0.385, 0.3), (0.385, 1.35), (0.34, 1.62), (0.17, 1.86), (0.135, 2.0), (0.13, 2.32), (0.155, 2.34), (0.155, 2.42), (0.12, 2.44),
            (0.105, 2.4), (0.105, 2.0), (0.14, 1.86), (0.31, 1.6), (0.35, 1.35), (0.35, 0.3), (0.33, 0.12), (0.001, 0.14)]
    goblet = [(0.001, 0.012), (0.36, 0.01), (0.367, 0.017), (0.36, 0.024), (0.1, 0.034), (0.04, 0.1), (0.03, 0.6), (0.06, 0.7), (0.26, 0.82), (0.37, 1.05), (0.37, 1.25), (0.3, 1.58), (0.285, 1.58),
              (0.35, 1.25), (0.35, 1.05), (0.25, 0.85), (0.06, 0.74), (0.001, 0.73)]
    green = materials.glass((0.45, 0.75, 0.4))
    made = [shapes.turned("bottle", shapes.rounded(body, 5), green, (-0.32, 0, 0)), shapes.turned("goblet", shapes.rounded(goblet, 5), materials.glass(), (0.75, -0.25, 0)),
            shapes.turned("label", [(0.389, 0.5), (0.389, 1.15)], materials.noisy("paper", (0.7, 0.66, 0.55), (0.78, 0.74, 0.64), 6), (-0.32, 0, 0)),
            shapes.turned("wine", [(0.001, 0.76), (0.05, 0.762), (0.22, 0.85), (0.338, 1.05), (0.001, 1.052)], materials.plain("wine", (0.2, 0.004, 0.015), 0.03), (0.75, -0.25, 0))]
    matte.subject(*made)


def plane():
    """A toy aeroplane flying past, with motion blur and a spinning propeller."""
    stage.sky(0.9, (0.85, 0.9, 1), (0.3, 0.5, 0.9))
    stage.area_light((-3.5, -4, 6), (0, 0, 1.5), 700, 2.0, (1, 0.95, 0.88))
    stage.floor(materials.noisy("field", (0.05, 0.12, 0.03), (0.17, 0.24, 0.08), 1.2, rough=1))
    stage.wall(materials.noisy("haze", (0.3, 0.44, 0.62), (0.62, 0.72, 0.8), 0.25, (1, 3, 1), 1.0, detail=4), 9, False)
    stage.camera((0.3, -7.0, 1.5), (0, 0, 1.62), 54, (0, 0, 1.6), 3.5)
    red, cream = materials.plain("red", (0.55, 0.03, 0.02), 0.2, clearcoat=1.0), materials.plain("cream", (0.75, 0.66, 0.46), 0.3)
    dark = materials.plain("dark", (0.02, 0.02, 0.022), 0.4)
    made = [shapes.blob("hull", [("ball", (-0.35, 0, 0), (0.95, 0.3, 0.32), (0, 0, 0)), ("ball", (0.6, 0, 0.04), (0.95, 0.17, 0.18), (0, -3, 0))], red, 0.03),
            shapes.ball("wing", (-0.35, 0, 0.36), (0.36, 1.75, 0.04), cream), shapes.ball("wing", (-0.35, 0, -0.22), (0.34, 1.6, 0.04), cream),
            shapes.ball("fin", (1.35, 0, 0.32), (0.2, 0.035, 0.34), red, (0, 12, 0)), shapes.ball("tail", (1.35, 0, 0.1), (0.2, 0.62, 0.03), cream),
            shapes.cylinder("cowl", (-1.3, 0, 0), (-1.02, 0, 0), 0.22, dark, 0.27), shapes.ball("pilot", (-0.1, 0, 0.36), 0.15, dark)]
    for y in (-1.15, -0.45, 0.45, 1.15):
        made.append(shapes.cylinder("strut", (-0.42, y, -0.22), (-0.42, y, 0.36), 0.02, dark))
    for y in (-0.3, 0.3):
        made += [shapes.cylinder("strut", (-0.6, y * 0.6, -0.2), (-0.6, y, -0.55), 0.025, dark), shapes.ring("wheel", (-0.6, y, -0.58), 0.11, 0.05, dark, (90, 0, 0))]
    hub = bpy.data.objects.new("plane", None)
    bpy.context.collection.objects.link(hub)
    blades = [shapes.ball("blade", (-1.36, 0, 0), (0.02, 0.075, 0.6), materials.plain("blade", (0.25, 0.12, 0.04), 0.3)), shapes.ball("spinner", (-1.36, 0, 0), (0.13, 0.1, 0.1), red)]
    for ob in made + blades:
        ob.parent = hub
    hub.rotation_euler = (math.radians(-14), math.radians(9), math.radians(28))
    for frame, x in ((0, -0.12), (2, 0.12)):
        hub.location = (-x, 0, 1.62 + x * 0.2)
        hub.keyframe_insert("location", frame=frame)
        blades[0].rotation_euler[0] = math.radians(150 * frame)
        blades[0].keyframe_insert("rotation_euler", frame=frame)
    steady(hub, blades[0])
    bpy.context.scene.frame_set(1)
    bpy.context.scene.render.use_motion_blur = True
    bpy.context.scene.render.motion_blur_shutter = 0.5
    matte.subject(*made, *blades)


def steady(*objects):
    """Makes keyframed motion even instead of easing in and out."""
    for ob in objects:
        for curve in ob.animation_data.action.fcurves:
            for key in curve.keyframe_points:
                key.interpolation = "LINEAR"


def empty():
    """A bare floor and wall, without even a skirting board, which a network may take for a thing: the true matte is zero everywhere."""
    stage.studio(520)
    stage.floor(materials.planks(0.5))
    stage.wall(materials.plaster((0.45, 0.43, 0.38)), 4.2, False)
    stage.camera((0.4, -6, 1.9), (0, 0, 1.05), 42)
