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
import struct
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import person_scenes as scenes

IMAGE, PATCH, WIDTH, LAYERS, HEADS, MLP = 224, scenes.PATCH, 160, 6, 5, 512
GRID = IMAGE // PATCH
EPS = 1e-12
SEED = 7
# side of the pictures, pictures a step, steps, peak learning rate
PHASES = [(112, 64, 4000, 3e-4), (224, 32, 2400, 2.5e-4)]

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


# ---- the model, named as Hugging Face names it -------------------------------------------------

def named(**modules):
    return nn.ModuleDict(modules)


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self):
        super().__init__()
        self.attention = named(
            attention=named(**{n: nn.Linear(WIDTH, WIDTH) for n in ("query", "key", "value")}),
            output=named(dense=nn.Linear(WIDTH, WIDTH)))
        self.intermediate = named(dense=nn.Linear(WIDTH, MLP))
        self.output = named(dense=nn.Linear(MLP, WIDTH))
        self.layernorm_before = nn.LayerNorm(WIDTH, EPS)
        self.layernorm_after = nn.LayerNorm(WIDTH, EPS)

    def forward(self, x):
        h = self.layernorm_before(x)
        inner = self.attention.attention.values()         # one product instead of three
        h = F.linear(h, torch.cat([m.weight for m in inner]), torch.cat([m.bias for m in inner]))
        q, k, v = h.unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        share = (q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)).softmax(-1)
        x = x + self.attention.output.dense((share @ v).transpose(1, 2).flatten(2))
        h = F.gelu(self.intermediate.dense(self.layernorm_after(x)))
        return x + self.output.dense(h)


class PersonViT(nn.Module):
    """The classifier, with one more head that says where persons are (for training only)."""

    def __init__(self):
        super().__init__()
        embeddings = named(patch_embeddings=named(projection=nn.Conv2d(3, WIDTH, PATCH, PATCH)))
        embeddings.cls_token = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
        embeddings.position_embeddings = nn.Parameter(first_positions())
        self.vit = named(embeddings=embeddings, layernorm=nn.LayerNorm(WIDTH, EPS),
                         encoder=named(layer=nn.ModuleList(Layer() for _ in range(LAYERS))))
        self.classifier = nn.Linear(WIDTH, 2)
        self.where = nn.Linear(WIDTH, (PATCH // scenes.CELL) ** 2)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.04)
                nn.init.zeros_(module.bias)
        for layer in self.vit.encoder.layer:
            start_attention(layer.attention.attention, layer.attention.output.dense)

    def forward(self, pixels, corner=(0, 0)):
        """Picture logits and, per patch, logits of its cells.

        A small picture takes the positions of a window of the grid that begins at `corner`.
        """
        e = self.vit.embeddings
        rows, columns = (s // PATCH for s in pixels.shape[2:])
        x = pixels.unflatten(3, (columns, PATCH)).unflatten(2, (rows, PATCH))
        x = x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        x = F.linear(x, e.patch_embeddings.projection.weight.flatten(1),
                     e.patch_embeddings.projection.bias)  # far quicker backwards than conv2d
        where = e.position_embeddings[:, 1:].unflatten(1, (GRID, GRID))
        where = where[:, corner[0]:corner[0] + rows, corner[1]:corner[1] + columns].flatten(1, 2)
        first = (e.cls_token + e.position_embeddings[:, :1]).expand(len(x), -1, -1)
        x = torch.cat([first, x + where], 1)
        for layer in self.vit.encoder.layer:
            x = layer(x)
        x = self.vit.layernorm(x)
        return self.classifier(x[:, 0]), self.where(x[:, 1:])


def first_positions():
    """Sines and cosines of row and column: neighbours are alike before anything is learnt."""
    rate = torch.exp(-torch.arange(WIDTH // 4) * math.log(20.0) / (WIDTH // 4))
    row, column = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
    angle = torch.cat([row.reshape(-1, 1) * rate, column.reshape(-1, 1) * rate], 1)
    grid = 0.5 * torch.cat([angle.sin(), angle.cos()], 1)
    return torch.cat([torch.zeros(1, WIDTH), grid])[None]


def start_attention(inner, dense):
    """Queries like keys, so that a token first looks at its like and its neighbours, and values
    that come out slightly negated: what trained transformers look like ("mimetic" start)."""
    with torch.no_grad():
        inner.query.weight.normal_(0, 0.055)
        inner.key.weight.copy_(inner.query.weight)
        nn.init.orthogonal_(inner.value.weight, 0.6)
        dense.weight.copy_(-inner.value.weight.T + 0.02 * torch.randn(WIDTH, WIDTH))


def start_patches(model, pictures):
    """Principal components of patches, nearly whitened, as the first patch embedding.

    Most of the variance of patches is their brightness; left as they are, edges and texture
    would take long to be noticed.
    """
    x = F.unfold(to_pixels(pictures), PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    mean = x.mean(0)
    variance, axes = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    spread, axes = variance[-WIDTH:].clamp(min=0).sqrt(), axes[:, -WIDTH:]
    turn = nn.init.orthogonal_(torch.empty(WIDTH, WIDTH))
    weight = turn @ (0.5 / (spread + 0.04 * spread[-1]) * axes).T
    projection = model.vit.embeddings.patch_embeddings.projection
    with torch.no_grad():
        projection.weight.copy_(weight.view_as(projection.weight))
        projection.bias.copy_(-weight @ mean)


def to_pixels(pictures):
    """uint8 [n, h, w, 3] to the normalised [n, 3, h, w] that preprocessor_config.json describes."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


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
    cell = F.binary_cross_entropy_with_logits(where.float(), target, pos_weight=cells.new_tensor(2.0))
    picture = F.cross_entropy(logits.float(), person, label_smoothing=0.05)
    return picture + 2 * cell, picture, cell


class Muon:
    """Momentum whose steps are made orthogonal, for the matrices inside the layers.

    Each step moves all directions of a matrix alike, by five rounds of a Newton-Schulz iteration;
    it learns in about half the steps of AdamW here.
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


def train(model, src, phases, device, half, log):
    """Goes through all phases (size, batch, steps, peak rate); yields averaged weights."""
    matrices = [p for p in model.vit.encoder.parameters() if p.ndim == 2]
    inside = set(map(id, matrices))
    muon = Muon(matrices, 0.02, half)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if id(p) not in inside],
                                  betas=(0.9, 0.98), weight_decay=0.01, foreach=True)
    average, begin, seen = copy.deepcopy(model), time.time(), 0
    for number, (size, batch, steps, peak) in enumerate(phases):
        lessons = torch.utils.data.DataLoader(
            Lessons(src, size, batch, steps, SEED + number), batch_size=None, num_workers=1,
            prefetch_factor=8, worker_init_fn=lambda _: cv2.setNumThreads(1))
        sums = np.zeros(3)
        for step, (pictures, person, cells) in enumerate(lessons):
            warm = min(1.0, (step + 1) / (200 if number == 0 else 100))
            last = 0.02 if number == len(phases) - 1 else 0.5
            rate = peak * warm * (last + (1 - last) * (1 + math.cos(math.pi * step / steps)) / 2)
            optimiser.param_groups[0]["lr"] = rate
            corner = torch.randint(0, GRID - size // PATCH + 1, (2,)).tolist()
            with torch.autocast(device, torch.bfloat16, enabled=half):
                losses = loss_of(model, to_pixels(pictures.to(device)), person.to(device),
                                 cells.to(device), corner)
            model.zero_grad()
            losses[0].backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            muon.step(15 * rate)
            seen += 1
            keep = min(0.9985, seen / (seen + 20))
            with torch.no_grad():
                for a, p in zip(average.parameters(), model.parameters()):
                    a.lerp_(p, 1 - keep)
            sums += [l.item() for l in losses]
            if (step + 1) % 100 == 0:
                log("%d px, step %d/%d: loss %.3f (picture %.3f, cells %.4f), %.0f s" % (
                    size, step + 1, steps, *(sums / 100), time.time() - begin))
                sums[:] = 0
            if (step + 1) % 2000 == 0 or step + 1 == steps:
                yield average


# ---- the folder --------------------------------------------------------------------------------

def write_safetensors(path, tensors):
    """Eight bytes of header length, a JSON header, then the tensors one after the other."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, t in tensors.items():
        size = t.numel() * t.element_size()
        header[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [offset, offset + size]}
        offset += size
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
    """Frame by frame against the table of spans, with and without the frames at the edge."""
    margin = margins(model, frames(path))
    person, edge = (in_spans(truth[k], len(margin)) for k in ("person", "edge"))
    result = {"all_frames": scores(margin, person)}
    if edge.any():
        result["without_edge_frames"] = scores(margin[~edge], person[~edge])
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
    parts = [(margins(model, sets[n][0]), np.asarray(sets[n][1], bool))
             for n in ("coco_photos", "composites")]
    shifts = np.linspace(-2, 2, 81)
    balance = [sum(((m[p] + s > 0).mean() + (m[~p] + s <= 0).mean()) / 2 for m, p in parts)
               for s in shifts]
    best = np.flatnonzero(np.array(balance) >= max(balance) - 1e-9)
    return float(shifts[best[len(best) // 2]])


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
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.path.join(here, "../../../shared/data"),
                   help="folder with train/inria, train/coco128 and video (default: %(default)s)")
    p.add_argument("--out", default=os.path.join(here, "person-vit"), help="folder to write")
    p.add_argument("--vtest", default="", help="vtest.avi of Debian's opencv-doc, to measure on too")
    p.add_argument("--steps", type=float, default=1.0, help="factor on the length of the training")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--measure-only", action="store_true", help="measure the folder as it is")
    return p.parse_args()


def main():
    args = arguments()
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    half = device == "cuda" or "amx_bf16" in open("/proc/cpuinfo").read()
    log = lambda text: print(text, flush=True)
    clips = [os.path.join(args.data, "video", n) for n in CLIPS] + [args.vtest]
    sets = held_back_sets(scenes.load(args.data, True))
    if not args.measure_only:
        phases = [(size, batch, int(steps * args.steps), peak) for size, batch, steps, peak in PHASES]
        model = PersonViT().to(device)
        log("%d parameters" % sum(p.numel() for p in model.parameters()))
        src = scenes.load(args.data, False)
        start_patches(model, torch.from_numpy(np.stack(
            [scenes.scene(src, IMAGE, SEED + 99, i)[0] for i in range(200)])))
        for average in train(model, src, phases, device, half, log):
            average = copy.deepcopy(average).cpu()
            shift = choose_bias(average, sets)
            with torch.no_grad():
                average.classifier.bias += torch.tensor([-shift / 2, shift / 2])
            write_folder(args.out, average)
            log("bias %+.2f, %s" % (shift, json.dumps(measure(average, sets, []))))
    result = measure(read_folder(args.out), sets, clips)
    write_json(os.path.join(args.out, "metrics.json"), result)
    log(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
