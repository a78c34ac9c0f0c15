#!/usr/bin/env python3
"""Writes weights for the program: export.py WEIGHTS FILE

The layers in the order in which they are computed: weights as signed bytes `[outputs, inputs, 3, 3]`, what each output's bytes are
multiplied by, and its bias. Prints what the network with these weights answers to a small pattern, for the program's test.
"""

import sys

import numpy as np
import torch

from network import EdgeNetwork


def layers(network):
    """All convolutions, in the order of their creation, which is that of the program."""
    return [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]


def main():
    network = EdgeNetwork()
    network.load_state_dict(torch.load(sys.argv[1]))
    with open(sys.argv[2], "wb") as file, torch.no_grad():
        for layer in layers(network):
            weights = layer.weight.numpy()
            scale = np.maximum(np.abs(weights).max((1, 2, 3)), 1e-12) / 127
            whole = np.round(weights / scale[:, None, None, None]).astype(np.int8)
            file.write(whole.tobytes() + scale.astype("<f4").tobytes() + layer.bias.numpy().astype("<f4").tobytes())
            layer.weight.copy_(torch.tensor(whole.astype(np.float32) * scale.astype(np.float32)[:, None, None, None]))
    index = np.arange(5 * 48 * 64, dtype=np.int64)
    pattern = ((index * 7919 % 1009) / 1008).astype(np.float32).reshape(1, 5, 48, 64)
    with torch.no_grad():
        answer = network(torch.tensor(pattern))[0, 0].numpy() - pattern[0, 4]
    print(", ".join(f"({x}, {y}, {answer[y, x]:.6f})" for x, y in ((0, 0), (5, 3), (31, 20), (40, 33), (63, 47))))


main()
