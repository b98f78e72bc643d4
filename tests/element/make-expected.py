#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results of tests/golden's vit-random on the pictures of rig.c: the confidences that the element tests compare with.

A ViT in plain numpy, in double precision, which first checks itself against the logits that PyTorch gave.
Usage: make-expected.py tests/golden/data/vit-random
"""
import json
import struct
import sys
from math import erf
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
raw = (folder / "model.safetensors").read_bytes()
length = struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8 : 8 + length])
weights = {
    name: np.frombuffer(raw, np.float32, int(np.prod(t["shape"])), 8 + length + t["data_offsets"][0])
    .reshape(t["shape"])
    .astype(float)
    for name, t in header.items()
    if name != "__metadata__"
}
config = json.loads((folder / "config.json").read_text())
gelu = np.vectorize(lambda v: 0.5 * v * (1 + erf(v / 2**0.5)))


def norm(x, name):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + config["layer_norm_eps"])
    return scaled * weights[name + ".weight"] + weights[name + ".bias"]


def linear(x, name):
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(x, name):
    heads = config["num_attention_heads"]
    q, k, v = (
        linear(x, f"{name}.attention.{part}").reshape(len(x), heads, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    weighted = softmax(q @ k.transpose(0, 2, 1) / q.shape[-1] ** 0.5) @ v
    return linear(weighted.transpose(1, 0, 2).reshape(len(x), -1), name + ".output.dense")


def forward(pixels):
    size = config["patch_size"]
    grid = pixels.shape[1] // size
    patches = pixels.reshape(3, grid, size, grid, size).transpose(1, 3, 0, 2, 4).reshape(grid * grid, -1)
    name = "vit.embeddings.patch_embeddings.projection"
    x = patches @ weights[name + ".weight"].reshape(config["hidden_size"], -1).T + weights[name + ".bias"]
    x = np.concatenate([weights["vit.embeddings.cls_token"][0], x]) + weights["vit.embeddings.position_embeddings"][0]
    for i in range(config["num_hidden_layers"]):
        layer = f"vit.encoder.layer.{i}"
        x = x + attention(norm(x, layer + ".layernorm_before"), layer + ".attention")
        hidden = gelu(linear(norm(x, layer + ".layernorm_after"), layer + ".intermediate.dense"))
        x = x + linear(hidden, layer + ".output.dense")
    return linear(norm(x, "vit.layernorm")[0], "classifier")


golden = np.load(folder / "pixel_values.npy").reshape(3, 48, 48).astype(float)
assert np.abs(forward(golden) - np.load(folder / "logits.npy").reshape(-1)).max() < 1e-5

pictures = {
    "gradient": lambda x, y: (5 * x, 5 * y, 255 - 5 * ((x + y) // 2)),
    "red": lambda x, y: (255, 0, 0),
    "green": lambda x, y: (0, 255, 0),
    "blue": lambda x, y: (0, 0, 255),
    "white": lambda x, y: (255, 255, 255),
    "black": lambda x, y: (0, 0, 0),
}
for name, paint in pictures.items():
    rgb = np.array([[paint(x, y) for x in range(48)] for y in range(48)], float)
    seen = softmax(forward((rgb.transpose(2, 0, 1) / 255 - 0.5) / 0.5))
    print(name, [(int(i), round(float(seen[i]), 5)) for i in np.argsort(-seen)])
