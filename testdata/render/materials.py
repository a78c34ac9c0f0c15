"""Materials: plain, glass, fur, and the textured surfaces of floors and walls."""
import bpy


def plain(name, colour, rough=0.5, metal=0.0, **more):
    """One colour; `more` sets other inputs of the principled shader by name."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Roughness"].default_value = rough
    shader.inputs["Metallic"].default_value = metal
    for key, value in more.items():
        shader.inputs[key if key.isupper() else key.replace("_", " ").title()].default_value = value
    return material


def flat():
    """Shines and hides what is behind it: for coverage, where light does not matter."""
    material = bpy.data.materials.new("flat")
    material.use_nodes = True
    tree = material.node_tree
    shine = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(shine.outputs["Emission"], tree.nodes["Material Output"].inputs["Surface"])
    return material


def glass(colour=(1, 1, 1), index=1.45):
    """Clear glass that lets lamp light through, tinted, where a path tracer would otherwise draw a black shadow."""
    material = plain("glass", colour, 0.0, 0.0, transmission=1.0, IOR=index)
    tree = material.node_tree
    path, clear = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeBsdfTransparent")
    clear.inputs["Color"].default_value = (*[c * 0.92 for c in colour], 1)
    mix = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(path.outputs["Is Shadow Ray"], mix.inputs[0])
    tree.links.new(tree.nodes["Principled BSDF"].outputs["BSDF"], mix.inputs[1])
    tree.links.new(clear.outputs["BSDF"], mix.inputs[2])
    tree.links.new(mix.outputs["Shader"], tree.nodes["Material Output"].inputs["Surface"])
    return material


def painted(name, rough=0.5, **more):
    """Takes its colour from the mesh's colour layer `paint`."""
    material = plain(name, (1, 1, 1), rough, **more)
    tree = material.node_tree
    layer = tree.nodes.new("ShaderNodeVertexColor")
    layer.layer_name = "paint"
    tree.links.new(layer.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    return material


def fur(name="fur", rough=0.45):
    """Hair that takes its colour from the skin's colour layer `paint`, a little different for each strand."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value, shader.inputs["Specular"].default_value = rough, 0.3
    layer = tree.nodes.new("ShaderNodeVertexColor")
    layer.layer_name = "paint"
    strand = tree.nodes.new("ShaderNodeHairInfo")
    vary = tree.nodes.new("ShaderNodeMapRange")
    vary.inputs["To Min"].default_value, vary.inputs["To Max"].default_value = 0.75, 1.2
    tint = tree.nodes.new("ShaderNodeHueSaturation")
    tree.links.new(strand.outputs["Random"], vary.inputs["Value"])
    tree.links.new(vary.outputs["Result"], tint.inputs["Value"])
    tree.links.new(layer.outputs["Color"], tint.inputs["Color"])
    tree.links.new(tint.outputs["Color"], shader.inputs["Base Color"])
    return material


def ramp(tree, stops):
    """A colour ramp node with the given (position, colour) stops."""
    node = tree.nodes.new("ShaderNodeValToRGB")
    elements = node.color_ramp.elements
    while len(elements) < len(stops):
        elements.new(0.5)
    for element, (place, colour) in zip(elements, stops):
        element.position, element.color = place, (*colour, 1)
    return node


def noisy(name, dark, light, scale=6.0, stretch=(1, 1, 1), rough=0.6, bump=0.0, detail=6.0):
    """Noise between two colours: plaster, concrete, carpet, marble, cloth."""
    material = plain(name, dark, rough)
    tree = material.node_tree
    where = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = stretch
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = detail
    mix = ramp(tree, [(0.3, dark), (0.7, light)])
    tree.links.new(where.outputs["Object"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    tree.links.new(noise.outputs["Fac"], mix.inputs["Fac"])
    shader = tree.nodes["Principled BSDF"]
    tree.links.new(mix.outputs["Color"], shader.inputs["Base Color"])
    if bump:
        node = tree.nodes.new("ShaderNodeBump")
        node.inputs["Strength"].default_value = bump
        tree.links.new(noise.outputs["Fac"], node.inputs["Height"])
        tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])
    return material


def tiled(name, first, second, joint, length=1.0, height=0.25, gap=0.01, rough=0.45, turn=0.0, grain=True):
    """Bricks, planks or tiles with a noisy grain along their length."""
    material = plain(name, first, rough)
    tree = material.node_tree
    where = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Rotation"].default_value[2] = turn
    bricks = tree.nodes.new("ShaderNodeTexBrick")
    for key, value in {"Color1": (*first, 1), "Color2": (*second, 1), "Mortar": (*joint, 1), "Scale": 1.0,
                       "Mortar Size": gap, "Brick Width": length, "Row Height": height}.items():
        bricks.inputs[key].default_value = value
    tree.links.new(where.outputs["Object"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], bricks.inputs["Vector"])
    last = bricks.outputs["Color"]
    if grain:
        squeeze = tree.nodes.new("ShaderNodeMapping")
        squeeze.inputs["Scale"].default_value = (1.5, 22, 1)
        noise = tree.nodes.new("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = 1.5, 5
        shade = ramp(tree, [(0.25, (0.55, 0.55, 0.55)), (0.75, (1, 1, 1))])
        mix = tree.nodes.new("ShaderNodeMixRGB")
        mix.blend_type = "MULTIPLY"
        mix.inputs["Fac"].default_value = 1.0
        tree.links.new(mapping.outputs["Vector"], squeeze.inputs["Vector"])
        tree.links.new(squeeze.outputs["Vector"], noise.inputs["Vector"])
        tree.links.new(noise.outputs["Fac"], shade.inputs["Fac"])
        tree.links.new(last, mix.inputs["Color1"])
        tree.links.new(shade.outputs["Color"], mix.inputs["Color2"])
        last = mix.outputs["Color"]
    tree.links.new(last, tree.nodes["Principled BSDF"].inputs["Base Color"])
    return material


def planks(turn=0.3):
    """A wooden floor."""
    return tiled("planks", (0.30, 0.17, 0.085), (0.40, 0.25, 0.14), (0.06, 0.035, 0.02), 2.2, 0.28, 0.006, 0.4, turn)


def plaster(colour):
    """A painted wall."""
    return noisy("plaster", [c * 0.88 for c in colour], colour, 3.0, rough=0.9)
