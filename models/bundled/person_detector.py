# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bundled person detector as a PyTorch model, its folder, and the decoding of its boxes.

A plain vision transformer whose patch tokens are asked, for each quarter of the patch (a cell),
whether a person's middle is near and how far the four sides of that person's box are: an
anchor-free detector as FCOS (arXiv 1904.01355).  Trained by train_person_detector.py.
"""
import os

import numpy as np
import torch
from torch import nn

from person_model import (EPS, Layer, encode, first_positions, named, read_safetensors,
                          start_layers, to_pixels, write_json, write_safetensors)

WIDE, HIGH, PATCH = 512, 384, 16                # of the input, in pixels
WIDTH, LAYERS, HEADS, MLP = 192, 8, 6, 480
GRID = HIGH // PATCH, WIDE // PATCH             # rows, columns
FINE = 2                                        # cells of a patch along each side
CELL = PATCH // FINE
FURTHEST = 4.0                                  # largest logarithm of a distance
OVERLAP = 0.55                                  # boxes that share more are one person


class PersonDetector(nn.Module):
    """The backbone is named as Hugging Face's ViTModel names it; `detector` is the head."""

    def __init__(self, layers=LAYERS):
        super().__init__()
        embeddings = named(patch_embeddings=named(projection=nn.Conv2d(3, WIDTH, PATCH, PATCH)))
        embeddings.cls_token = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
        embeddings.position_embeddings = nn.Parameter(first_positions(WIDTH, *GRID))
        self.vit = named(embeddings=embeddings, layernorm=nn.LayerNorm(WIDTH, EPS),
                         encoder=named(layer=nn.ModuleList(
                             Layer(WIDTH, HEADS, MLP) for _ in range(layers))))
        self.detector = nn.Linear(WIDTH, FINE * FINE * 5)
        start_layers(self)
        with torch.no_grad():                         # one cell in a hundred; boxes of 3 patches
            self.detector.bias.copy_(torch.tensor([-4.6] + [0.4] * 4).repeat(FINE * FINE))

    def forward(self, pixels, corner=(0, 0)):
        """Logits [n, cells] and boxes [n, cells, 4] (x0 y0 x1 y1 in pixels of the input)."""
        rows, columns = (s // PATCH for s in pixels.shape[2:])
        head = self.detector(encode(self.vit, pixels, corner, GRID)[:, 1:]).float()
        head = head.unflatten(2, (FINE, FINE, 5)).unflatten(1, (rows, columns))
        head = head.transpose(2, 3).flatten(3, 4).flatten(1, 2).flatten(1, 2)
        return decode(head, rows * FINE, columns * FINE)


def centers(rows, columns, device=None):
    """Middles [rows * columns, 2] of the cells, x and y in pixels."""
    y, x = torch.meshgrid(torch.arange(rows, device=device), torch.arange(columns, device=device),
                          indexing="ij")
    return (torch.stack([x, y], -1).flatten(0, 1) + 0.5) * CELL


def decode(head, rows, columns):
    """Logits and boxes of [n, cells, 5]: logit, then logarithms of left, top, right, bottom."""
    middle = centers(rows, columns, head.device)
    reach = PATCH * head[..., 1:].clamp(max=FURTHEST).exp()
    return head[..., 0], torch.cat([middle - reach[..., :2], middle + reach[..., 2:]], -1)


def overlaps(box, boxes):
    """Intersection over union of one box with many."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    area = lambda b: (b[..., 2:] - b[..., :2]).prod(-1)
    return common / np.maximum(area(box) + area(boxes) - common, 1e-9)


def suppress(score, boxes, most=100):
    """Indices, best first, of the boxes that no better kept box overlaps by more than OVERLAP."""
    kept, left = [], np.argsort(-score, kind="stable")
    while len(left) and len(kept) < most:
        kept.append(left[0])
        left = left[1:][overlaps(boxes[left[0]], boxes[left[1:]]) <= OVERLAP]
    return np.array(kept, int)


@torch.no_grad()
def detect(model, pictures, least):
    """Persons in pictures [n, HIGH, WIDE, 3] of bytes: (scores, boxes as shares) of each."""
    device = next(model.parameters()).device
    logit, boxes = model(to_pixels(torch.as_tensor(np.stack(pictures)).to(device)))
    score, found = logit.sigmoid().cpu().numpy(), []
    for s, b in zip(score, boxes.cpu().numpy()):
        some = s >= least
        s, b = s[some], b[some]
        size = np.array([WIDE, HIGH] * 2, np.float32)
        b = b.clip(0, size)
        best = suppress(s, b)
        found.append((s[best], b[best] / size))
    return found


# ---- the folder --------------------------------------------------------------------------------

def write_folder(out, model, least):
    """config.json, preprocessor_config.json and model.safetensors (F16)."""
    config = {
        "architectures": ["PipeloadViTForPatchDetection"], "model_type": "vit_patch_detector",
        "hidden_size": WIDTH, "num_hidden_layers": len(model.vit.encoder.layer),
        "num_attention_heads": HEADS, "intermediate_size": MLP, "hidden_act": "gelu",
        "layer_norm_eps": EPS, "image_size": [HIGH, WIDE], "patch_size": PATCH, "num_channels": 3,
        "qkv_bias": True, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "detector_cells": FINE, "detector_furthest": FURTHEST, "detector_overlap": OVERLAP,
        "detector_threshold": least, "id2label": {"0": "person"}, "label2id": {"person": 0},
        "torch_dtype": "float16"}
    preprocessor = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True,
        "size": {"height": HIGH, "width": WIDE}, "resample": 2, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    os.makedirs(out, exist_ok=True)
    for name, value in (("config", config), ("preprocessor_config", preprocessor)):
        write_json(os.path.join(out, name + ".json"), value)
    write_safetensors(os.path.join(out, "model.safetensors"),
                      {n: t.detach().cpu().half() for n, t in model.state_dict().items()})


def read_folder(out):
    """The detector as it was written, rounding included."""
    tensors = read_safetensors(os.path.join(out, "model.safetensors"))
    model = PersonDetector(1 + max(int(n.split(".")[3]) for n in tensors if ".layer." in n))
    model.load_state_dict({n: t.float() for n, t in tensors.items()})
    return model.eval()
