"""Robust Video Matting: what the official code makes of a clip, with random weights, and the graph to compare with.

    python rvm.py --official FOLDER --exporting FOLDER --out FOLDER [--small]

`--official` is the authors' repository, `--exporting` its branch `onnx`. With `--small`, the same modules with a few
channels each, on frames so narrow that the recording is small; else the published architecture on 640 x 360.
The published graphs need no export: `models pull rvm-mobilenetv3`.
"""

import argparse
import importlib
import sys
import types
from pathlib import Path

import torch
from torch import nn

import clip


def modules(folder):
    """The package `model` of one of the two folders, which share its name."""
    for name in [name for name in sys.modules if name == "model" or name.startswith("model.")]:
        del sys.modules[name]
    # An older torchvision had this module.
    models = types.ModuleType("torchvision.models.utils")
    models.load_state_dict_from_url = None
    sys.modules["torchvision.models.utils"] = models
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("model"), importlib.import_module("model.decoder"), importlib.import_module("model.lraspp"), importlib.import_module("model.deep_guided_filter")
    finally:
        sys.path.pop(0)


class Backbone(nn.Module):
    """Features at a half, a quarter, an eighth and a sixteenth, one convolution each."""

    def __init__(self, channels):
        super().__init__()
        self.steps = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip([3, *channels], channels))

    def forward(self, x):
        if x.ndim == 5:
            return [f.unflatten(0, x.shape[:2]) for f in self.forward(x.flatten(0, 1))]
        found = []
        for step in self.steps:
            x = torch.tanh(step(x))
            found.append(x)
        return found


def network(folder, small):
    model, decoder, lraspp, refiner = modules(folder)
    made = model.MattingNetwork("mobilenetv3")
    if small:
        made.backbone = Backbone([4, 4, 6, 8])
        made.aspp = lraspp.LRASPP(8, 8)
        made.decoder = decoder.RecurrentDecoder([4, 4, 6, 8], [8, 6, 4, 4])
        made.project_mat = decoder.Projection(4, 4)
        made.project_seg = decoder.Projection(4, 1)
        made.refiner = refiner.DeepGuidedFilterRefiner(4)
    return made.eval()


def lively(made, source):
    """Weights whose mattes of `source` are neither empty nor full, and that remember."""
    generator = torch.Generator().manual_seed(3)
    for name, value in made.named_parameters():
        if "decoder" in name or "project" in name:
            value.data = torch.randn(value.shape, generator=generator) * (2.0 / max(value[0].numel(), 1)) ** 0.5
    made.project_mat.conv.bias.data.zero_()
    seen = []
    hook = made.project_mat.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        made(source, downsample_ratio=0.99)
    hook.remove()
    spread, middle = seen[0].std(dim=(0, 2, 3)), seen[0].mean(dim=(0, 2, 3))
    made.project_mat.conv.weight.data /= 4 * spread.view(4, 1, 1, 1)
    made.project_mat.conv.bias.data = torch.tensor([0.0, 0.0, 0.0, 0.5]) - middle / (4 * spread)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--exporting", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    made = network(arguments.official, arguments.small)
    frames = clip.frames(6, *((8, 528) if arguments.small else (360, 640)))
    lively(made, torch.from_numpy(frames[:1]).permute(0, 3, 1, 2).float().div(255))
    # As the authors' inference.py: frame by frame, states handed on, None before the first.
    states, found, colors = [None] * 4, [], []
    ratio = min(512 / max(frames.shape[1:3]), 1)
    with torch.no_grad():
        for frame in frames:
            source = torch.from_numpy(frame).permute(2, 0, 1).float().div(255)[None, None]
            fgr, pha, *states = made(source, *states, ratio)
            found.append(pha[0, 0, 0].numpy())
            colors.append(fgr[0, 0].permute(1, 2, 0).numpy())
    clip.write(arguments.out / "clip.onnx", frames=frames, expected=found, colors=colors)

    exporting = network(arguments.exporting, arguments.small)
    exporting.load_state_dict(made.state_dict())
    nothing = torch.zeros(1, 1, 1, 1)
    source = torch.rand(1, 3, *((8, 528) if arguments.small else (360, 640)))
    # Each its own names: lengths of one name are taken for equal, and memory is shared by that.
    free = lambda name, *axes: {axis: f"{name}_{axis}" for axis in axes}
    torch.onnx.export(
        exporting,
        (source, nothing, nothing, nothing, nothing, torch.tensor([ratio])),
        str(arguments.out / "rvm.onnx"),
        opset_version=12,
        dynamo=False,
        input_names=["src", "r1i", "r2i", "r3i", "r4i", "downsample_ratio"],
        output_names=["fgr", "pha", "r1o", "r2o", "r3o", "r4o"],
        dynamic_axes={
            **{name: free(name, 0, 2, 3) for name in ["src", "fgr", "pha", "r1o", "r2o", "r3o", "r4o"]},
            **{name: free(name, 0, 1, 2, 3) for name in ["r1i", "r2i", "r3i", "r4i"]},
        },
    )


if __name__ == "__main__":
    main()
