#!/usr/bin/env python3
"""Trains the network that corrects edges: train.py PICTURES WEIGHTS MINUTES [FROM]

PICTURES holds NUMBER.jpg, NUMBER.alpha.png and, for each matte of it, NUMBER.KIND.raw.png and NUMBER.KIND.filtered.png.
"""

import glob
import os
import sys
import threading
import queue
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from network import EdgeNetwork

SIDE, BATCH, BORDER = 224, 12, 16
RATE = 1.5e-3
KEPT_BACK = 12  # pictures that measure, never train
LEAST_OPEN = 500  # pixels


def stem_of(raw):
    """The path before NUMBER's first dot."""
    return os.path.join(os.path.dirname(raw), os.path.basename(raw).split(".")[0])


class Picture:
    """Planes of one picture with one matte: colours, the network's matte, the filtered one, the truth."""

    def __init__(self, raw):
        stem = stem_of(raw)
        color = cv2.imread(stem + ".jpg")[..., ::-1]
        paths = (raw, raw.replace(".raw.", ".filtered."), stem + ".alpha.png")
        planes = [cv2.imread(path, 0) for path in paths]
        self.planes = np.ascontiguousarray(np.dstack([color, *planes]))
        _, filtered, truth = planes
        open_ = ((filtered > 8) & (filtered < 247)) | ((truth > 8) & (truth < 247)) | (np.abs(filtered.astype(int) - truth) > 60)
        self.open = np.flatnonzero(open_).astype(np.int32)


def patch(picture, random):
    """A square around an open pixel, turned, mirrored, scaled and coloured otherwise."""
    height, width = picture.planes.shape[:2]
    side = int(SIDE * np.exp(random.uniform(-0.45, 0.35)))
    side = min(side, height, width)
    place = picture.open[random.integers(len(picture.open))]
    y, x = divmod(int(place), width)
    top = int(np.clip(y - random.integers(side), 0, height - side))
    left = int(np.clip(x - random.integers(side), 0, width - side))
    part = picture.planes[top : top + side, left : left + side]
    if side != SIDE:
        way = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
        halves = [np.ascontiguousarray(half) for half in (part[..., :3], part[..., 3:])]
        part = np.dstack([cv2.resize(half, (SIDE, SIDE), interpolation=way) for half in halves])
    part = np.rot90(part, random.integers(4))
    part = part[:, ::-1] if random.uniform() < 0.5 else part
    part = np.ascontiguousarray(part).astype(np.float32) / 255
    color = part[..., :3][..., random.permutation(3)] if random.uniform() < 0.3 else part[..., :3]
    color = np.clip(color, 1e-4, 1) ** np.exp(random.normal(0, 0.2)) * np.exp(random.normal(0, 0.1, 3))
    part[..., :3] = np.clip(color, 0, 1)
    if random.uniform() < 0.1:
        part[..., :3] = part[..., :3].mean(-1, keepdims=True)
    return part.transpose(2, 0, 1)


def loss_of(found, truth, given):
    """Distance, distance of slopes, and of coarser and coarser detail, where the matte is open."""
    open_ = ((given > 0.03) & (given < 0.97)) | ((truth > 0.03) & (truth < 0.97))
    weight = F.max_pool2d(open_.float(), 13, 1, 6) * 0.95 + 0.05
    off = found - truth
    loss = (weight * off.abs()).sum()
    across, down = off[..., 1:] - off[..., :-1], off[..., 1:, :] - off[..., :-1, :]
    loss = loss + 0.5 * ((weight[..., 1:] * across.abs()).sum() + (weight[..., 1:, :] * down.abs()).sum())
    # What a place is off by on average over some surroundings counts again: gaps closed, bodies whole.
    for size, share in ((4, 0.5), (16, 0.5)):
        loss = loss + share * size * size * (F.avg_pool2d(weight, size) * F.avg_pool2d(off, size).abs()).sum()
    return loss / weight.sum()


def main():
    folder, target, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
    began = time.time()
    cv2.setNumThreads(1)
    torch.manual_seed(1)
    raws = sorted(glob.glob(os.path.join(folder, "*.raw.png")))
    stems = sorted(set(map(stem_of, raws)))
    back = set(stems[:: max(1, len(stems) // KEPT_BACK)][:KEPT_BACK])
    usable = lambda chosen: [picture for picture in map(Picture, chosen) if len(picture.open) > LEAST_OPEN]
    pictures, measured = usable(raw for raw in raws if stem_of(raw) not in back), usable(raw for raw in raws if stem_of(raw) in back)
    random = np.random.default_rng(5)
    held = torch.tensor(np.stack([patch(measured[i % len(measured)], random) for i in range(96)]))
    chance = np.array([min(len(picture.open), 120_000) for picture in pictures], np.float64) ** 0.5
    chance /= chance.sum()
    print(len(pictures), "pictures,", len(measured), "kept back", f"{time.time() - began:.0f} s", flush=True)
    began = time.time()

    waiting = queue.Queue(8)

    def feed():
        random = np.random.default_rng(int(began))
        while True:
            chosen = random.choice(len(pictures), BATCH, p=chance)
            waiting.put(torch.tensor(np.stack([patch(pictures[i], random) for i in chosen])))

    threading.Thread(target=feed, daemon=True).start()
    network = EdgeNetwork()
    if len(sys.argv) > 4:
        network.load_state_dict(torch.load(sys.argv[4]))
    print(sum(p.numel() for p in network.parameters()), "weights", flush=True)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    averaged = {name: value.clone() for name, value in network.state_dict().items()}
    step, losses, said = 0, [], began
    while (share := (time.time() - began) / (60 * minutes)) < 1:
        rate = RATE * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * share))
        for group in optimizer.param_groups:
            group["lr"] = max(rate, RATE * 0.005)
        batch = waiting.get().contiguous(memory_format=torch.channels_last)
        truth, given = batch[:, 5:6], batch[:, 4:5]
        loss = loss_of(network(batch[:, :5]), truth, given)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        step += 1
        keep = min(0.995, step / (step + 20))
        for name, value in network.state_dict().items():
            averaged[name].mul_(keep).add_(value, alpha=1 - keep)
        if time.time() - said > 120:
            said = time.time()
            measure = EdgeNetwork()
            measure.load_state_dict(averaged)
            torch.save(averaged, target)
            with torch.no_grad():
                found = measure(held[:, :5]).clamp(0, 1)
                off, raw_off, given_off = ((value - held[:, 5:6]).abs().mean() for value in (found, held[:, 3:4], held[:, 4:5]))
            print(f"{(said - began) / 60:.0f} min, {step} steps, loss {np.mean(losses[-100:]):.4f}; kept back: {off:.4f}, filter {given_off:.4f}, network {raw_off:.4f}", flush=True)
    torch.save(averaged, target)


main()
