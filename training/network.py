"""A small U-Net that looks at colours, a large network's matte and the guided filter's, and corrects the latter."""

import torch
from torch import nn
from torch.nn import functional as F

HALF, QUARTER, EIGHTH, SIXTEENTH = 16, 32, 48, 64


def conv(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


class Residual(nn.Module):
    """Two convolutions whose result is added."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.relu(self.first(F.relu(x))))


class EdgeNetwork(nn.Module):
    """`[n, 5, height, width]` (red, green, blue, network's matte, filtered matte; 0 to 1; sides multiples of 16) to alpha
    `[n, 1, height, width]`."""

    def __init__(self):
        super().__init__()
        self.to_first = conv(20, HALF)
        self.quarter = nn.Sequential(conv(HALF, QUARTER, 2), Residual(QUARTER))
        self.eighth = nn.Sequential(conv(QUARTER, EIGHTH, 2), Residual(EIGHTH))
        self.sixteenth = nn.Sequential(conv(EIGHTH, SIXTEENTH, 2), Residual(SIXTEENTH), Residual(SIXTEENTH))
        self.to_eighth = nn.Sequential(conv(SIXTEENTH + EIGHTH, EIGHTH), Residual(EIGHTH))
        self.to_quarter = nn.Sequential(conv(EIGHTH + QUARTER, QUARTER), Residual(QUARTER))
        self.to_half = nn.Sequential(conv(QUARTER + HALF, HALF), nn.ReLU(), conv(HALF, 24))
        self.fine = conv(11, 8)
        self.last = conv(8, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x):
        half = self.to_first(F.pixel_unshuffle(x - 0.5, 2))
        quarter = self.quarter(F.relu(half))
        eighth = self.eighth(F.relu(quarter))
        sixteenth = self.sixteenth(F.relu(eighth))
        eighth = self.to_eighth(torch.cat([twice(sixteenth), F.relu(eighth)], 1))
        quarter = self.to_quarter(torch.cat([twice(eighth), F.relu(quarter)], 1))
        half = self.to_half(torch.cat([twice(quarter), F.relu(half)], 1))
        fine = self.fine(torch.cat([F.relu(F.pixel_shuffle(half, 2)), x - 0.5], 1))
        return x[:, 4:5] + self.last(F.relu(fine))


def twice(x):
    return F.interpolate(F.relu(x), scale_factor=2, mode="bilinear", align_corners=False)
