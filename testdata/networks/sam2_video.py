"""Segment Anything 2 for clips: exports its four graphs, from the published weights or from random ones.

    python sam2_video.py --official FOLDER --weights sam2.1_hiera_tiny.pt --out FOLDER
    python sam2_video.py --official FOLDER --out FOLDER [--small] [--box]

`--official` is the authors' repository (facebookresearch/sam2). Without weights they are random, and what the official
predictor makes of a clip with them is written beside the graphs, to compare with; `--small` takes few channels and
frames of 32 x 32. `--config` names another variant's configuration, `--side` another side of the input.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import clip

PREFIX = "sam2.1_hiera_tiny_video."


def few_channels(config):
    """The same modules with few channels."""
    model = config.model
    model.image_encoder.trunk.update(embed_dim=8, stages=[1, 1, 1, 1], global_att_blocks=[])
    model.image_encoder.neck.update(d_model=32, backbone_channel_list=[64, 32, 16, 8])
    model.image_encoder.neck.position_encoding.num_pos_feats = 32
    model.memory_attention.update(d_model=32, num_layers=2)
    layer = model.memory_attention.layer
    layer.update(d_model=32, dim_feedforward=32)
    layer.self_attention.embedding_dim = 32
    layer.cross_attention.update(embedding_dim=32, kv_in_dim=8)
    model.memory_encoder.update(out_dim=8, in_dim=32)
    model.memory_encoder.position_encoding.num_pos_feats = 8
    model.memory_encoder.mask_downsampler.embed_dim = 32
    model.memory_encoder.fuser.layer.dim = 32


def predictor(official, config_file, side, small):
    from hydra.utils import instantiate
    from omegaconf import OmegaConf, open_dict

    config = OmegaConf.load(official / "sam2" / "configs" / "sam2.1" / config_file)
    with open_dict(config):
        model = config.model
        # What the authors' `build_sam2_video_predictor` sets.
        model._target_ = "sam2.sam2_video_predictor.SAM2VideoPredictor"
        model.sam_mask_decoder_extra_args = {
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        }
        model.binarize_mask_from_pts_for_mem_enc = True
        model.image_size = side
        for attention in ["self_attention", "cross_attention"]:
            model.memory_attention.layer[attention].feat_sizes = [side // 16, side // 16]
        if small:
            few_channels(config)
    made = instantiate(config.model, _recursive_=True)
    if small:
        from sam2.modeling.sam.transformer import TwoWayTransformer

        made.sam_mask_decoder.transformer = TwoWayTransformer(depth=1, embedding_dim=32, mlp_dim=32, num_heads=4)
    return made.eval()


def lively(made):
    """Weights that keep values of every layer at a like size, so that nothing is next to nothing."""
    generator = torch.Generator().manual_seed(5)
    for name, value in made.named_parameters():
        if name.endswith("gamma"):
            value.data.fill_(0.5)
        elif value.ndim < 2 and not name.endswith("weight"):
            value.data = torch.randn(value.shape, generator=generator) * 0.2
        elif value.ndim >= 2:
            inner = value[0].numel() if value.ndim > 2 or "embed" not in name else 1
            value.data = torch.randn(value.shape, generator=generator) / max(inner, 1) ** 0.5


class ImageEncoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model
        trunk, side = model.image_encoder.trunk, model.image_size // 4
        with torch.no_grad():
            places = trunk._get_pos_embed((side, side)).clone()
        trunk._get_pos_embed = lambda size: places

    def forward(self, image):
        fine, middle, coarse = self.model.forward_image(image)["backbone_fpn"]
        return fine, middle, coarse, coarse + self.model.no_mem_embed.view(1, -1, 1, 1)


class MaskDecoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image_embed, fine, middle, places, labels):
        model = self.model
        sparse, dense = model.sam_prompt_encoder(points=(places, labels), boxes=None, masks=None)
        masks, scores, tokens, presence = model.sam_mask_decoder.predict_masks(
            image_embeddings=image_embed,
            image_pe=model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            repeat_image=False,
            high_res_features=[fine, middle],
        )
        present = (presence > 0).float()
        pointers = present * model.obj_ptr_proj(tokens) + (1 - present) * model.no_obj_ptr
        return masks, scores, pointers, presence


class MemoryEncoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image_embed, logits, presence):
        model = self.model
        mask = torch.sigmoid(logits) * model.sigmoid_scale_for_mem_enc + model.sigmoid_bias_for_mem_enc
        features = model.memory_encoder(image_embed, mask, skip_mask_sigmoid=True)["vision_features"]
        absent = 1 - (presence > 0).float()
        return features + absent[..., None, None] * model.no_obj_embed_spatial[..., None, None]


class Rotating(nn.Module):
    """Attention with rotary places in real numbers: exporters know no complex ones."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention
        turns = attention.freqs_cis
        self.register_buffer("cosine", turns.real.clone(), persistent=False)
        self.register_buffer("sine", turns.imag.clone(), persistent=False)

    def turned(self, x):
        # Memories lie one behind the other, each with the places of a frame.
        length = self.cosine.shape[0]
        pairs = x.reshape(x.shape[0], x.shape[1], -1, length, x.shape[3] // 2, 2)
        one, two = pairs[..., 0], pairs[..., 1]
        turned = torch.stack([one * self.cosine - two * self.sine, one * self.sine + two * self.cosine], -1)
        return turned.reshape(x.shape[0], x.shape[1], -1, x.shape[3])

    def forward(self, q, k, v, num_k_exclude_rope=0):
        attention = self.attention
        q, k, v = attention.q_proj(q), attention.k_proj(k), attention.v_proj(v)
        q, k, v = (attention._separate_heads(x, attention.num_heads) for x in (q, k, v))
        count = k.shape[2] - num_k_exclude_rope
        k = torch.cat([self.turned(k[:, :, :count]), k[:, :, count:]], 2)
        found = functional.scaled_dot_product_attention(self.turned(q), k, v)
        return attention.out_proj(attention._recombine_heads(found))


class MemoryAttention(nn.Module):
    def __init__(self, model):
        super().__init__()
        from sam2.modeling.sam.transformer import RoPEAttention

        self.model = model
        for layer in model.memory_attention.layers:
            if isinstance(layer.self_attn, RoPEAttention):
                layer.self_attn = Rotating(layer.self_attn)
            # The layer asks for the type of this one before it tells which keys have no place.
            rotating = Rotating(layer.cross_attn_image)
            layer.cross_attn_image.forward = rotating.forward
        side = model.image_size // 16
        with torch.no_grad():
            self.register_buffer("places", model.image_encoder.neck.position_encoding(torch.zeros(1, model.hidden_dim, side, side)))
            self.register_buffer("memory_places", model.memory_encoder.position_encoding(torch.zeros(1, model.mem_dim, side, side)))

    def forward(self, image_embed, memories, distances, pointers, pointer_distances):
        from sam2.modeling.sam2_utils import get_1d_sine_pe

        model, width = self.model, self.model.mem_dim
        flat = lambda x: x.flatten(2).permute(2, 0, 1)
        memory = memories.flatten(2).permute(0, 2, 1).reshape(-1, 1, width)
        places = self.memory_places.flatten(2).permute(0, 2, 1) + model.maskmem_tpos_enc[distances].view(-1, 1, width)
        places = places.reshape(-1, 1, width)
        split = model.hidden_dim // width
        tokens = pointers.reshape(-1, 1, width)
        told = model.obj_ptr_tpos_proj(get_1d_sine_pe(pointer_distances, model.hidden_dim))
        told = told.unsqueeze(1).expand(-1, split, -1).reshape(-1, 1, width)
        found = model.memory_attention(
            curr=flat(image_embed),
            curr_pos=flat(self.places),
            memory=torch.cat([memory, tokens]),
            memory_pos=torch.cat([places, told]),
            num_obj_ptr_tokens=tokens.shape[0],
        )
        return found.permute(1, 2, 0).reshape(image_embed.shape)


def official_mattes(made, frames, points, box):
    """What the authors' predictor finds, with memories in single precision (it keeps them in bfloat16 otherwise)."""
    from sam2 import sam2_video_predictor as video

    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    images = ((torch.from_numpy(frames).float() / 255 - mean) / std).permute(0, 3, 1, 2)
    video.load_video_frames = lambda **options: (images, frames.shape[1], frames.shape[2])
    bfloat16, torch.bfloat16 = torch.bfloat16, torch.float32
    found = {}
    try:
        state = made.init_state("")
        labels = None if points is None else [1] * len(points)
        made.add_new_points_or_box(state, 0, 1, points=points, labels=labels, box=box)
        for index, _, logits in made.propagate_in_video(state):
            found[index] = torch.sigmoid(logits[0, 0]).numpy()
    finally:
        torch.bfloat16 = bfloat16
    return [found[index] for index in range(len(frames))]


def export(made, out, prefix):
    side, width, memory = made.image_size, made.hidden_dim, made.mem_dim
    f = side // 16
    image = torch.zeros(1, 3, side, side)
    encoder = ImageEncoder(made).eval()
    with torch.no_grad():
        fine, middle, coarse, _ = encoder(image)
    options = {"opset_version": 17, "dynamo": False}
    save = lambda module, inputs, name, **more: torch.onnx.export(module.eval(), inputs, str(out / f"{prefix}{name}.onnx"), **options, **more)
    features = ["high_res_feats_0", "high_res_feats_1", "image_embed", "first_image_embed"]
    save(encoder, (image,), "image_encoder", input_names=["image"], output_names=features)
    save(
        MaskDecoder(made),
        (coarse, fine, middle, torch.tensor([[[3.0, 4.0], [5.0, 6.0]]]), torch.tensor([[2.0, 3.0]])),
        "mask_decoder",
        input_names=["image_embed", "high_res_feats_0", "high_res_feats_1", "point_coords", "point_labels"],
        output_names=["low_res_masks", "iou", "obj_ptrs", "object_score_logits"],
        dynamic_axes={"point_coords": {1: "points"}, "point_labels": {1: "points"}},
    )
    save(
        MemoryEncoder(made),
        (coarse, torch.zeros(1, 1, side, side), torch.ones(1, 1)),
        "memory_encoder",
        input_names=["image_embed", "mask_logits_high_res", "object_score_logits"],
        output_names=["maskmem_features"],
    )
    save(
        MemoryAttention(made),
        (coarse, torch.randn(3, memory, f, f), torch.tensor([6, 1, 0]), torch.randn(5, width), torch.rand(5)),
        "memory_attention",
        input_names=["image_embed", "maskmem_features", "maskmem_tpos_idx", "obj_ptrs", "obj_ptr_tpos"],
        output_names=["image_embed_with_mem"],
        dynamic_axes={
            "maskmem_features": {0: "memories"},
            "maskmem_tpos_idx": {0: "memories"},
            "obj_ptrs": {0: "pointers"},
            "obj_ptr_tpos": {0: "pointers"},
        },
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="sam2.1_hiera_t.yaml")
    parser.add_argument("--side", type=int)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--box", action="store_true")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.official))
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    side = arguments.side or (32 if arguments.small else 1024)
    made = predictor(arguments.official, arguments.config, side, arguments.small)
    if arguments.weights:
        made.load_state_dict(torch.load(arguments.weights, map_location="cpu", weights_only=True)["model"])
    else:
        lively(made)
        # More than the sixteen frames of which pointers are kept; of large ones, that takes too long.
        frames = clip.frames(20 if side <= 256 else 9, side, side)
        points = [[side * 10 // 32, side * 13 // 32]]
        box = [side * 2 // 32, side * 5 // 32, side * 19 // 32, side * 22 // 32] if arguments.box else None
        asked = (frames, None if arguments.box else points, box)
        presence = []
        head = made.sam_mask_decoder.pred_obj_score_head
        hook = head.register_forward_hook(lambda module, inputs, output: presence.append(output.item()))
        official_mattes(made, *asked)
        hook.remove()
        # So that it is present in some frames and absent in others, the first not among them.
        print("presence", [round(value, 3) for value in presence])
        head.layers[-1].bias.data -= sorted(presence[1:])[len(presence) // 3] if presence[0] > min(presence[1:]) else presence[0] - 0.1
        found = official_mattes(made, *asked)
        told = [[*box[:2], 2], [*box[2:], 3]] if arguments.box else [[*point, 1] for point in points]
        clip.write(arguments.out / "clip.onnx", frames=frames, expected=found, points=told)
        print("present in frames", [index for index, matte in enumerate(found) if matte.max() > 0])
    export(made, arguments.out, PREFIX if arguments.weights else "")


if __name__ == "__main__":
    main()
