# SPDX-License-Identifier: LGPL-2.1-or-later
"""Material of the person detector: places, cutouts of persons and of other things, as textures.

Sources are those of person_scenes.py: INRIA's crops, 128 photographs with boxes, and two clips of
fixed cameras.  In the clip with persons, what differs from the empty place is a person: boxes and
silhouettes for nothing.
"""
import os
from collections import namedtuple
from multiprocessing import Pool

import cv2
import numpy as np

import person_scenes as scenes

SPRITE, PLACE = (96, 192), (640, 480)           # width and height of the largest level of either
MOST = 32                                       # boxes of a place that are kept, largest first
WALKS, DRIVES = "one-by-one-person-detection.mp4", "car-detection.mp4"
# Frames, first and last + 1, that are trained on; persons 1 to 3 of 6, and the first 60 %.
TRAINED = {WALKS: (0, 720), DRIVES: (0, 226)}
# Frames of WALKS with somebody in sight, first and last.
SEEN = [(60, 199), (227, 449), (502, 700), (744, 869), (921, 1200), (1234, 1360)]

# texture: [n, height, width] of RGBA in one int32, all levels in one; box: shares of the cutout
# that a person fills; shape: width over height; weight: [2, n], how often drawn as a person, as
# a thing
Sprites = namedtuple("Sprites", "texture box mean shape weight")
# boxes: [n, MOST, 4], shares; weight: [2, n], how often drawn without persons, with
Places = namedtuple("Places", "texture boxes shape weight")
Sprite = namedtuple("Sprite", "rgb body box weight")
Place = namedtuple("Place", "rgb boxes weight")
Material = namedtuple("Material", "sprites places")


def levels(size):
    """Where the halves of a texture lie in it: x, y, width, height; the first at the left."""
    w, h = size
    rects, y = [(0, 0, w, h)], 0
    for n in (2, 4, 8):
        rects.append((w, y, w // n, h // n))
        y += h // n
    return rects


def texture(rgba, size):
    """One picture at all levels, as [height, width] of int32."""
    sheet = np.zeros((size[1], size[0] * 3 // 2, 4), np.uint8)
    level = None
    for x, y, w, h in levels(size):
        level = rgba if level is None else level
        small = w * h < level.shape[0] * level.shape[1]
        level = cv2.resize(level, (w, h), interpolation=cv2.INTER_AREA if small else
                           cv2.INTER_LINEAR)
        sheet[y:y + h, x:x + w] = level
    return sheet.view(np.int32)[..., 0]


# ---- clips -------------------------------------------------------------------------------------

def frames(path, first=0, last=1 << 30, step=1):
    """(number, RGB frame) of part of a clip."""
    clip, number = cv2.VideoCapture(path), 0
    while number < last:
        ok, bgr = clip.read()
        if not ok:
            return
        if number >= first and (number - first) % step == 0:
            yield number, np.ascontiguousarray(bgr[..., ::-1])
        number += 1


def moved(rgb, empty):
    """Silhouette of the largest thing that the empty place has not, and its box; None: nothing."""
    blur = lambda p: cv2.GaussianBlur(p, (5, 5), 0).astype(np.int16)
    mask = (np.abs(blur(rgb) - blur(empty)).max(2) > 28).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((25, 9), np.uint8))
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    k = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    x, y, w, h = stats[k, :4]
    return (label == k).astype(np.uint8), np.array([x, y, x + w, y + h], float)


def walks(path, first, last, step=1):
    """(number, frame, silhouette, box or None) of the clip with persons.

    Frames at whose border somebody comes or goes are left out.
    """
    shown = [(n, f) for n, f in frames(path, first, last)]
    near = lambda n, d: any(a - d <= n <= b + d for a, b in SEEN)
    empty = np.median(np.stack([f for n, f in shown if not near(n, 6)][::6]), 0).astype(np.uint8)
    for n, f in shown[::step]:
        if not near(n, 3):
            yield n, f, None, None
        elif any(a + 5 <= n <= b - 5 for a, b in SEEN):
            body, box = moved(f, empty)
            yield n, f, body, box


# ---- reading -----------------------------------------------------------------------------------

def crop_names(folder):
    """Names of INRIA's crops of persons; every second is its neighbor mirrored."""
    names = sorted(os.listdir(folder))
    return [n for n in names if n[-5] not in "bdfhjlnprtvx" or not n[-6].isdigit()]


def inria_person(rgb):
    """A crop as a sprite: persons are 96 pixels high in it, and in the middle."""
    body = scenes.silhouette(rgb, (.25, .40), True)
    columns = np.flatnonzero((body > 127).sum(0) > 3)
    left, right = (columns[0], columns[-1] + 1) if len(columns) else (16, 48)
    low = 1 + np.flatnonzero((body > 127).any(1)).max(initial=0)
    legs = low > 0.72 * 128                           # else they were taken for background
    return Sprite(rgb, body, [np.clip(left / 64, .14, .34), .125, np.clip(right / 64, .66, .86),
                              .875 if legs else low / 128], 1.0 if legs else 0.3)


def inria_thing(rgb):
    return Sprite(rgb, scenes.silhouette(rgb, (.35, .42)), [0, 0, 1, 1], 1.0)


def read_inria(folder, kind, held, make, pool):
    """Sprites of INRIA's crops of one side of the split; look-alikes are held back from neither."""
    folder = os.path.join(folder, kind)
    names = crop_names(folder) if kind == "positive" else sorted(os.listdir(folder))
    apart = scenes.held_back(map(scenes.crop_source, names))
    crops = {side: [scenes.read_rgb(os.path.join(folder, n)) for n in names
                    if (scenes.crop_source(n) in apart) == side] for side in (False, True)}
    if held:
        seen = scenes.thumbprints(crops[False] + [c[:, ::-1] for c in crops[False]])
        alike = (scenes.thumbprints(crops[True]) @ seen.T).max(1)
        crops[True] = [c for c, a in zip(crops[True], alike) if a < 0.9]
    return crops[held], pool.map(make, crops[held][::1 if kind == "positive" else 2], 16)


def photo_sprites(photos):
    """Cutouts of persons and of other things of photographs, sharper than INRIA's."""
    people, things = [], []
    for photo in photos:
        for box in photo.persons:
            w, h = box[2:] - box[:2]
            others = [b for b in photo.persons if b is not box]
            alone = all(scenes.shared(box, np.array(b)) < 0.15 * w * h for b in others)
            if h > 80 and 0.2 < w / h < 1.1 and alone:
                people.append(Sprite(*scenes.box_cutout(photo, box), [0, 0, 1, 1], 2.0))
        for kind, box in photo.things:
            size = box[2:] - box[:2]
            if min(size) > 24 and (scenes.shared(box, photo.persons) < 0.03 * size.prod()).all():
                weight = 12.0 if kind in scenes.CAR_LIKE else 4.0
                things.append(Sprite(*scenes.box_cutout(photo, box), [0, 0, 1, 1], weight))
    return people, things


def walk_sprite(rgb, body, box):
    """A person of the clip with what stands around."""
    high, wide = rgb.shape[:2]
    pad = 8
    x0, y0, x1, y1 = (int(v) for v in (max(0, box[0] - pad), max(0, box[1] - pad),
                                       min(wide, box[2] + pad), min(high, box[3] + pad)))
    share = lambda v, a, b: (v - a) / (b - a)
    inner = [share(box[0], x0, x1), share(box[1], y0, y1),
             share(box[2], x0, x1), share(box[3], y0, y1)]
    soft = cv2.GaussianBlur(body[y0:y1, x0:x1] * np.uint8(255), (5, 5), 0)
    return Sprite(rgb[y0:y1, x0:x1], soft, inner, 4.0)


def drawn_place(number):
    rng = np.random.default_rng([11, number])
    rgb = scenes.drawn_background(None, 512, rng)
    return Place(rgb, [], 0.4)


def mosaic_place(job):
    """Neighboring crops without persons side by side, or one of them enlarged."""
    crops, number = job
    rng = np.random.default_rng([12, number])
    columns, rows = (2, 1) if rng.random() < 0.35 else (rng.integers(3, 9), rng.integers(1, 4))
    tiles = [crops[i % len(crops)] for i in range(columns * rows)]
    rgb = np.vstack([np.hstack(tiles[r * columns:(r + 1) * columns]) for r in range(rows)])
    return Place(rgb, [], 0.5)


def read_clips(folder, held):
    """Places of the clips, and persons of one; only what is trained on, or only what is not."""
    places, people = [], []
    for name, (first, last) in TRAINED.items():
        path = os.path.join(folder, name)
        first, last = (last + 20, 1 << 30) if held else (first, last)
        if name == DRIVES:
            places += [Place(f, [], 2.0) for _, f in frames(path, first, last, 18)]
            continue
        for n, rgb, body, box in walks(path, first, last, 8):
            size = np.array([rgb.shape[1], rgb.shape[0]] * 2)
            places.append(Place(rgb, [] if box is None else [box / size], 0.6))
            if box is not None and n % 16 == 0:
                people.append(walk_sprite(rgb, body, box))
    return places, people


# ---- packing -----------------------------------------------------------------------------------

def sprite_texture(sprite):
    return texture(np.dstack([sprite.rgb, sprite.body]), SPRITE)


def place_texture(place):
    return texture(np.dstack([place.rgb, np.full(place.rgb.shape[:2], 255, np.uint8)]), PLACE)


def mean_color(sprite):
    weight = sprite.body[..., None] / 255.0 + 1e-3
    return (sprite.rgb * weight).sum((0, 1)) / weight.sum((0, 1))


def pack_sprites(people, things, pool):
    array, sprites = lambda rows: np.array(rows, np.float32), people + things
    weight, person = array([s.weight for s in sprites]), np.arange(len(sprites)) < len(people)
    return Sprites(np.stack(pool.map(sprite_texture, sprites, 32)),
                   array([s.box for s in sprites]), array([mean_color(s) for s in sprites]),
                   array([s.rgb.shape[1] / s.rgb.shape[0] for s in sprites]),
                   np.stack([weight * person, weight * ~person]).astype(np.float32))


def pack_places(places, pool):
    boxes = np.zeros((len(places), MOST, 4), np.float32)
    for row, place in zip(boxes, places):
        some = sorted(place.boxes, key=lambda b: -(b[2:] - b[:2]).prod())[:MOST]
        row[:len(some)] = np.array(some).reshape(-1, 4)
    with_person = np.array([len(p.boxes) > 0 for p in places])
    weight = np.array([p.weight for p in places], np.float32)
    return Places(np.stack(pool.map(place_texture, places, 16)), boxes,
                  np.array([p.rgb.shape[1] / p.rgb.shape[0] for p in places], np.float32),
                  np.stack([weight * ~with_person, weight * with_person]).astype(np.float32))


def load(data, held, workers=2, drawn=200, mosaics=400):
    """All material of one side of the split."""
    cv2.setNumThreads(1)
    cv2.setRNGSeed(1)
    photos = scenes.read_photos(os.path.join(data, "train/coco128"), held)
    inria = os.path.join(data, "train/inria")
    with Pool(workers, cv2.setNumThreads, (1,)) as pool:
        _, people = read_inria(inria, "positive", held, inria_person, pool)
        crops, things = read_inria(inria, "negative", held, inria_thing, pool)
        more, others = photo_sprites(photos)
        places, walkers = read_clips(os.path.join(data, "video"), held)
        size = lambda p: np.array([p.rgb.shape[1], p.rgb.shape[0]] * 2)
        places += [Place(p.rgb, list(p.persons / size(p)), 2.0) for p in photos]
        places += pool.map(drawn_place, range(drawn), 8)
        near = [(crops[i * len(crops) // mosaics:][:24], i) for i in range(mosaics)]
        places += pool.map(mosaic_place, near, 8)
        return Material(pack_sprites(people + more + walkers, things + others, pool),
                        pack_places(places, pool))
