# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bundled person classifier as a PyTorch model, and its folder on disk.

Modules and tensors are named as Hugging Face's ViTForImageClassification names them, so that the
state is the file.  Trained by train_person_vit.py.
"""
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from person_scenes import CELL

IMAGE, PATCH, WIDTH, LAYERS, HEADS, MLP = 224, 16, 160, 6, 5, 512
GRID = IMAGE // PATCH
EPS = 1e-12


# ---- the model, named as Hugging Face names it -------------------------------------------------

def named(**modules):
    return nn.ModuleDict(modules)


def attend(q, k, v):
    """Softmax attention; in one kernel where PyTorch has it (2.0 and later)."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v)
    return (q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)).softmax(-1) @ v


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, width, heads, mlp):
        super().__init__()
        self.heads = heads
        self.attention = named(
            attention=named(**{n: nn.Linear(width, width) for n in ("query", "key", "value")}),
            output=named(dense=nn.Linear(width, width)))
        self.intermediate = named(dense=nn.Linear(width, mlp))
        self.output = named(dense=nn.Linear(mlp, width))
        self.layernorm_before = nn.LayerNorm(width, EPS)
        self.layernorm_after = nn.LayerNorm(width, EPS)

    def forward(self, x):
        h = self.layernorm_before(x)
        inner = self.attention.attention.values()         # one product instead of three
        h = F.linear(h, torch.cat([m.weight for m in inner]), torch.cat([m.bias for m in inner]))
        q, k, v = h.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.attention.output.dense(attend(q, k, v).transpose(1, 2).flatten(2))
        h = F.gelu(self.intermediate.dense(self.layernorm_after(x)))
        return x + self.output.dense(h)


class PersonViT(nn.Module):
    """The classifier, with one more head that says where persons are (for training only)."""

    def __init__(self):
        super().__init__()
        embeddings = named(patch_embeddings=named(projection=nn.Conv2d(3, WIDTH, PATCH, PATCH)))
        embeddings.cls_token = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
        embeddings.position_embeddings = nn.Parameter(first_positions(WIDTH, GRID, GRID))
        self.vit = named(embeddings=embeddings, layernorm=nn.LayerNorm(WIDTH, EPS),
                         encoder=named(layer=nn.ModuleList(
                             Layer(WIDTH, HEADS, MLP) for _ in range(LAYERS))))
        self.classifier = nn.Linear(WIDTH, 2)
        self.where = nn.Linear(WIDTH, (PATCH // CELL) ** 2)
        start_layers(self)

    def forward(self, pixels, corner=(0, 0)):
        """Picture logits and, per patch, logits of its cells (see `encode`)."""
        x = encode(self.vit, pixels, corner, (GRID, GRID))
        return self.classifier(x[:, 0]), self.where(x[:, 1:])


def encode(vit, pixels, corner, grid):
    """Tokens [n, 1 + patches, width] after the last norm.

    A small picture takes the positions of a window of the grid that begins at `corner`.
    """
    e, (rows, columns) = vit.embeddings, (s // PATCH for s in pixels.shape[2:])
    x = pixels.unflatten(3, (columns, PATCH)).unflatten(2, (rows, PATCH))
    x = x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    x = F.linear(x, e.patch_embeddings.projection.weight.flatten(1),
                 e.patch_embeddings.projection.bias)  # far quicker backwards than conv2d
    where = e.position_embeddings[:, 1:].unflatten(1, grid)
    where = where[:, corner[0]:corner[0] + rows, corner[1]:corner[1] + columns].flatten(1, 2)
    first = (e.cls_token + e.position_embeddings[:, :1]).expand(len(x), -1, -1)
    x = torch.cat([first, x + where], 1)
    for layer in vit.encoder.layer:
        x = layer(x)
    return vit.layernorm(x)


def start_layers(model):
    """Small random matrices, and `start_attention` in every layer."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.04)
            nn.init.zeros_(module.bias)
    for layer in model.vit.encoder.layer:
        start_attention(layer.attention.attention, layer.attention.output.dense)


def first_positions(width, rows, columns):
    """Sines and cosines of row and column: neighbors are alike before anything is learnt."""
    rate = torch.exp(-torch.arange(width // 4) * math.log(20.0) / (width // 4))
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angle = torch.cat([row.reshape(-1, 1) * rate, column.reshape(-1, 1) * rate], 1)
    grid = 0.5 * torch.cat([angle.sin(), angle.cos()], 1)
    return torch.cat([torch.zeros(1, width), grid])[None]


def start_attention(inner, dense):
    """Queries like keys, so that a token first looks at its like and its neighbors, and values
    that come out slightly negated: what trained transformers look like ("mimetic" start)."""
    with torch.no_grad():
        inner.query.weight.normal_(0, 0.055)
        inner.key.weight.copy_(inner.query.weight)
        nn.init.orthogonal_(inner.value.weight, 0.6)
        dense.weight.copy_(-inner.value.weight.T + 0.02 * torch.randn(dense.weight.shape))


def start_patches(model, pictures):
    """Principal components of patches, nearly whitened, as the first patch embedding.

    Most of the variance of patches is their brightness; left as they are, edges and texture
    would take long to be noticed.
    """
    projection = model.vit.embeddings.patch_embeddings.projection
    width = projection.out_channels
    x = F.unfold(to_pixels(pictures), PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    mean = x.mean(0)
    variance, axes = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    spread, axes = variance[-width:].clamp(min=0).sqrt(), axes[:, -width:]
    turn = nn.init.orthogonal_(torch.empty(width, width))
    weight = turn @ (0.5 / (spread + 0.04 * spread[-1]) * axes).T
    with torch.no_grad():
        projection.weight.copy_(weight.view_as(projection.weight))
        projection.bias.copy_(-weight @ mean)


def to_pixels(pictures):
    """uint8 [n, h, w, 3] to the normalized [n, 3, h, w] that preprocessor_config.json describes."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


# ---- the folder --------------------------------------------------------------------------------

def write_safetensors(path, tensors):
    """Eight bytes of header length, a JSON header, then the tensors one after the other."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, t in tensors.items():
        end = offset + t.numel() * t.element_size()
        header[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in tensors.values():
            f.write(t.contiguous().numpy().tobytes())


def read_safetensors(path):
    """The tensors of a file that write_safetensors made."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__")
    return {name: torch.from_numpy(np.frombuffer(data[slice(*t["data_offsets"])], np.float16)
                                   .reshape(t["shape"]).copy()) for name, t in header.items()}


def write_folder(out, model):
    """config.json, preprocessor_config.json and model.safetensors."""
    labels = ["no_person", "person"]
    config = {
        "architectures": ["ViTForImageClassification"], "model_type": "vit",
        "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "intermediate_size": MLP, "hidden_act": "gelu", "layer_norm_eps": EPS,
        "image_size": IMAGE, "patch_size": PATCH, "num_channels": 3, "qkv_bias": True,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "id2label": {str(i): l for i, l in enumerate(labels)},
        "label2id": {l: i for i, l in enumerate(labels)}, "torch_dtype": "float16"}
    preprocessor = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True,
        "size": {"height": IMAGE, "width": IMAGE}, "resample": 2, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    os.makedirs(out, exist_ok=True)
    for name, value in (("config", config), ("preprocessor_config", preprocessor)):
        write_json(os.path.join(out, name + ".json"), value)
    write_safetensors(os.path.join(out, "model.safetensors"),
                      {n: t.detach().cpu().half() for n, t in model.state_dict().items()
                       if not n.startswith("where.")})


def write_json(path, value):
    with open(path, "w") as f:
        f.write(json.dumps(value, indent=2) + "\n")


def read_folder(out):
    """The classifier as it was written, rounding included."""
    model = PersonViT()
    missing = model.load_state_dict({n: t.float() for n, t in read_safetensors(
        os.path.join(out, "model.safetensors")).items()}, strict=False)
    assert not missing.unexpected_keys and all(n.startswith("where.") for n in missing.missing_keys)
    return model.eval()
