"""The table of scenes: a new scene is a function in one of the scene files and a line here."""
from collections import namedtuple

import creatures
import people
import plants
import products

Scene = namedtuple("Scene", "build width height samples kind foreground what")

SCENES = {
    "fox": Scene(creatures.fox, 1280, 960, 40, "fur", True, "a sitting fox cub with a bushy tail"),
    "cat": Scene(creatures.cat, 800, 600, 40, "fur", True, "a black cat with whiskers in a dim room"),
    "lamb": Scene(creatures.lamb, 800, 600, 40, "fur", True, "a white woolly lamb before a pale wall"),
    "chicks": Scene(creatures.chicks, 800, 600, 40, "several", True, "three fluffy chicks side by side"),
    "portrait": Scene(people.portrait, 600, 800, 40, "hair", True, "a mannequin head with long hair, upright format"),
    "vase": Scene(plants.vase, 640, 640, 40, "glass", True, "tulips in a clear glass vase"),
    "bottle": Scene(products.bottle, 640, 480, 40, "glass", True, "a green bottle and a goblet"),
    "ficus": Scene(plants.ficus, 768, 768, 40, "plant", True, "a potted bush with hundreds of leaves"),
    "fern": Scene(plants.fern, 800, 600, 40, "plant", True, "a fern with narrow leaflets"),
    "dandelion": Scene(plants.dandelion, 640, 640, 40, "plant", True, "a dandelion clock before a blurred meadow"),
    "bicycle": Scene(products.bicycle, 1024, 768, 40, "holes", True, "a bicycle with thin spokes"),
    "chair": Scene(products.chair, 640, 640, 40, "holes", False, "a chair with a slatted back"),
    "basket": Scene(products.basket, 720, 540, 40, "holes", False, "a wire basket of fruit"),
    "rings": Scene(products.rings, 640, 480, 40, "holes", False, "stacked rings and a loose one"),
    "mug": Scene(products.mug, 640, 480, 40, "product", False, "a white mug on near-white ground"),
    "car": Scene(products.car, 800, 600, 40, "product", False, "a toy car on a cluttered floor"),
    "headphones": Scene(products.headphones, 640, 480, 40, "product", False, "black headphones on a dark desk"),
    "plane": Scene(products.plane, 800, 600, 40, "blur", True, "a flying toy aeroplane, blurred by motion"),
    "empty": Scene(products.empty, 640, 480, 40, "empty", False, "a room with nothing in it"),
}
