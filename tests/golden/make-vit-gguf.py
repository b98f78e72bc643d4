#!/usr/bin/env python3
"""Makes data/vit-gguf: the first two blocks of data/vit-random as GGUF files, docs/gguf-vit.md, and the logits of what they hold in double
precision. plain.gguf has F32 and BF16, and no biases of query, key and value; blocks.gguf has matrices in blocks.

Debian: apt-get install python3-torch python3-numpy; then: tests/golden/make-vit-gguf.py
"""
import importlib
import json
import os
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
golden = importlib.import_module("make-golden")
sys.path.insert(0, os.path.join(HERE, "llm"))
gguf, blocks = importlib.import_module("gguf"), importlib.import_module("blocks")

OUT = os.path.join(HERE, "data", "vit-gguf")
LAYERS = 2
NAMES = {"v.class_embd": "vit.embeddings.cls_token", "v.position_embd.weight": "vit.embeddings.position_embeddings"}
PARTS = {"v.patch_embd": "vit.embeddings.patch_embeddings.projection", "v.post_ln": "vit.layernorm", "head": "classifier"}
BLOCK = {"ln1": "layernorm_before", "attn_q": "attention.attention.query", "attn_k": "attention.attention.key",
         "attn_v": "attention.attention.value", "attn_out": "attention.output.dense", "ln2": "layernorm_after",
         "ffn_up": "intermediate.dense", "ffn_down": "output.dense"}
for i in range(LAYERS):
    PARTS.update({f"v.blk.{i}.{k}": f"vit.encoder.layer.{i}.{v}" for k, v in BLOCK.items()})
for k, v in PARTS.items():
    NAMES.update({k + s: v + s for s in (".weight", ".bias")})

PLAIN = {"v.patch_embd": "BF16", "attn_q": "BF16", "attn_k": "F32", "attn_v": "BF16", "attn_out": "BF16", "ffn_up": "BF16", "ffn_down": "BF16",
         "head": "F32"}
BLOCKS = {"v.patch_embd": "Q5_1", "attn_q": "Q5_0", "attn_k": "IQ4_NL", "attn_v": "Q5_1", "attn_out": "Q4_1", "ffn_up": "Q5_0",
          "ffn_down": "Q5_1", "head": "Q5_0"}
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.3, 0.25]


def make(name, types, has_bias, config, source, pictures):
    tensors, weights = [], {}
    for mine, theirs in NAMES.items():
        x, part = source[theirs], mine.rsplit(".", 1)[0]
        if part.endswith(("attn_q", "attn_k", "attn_v")) and mine.endswith("bias") and not has_bias:
            weights[theirs] = torch.zeros_like(x)
            continue
        kind = types.get(part, types.get(part.rsplit(".", 1)[-1], "F32")) if mine.endswith("weight") else "F32"
        shape = [n for i, n in enumerate(x.shape) if n > 1 or i == x.ndim - 1] if x.ndim != 4 else list(x.shape)
        if blocks.TYPES[kind].values > 1:
            shape = [x.shape[0], x.numel() // x.shape[0]]
        data = blocks.encode(x.numpy(), kind)
        tensors.append((mine, shape, kind, data))
        weights[theirs] = torch.from_numpy(blocks.decode(data, kind, x.shape).copy())
    keys = {"general.architecture": "vit", "vit.embedding_length": config["hidden_size"],
            "vit.feed_forward_length": config["intermediate_size"], "vit.block_count": LAYERS,
            "vit.attention.head_count": config["num_attention_heads"], "vit.attention.layer_norm_epsilon": 1e-12,
            "vit.patch_size": config["patch_size"], "vit.image_size": config["image_size"], "vit.hidden_act": "gelu",
            "vit.image_mean": MEAN, "vit.image_std": STD, "vit.resample": 3,
            "vit.classifier.output_labels": ["cat", "dog", "h\u00e4nd", "", "a b", "five", "six"]}
    gguf.write(os.path.join(OUT, name + ".gguf"), keys, tensors)
    logits = [golden.forward(weights, {**config, "num_hidden_layers": LAYERS}, p) for p in pictures]
    np.save(os.path.join(OUT, f"logits_{name}.npy"), torch.stack(logits).numpy())


def main():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(golden.FOLDER, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    source = {k: v.double() for k, v in golden.read_safetensors(os.path.join(golden.FOLDER, "model.safetensors")).items()}
    pictures = torch.from_numpy(np.load(os.path.join(golden.FOLDER, "pixel_values.npy"))).double().view(-1, 3, config["image_size"], config["image_size"])
    make("plain", PLAIN, False, config, source, pictures)
    make("blocks", BLOCKS, True, config, source, pictures)


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
