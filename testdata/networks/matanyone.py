"""MatAnyone: exports its five graphs, from the published weights or from random ones.

    python matanyone.py --official FOLDER --weights matanyone2.pth --out FOLDER [--name matanyone2]
    python matanyone.py --official FOLDER --out FOLDER [--small] [--frames 12]

`--official` is the authors' repository (pq-yang/MatAnyone2, whose code reads the weights of both versions). Without
weights they are random, and what the official loop makes of a clip with them is written beside the graphs, to compare
with; `--small` takes few channels. The weights, and what is exported of them, may not be used commercially.
"""

import argparse
import sys
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

import clip

WARM_UP = 10


def configuration(official, small):
    from omegaconf import OmegaConf, open_dict

    folder = official / "matanyone2" / "config"
    config = OmegaConf.load(folder / "eval_matanyone_config.yaml")
    with open_dict(config):
        del config["defaults"], config["hydra"]
        config.model = OmegaConf.load(folder / "model" / "base.yaml")
        config.model.pretrained_resnet = False
        if small:
            config.model.update(pixel_dim=16, key_dim=8, value_dim=16, sensory_dim=8, embed_dim=16)
            config.model.pixel_encoder.ms_dims = [16, 8, 8, 8, 3]
            config.model.mask_encoder.final_dim = 16
            config.model.object_transformer.update(ff_dim=32, num_heads=2, num_blocks=2, num_queries=4)
            config.model.mask_decoder.up_dims = [16, 8, 8, 8, 4]
    return config


def few_channels(encoder, inputs):
    """In place of a residual network, a convolution for each halving of the size."""
    encoder.conv1, encoder.bn1, encoder.relu = nn.Conv2d(inputs, 8, 3, 2, 1), nn.Identity(), nn.Tanh()
    for name in ["res2", "layer1"]:
        if hasattr(encoder, name):
            setattr(encoder, name, nn.Identity())
    encoder.layer2, encoder.layer3 = nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)


def lively(made):
    """Weights whose mattes are neither empty nor full, and that remember."""
    generator = torch.Generator().manual_seed(11)
    for name, value in made.named_parameters():
        if value.ndim >= 2:
            value.data = torch.randn(value.shape, generator=generator) * (1.0 / value[0].numel()) ** 0.5
        elif not name.endswith("weight"):
            value.data = torch.randn(value.shape, generator=generator) * 0.1
    made.mask_decoder.pred_mat.weight.data *= 0.5
    made.mask_decoder.pred_mat.bias.data.fill_(0.4)


def official_mattes(made, config, frames, mask):
    """The loop of the authors' inference script: the first frame again and again, then all."""
    from matanyone2.inference.inference_core import InferenceCore

    core = InferenceCore(made, cfg=config)
    found = []
    with torch.inference_mode():
        images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
        for index, image in enumerate([images[0]] * WARM_UP + list(images)):
            if index == 0:
                core.step(image, torch.from_numpy(mask).float() * 255, objects=[1])
            matte = core.output_prob_to_mask(core.step(image, first_frame_pred=index <= WARM_UP))
            if index >= WARM_UP:
                found.append(matte.numpy())
    return found


class Attention(nn.Module):
    """`nn.MultiheadAttention` in plain steps, which can be exported."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, q, k, v, attn_mask=None, key_padding_mask=None, need_weights=False, average_attn_weights=False):
        module, heads = self.module, self.module.num_heads
        weights, biases = module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3)
        split = lambda x, w, b: functional.linear(x, w, b).unflatten(2, (heads, -1)).transpose(1, 2)
        q, k, v = (split(x, w, b) for x, w, b in zip((q, k, v), weights, biases))
        scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
        if attn_mask is not None:
            scores = scores.masked_fill(attn_mask.unsqueeze(0), float("-inf"))
        found = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        return module.out_proj(found), None


def exportable(made):
    """Replaces what exporters do not know by the same in other words."""
    from matanyone2.model.transformer.object_transformer import QueryTransformer
    from matanyone2.model.transformer.positional_encoding import PositionalEncoding, get_emb
    from matanyone2.utils.tensor_utils import aggregate

    for module in list(made.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MultiheadAttention):
                setattr(module, name, Attention(child))

    original = functional.interpolate

    def interpolate(x, size=None, scale_factor=None, mode="nearest", **more):
        if mode == "area":
            # A size asked for is always that of the coarsest features.
            return functional.avg_pool2d(x, round(1 / scale_factor) if scale_factor else 16)
        return original(x, size=size, scale_factor=scale_factor, mode=mode, **more)

    functional.interpolate = interpolate

    def places(self, x):
        height, width = (x.shape[-3], x.shape[-2]) if self.channel_last else (x.shape[-2], x.shape[-1])
        along = lambda length: torch.arange(length).float() / (length - 1 + self.eps) * self.scale
        across = get_emb(along(width).unsqueeze(1) * self.inv_freq).unsqueeze(0).expand(height, -1, -1)
        down = get_emb(along(height).unsqueeze(1) * self.inv_freq).unsqueeze(1).expand(-1, width, -1)
        found = torch.cat([across, down], -1).unsqueeze(0)
        return found.unsqueeze(1) if x.ndim == 5 else found

    PositionalEncoding.forward = places

    def blocked(self, logits, selector, seg_pass=False):
        logits = aggregate(logits.sigmoid(), dim=1)
        inside = (logits[:, 1:] >= logits.max(dim=1, keepdim=True)[0]).flatten(2)
        halves = [side.unsqueeze(2).unsqueeze(2).repeat(1, 1, self.num_heads, self.num_queries // 2, 1) for side in (~inside, inside)]
        mask = torch.cat([half.flatten(0, 2) for half in halves], 1)
        return mask & ~mask.all(-1, keepdim=True)

    QueryTransformer._get_aux_mask = blocked


class Part(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network


class ImageEncoder(Part):
    def forward(self, image):
        (f16, f8, f4, f2, f1), pixels = self.network.encode_image(image)
        return f8, f4, f2, f1, pixels, *self.network.transform_key(f16)


class MaskEncoder(Part):
    def forward(self, image, pixels, sensory, mask):
        return self.network.encode_mask(image, pixels, sensory, mask)[:3]


class Readout(Part):
    def forward(self, key, selection, pixels, last_pixels, last_mask, last_value, sensory, summaries, mem_key, mem_shrinkage, mem_value):
        from matanyone2.model.utils.memory_utils import get_similarity

        network = self.network
        likeness = get_similarity(mem_key, mem_shrinkage, key.flatten(2), selection.flatten(2))
        best, places = torch.topk(likeness, network.cfg.top_k, dim=1)
        best = best.exp()
        affinity = torch.zeros_like(likeness).scatter(1, places, best / best.sum(1, keepdim=True))
        visual = (mem_value @ affinity).reshape(last_value.shape)
        changed = network.pred_uncertainty(last_pixels, pixels, last_mask, visual[:, 0] - last_value[:, 0])["prob"].unsqueeze(1)
        visual = visual * changed + last_value * (1 - changed)
        fused = network.pixel_fusion(pixels, visual, sensory, last_mask)
        return network.readout_query(fused, summaries.unsqueeze(2))[0]


class FirstReadout(Part):
    def forward(self, pixels, last_mask, last_value, sensory, summaries):
        fused = self.network.pixel_fusion(pixels, last_value, sensory, last_mask)
        return self.network.readout_query(fused, summaries.unsqueeze(2))[0]


class MaskDecoder(Part):
    def forward(self, f8, f4, f2, f1, readout, sensory):
        sensory, _, found = self.network.segment([None, f8, f4, f2, f1], readout, sensory)
        return found[:, 1:], sensory


def export(made, out, prefix):
    height, width = 96, 128
    image, mask = torch.rand(1, 3, height, width), torch.rand(1, 1, height, width)
    sensory = torch.rand(1, 1, made.sensory_dim, height // 16, width // 16)
    with torch.no_grad():
        f8, f4, f2, f1, pixels, key, shrinkage, selection = ImageEncoder(made)(image)
        value, _, summaries = MaskEncoder(made)(image, pixels, sensory, mask)
        readout = FirstReadout(made)(pixels, mask, value, sensory, summaries)
    memory = [tensor.flatten(-2)[0].reshape(1, -1, key.shape[2] * key.shape[3]) for tensor in (key, shrinkage, value)]

    def save(module, name, inputs, outputs):
        free = {"mem_key": {2: "places"}, "mem_shrinkage": {2: "places"}, "mem_value": {2: "places"}}
        sides = {port: {tensor.ndim - 2: f"height_{port}", tensor.ndim - 1: f"width_{port}"} for port, tensor in inputs.items()}
        sides.pop("obj_memory", None)
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(out / f"{prefix}{name}.onnx"),
            opset_version=17,
            dynamo=False,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={**sides, **{port: axes for port, axes in free.items() if port in inputs}},
        )

    skips = {"f8": f8, "f4": f4, "f2": f2, "f1": f1}
    before = {"pix_feat": pixels, "last_mask": mask, "last_msk_value": value, "sensory": sensory, "obj_memory": summaries}
    save(ImageEncoder(made), "image_encoder", {"image": image}, [*skips, "pix_feat", "key", "shrinkage", "selection"])
    mattes = {"image": image, "pix_feat": pixels, "sensory": sensory, "mask": mask}
    save(MaskEncoder(made), "mask_encoder", mattes, ["msk_value", "new_sensory", "obj_summaries"])
    asked = {"query_key": key, "query_selection": selection, "pix_feat": pixels, "last_pix_feat": pixels}
    recalled = dict(zip(["mem_key", "mem_shrinkage", "mem_value"], memory))
    rest = {name: before[name] for name in ["last_mask", "last_msk_value", "sensory", "obj_memory"]}
    save(Readout(made), "memory_readout", {**asked, **rest, **recalled}, ["mem_readout"])
    save(FirstReadout(made), "memory_readout_first", before, ["mem_readout"])
    save(MaskDecoder(made), "mask_decoder", {**skips, "mem_readout": readout, "sensory": sensory}, ["alpha", "new_sensory"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="matanyone2")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--frames", type=int, default=12)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.official))
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    from matanyone2.model.matanyone2 import MatAnyone2

    config = configuration(arguments.official, arguments.small)
    made = MatAnyone2(config, single_object=True).eval()
    if arguments.small:
        few_channels(made.pixel_encoder, 3)
        few_channels(made.mask_encoder, 4)
    if arguments.weights:
        made.load_weights(torch.load(arguments.weights, map_location="cpu", weights_only=True))
    else:
        lively(made)
        height, width = 76, 90
        frames = clip.frames(arguments.frames, height, width)
        y, x = numpy.mgrid[0:height, 0:width]
        mask = (numpy.hypot(x - 0.3 * width, y - 0.4 * height) < 0.3 * height).astype(numpy.float32)
        found = official_mattes(made, config, frames, mask)
        clip.write(arguments.out / "clip.onnx", frames=frames, expected=found, mask=mask)
    exportable(made)
    export(made, arguments.out, f"{arguments.name}." if arguments.weights else "")


if __name__ == "__main__":
    main()
