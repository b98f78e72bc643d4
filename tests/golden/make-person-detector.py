#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes data/person-detector.json: what the bundled person detector finds, for tests to compare with.

    python3 tests/golden/make-person-detector.py --vtest vtest.avi [--data ../shared/data]

Four pictures.  "pattern" is made of whole numbers and needs no file: pixel x, y, channel c is
(3x + 5y + 40c + xy / 64) mod 256; every 97th cell of its head is given, before and after decoding.
"figures" is the picture of
tests/support/figures.c, with all boxes from a score of 0.05 on.  "frames" are two frames of clips, squashed by PIL's bilinear filter; given is what is left of the boxes
after suppression, best first, in shares of the frame.  Needs python3-torch, python3-opencv, python3-pil.
"""
import argparse
import json
import os
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
BUNDLED = os.path.join(HERE, "../../models/bundled")
sys.path.insert(0, BUNDLED)

import person_detector as pd                               # noqa: E402
from detector_sources import frames                        # noqa: E402
from person_model import encode, to_pixels                 # noqa: E402
from train_person_detector import shrunk                   # noqa: E402


def pattern():
    y, x, c = np.ogrid[:pd.HIGH, :pd.WIDE, :3]
    return ((3 * x + 5 * y + 40 * c + x * y // 64) % 256).astype(np.uint8)


FIGURES = (60, 120, 60), (130, 240, 90), (220, 220, 120), (330, 330, 150), (430, 140, 80), (460, 340, 110), (80, 360, 100)


def figures():
    """Upright figures made of ellipses, in whole numbers: x and y of the feet, height."""
    y, x = np.ogrid[:pd.HIGH, :pd.WIDE]
    rgb = np.repeat((150 + (x // 7 * 13 + y // 5 * 7) % 9)[..., None], 3, axis=2).astype(np.uint8)

    def ellipse(cx, cy, rx, ry, colour):
        rgb[(x - cx) ** 2 * ry ** 2 + (y - cy) ** 2 * rx ** 2 <= rx ** 2 * ry ** 2] = colour

    for i, (cx, feet, h) in enumerate(FIGURES):
        top = feet - h
        ellipse(cx, top + h * 7 // 100, h * 6 // 100, h * 7 // 100, (170, 130, 110))
        ellipse(cx, top + h * 32 // 100, h * 12 // 100, h * 20 // 100, (40 + 20 * i, 40, 60))
        for side in (-1, 1):
            ellipse(cx + side * (h // 20), top + h * 73 // 100, h // 20, h * 28 // 100, (30, 30, 50))
    return rgb


def decode_plainly(head):
    """The card's decoding, cell by cell: an own way to the numbers of person_detector.decode ()."""
    boxes = {}
    for token, row in enumerate(head):
        for part in range(pd.FINE ** 2):
            logit, *reach = row[5 * part:5 * part + 5]
            column = token % pd.GRID[1] * pd.FINE + part % pd.FINE
            line = token // pd.GRID[1] * pd.FINE + part // pd.FINE
            x, y = (column + 0.5) * pd.CELL, (line + 0.5) * pd.CELL
            left, top, right, bottom = (pd.PATCH * np.exp(min(v, pd.FURTHEST)) for v in reach)
            boxes[line * pd.GRID[1] * pd.FINE + column] = (logit, x - left, y - top, x + right, y + bottom)
    return np.array([boxes[i] for i in range(len(boxes))])


def cells_of(model):
    """Some cells of the pattern: number, five values of the head, box in pixels of the input."""
    with torch.no_grad():
        x = to_pixels(torch.from_numpy(pattern())[None])
        head = model.double().detector(encode(model.vit, x.double(), (0, 0), pd.GRID)[:, 1:])[0].numpy()
        logit, boxes = (t[0].numpy() for t in model(x.double()))
    plain = decode_plainly(head)
    assert np.abs(plain[:, 0] - logit).max() < 1e-4 and np.abs(plain[:, 1:] - boxes).max() < 1e-2
    rows = []
    for cell in range(0, len(plain), 97):
        line, column = divmod(cell, pd.GRID[1] * pd.FINE)
        token = line // pd.FINE * pd.GRID[1] + column // pd.FINE
        part = line % pd.FINE * pd.FINE + column % pd.FINE
        rows.append({"cell": cell, "head": [round(v, 5) for v in head[token, 5 * part:5 * part + 5].tolist()],
                     "box": [round(v, 3) for v in plain[cell, 1:].tolist()]})
    return rows


def persons_in(model, rgb, least):
    score, boxes = pd.detect(model.float(), [rgb], least)[0]
    return [{"score": round(float(s), 4), "box": [round(float(v), 4) for v in b]} for s, b in zip(score, boxes)]


def found_in(model, path, number, least):
    rgb = next(f for n, f in frames(path, number, number + 1))
    return {"clip": os.path.basename(path), "frame": number, "persons": persons_in(model, shrunk(rgb), least)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", default=os.path.join(HERE, "../../../shared/data"))
    p.add_argument("--vtest", required=True)
    args = p.parse_args()
    folder = os.path.join(BUNDLED, "person-detector")
    with open(os.path.join(folder, "config.json")) as f:
        least = json.load(f)["detector_threshold"]
    model = pd.read_folder(folder)
    walks = os.path.join(args.data, "video/one-by-one-person-detection.mp4")
    result = {"threshold": least, "overlap": pd.OVERLAP, "pattern": cells_of(model),
              "figures": persons_in(model, figures(), 0.05),
              "frames": [found_in(model, args.vtest, 597, least), found_in(model, walks, 940, least)]}
    with open(os.path.join(HERE, "data/person-detector.json"), "w") as f:
        f.write(json.dumps(result, separators=(",", ":")).replace('{"cell"', '\n{"cell"')
                .replace('{"clip"', '\n{"clip"').replace('{"score"', '\n {"score"') + "\n")


if __name__ == "__main__":
    main()
