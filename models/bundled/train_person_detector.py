#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the bundled detector person-detector from scratch: where are the persons in the picture?

    python3 models/bundled/train_person_detector.py --data ../shared/data

Needs Debian's python3-torch, python3-opencv, python3-pil and python3-numpy.  Meant for a GPU: nine
minutes on a large one.  Without one the same takes days; --shorten and --shrink make it a trial.
metrics.json in the folder that it writes holds the figures of the model card, measured on the file
as written.
"""
import argparse
import json
import math
import os
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import detector_scenes as compose
import detector_sources as sources
import person_scenes
from detector_camera import Draw, quick
from detector_metrics import best_threshold, measure
from person_detector import (CELL, GRID, HIGH, PATCH, WIDE, PersonDetector, centers, detect,
                             read_folder, write_folder)
from person_model import start_patches, write_json
from train_person_vit import Average, Muon

SEED = 5
# height and width of the pictures, pictures a step, steps, first and last learning rate
PHASES = [(192, 256, 512, 1200, 5e-4, 4e-4), (384, 512, 128, 3200, 5e-4, 0.0)]
LOWEST = 0.03                                   # score of the worst boxes that AP looks at


# ---- what the cells are asked for ----------------------------------------------------------------

def targets(boxes, kinds, middle):
    """Of each cell: its box [n, cells, 4], whether it is asked for one, whether it counts.

    Asked are the cells about the middle of a person; of two persons, for the smaller one.
    """
    x, y = middle[None, :, :1], middle[None, :, 1:]
    x0, y0, x1, y1 = [b[:, None] for b in boxes.unbind(2)]
    wide, high = x1 - x0, y1 - y0
    inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    reach = lambda side: (0.1 * side).clamp(CELL, 3 * CELL)
    near = (((x0 + x1) / 2 - x).abs() < reach(wide)) & (((y0 + y1) / 2 - y).abs() < reach(high))
    asked = inside & near & (kinds == compose.PERSON)[:, None]
    area = torch.where(asked, wide * high, torch.inf)
    least, which = area.min(2)
    mine = least < torch.inf
    vague = (inside & (kinds == compose.IGNORED)[:, None]).any(2)
    target = boxes.gather(1, which[..., None].expand(-1, -1, 4))
    return target, mine, mine | ~vague


def generalised_iou(a, b):
    """IoU, and GIoU (arXiv 1902.09630), of boxes pair by pair."""
    size = lambda b: (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    pair = lambda f, g: torch.cat([f(a[..., :2], b[..., :2]), g(a[..., 2:], b[..., 2:])], -1)
    common = size(pair(torch.maximum, torch.minimum))
    either = size(a) + size(b) - common + 1e-6
    hull = size(pair(torch.minimum, torch.maximum)) + 1e-6
    return common / either, common / either - (hull - either) / hull


def loss_of(logit, found, boxes, kinds, middle):
    """Quality focal loss (arXiv 2006.04388) of the cells, GIoU loss of those with a person."""
    target, mine, counts = targets(boxes, kinds, middle)
    iou, giou = generalised_iou(found, target)
    quality = torch.where(mine, iou.detach().clamp(min=0.25), 0.0)
    focus = (quality - logit.sigmoid()).square()
    each = F.binary_cross_entropy_with_logits(logit, quality, reduction="none") * focus
    number = mine.sum().clamp(min=1)
    presence = torch.where(counts, each, 0.0).sum() / number
    place = torch.where(mine, 1 - giou, 0.0).sum() / number
    hit = torch.where(mine, iou, 0.0).sum() / number
    return presence + 2 * place, presence, place, hit


# ---- training ------------------------------------------------------------------------------------

def keep(path, model, average, phase, step):
    """A checkpoint: both sets of weights in half precision."""
    half = lambda m: {n: t.detach().half().cpu() for n, t in m.state_dict().items()}
    torch.save({"model": half(model), "average": half(average), "at": (phase, step)}, path + ".new")
    os.replace(path + ".new", path)


def train(model, average, material, phase, begin, device, args, log):
    """One of PHASES, from step `begin`."""
    high, wide, batch, steps, first, last = PHASES[phase]
    batch, steps = max(1, batch // args.shrink), max(1, steps // args.shorten)
    matrices = [p for p in model.vit.encoder.parameters() if p.ndim == 2]
    inside = set(map(id, matrices))
    muon = Muon(matrices, 0.02, device == "cuda")
    adam = torch.optim.AdamW([p for p in model.parameters() if id(p) not in inside],
                             betas=(0.9, 0.98), weight_decay=0.01)
    draw = Draw(SEED + 10 * phase + begin, device)
    middle = centers(high // CELL, wide // CELL, device)
    spare = [GRID[0] - high // PATCH + 1, GRID[1] - wide // PATCH + 1]
    sums, since, kept = torch.zeros(4, device=device), time.time(), time.time()
    for step in range(begin, steps):
        rate = last + (first - last) * (1 + math.cos(math.pi * step / steps)) / 2
        rate *= min(1.0, (step - begin + 1) / 200)
        adam.param_groups[0]["lr"] = rate
        pictures, boxes, kinds = compose.scenes(material, batch, high, wide, draw)
        corner = [int(torch.randint(0, s, ())) for s in spare]
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            logit, found = model(pictures / 127.5 - 1, corner)
        losses = quick(loss_of, logit, found, boxes, kinds, middle)
        model.zero_grad()
        losses[0].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        muon.step(15 * rate)
        average.follow(model)
        sums += torch.stack([l.detach() for l in losses])
        if (step + 1) % 100 == 0 or step + 1 == steps:
            mean = (sums / (step % 100 + 1)).tolist()
            log("%dx%d, step %d/%d: loss %.3f (presence %.3f, place %.3f, IoU %.3f), %.0f s" % (
                wide, high, step + 1, steps, *mean, time.time() - since))
            sums.zero_()
        if args.work and time.time() - kept > 60:
            keep(os.path.join(args.work, "detector.pt"), model, average.model, phase, step + 1)
            kept = time.time()


def run_phases(args, log):
    """Trains and returns the averaged model."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    begin = time.time()
    material = compose.to_device(sources.load(args.data, False, args.workers,
                                              200 // args.shrink, 400 // args.shrink), device)
    log("%d cutouts, %d places, %.0f s" % (len(material.sprites.mean), len(material.places.shape),
                                           time.time() - begin))
    model, at = PersonDetector().to(device), (0, 0)
    log("%d parameters" % sum(p.numel() for p in model.parameters()))
    first = compose.scenes(material, max(2, 32 // args.shrink), HIGH, WIDE,
                           Draw(SEED - 1, device))[0]
    model = model.cpu()
    start_patches(model, first.cpu().permute(0, 2, 3, 1))
    model.to(device)
    average = Average(model)
    if args.resume:
        state = torch.load(args.resume)
        at = state["at"]
        for m, name in ((model, "model"), (average.model, "average")):
            m.load_state_dict({n: t.float() for n, t in state[name].items()})
        average.steps = 1000
    if device == "cuda":
        for layer in model.vit.encoder.layer:
            layer.compile(dynamic=False)
    for phase in range(at[0], len(PHASES)):
        train(model, average, material, phase, at[1] if phase == at[0] else 0, device, args, log)
    return average.model


# ---- measuring -----------------------------------------------------------------------------------

def shrunk(rgb):
    """A picture as the detector wants it, all of it squashed to its input size."""
    return np.asarray(Image.fromarray(rgb).resize((WIDE, HIGH), Image.BILINEAR))


def search(model, pictures, batch=16):
    found = []
    for i in range(0, len(pictures), batch):
        found += detect(model, pictures[i:i + batch], LOWEST)
    return found


def photo_set(data):
    """The photographs held back."""
    photos = person_scenes.read_photos(os.path.join(data, "train/coco128"), True)
    size = lambda p: np.array([p.rgb.shape[1], p.rgb.shape[0]] * 2)
    return ([shrunk(p.rgb) for p in photos],
            [((p.persons / size(p)).reshape(-1, 4), np.zeros((0, 4))) for p in photos])


def composite_set(material, number, device):
    """Scenes of the training kind from material that is held back."""
    draw, size = Draw(SEED + 1000, device), np.array([WIDE, HIGH] * 2, np.float32)
    pictures, truth = [], []
    for _ in range(0, number, 16):
        some, boxes, kinds = compose.scenes(material, 16, HIGH, WIDE, draw)
        pictures += list(some.permute(0, 2, 3, 1).byte().cpu().numpy())
        for b, k in zip(boxes.cpu().numpy(), kinds.cpu().numpy()):
            truth.append((b[k == compose.PERSON] / size, b[k == compose.IGNORED] / size))
    return pictures, truth


def walk_set(path):
    """Frames of the clip with persons that were not trained on; boxes by background difference."""
    first = sources.TRAINED[sources.WALKS][1] + 20
    pictures, truth = [], []
    for _, rgb, _, box in sources.walks(path, first, 1 << 30, 8):
        size = np.array([rgb.shape[1], rgb.shape[0]] * 2)
        pictures.append(shrunk(rgb))
        truth.append((np.zeros((0, 4)) if box is None else box[None] / size, np.zeros((0, 4))))
    return pictures, truth


def drive_set(path):
    """Frames without persons that were not trained on."""
    first = sources.TRAINED[sources.DRIVES][1] + 20
    pictures = [shrunk(f) for _, f in sources.frames(path, first, step=3)]
    return pictures, [(np.zeros((0, 4)),) * 2] * len(pictures)


def hand_set(path, rows):
    """Frames of a clip with boxes that were drawn by hand; see boxes.json."""
    pictures, truth = [], []
    for number, rgb in sources.frames(path):
        row = rows.get(str(number))
        if row is not None:
            size = np.array([rgb.shape[1], rgb.shape[0]] * 2)
            share = lambda key: np.array(row.get(key, []), float).reshape(-1, 4) / size
            pictures.append(shrunk(rgb))
            truth.append((share("persons"), share("ignored")))
    return pictures, truth


def empty_set(path):
    """The place of vtest.avi alone: the median of its frames."""
    some = np.stack([rgb for _, rgb in sources.frames(path, step=20)])
    return [shrunk(np.median(some, 0).astype(np.uint8))], [(np.zeros((0, 4)),) * 2]


def test_sets(args, device):
    video = lambda name: os.path.join(args.data, "video", name)
    held = compose.to_device(sources.load(args.data, True, args.workers, 40, 80), device)
    sets = {"coco_photos": photo_set(args.data),
            "composites": composite_set(held, args.composites, device),
            "one-by-one-person-detection.mp4, by difference": walk_set(video(sources.WALKS)),
            "car-detection.mp4": drive_set(video(sources.DRIVES))}
    hand = os.path.join(os.path.dirname(os.path.abspath(__file__)), "person-detector/boxes.json")
    if os.path.exists(hand):
        for name, rows in json.load(open(hand))["clips"].items():
            path = args.vtest if name == "vtest.avi" else video(name)
            if os.path.exists(path):
                sets[name + ", by hand"] = hand_set(path, rows)
    if os.path.exists(args.vtest):
        sets["vtest.avi, median frame"] = empty_set(args.vtest)
    return sets


def report(model, sets):
    """The threshold, fitted on the first two sets, and all figures."""
    found = {name: search(model, pictures) for name, (pictures, _) in sets.items()}
    some = ("coco_photos", "composites")
    least = best_threshold(sum((found[n] for n in some), []), sum((sets[n][1] for n in some), []))
    return least, {"threshold": least, **{name: measure(found[name], truth, least, HIGH)
                                          for name, (_, truth) in sets.items()}}


def arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.path.join(here, "../../../shared/data"),
                   help="folder with train/inria, train/coco128 and video (default: %(default)s)")
    p.add_argument("--out", default=os.path.join(here, "person-detector"), help="folder to write")
    p.add_argument("--vtest", default="", help="vtest.avi of Debian's opencv-doc, to measure on")
    p.add_argument("--work", default="", help="folder for a checkpoint every minute")
    p.add_argument("--resume", default="", help="a checkpoint to go on from")
    p.add_argument("--workers", type=int, default=2, help="processes that read the material")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--composites", type=int, default=400, help="held-back scenes to measure on")
    p.add_argument("--shorten", type=int, default=1, help="a trial: that part of the steps")
    p.add_argument("--shrink", type=int, default=1, help="a trial: that part of each batch")
    p.add_argument("--measure-only", action="store_true",
                   help="measure the folder as it is, and choose its threshold anew")
    return p.parse_args()


def main():
    args = arguments()
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    log = lambda text: print(text, flush=True)
    if not args.measure_only:
        write_folder(args.out, run_phases(args, log), 0.5)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = read_folder(args.out).to(device)
    least, result = report(model, test_sets(args, device))
    write_folder(args.out, model, least)              # the same weights, now with their threshold
    write_json(os.path.join(args.out, "metrics.json"), result)
    log(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
