"""Subjects drawn stroke by stroke with exact coverage: fur, hair, feathers, leaves, wires, and things with crisp edges."""

import math

import cv2
import numpy as np

import textures

SAMPLES = 3  # across and down a pixel


class Canvas:
    """Paint and coverage with several samples a pixel; places in pixels of the picture."""

    def __init__(self, size, texture, random):
        self.size, self.random = size, random
        self.texture = texture  # linear light, of the picture's size
        self.paint = np.zeros((size[1] * SAMPLES, size[0] * SAMPLES, 4), np.uint8)

    def tone(self, place, spread, shade=1.0):
        """The texture's colour there, a little off, as bytes of its square root."""
        x, y = int(np.clip(place[0], 0, self.size[0] - 1)), int(np.clip(place[1], 0, self.size[1] - 1))
        color = self.texture[y, x] * shade * math.exp(spread * self.random.normal()) + self.random.normal(0, 0.01, 3)
        return (*(255 * np.sqrt(np.clip(color, 0, 1))).astype(int).tolist(), 255)

    def area(self, points):
        """An area in the texture's colours."""
        mask = np.zeros(self.paint.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(np.asarray(points) * SAMPLES).astype(np.int32)], 1)
        self.covered(mask)

    def covered(self, mask):
        fine = cv2.resize(np.sqrt(self.texture), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
        inside = mask > 0
        self.paint[inside, :3] = (fine[inside] * 255).astype(np.uint8)
        self.paint[inside, 3] = 255

    def stroke(self, points, width, color, tip=0.15):
        """A line that tapers to `tip` of its width."""
        places = np.round(np.asarray(points) * SAMPLES).astype(np.int32)
        last = len(places) - 1
        for i in range(last):
            thick = max(1, round(width * SAMPLES * (1 - (1 - tip) * i / last)))
            cv2.line(self.paint, places[i].tolist(), places[i + 1].tolist(), color, thick)

    def finished(self):
        """Straight colours in linear light and coverage, 0 to 1."""
        cover = cv2.resize((self.paint[..., 3] > 0).astype(np.float32), self.size, interpolation=cv2.INTER_AREA)
        lit = np.square(self.paint[..., :3].astype(np.float32) / 255)
        color = cv2.resize(lit, self.size, interpolation=cv2.INTER_AREA) / np.maximum(cover, 1e-6)[..., None]
        return np.clip(color, 0, 1), cover


def outline(random, center, radius, lumps):
    """A closed wavy line around a place."""
    angles = np.linspace(0, 2 * math.pi, 160, endpoint=False)
    far = np.ones(160)
    for k in range(1, 7):
        far += lumps / k * random.normal() * np.cos(k * angles + random.uniform(0, 6.3))
    far = np.clip(far, 0.35, 1.8)
    squash = random.uniform(0.7, 1.4)
    return np.stack([center[0] + radius * far * np.cos(angles) * squash, center[1] + radius * far * np.sin(angles) / squash], 1)


def body(canvas):
    """Two or three lumps that make one thing, standing on the picture's lower edge or free."""
    random, (width, height) = canvas.random, canvas.size
    x, y = random.uniform(0.3, 0.7) * width, random.uniform(0.45, 0.65) * height
    radius = random.uniform(0.16, 0.3) * height
    parts = [outline(random, (x, y), radius, 0.12)]
    for _ in range(int(random.integers(0, 4))):
        angle = random.uniform(0, 2 * math.pi)
        parts.append(outline(random, (x + radius * 1.1 * math.cos(angle), y + radius * 1.1 * math.sin(angle)), radius * random.uniform(0.25, 0.7), 0.15))
    if random.uniform() < 0.5:
        parts.append(outline(random, (x, height * 1.02), radius * random.uniform(0.8, 1.5), 0.1))
    return parts


def normals(points):
    ahead = np.roll(points, -1, 0) - np.roll(points, 1, 0)
    out = np.stack([ahead[:, 1], -ahead[:, 0]], 1)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)


def fur(canvas):
    """A furry body: strands all over, combed one way, longer and looser in places."""
    random, unit = canvas.random, canvas.size[1] / 1000
    length, width = random.uniform(12, 110) * unit, random.uniform(0.5, 3.2) * unit
    spread, stray, bend = random.uniform(0.05, 0.4), random.uniform(0.1, 0.6), random.uniform(0.1, 0.8)
    comb = random.uniform(0, 2 * math.pi)
    combed = random.uniform(0, 0.9)
    parts = body(canvas)
    for points in parts:
        canvas.area(points)
    for points in parts:
        outward = normals(points)
        around = np.linalg.norm(np.roll(points, -1, 0) - points, axis=1).sum()
        middle = points.mean(0)
        bare = 0.5 + 0.5 * np.cos(np.linspace(0, 2 * math.pi, len(points)) * int(random.integers(1, 4)) + random.uniform(0, 6))
        for depth in (0.6, 0.75, 0.88, 0.96, 1.0, 1.0):
            for _ in range(int(min(2600, around / max(1.2, width) * random.uniform(0.35, 0.9)))):
                i = int(random.integers(len(points)))
                root = middle + (points[i] - middle) * depth * random.uniform(0.96, 1.01)
                way = (1 - combed) * outward[i] + combed * np.array([math.cos(comb), math.sin(comb)])
                angle = math.atan2(way[1], way[0]) + stray * random.normal()
                far = length * (0.25 + 0.75 * bare[i]) * random.uniform(0.5, 1.2) * (1.6 if random.uniform() < 0.04 else 1)
                steps = np.arange(1, 7) / 6
                curve = angle + bend * random.normal() * steps
                step = far / 6 * np.stack([np.cos(curve), np.sin(curve)], 1)
                color = canvas.tone(root, spread, random.uniform(0.7, 1.15))
                canvas.stroke(np.vstack([root, root + np.cumsum(step, 0)]), width * random.uniform(0.6, 1.3), color)


def hair(canvas):
    """A head of long hair: locks that hang or blow, with single strands that stray."""
    random, (width, height) = canvas.random, canvas.size
    unit = height / 1000
    x, y, radius = random.uniform(0.35, 0.65) * width, random.uniform(0.3, 0.5) * height, random.uniform(0.1, 0.22) * height
    shoulders = [(x - radius * 2.4, height + 2), (x - radius * 2, y + radius * 2.1), (x - radius * 0.6, y + radius * 1.5), (x + radius * 0.6, y + radius * 1.5), (x + radius * 2, y + radius * 2.1), (x + radius * 2.4, height + 2)]
    if random.uniform() < 0.8:
        canvas.area(shoulders)
    canvas.area(outline(random, (x, y), radius, 0.03))
    locks = textures.palette(random, 1)[0] * random.uniform(0.3, 1)
    wind, waves, loose = random.normal(0, 0.6), random.uniform(0, 0.4), random.uniform(0.02, 0.5)
    long, thick, spread = random.uniform(0.5, 3.5) * radius, random.uniform(0.4, 2.2) * unit, random.uniform(0.1, 0.5)
    for strand in range(int(random.uniform(1200, 5000))):
        angle = random.uniform(-math.pi, 0) + random.normal(0, 0.2)
        root = np.array([x + radius * math.cos(angle) * random.uniform(0.85, 1), y + radius * math.sin(angle) * random.uniform(0.85, 1)])
        strays = random.uniform() < 0.08
        far = long * random.uniform(0.5, 1.1)
        steps = np.linspace(0, 1, 12)
        fall = math.pi / 2 + wind * 0.5 + loose * random.normal() * (2.5 if strays else 1)
        turn = angle + (fall - angle + (2 * math.pi if fall - angle < -math.pi else 0)) * np.minimum(1, steps * random.uniform(1.5, 4))
        turn = turn + waves * np.sin(steps * random.uniform(5, 14) + random.uniform(0, 6)) * steps
        step = far / 12 * np.stack([np.cos(turn), np.sin(turn)], 1)
        tone = locks * math.exp(spread * random.normal()) + random.normal(0, 0.008, 3)
        color = (*(255 * np.sqrt(np.clip(tone, 0, 1))).astype(int).tolist(), 255)
        canvas.stroke(np.vstack([root, root + np.cumsum(step, 0)]), thick * random.uniform(0.6, 1.4), color, 0.4)


def leaves(canvas):
    """Twigs with leaves and the ground between them."""
    random, (width, height) = canvas.random, canvas.size
    x, y = random.uniform(0.35, 0.65) * width, random.uniform(0.6, 0.9) * height
    canvas.area(outline(random, (x, y + 0.1 * height), random.uniform(0.06, 0.14) * height, 0.05))
    long, slim = random.uniform(0.012, 0.06) * height, random.uniform(0.12, 0.6)
    reach, open_by = random.uniform(0.25, 0.6) * height, random.uniform(0.3, 0.9)
    count = int(np.clip(0.35 * reach * reach / (long * long * slim), 60, 1800))
    for _ in range(int(random.integers(12, 40))):
        angle = -math.pi / 2 + open_by * random.normal()
        tip = np.array([x, y]) + reach * random.uniform(0.5, 1) * np.array([math.cos(angle), math.sin(angle)])
        path = np.linspace((x, y), tip, 7) + random.normal(0, 0.006 * height, (7, 2))
        canvas.stroke(path, random.uniform(1.5, 6) * height / 1000, canvas.tone(tip, 0.2, 0.5))
        for _ in range(count // 30 + 1):
            along = random.uniform(0.25, 1.05)
            place = np.array([x, y]) + along * (tip - [x, y]) + random.normal(0, long * 0.7, 2)
            turned, size = random.uniform(0, 2 * math.pi), long * random.uniform(0.6, 1.2)
            angles = np.linspace(0, 2 * math.pi, 14)
            leaf = np.stack([size * np.cos(angles), size * slim * np.sin(angles) * (1 - 0.4 * np.cos(angles))], 1)
            turn = np.array([[math.cos(turned), math.sin(turned)], [-math.sin(turned), math.cos(turned)]])
            cv2.fillPoly(canvas.paint, [np.round((leaf @ turn + place) * SAMPLES).astype(np.int32)], canvas.tone(place, 0.35))


def wires(canvas):
    """A thing with holes: bars, spokes or a net in a frame around something solid."""
    random, (width, height) = canvas.random, canvas.size
    x, y, radius = random.uniform(0.35, 0.65) * width, random.uniform(0.4, 0.6) * height, random.uniform(0.2, 0.38) * height
    frame = outline(random, (x, y), radius, random.uniform(0, 0.08))
    thin = random.uniform(0.8, 5) * height / 1000
    color = lambda place: canvas.tone(place, 0.1)
    canvas.area(outline(random, (x, y), radius * random.uniform(0.15, 0.5), 0.1))
    for _ in range(int(random.integers(8, 40))):
        if random.uniform() < 0.5:
            ends = frame[random.integers(160)], np.array([x, y])
        else:
            i = int(random.integers(160))
            ends = frame[i], frame[(80 - i) % 160]
        canvas.stroke(ends, thin, color(ends[0]), 1.0)
    canvas.stroke(np.vstack([frame, frame[:1]]), thin * random.uniform(1.5, 5), color(frame[0]), 1.0)


def thing(canvas):
    """Something with crisp edges, corners and perhaps a hole."""
    random = canvas.random
    parts = body(canvas)
    if random.uniform() < 0.6:
        for points in parts:
            count = int(random.integers(3, 9))
            canvas.area(points[np.sort(random.choice(160, count, replace=False))])
    for points in parts:
        canvas.area(points)
    if random.uniform() < 0.4:
        hole = np.zeros(canvas.paint.shape[:2], np.uint8)
        middle = parts[0].mean(0) + random.normal(0, 20, 2)
        cv2.fillPoly(hole, [np.round(outline(random, middle, random.uniform(0.02, 0.1) * canvas.size[1], 0.1) * SAMPLES).astype(np.int32)], 1)
        canvas.paint[hole > 0] = 0


def tufts(canvas):
    """Feathers, grass, lashes: groups of strands from common roots, with gaps between the groups."""
    random, (width, height) = canvas.random, canvas.size
    parts = body(canvas)
    for points in parts:
        canvas.area(points)
    length, thick = random.uniform(0.03, 0.16) * height, random.uniform(0.6, 4) * height / 1000
    for points in parts:
        outward = normals(points)
        for _ in range(int(random.uniform(40, 220))):
            i = int(random.integers(len(points)))
            way = math.atan2(outward[i][1], outward[i][0]) + random.normal(0, 0.4)
            far, bend, tone = length * random.uniform(0.5, 1.2), random.normal(0, 0.8), canvas.tone(points[i], 0.3)
            for _ in range(int(random.uniform(4, 26))):
                steps = np.arange(1, 8) / 7
                curve = way + random.normal(0, 0.13) + bend * steps
                step = far / 7 * random.uniform(0.7, 1.1) * np.stack([np.cos(curve), np.sin(curve)], 1)
                root = points[i] + random.normal(0, 4, 2)
                shade = random.uniform(0.75, 1.25)
                color = (*[int(min(255, c * shade)) for c in tone[:3]], 255)
                canvas.stroke(np.vstack([root, root + np.cumsum(step, 0)]), thick * random.uniform(0.5, 1.2), color)


KINDS = {"fur": (fur, 0.34), "hair": (hair, 0.26), "tufts": (tufts, 0.12), "leaves": (leaves, 0.08), "wires": (wires, 0.06), "thing": (thing, 0.14)}
