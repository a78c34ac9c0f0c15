"""The stage: an empty world with camera, lights, floor, wall and clutter; all of it is background."""
import math
import random

import bpy
from mathutils import Vector

import materials


def clear(width, height, samples):
    """Starts a scene with nothing in it and fixed, repeatable render settings."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples = samples
    scene.cycles.seed = 7
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = 8
    scene.cycles.diffuse_bounces = scene.cycles.glossy_bounces = 2
    scene.cycles.sample_clamp_indirect = 2.0
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles_curves.shape = "RIBBONS"
    return scene


def camera(eye, target, lens=50, focus=None, fstop=None):
    """Looks from `eye` at `target`; `focus` is the point that is sharp when `fstop` is given."""
    data = bpy.data.cameras.new("camera")
    data.lens = lens
    ob = bpy.data.objects.new("camera", data)
    ob.location = eye
    ob.rotation_euler = (Vector(target) - Vector(eye)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(ob)
    bpy.context.scene.camera = ob
    if fstop:
        data.dof.use_dof = True
        data.dof.aperture_fstop = fstop
        data.dof.focus_distance = (Vector(focus or target) - Vector(eye)).length
    return ob


def area_light(place, target, watts, size, colour=(1, 1, 1)):
    """A square lamp at `place`, shining at `target`."""
    data = bpy.data.lights.new("lamp", "AREA")
    data.energy, data.size, data.color = watts, size, colour
    ob = bpy.data.objects.new("lamp", data)
    ob.location = place
    ob.rotation_euler = (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(ob)
    return ob


def sky(strength=0.35, low=(0.95, 0.9, 0.82), high=(0.45, 0.6, 0.9)):
    """A sky that fades from a warm horizon to a cool top."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    back = tree.nodes["Background"]
    back.inputs["Strength"].default_value = strength
    where = tree.nodes.new("ShaderNodeTexCoord")
    split = tree.nodes.new("ShaderNodeSeparateXYZ")
    ramp = materials.ramp(tree, [(0.0, low), (0.6, high)])
    tree.links.new(where.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs["Z"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], back.inputs["Color"])


def studio(power=500, warm=(1, 0.93, 0.84), sky_strength=0.35):
    """Key, fill and rim lamps around the origin, and a sky."""
    sky(sky_strength)
    area_light((-3.5, -4, 5.5), (0, 0, 0.8), power, 2.0, warm)
    area_light((4.5, -3.5, 3), (0, 0, 0.8), power * 0.3, 3.0, (0.85, 0.92, 1))
    area_light((2.5, 2.3, 4.5), (0, 0, 1), power * 0.6, 1.2)


def floor(material):
    """A large flat floor at height 0."""
    bpy.ops.mesh.primitive_plane_add(size=60)
    bpy.context.object.data.materials.append(material)
    return bpy.context.object


def wall(material, y=4.0, board=True):
    """A wall behind the subject, with a skirting board unless it stands for the outdoors."""
    bpy.ops.mesh.primitive_plane_add(size=60, location=(0, y, 0), rotation=(math.pi / 2, 0, 0))
    bpy.context.object.data.materials.append(material)
    if not board:
        return
    bpy.ops.mesh.primitive_cube_add(location=(0, y - 0.03, 0.15))
    strip = bpy.context.object
    strip.scale = (30, 0.03, 0.15)
    strip.data.materials.append(materials.plain("skirting", (0.55, 0.53, 0.5), 0.5))


def clutter(seed, count, near=2.0, far=3.6, spread=3.5, size=0.22, dim=0.35):
    """Small dim boxes, balls and cans behind the subject."""
    rng = random.Random(seed)
    for _ in range(count):
        scale = size * rng.uniform(0.5, 1.3)
        x, y = rng.uniform(-spread, spread), rng.uniform(near, far)
        kind = rng.choice(("box", "ball", "can"))
        if kind == "box":
            bpy.ops.mesh.primitive_cube_add(size=1, location=(x, y, scale * 0.5))
            bpy.context.object.scale = (scale * rng.uniform(0.6, 1.6), scale, scale)
        elif kind == "ball":
            bpy.ops.mesh.primitive_uv_sphere_add(radius=scale * 0.5, location=(x, y, scale * 0.5))
            bpy.ops.object.shade_smooth()
        else:
            bpy.ops.mesh.primitive_cylinder_add(radius=scale * 0.35, depth=scale, location=(x, y, scale * 0.5))
        bpy.context.object.rotation_euler[2] = rng.uniform(0, 3)
        colour = [dim * rng.uniform(0.2, 1.0) for _ in range(3)]
        bpy.context.object.data.materials.append(materials.plain("clutter", colour, 0.6))
