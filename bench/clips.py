#!/usr/bin/env python3
"""Clips with exact mattes: clips.py FOLDER  (numpy, opencv-python-headless)

A rendered scene's subject (its foreground colours and its alpha) moves, turns, grows and waves over another scene's
moving background. Each frame is the mean of several moments while the shutter is open, of colours and of alpha alike, so
that the matte of what motion blurs is exact too. Writes FOLDER/video/CLIP/image/NNNNN.jpg and alpha/NNNNN.png, and
FOLDER/video_index.csv.
"""
import csv
import pathlib
import sys

import cv2
import numpy as np

SCENES = pathlib.Path(__file__).resolve().parent.parent / "testdata" / "scenes"
WIDTH, HEIGHT, FRAMES = 640, 360, 48
MOMENTS, SHUTTER = 8, 0.5

# How far things go: (pixels across, pixels down, degrees, share of size, pixels of waving), each swinging with its own
# period in frames; then the background's pixels a frame. A clip is a list of shots.
SLOW = ((40, 6, 3, 0.04, 0), (60, 37, 53, 71, 1), (0.8, 0.2))
FAST = ((150, 20, 8, 0.08, 0), (52, 31, 41, 60, 1), (-2.5, 0.5))
GROW = ((20, 8, 6, 0.35, 0), (70, 41, 50, 80, 1), (1.5, 0.0))
WAVE = ((24, 4, 2, 0.03, 5), (60, 37, 53, 71, 19), (0.5, 0.3))
CLIPS = {
    "hair-slow": [("portrait", "car", SLOW, 1.0)],
    "fur-fast": [("fox", "fern", FAST, 0.8)],
    "lamb-grow": [("lamb", "basket", GROW, 0.8)],
    "hair-wave": [("portrait", "bicycle", WAVE, 1.0)],
    "car-fast": [("car", "lamb", FAST, 0.8)],
    "cut": [("cat", "ficus", SLOW, 0.9), ("chicks", "car", WAVE, 0.9)],
}


def subject(name):
    """Premultiplied colour and alpha, 0 to 1, as high as the frame."""
    alpha = cv2.imread(str(SCENES / f"{name}.alpha.png"), cv2.IMREAD_UNCHANGED)
    alpha = alpha.astype(np.float32) / np.iinfo(alpha.dtype).max
    # Crisp subjects have no foreground of their own: the picture's colours serve.
    own = SCENES / f"{name}.foreground.png"
    color = cv2.imread(str(own if own.exists() else SCENES / f"{name}.jpg")).astype(np.float32) / 255
    both = np.dstack([color * alpha[..., None], alpha])
    scale = HEIGHT / alpha.shape[0]
    return cv2.resize(both, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def background(name):
    """The scene without its subject, twice as wide as the frame."""
    picture = cv2.imread(str(SCENES / f"{name}.jpg"))
    alpha = cv2.imread(str(SCENES / f"{name}.alpha.png"), cv2.IMREAD_UNCHANGED)
    hole = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((9, 9)))
    scale = 2 * WIDTH / picture.shape[1]
    small = cv2.resize(picture, (240, 180), interpolation=cv2.INTER_AREA)
    filled = cv2.inpaint(small, cv2.resize(hole, (240, 180), interpolation=cv2.INTER_NEAREST), 5, cv2.INPAINT_TELEA)
    filled = cv2.resize(filled, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(1).normal(0, 1, hole.shape).astype(np.float32)
    texture = sum(12 * radius * cv2.GaussianBlur(grain, (0, 0), radius) for radius in (1, 2, 5))
    filled = np.clip(filled + texture[..., None], 0, 255)
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 4)[..., None]
    picture = picture * (1 - soft) + filled * soft
    return cv2.resize(picture.astype(np.float32) / 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def swing(amount, period, time):
    return amount * np.sin(2 * np.pi * time / period)


def moment(front, back, motion, size, time):
    """Colour and alpha at one instant."""
    far, periods, pan = motion
    across, down, degrees, growth, _ = (swing(a, p, time) for a, p in zip(far, periods))
    height, width = front.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, size * (1 + growth))
    turn[:, 2] += (WIDTH / 2 - width / 2 + across, HEIGHT / 2 - height / 2 + down + (1 - size) * height / 4)
    inverse = cv2.invertAffineTransform(turn).astype(np.float32)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    wave = far[4] * np.sin(2 * np.pi * (time / periods[4] + y / 130)) if far[4] else 0
    at_x = inverse[0, 0] * (x + wave) + inverse[0, 1] * y + inverse[0, 2]
    at_y = inverse[1, 0] * (x + wave) + inverse[1, 1] * y + inverse[1, 2]
    near = cv2.remap(front, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR)
    left = back.shape[1] / 2 - WIDTH / 2 + pan[0] * (time - FRAMES / 2)
    top = back.shape[0] / 2 - HEIGHT / 2 + pan[1] * (time - FRAMES / 2)
    behind = cv2.remap(back, x + np.float32(left), y + np.float32(top), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return near[..., :3] + behind * (1 - near[..., 3:]), near[..., 3]


def main(folder):
    rows = []
    for clip, shots in CLIPS.items():
        places = [folder / "video" / clip / kind for kind in ("image", "alpha")]
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
        last, noise = None, np.random.default_rng(7)
        for index in range(FRAMES):
            front, back, motion, size = shots[index * len(shots) // FRAMES]
            key = (front, back)
            if key != last:
                pictures, last = (subject(front), background(back)), key
            times = index + SHUTTER * (np.arange(MOMENTS) + 0.5) / MOMENTS
            color, alpha = (np.mean(part, 0) for part in zip(*(moment(*pictures, motion, size, t) for t in times)))
            color = np.clip(color * 255 + noise.normal(0, 2, color.shape), 0, 255).round().astype(np.uint8)
            cv2.imwrite(str(places[0] / f"{index:05}.jpg"), color, [cv2.IMWRITE_JPEG_QUALITY, 92])
            cv2.imwrite(str(places[1] / f"{index:05}.png"), np.clip(alpha * 255, 0, 255).round().astype(np.uint8))
        rows.append((clip, FRAMES))
    with open(folder / "video_index.csv", "w", newline="") as file:
        csv.writer(file).writerows([("name", "frames"), *rows])


main(pathlib.Path(sys.argv[1]))
