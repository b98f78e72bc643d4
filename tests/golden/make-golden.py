#!/usr/bin/env python3
"""Makes pixel_values_<S>.npy and logits_<S>.npy in data/vit-random: the model at input sizes other than its own, computed by
PyTorch in double precision with bicubic interpolation of the position embeddings, as Hugging Face's ViT does it.

Debian: apt-get install python3-torch python3-numpy; then: tests/golden/make-golden.py
"""
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "vit-random")
SIZES = (80, 32)


def read_safetensors(path):
    """Name → tensor of an F32 file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = torch.from_numpy(np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"]).copy())
    return tensors


def interpolate(position, side):
    """Position embeddings [1 + n², d] → [1 + side², d]."""
    n, d = math.isqrt(position.shape[0] - 1), position.shape[1]
    grid = position[1:].T.reshape(1, d, n, n)
    grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)
    return torch.cat([position[:1], grid[0].flatten(1).T])


def forward(w, config, picture):
    """Logits of one picture [3, h, w], all in double precision."""
    embed, heads, eps = "vit.embeddings.", config["num_attention_heads"], config["layer_norm_eps"]

    def linear(name, x):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(name, x):
        return F.layer_norm(x, (x.shape[-1],), w[name + ".weight"], w[name + ".bias"], eps)

    def split(x):
        return x.view(x.shape[0], heads, -1).transpose(0, 1)

    patches = F.conv2d(picture[None], w[embed + "patch_embeddings.projection.weight"],
                       w[embed + "patch_embeddings.projection.bias"], stride=config["patch_size"])
    side = patches.shape[-1]
    x = torch.cat([w[embed + "cls_token"][0], patches[0].flatten(1).T])
    x = x + interpolate(w[embed + "position_embeddings"][0], side)
    for i in range(config["num_hidden_layers"]):
        layer = f"vit.encoder.layer.{i}."
        h = norm(layer + "layernorm_before", x)
        q, k, v = (split(linear(f"{layer}attention.attention.{n}", h)) for n in ("query", "key", "value"))
        scores = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1)
        x = x + linear(layer + "attention.output.dense", (scores @ v).transpose(0, 1).reshape(x.shape))
        h = F.gelu(linear(layer + "intermediate.dense", norm(layer + "layernorm_after", x)))
        x = x + linear(layer + "output.dense", h)
    return linear("classifier", norm("vit.layernorm", x)[0])


def main():
    with open(os.path.join(FOLDER, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    weights = {k: v.double() for k, v in read_safetensors(os.path.join(FOLDER, "model.safetensors")).items()}
    for size in SIZES:
        picture = torch.randn(3, size, size, generator=torch.Generator().manual_seed(size))
        np.save(os.path.join(FOLDER, f"pixel_values_{size}.npy"), picture.numpy())
        np.save(os.path.join(FOLDER, f"logits_{size}.npy"), forward(weights, config, picture.double()).numpy())


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
