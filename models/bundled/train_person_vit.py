#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the bundled classifier person-vit from scratch: is there a person in the picture?

    python3 models/bundled/train_person_vit.py --data ../shared/data --out models/bundled/person-vit

Needs Debian's python3-torch, python3-opencv, python3-pil and python3-numpy.  The folder that it
writes is an ordinary Hugging Face ViTForImageClassification; metrics.json in it holds the figures
of the model card, measured on the file as written.  Two things make so small a ViT learn from so
few pictures: every patch, besides the picture, is asked for persons (that head is dropped
afterwards), and training begins with small pictures, which are windows of the large ones.
"""
import argparse
import copy
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

import person_scenes as scenes
from person_model import (GRID, IMAGE, PATCH, PersonViT, read_folder, start_patches, to_pixels,
                          write_folder, write_json)

SEED = 7
# side of the pictures, pictures a step, steps, first and last learning rate
PHASES = [(112, 64, 2000, 3e-4, 2.25e-4), (224, 32, 1800, 3e-4, 0.0)]

# Frames in which any part of a person is in sight, first and last, found by looking at the clips.
# "edge" frames show a part only (a head, an arm, a leg) at the border of the picture.
CLIPS = {
    "car-detection.mp4": {"person": [], "edge": []},
    "one-by-one-person-detection.mp4": {
        "person": [(60, 199), (227, 449), (502, 700), (744, 869), (921, 1200), (1234, 1360)],
        "edge": [(60, 62), (195, 199), (227, 228), (445, 449), (502, 504), (695, 700),
                 (744, 746), (865, 869), (921, 923), (1195, 1200), (1234, 1236), (1356, 1360)]},
    "vtest.avi": {"person": [(0, 794)], "edge": []},
}


# ---- training ----------------------------------------------------------------------------------

class Lessons(torch.utils.data.Dataset):
    """Batches of scenes, by number; a worker process draws them while the trainer trains."""

    def __init__(self, src, size, batch, steps, seed):
        self.src, self.size, self.batch, self.steps, self.seed = src, size, batch, steps, seed

    def __len__(self):
        return self.steps

    def __getitem__(self, step):
        if step >= self.steps:
            raise IndexError
        made = [scenes.scene(self.src, self.size, self.seed, step * self.batch + i)
                for i in range(self.batch)]
        return [torch.from_numpy(np.stack(part)) for part in zip(*made)]


def loss_of(model, pixels, person, cells, corner):
    """Picture loss plus the loss of every cell of every patch."""
    logits, where = model(pixels, corner)
    side, fine = pixels.shape[2] // PATCH, PATCH // scenes.CELL
    target = cells.view(-1, side, fine, side, fine).transpose(2, 3).reshape(where.shape)
    cell = F.binary_cross_entropy_with_logits(where.float(), target,
                                              pos_weight=cells.new_tensor(2.0))
    picture = F.cross_entropy(logits.float(), person, label_smoothing=0.05)
    return picture + 2 * cell, picture, cell


class Muon:
    """Momentum whose steps are made orthogonal, for the matrices inside the layers.

    Each step moves all directions of a matrix alike, by five rounds of a Newton-Schulz iteration.
    In short trials it needed clearly fewer steps than AdamW.
    """

    def __init__(self, matrices, weight_decay, half):
        shapes = sorted({tuple(m.shape) for m in matrices})
        self.groups = [[m for m in matrices if tuple(m.shape) == s] for s in shapes]
        self.momentum = [torch.zeros(len(g), *g[0].shape, device=g[0].device) for g in self.groups]
        self.weight_decay, self.kind = weight_decay, torch.bfloat16 if half else torch.float32

    @torch.no_grad()
    def step(self, rate):
        for group, momentum in zip(self.groups, self.momentum):
            gradient = torch.stack([m.grad for m in group])
            momentum.lerp_(gradient, 0.05)
            x = gradient.lerp_(momentum, 0.95)
            high, wide = x.shape[1:]
            x = x if high <= wide else x.transpose(1, 2)
            x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(self.kind)
            for _ in range(5):
                a = x @ x.transpose(1, 2)
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x if high <= wide else x.transpose(1, 2)
            for m, change in zip(group, x.float()):
                m.mul_(1 - rate * self.weight_decay)
                m.sub_(change, alpha=rate * max(1.0, high / wide) ** 0.5)


class Average:
    """A slowly following copy of the weights; better than any single step, and what is kept."""

    def __init__(self, model):
        self.model, self.steps = copy.deepcopy(model), 0

    @torch.no_grad()
    def follow(self, model):
        self.steps += 1
        share = max(0.0015, 20 / (self.steps + 20))
        for mine, other in zip(self.model.parameters(), model.parameters()):
            mine.lerp_(other, share)


def train(model, src, number, device, half, log):
    """One of PHASES; returns the averaged model."""
    size, batch, steps, first, last = PHASES[number]
    matrices = [p for p in model.vit.encoder.parameters() if p.ndim == 2]
    inside = set(map(id, matrices))
    muon = Muon(matrices, 0.02, half)
    adam = torch.optim.AdamW([p for p in model.parameters() if id(p) not in inside],
                             betas=(0.9, 0.98), weight_decay=0.01, foreach=True)
    lessons = torch.utils.data.DataLoader(
        Lessons(src, size, batch, steps, SEED + number), batch_size=None, num_workers=1,
        prefetch_factor=8, worker_init_fn=lambda _: cv2.setNumThreads(1))
    average, sums, begin = Average(model), np.zeros(3), time.time()
    for step, (pictures, person, cells) in enumerate(lessons):
        rate = last + (first - last) * (1 + math.cos(math.pi * step / steps)) / 2
        rate *= min(1.0, (step + 1) / 200)
        adam.param_groups[0]["lr"] = rate
        corner = torch.randint(0, GRID - size // PATCH + 1, (2,)).tolist()
        with torch.autocast(device, torch.bfloat16, enabled=half):
            losses = loss_of(model, to_pixels(pictures.to(device)), person.to(device),
                             cells.to(device), corner)
        model.zero_grad()
        losses[0].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        muon.step(15 * rate)
        average.follow(model)
        sums += [l.item() for l in losses]
        if (step + 1) % 100 == 0:
            log("%d px, step %d/%d: loss %.3f (picture %.3f, cells %.4f), %.0f s" % (
                size, step + 1, steps, *(sums / 100), time.time() - begin))
            sums[:] = 0
    return average.model


# ---- measuring ---------------------------------------------------------------------------------

def margins(model, pictures):
    """Logit of person minus logit of no_person for whole pictures (RGB arrays of any size)."""
    found, batch = [], []

    def flush():
        with torch.no_grad():
            logits = model(to_pixels(torch.from_numpy(np.stack(batch))))[0]
        found.extend((logits[:, 1] - logits[:, 0]).tolist())
        batch.clear()

    for rgb in pictures:
        batch.append(np.asarray(Image.fromarray(rgb).resize((IMAGE, IMAGE), Image.BILINEAR)))
        if len(batch) == 32:
            flush()
    if batch:
        flush()
    return np.array(found)


def scores(margin, person):
    """Accuracy, precision and recall at equal logits."""
    said, person = margin > 0, np.asarray(person, bool)
    hits = int((said & person).sum())
    ratio = lambda a, b: round(a / b, 4) if b else None
    return {"pictures": len(person), "with_person": int(person.sum()),
            "accuracy": ratio(int((said == person).sum()), len(person)),
            "precision": ratio(hits, int(said.sum())), "recall": ratio(hits, int(person.sum()))}


def frames(path):
    """RGB frames of a clip."""
    clip = cv2.VideoCapture(path)
    while True:
        ok, bgr = clip.read()
        if not ok:
            return
        yield np.ascontiguousarray(bgr[..., ::-1])


def in_spans(spans, count):
    inside = np.zeros(count, bool)
    for first, last in spans:
        inside[first:last + 1] = True
    return inside


def measure_clip(model, path, truth):
    """Frame by frame against the table of spans, with and without the frames at the edge.

    A clip that is never without persons is also looked at with the persons removed: the median of
    its frames shows the place alone.
    """
    margin = margins(model, frames(path))
    person, edge = (in_spans(truth[k], len(margin)) for k in ("person", "edge"))
    result = {"all_frames": scores(margin, person)}
    if edge.any():
        result["without_edge_frames"] = scores(margin[~edge], person[~edge])
    if person.all():
        some = [f for i, f in enumerate(frames(path)) if i % 20 == 0]
        empty = np.median(np.stack(some), 0).astype(np.uint8)
        result["median_frame"] = scores(margins(model, [empty]), [False])
    return result


def held_back_sets(held):
    """Pictures and labels of the three held-back sets."""
    made = [scenes.scene(held, IMAGE, SEED + 1000, i) for i in range(800)]
    crops = held.crops[0] + held.crops[1]
    return {
        "coco_photos": ([p.rgb for p in held.photos], [len(p.persons) > 0 for p in held.photos]),
        "composites": ([m[0] for m in made], [m[1] for m in made]),
        "inria_crops": (crops, [0] * len(held.crops[0]) + [1] * len(held.crops[1])),
    }


def choose_bias(model, sets):
    """Shift of the margin that is best for held-back photographs and composites together."""
    some = [sets[n] for n in ("coco_photos", "composites")]
    margin = np.concatenate([margins(model, pictures) for pictures, _ in some])
    person = np.concatenate([np.asarray(labels, bool) for _, labels in some])
    shifts = np.linspace(-2, 2, 81)
    balance = [(margin[person] + s > 0).mean() + (margin[~person] + s <= 0).mean() for s in shifts]
    smooth = np.convolve(balance, np.ones(9) / 9, "same")    # one picture more or less is chance
    return float(shifts[smooth.argmax()])


def measure(model, sets, clips):
    """All figures of the model card."""
    result = {name: scores(margins(model, p), l) for name, (p, l) in sets.items()}
    for path in clips:
        name = os.path.basename(path)
        if os.path.exists(path) and name in CLIPS:
            result[name] = measure_clip(model, path, CLIPS[name])
    return result


def arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.path.join(here, "../../../shared/data"),
                   help="folder with train/inria, train/coco128 and video (default: %(default)s)")
    p.add_argument("--out", default=os.path.join(here, "person-vit"), help="folder to write")
    p.add_argument("--vtest", default="", help="vtest.avi of Debian's opencv-doc, to measure on")
    p.add_argument("--work", default="", help="folder for a checkpoint after each phase")
    p.add_argument("--from-phase", type=int, default=0, help="go on from a checkpoint in --work")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--measure-only", action="store_true", help="measure the folder as it is")
    return p.parse_args()


def run_phases(args, sets, log):
    """Train, phase by phase, and write the folder after each."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    half = device == "cuda" or "amx_bf16" in open("/proc/cpuinfo").read()
    src, model = scenes.load(args.data, False), PersonViT()
    log("%d parameters" % sum(p.numel() for p in model.parameters()))
    start_patches(model, torch.from_numpy(np.stack(
        [scenes.scene(src, IMAGE, SEED + 99, i)[0] for i in range(200)])))
    checkpoint = os.path.join(args.work, "phase-%d.pt")
    if args.from_phase:
        model.load_state_dict(torch.load(checkpoint % (args.from_phase - 1)))
    for number in range(args.from_phase, len(PHASES)):
        model = train(model.to(device), src, number, device, half, log)
        if args.work:
            torch.save(model.state_dict(), checkpoint % number)
        final = copy.deepcopy(model).cpu()
        shift = choose_bias(final, sets)
        with torch.no_grad():
            final.classifier.bias += torch.tensor([-shift / 2, shift / 2])
        write_folder(args.out, final)
        log("bias %+.2f, %s" % (shift, json.dumps(measure(final, sets, []))))


def main():
    args = arguments()
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    log = lambda text: print(text, flush=True)
    sets = held_back_sets(scenes.load(args.data, True))
    if not args.measure_only:
        run_phases(args, sets, log)
    clips = [os.path.join(args.data, "video", name) for name in CLIPS] + [args.vtest]
    result = measure(read_folder(args.out), sets, clips)
    write_json(os.path.join(args.out, "metrics.json"), result)
    log(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
