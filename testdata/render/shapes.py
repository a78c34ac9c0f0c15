"""Shapes: blobs, turned profiles, tubes, strands and coats of fur, made of plain geometry."""
import math
import random

import bmesh
import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector


def add(name, mesh, material=None, smooth=True):
    """Puts a mesh into the scene."""
    ob = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(ob)
    if material:
        mesh.materials.append(material)
    if smooth:
        mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    return ob


def placed(place, radii, turn=(0, 0, 0)):
    """The matrix that puts a unit ball at `place` with these radii, turned by degrees."""
    rotation = Euler([math.radians(a) for a in turn]).to_matrix().to_4x4()
    return Matrix.Translation(place) @ rotation @ Matrix.Diagonal((*radii, 1))


def ball(name, place, radii, material, turn=(0, 0, 0)):
    """An ellipsoid; `radii` may be one number."""
    radii = (radii,) * 3 if isinstance(radii, (int, float)) else radii
    mesh, build = bpy.data.meshes.new(name), bmesh.new()
    bmesh.ops.create_uvsphere(build, u_segments=48, v_segments=24, radius=1, matrix=placed(place, radii, turn))
    build.to_mesh(mesh)
    return add(name, mesh, material)


def box(name, place, size, material, turn=(0, 0, 0), bevel=0.02):
    """A box with rounded edges; `size` is the full length of its sides."""
    mesh, build = bpy.data.meshes.new(name), bmesh.new()
    bmesh.ops.create_cube(build, size=1, matrix=Matrix.Diagonal((*size, 1)))
    if bevel:
        bmesh.ops.bevel(build, geom=build.edges, offset=bevel, segments=5, affect="EDGES", profile=0.5)
    rotation = Euler([math.radians(a) for a in turn]).to_matrix().to_4x4()
    bmesh.ops.transform(build, matrix=Matrix.Translation(place) @ rotation, verts=build.verts)
    build.to_mesh(mesh)
    mesh.use_auto_smooth, mesh.auto_smooth_angle = True, math.radians(40)
    return add(name, mesh, material)


def cylinder(name, start, end, radius, material, tip=None):
    """A rod or cone from `start` to `end`."""
    start, end = Vector(start), Vector(end)
    matrix = Matrix.Translation((start + end) / 2) @ (end - start).to_track_quat("Z", "Y").to_matrix().to_4x4()
    mesh, build = bpy.data.meshes.new(name), bmesh.new()
    bmesh.ops.create_cone(build, cap_ends=True, segments=48, radius1=radius, matrix=matrix,
                          radius2=radius if tip is None else tip, depth=(end - start).length)
    build.to_mesh(mesh)
    mesh.use_auto_smooth = True
    return add(name, mesh, material)


def blob(name, parts, material, grain=0.05, soften=8):
    """Melts ellipsoids and cones (shape, place, radii, turn) into one skin."""
    mesh, build = bpy.data.meshes.new(name), bmesh.new()
    for shape, place, radii, turn in parts:
        matrix = placed(place, radii, turn)
        if shape == "ball":
            bmesh.ops.create_uvsphere(build, u_segments=32, v_segments=16, radius=1, matrix=matrix)
        else:
            bmesh.ops.create_cone(build, cap_ends=True, segments=32, radius1=1, radius2=0.08, depth=2, matrix=matrix)
    build.to_mesh(mesh)
    rough = add(name + ".rough", mesh)
    melt = rough.modifiers.new("melt", "REMESH")
    melt.mode, melt.voxel_size = "VOXEL", grain
    even = rough.modifiers.new("even", "SMOOTH")
    even.iterations, even.factor = soften, 0.5
    result = bpy.data.meshes.new_from_object(rough.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    bpy.data.objects.remove(rough)
    return add(name, result, material)


def paint(ob, colour_at):
    """Fills the colour layer `paint`: `colour_at(point, normal)` gives the colour of each vertex, linear light."""
    mesh = ob.data
    colours = [colour_at(v.co, v.normal) for v in mesh.vertices]
    layer = mesh.vertex_colors.new(name="paint")
    for loop in mesh.loops:
        layer.data[loop.index].color = (*[srgb(c) for c in colours[loop.vertex_index]], 1)


def srgb(value):
    """Linear light to sRGB, the form byte colour layers hold."""
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def fur(ob, material, count, length, children=12, seed=1, where=None, comb=(0, 0, -0.02), width=0.006,
        curl=0.02, clump=0.0, spread=0.08):
    """Grows a coat; `where(point)` is the length of the hair there as a share of `length`."""
    ob.data.materials.append(material)
    coat = ob.modifiers.new("coat", "PARTICLE_SYSTEM").particle_system
    coat.seed = seed
    hair = coat.settings
    hair.type, hair.count, hair.hair_step = "HAIR", count, 4
    hair.use_advanced_hair = True
    hair.hair_length = length
    hair.object_align_factor = comb
    hair.child_type, hair.rendered_child_count, hair.child_nbr = "INTERPOLATED", children, 1
    hair.child_length, hair.child_radius = 1.0, spread
    hair.clump_factor = clump
    hair.roughness_2, hair.roughness_2_size = curl, 0.6
    hair.roughness_endpoint, hair.roughness_1 = curl, curl * 0.3
    hair.length_random = 0.35
    hair.display_step = hair.render_step = 4
    hair.root_radius, hair.tip_radius, hair.radius_scale = 1.0, 0.05, width
    hair.material = len(ob.data.materials)
    if where:
        group = ob.vertex_groups.new(name="length")
        bare = ob.vertex_groups.new(name="density")
        for vertex in ob.data.vertices:
            share = where(vertex.co)
            group.add([vertex.index], share, "REPLACE")
            bare.add([vertex.index], 1.0 if share > 0 else 0.0, "REPLACE")
        coat.vertex_group_length, coat.vertex_group_density = "length", "density"


def strands(name, lines, radius, material, tip=0.3, sides=4):
    """Thin tubes along many lines: an array [strands, points, 3]; `radius` may differ by strand."""
    lines = np.asarray(lines, float)
    count, points, _ = lines.shape
    along = np.gradient(lines, axis=1)
    along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-9
    aside = np.cross(along, (0.31, 0.17, 0.93))
    aside /= np.linalg.norm(aside, axis=2, keepdims=True) + 1e-9
    up = np.cross(along, aside)
    taper = np.linspace(1, tip, points)[None, :, None, None]
    radius = np.broadcast_to(np.asarray(radius, float), (count,))[:, None, None, None]
    angle = np.arange(sides) * 2 * math.pi / sides
    ring = aside[:, :, None] * np.cos(angle)[None, None, :, None] + up[:, :, None] * np.sin(angle)[None, None, :, None]
    vertices = (lines[:, :, None] + ring * taper * radius).reshape(-1, 3)
    first = np.arange(count * points * sides).reshape(count, points, sides)
    next_side = np.roll(first, -1, axis=2)
    faces = np.stack([first[:, :-1], next_side[:, :-1], next_side[:, 1:], first[:, 1:]], axis=-1).reshape(-1, 4)
    return from_arrays(name, vertices, faces, material)


def from_arrays(name, vertices, faces, material):
    """A mesh of quads from numpy arrays [vertices, 3] and [faces, 4]."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", np.asarray(vertices, np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 4, dtype=np.int32))
    mesh.polygons.foreach_set("loop_total", np.full(len(faces), 4, np.int32))
    mesh.update(calc_edges=True)
    return add(name, mesh, material)


def tube(name, points, radius, material, closed=False, sides=12, smooth=True):
    """A bent rod through points; `smooth` rounds the bends."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution = "3D", radius, max(1, sides // 4)
    curve.resolution_u, curve.use_fill_caps = 12, True
    line = curve.splines.new("BEZIER" if smooth else "POLY")
    if smooth:
        line.bezier_points.add(len(points) - 1)
        for knot, point in zip(line.bezier_points, points):
            knot.co, knot.handle_left_type, knot.handle_right_type = point, "AUTO", "AUTO"
    else:
        line.points.add(len(points) - 1)
        for knot, point in zip(line.points, points):
            knot.co = (*point, 1)
    line.use_cyclic_u = closed
    ob = bpy.data.objects.new(name, curve)
    bpy.context.collection.objects.link(ob)
    curve.materials.append(material)
    return ob


def ring(name, place, radius, thickness, material, turn=(0, 0, 0)):
    """A torus lying flat at `place` unless turned."""
    bpy.ops.mesh.primitive_torus_add(location=place, major_radius=radius, minor_radius=thickness, major_segments=96,
                                     minor_segments=24, rotation=[math.radians(a) for a in turn])
    ob = bpy.context.object
    ob.name = name
    bpy.ops.object.shade_smooth()
    ob.data.materials.append(material)
    return ob


def turned(name, profile, material, place=(0, 0, 0), steps=96, closed=False):
    """A lathe: spins (radius, height) pairs around the vertical."""
    profile = np.asarray(profile, float)
    angle = np.arange(steps) * 2 * math.pi / steps
    vertices = np.stack([profile[:, None, 0] * np.cos(angle), profile[:, None, 0] * np.sin(angle),
                         np.repeat(profile[:, 1:], steps, axis=1)], axis=-1).reshape(-1, 3) + np.asarray(place)
    first = np.arange(len(profile) * steps).reshape(len(profile), steps)
    if closed:
        first = np.vstack([first, first[:1]])
    side = np.roll(first, -1, axis=1)
    faces = np.stack([first[:-1], side[:-1], side[1:], first[1:]], axis=-1).reshape(-1, 4)
    return from_arrays(name, vertices, faces, material)


def rounded(points, steps=8):
    """A Catmull-Rom curve through 2-D or 3-D points."""
    p = np.asarray(points, float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t ** 2 + (3 * b - a - 3 * c + d) * t ** 3)
             for a, b, c, d in zip(p, p[1:], p[2:], p[3:])]
    return np.vstack(parts + [p[-2:-1]])


def leaves(name, anchors, material, seed=0, shape=None, fold=0.25):
    """Many leaves in one mesh: each anchor is (root, direction, length, width); leaves droop at the tip."""
    rng = random.Random(seed)
    outline = shape or [(0, 0.06), (0.2, 0.7), (0.45, 1.0), (0.7, 0.75), (0.9, 0.3), (1, 0.02)]
    vertices, faces = [], []
    for root, way, length, width in anchors:
        root, way = Vector(root), Vector(way).normalized()
        side = way.cross((0, 0, 1)).normalized() if abs(way.z) < 0.98 else Vector((1, 0, 0))
        side = (side + Vector([rng.uniform(-0.25, 0.25) for _ in range(3)])).normalized()
        up = side.cross(way).normalized()
        base = len(vertices)
        for t, w in outline:
            middle = root + way * (t * length) - Vector((0, 0, 0.35 * length * t * t))
            half = side * (w * width / 2)
            vertices += [middle - half + up * (fold * w * width / 2), middle, middle + half + up * (fold * w * width / 2)]
        for i in range(len(outline) - 1):
            a = base + 3 * i
            faces += [(a, a + 1, a + 4, a + 3), (a + 1, a + 2, a + 5, a + 4)]
    return from_arrays(name, np.array([tuple(v) for v in vertices]), np.array(faces), material)
