#!/usr/bin/env python3
"""Makes data/yolos-random-odd, a YOLOS with random weights whose sizes are multiples of nothing, and for each data/yolos-* logits.npy and pred_boxes.npy of its
pixel_values.npy: PyTorch in double precision, as Hugging Face's YolosForObjectDetection computes it.

Debian: apt-get install python3-torch python3-numpy; then: tests/golden/make-yolos.py
"""
import glob
import importlib
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
golden = importlib.import_module("make-golden")

ODD = {"architectures": ["YolosForObjectDetection"], "model_type": "yolos", "hidden_size": 33, "intermediate_size": 71, "num_hidden_layers": 2,
       "num_attention_heads": 3, "image_size": [36, 24], "patch_size": 12, "num_channels": 3, "num_detection_tokens": 17,
       "use_mid_position_embeddings": True, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "qkv_bias": False,
       "id2label": {"0": "N/A", "1": "person", "2": "N/A"}}
ODD_PREPROCESSING = {"size": 24, "max_size": 100, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
ODD_PICTURE = (3, 24, 48)


def odd_weights(config, random):
    """Tensors of the names and shapes that Hugging Face gives them."""
    d, mlp, blocks, tokens = (config[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_detection_tokens"))
    side = config["patch_size"]
    positions = 1 + config["image_size"][0] // side * (config["image_size"][1] // side) + tokens
    w = {}

    def normal(name, *shape, scale=1.0):
        w[name] = scale * torch.randn(*shape, generator=random)

    def linear(name, n_out, n_in, bias=True):
        normal(name + ".weight", n_out, n_in, scale=1.4 / n_in ** 0.5)
        if bias:
            normal(name + ".bias", n_out, scale=0.1)

    def norm(name):
        w[name + ".weight"] = 1 + 0.2 * torch.randn(d, generator=random)
        normal(name + ".bias", d, scale=0.1)

    normal("vit.embeddings.cls_token", 1, 1, d)
    normal("vit.embeddings.detection_tokens", 1, tokens, d)
    normal("vit.embeddings.position_embeddings", 1, positions, d)
    normal("vit.encoder.mid_position_embeddings", blocks - 1, 1, positions, d, scale=0.3)
    normal("vit.embeddings.patch_embeddings.projection.weight", d, 3, side, side, scale=(3 * side * side) ** -0.5)
    normal("vit.embeddings.patch_embeddings.projection.bias", d, scale=0.1)
    for i in range(blocks):
        block = f"vit.encoder.layer.{i}."
        norm(block + "layernorm_before")
        for part in ("query", "key", "value"):
            linear(block + "attention.attention." + part, d, d, bias=False)
        linear(block + "attention.output.dense", d, d)
        norm(block + "layernorm_after")
        linear(block + "intermediate.dense", mlp, d)
        linear(block + "output.dense", d, mlp)
    norm("vit.layernorm")
    for head, n in (("class_labels_classifier", len(config["id2label"]) + 1), ("bbox_predictor", 4)):
        for i in range(3):
            linear(f"{head}.layers.{i}", d if i < 2 else n, d)
    return w


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in sorted(tensors.items()):
        raw = tensor.numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def make_odd():
    folder, random = os.path.join(DATA, "yolos-random-odd"), torch.Generator().manual_seed(23)
    os.makedirs(folder, exist_ok=True)
    for name, value in (("config.json", ODD), ("preprocessor_config.json", ODD_PREPROCESSING)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
    write_safetensors(os.path.join(folder, "model.safetensors"), odd_weights(ODD, random))
    np.save(os.path.join(folder, "pixel_values.npy"), torch.randn(*ODD_PICTURE, generator=random).numpy())


def forward(w, config, picture):
    """Logits [tokens, classes + 1] and boxes [tokens, 4] of a picture [3, h, w]."""
    heads, eps, side, tokens = (config[k] for k in ("num_attention_heads", "layer_norm_eps", "patch_size", "num_detection_tokens"))
    grid = [n // side for n in config["image_size"]]

    def linear(name, x):
        return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))

    def norm(name, x):
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)

    def positions(stored, size):
        inner = stored[1:-tokens].T.reshape(1, -1, *grid)
        inner = F.interpolate(inner, size=size, mode="bicubic", align_corners=False)
        return torch.cat([stored[:1], inner[0].flatten(1).T, stored[-tokens:]])

    def attention(block, x):
        q, k, v = (linear(f"{block}attention.attention.{part}", x).view(len(x), heads, -1).transpose(0, 1) for part in ("query", "key", "value"))
        mix = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1) @ v
        return linear(block + "attention.output.dense", mix.transpose(0, 1).flatten(1))

    def mlp(name, x):
        return linear(name + ".layers.2", F.relu(linear(name + ".layers.1", F.relu(linear(name + ".layers.0", x)))))

    project = "vit.embeddings.patch_embeddings.projection"
    patches = F.conv2d(picture[None], w[project + ".weight"], w[project + ".bias"], stride=side)[0]
    size = patches.shape[1:]
    x = torch.cat([w["vit.embeddings.cls_token"][0], patches.flatten(1).T, w["vit.embeddings.detection_tokens"][0]])
    x = x + positions(w["vit.embeddings.position_embeddings"][0], size)
    for i in range(config["num_hidden_layers"]):
        block = f"vit.encoder.layer.{i}."
        x = x + attention(block, norm(block + "layernorm_before", x))
        x = x + linear(block + "output.dense", F.gelu(linear(block + "intermediate.dense", norm(block + "layernorm_after", x))))
        if config["use_mid_position_embeddings"] and i + 1 < config["num_hidden_layers"]:
            x = x + positions(w["vit.encoder.mid_position_embeddings"][i, 0], size)
    x = norm("vit.layernorm", x)[-tokens:]
    return mlp("class_labels_classifier", x), torch.sigmoid(mlp("bbox_predictor", x))


def main():
    make_odd()
    for folder in sorted(glob.glob(os.path.join(DATA, "yolos-*"))):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        weights = {k: v.double() for k, v in golden.read_safetensors(os.path.join(folder, "model.safetensors")).items()}
        picture = torch.from_numpy(np.load(os.path.join(folder, "pixel_values.npy"))).double()
        for name, values in zip(("logits", "pred_boxes"), forward(weights, config, picture)):
            np.save(os.path.join(folder, name + ".npy"), values.numpy().astype(np.float32))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
