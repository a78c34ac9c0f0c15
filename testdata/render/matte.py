"""The exact matte: renders subject and stage apart, joins them in linear light and writes the files."""
import os
import struct
import zlib

import bpy
import numpy as np

import materials


def subject(*objects):
    """Marks objects as the subject; everything else is background."""
    for ob in objects:
        ob["subject"] = True


def write(folder, name, foreground):
    """Renders the layers and writes NAME.jpg, NAME.alpha.png and, if asked, NAME.foreground.png."""
    alpha = bytes_of(coverage(folder))
    ground = np.clip(stage_layer(folder), 0, 1)
    cover = alpha[..., None] / 255.0
    colour = encode(straight(subject_layer(folder)) * (alpha > 0)[..., None])
    picture = encode(decode(colour) * cover + ground * (1 - cover))
    write_png(os.path.join(folder, name + ".alpha.png"), alpha)
    if foreground:
        write_png(os.path.join(folder, name + ".foreground.png"), colour)
    write_jpeg(os.path.join(folder, name + ".jpg"), picture)


def straight(layer):
    """Colour not weighted by coverage, from a premultiplied [height, width, 4] layer; gaps take their neighbours' colour."""
    cover = layer[..., 3:]
    known = cover[..., 0] > 0.004
    colour = np.where(known[..., None], layer[..., :3] / np.maximum(cover, 1e-6), 0)
    for _ in range(3):
        total, count = np.zeros_like(colour), np.zeros(known.shape)
        for across in (-1, 0, 1):
            for down in (-1, 0, 1):
                total += np.roll(colour * known[..., None], (down, across), (0, 1))
                count += np.roll(known, (down, across), (0, 1))
        fill = ~known & (count > 0)
        colour[fill] = total[fill] / count[fill][:, None]
        known = known | fill
    return np.clip(colour, 0, 1)


def coverage(folder):
    """How much of each pixel the subject covers, [height, width]: all materials opaque, no light to compute, many samples."""
    layer = bpy.context.scene.view_layers[0]
    layer.material_override = materials.flat()
    set_flags(stage_holdout=True, subject_seen=True)
    bpy.context.scene.render.film_transparent = True
    alpha = render(folder, 3.0)[..., 3]
    layer.material_override = None
    return np.clip(alpha, 0, 1)


def subject_layer(folder):
    """The subject alone in the light of the whole scene, premultiplied; the stage cuts holes but has no colour."""
    set_flags(stage_holdout=True, subject_seen=True)
    bpy.context.scene.render.film_transparent = True
    return render(folder, 1.0)


def stage_layer(folder):
    """The stage as the camera would see it behind the subject, with the subject's shadow and reflection."""
    set_flags(stage_holdout=False, subject_seen=False)
    bpy.context.scene.render.film_transparent = False
    return render(folder, 0.6)[..., :3]


def whole(folder):
    """The scene rendered in one piece, for checking that the layers add up to it."""
    set_flags(stage_holdout=False, subject_seen=True)
    bpy.context.scene.render.film_transparent = False
    return render(folder, 1.0)[..., :3]


def set_flags(stage_holdout, subject_seen):
    """Chooses what the camera sees; light still meets every object."""
    for ob in bpy.context.scene.objects:
        if ob.type in {"MESH", "CURVE"}:
            ob.is_holdout = stage_holdout and not ob.get("subject")
            ob.visible_camera = subject_seen or not ob.get("subject")


def render(folder, share):
    """Renders with a share of the scene's samples to 32-bit floats, linear light: [height, width, 4], top row first."""
    scene = bpy.context.scene
    path = os.path.join(folder, "layer.exr")
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = path
    samples = scene.cycles.samples
    scene.cycles.samples = max(8, int(samples * share))
    bpy.ops.render.render(write_still=True)
    scene.cycles.samples = samples
    image = bpy.data.images.load(path)
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    os.remove(path)
    return pixels.reshape(height, width, 4)[::-1]


def bytes_of(values):
    """Numbers of 0..1 as bytes."""
    return np.uint8(np.round(values * 255))


def encode(linear):
    """Linear light to sRGB bytes (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    return bytes_of(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


def decode(coded):
    """sRGB bytes to linear light."""
    value = coded / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def write_png(path, pixels):
    """Writes 8-bit grey [height, width] or RGB [height, width, 3] as PNG, each row stored as a difference from the row above."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    lines = np.hstack([np.full((height, 1), 2, np.uint8), rows - above])
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def write_jpeg(path, pixels):
    """Writes sRGB bytes [height, width, 3] as JPEG of quality 90."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new("picture", width, height)
    full = np.ones((height, width, 4), np.float32)
    full[..., :3] = pixels[::-1] / 255.0
    image.pixels.foreach_set(full.ravel())
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_mode, settings.quality = "JPEG", "RGB", 90
    image.save_render(path)
    bpy.data.images.remove(image)
