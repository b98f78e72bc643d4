# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scenes with and without persons, made from a few thousand small crops.

The training data of the bundled person classifier is small: the INRIA crops (64x128 pixels, one
person or none) and 128 photographs with boxes.  The classifier sees whole pictures, so this module
composes whole pictures: persons are cut out and pasted at many sizes on person-free backgrounds.
Everything that is done to persons is done to other things too (the same masks, seams and color
shifts), or else the classifier would learn to see pasting instead of persons.

A scene is drawn from its own random generator and so depends on its seed and number alone.
"""
import os
import re
from collections import namedtuple

import cv2
import numpy as np

CELL = 8            # side of the squares that a scene has a target for: a quarter of a ViT patch
SMALLEST = 22       # a person lower than this many pixels (of 224) is not asked for
CAR_LIKE = {1, 2, 3, 5, 6, 7}   # COCO classes that stand where persons stand

Cutout = namedtuple("Cutout", "rgb body")       # body: silhouette, 0..255
Photo = namedtuple("Photo", "rgb persons things name")   # boxes: x0 y0 x1 y1 in pixels
Sources = namedtuple("Sources", "people others photos empty crops")


# ---- reading and splitting -------------------------------------------------------------------

def crop_source(name):
    """The picture (or run of neighboring pictures) that an INRIA crop was cut from.

    Numbers next to each other are often one scene photographed twice, so ten are taken as one.
    """
    stem = os.path.splitext(name)[0]
    if stem.startswith("D20"):                       # D2004-05-16_17h41m05s: one walk per hour
        return stem[:14]
    if re.fullmatch(r"\d+_\d+", stem):               # 4_3: crop 3 of picture 4
        return "n%d" % (int(stem.split("_")[0]) // 3)
    kind, number = re.match(r"(.*?)(\d+)[a-z]*$", stem).groups()
    return "%s%d" % (kind, int(number) // 10)


def held_back(sources, part=0.2):
    """A fixed fifth of the source names, spread evenly over the sorted list."""
    step = round(1 / part)
    return set(sorted(set(sources))[step // 2::step])


def thumbprints(crops):
    """Small normalized gray pictures whose products are correlations."""
    small = np.stack([cv2.resize(cv2.cvtColor(c, cv2.COLOR_RGB2GRAY), (16, 32),
                                 interpolation=cv2.INTER_AREA).ravel() for c in crops])
    small = small.astype(np.float32)
    small -= small.mean(1, keepdims=True)
    return small / (np.linalg.norm(small, axis=1, keepdims=True) + 30)


def read_rgb(path):
    return cv2.cvtColor(cv2.imread(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_crops(folder, held):
    """INRIA crops of one side of the split; held-back look-alikes of training crops are dropped."""
    names = sorted(os.listdir(folder))
    apart = held_back(map(crop_source, names))
    sides = {False: [], True: []}
    for name in names:
        sides[crop_source(name) in apart].append(read_rgb(os.path.join(folder, name)))
    if not held:
        return sides[False]
    seen = thumbprints(sides[False] + [c[:, ::-1] for c in sides[False]])
    alike = (thumbprints(sides[True]) @ seen.T).max(1)
    return [c for c, a in zip(sides[True], alike) if a < 0.9]


def read_photos(folder, held):
    """COCO photographs of one side of the split, with the boxes of persons and of other things."""
    names = sorted(os.path.splitext(n)[0] for n in os.listdir(os.path.join(folder, "images")))
    photos = []
    for name in names:
        label = os.path.join(folder, "labels", name + ".txt")
        rows = np.loadtxt(label, ndmin=2) if os.path.exists(label) else np.zeros((0, 5))
        rgb = read_rgb(os.path.join(folder, "images", name + ".jpg"))
        size = np.array([rgb.shape[1], rgb.shape[0]] * 2)
        boxes = np.concatenate([rows[:, 1:3] - rows[:, 3:5] / 2,
                                rows[:, 1:3] + rows[:, 3:5] / 2], 1) * size
        person = rows[:, 0] == 0
        things = [(int(c), b) for c, b in zip(rows[~person, 0], boxes[~person])]
        photos.append(Photo(rgb, boxes[person], things, name))
    apart = set()                                     # the same share of either kind of photograph
    for kind in (True, False):
        apart |= held_back(p.name for p in photos if (len(p.persons) > 0) == kind)
    return [p for p in photos if (p.name in apart) == held]


# ---- cutting out -----------------------------------------------------------------------------

def silhouette(rgb, fill, head=False):
    """GrabCut of the object in the middle; an ellipse if that finds nothing sensible.

    fill: half axes of where it may be, as shares of the sides.  head: an INRIA person, whose head
    and trunk are always at the same place and belong to the silhouette whatever their colors.
    """
    h, w = rgb.shape[:2]
    oval = lambda y, rx, ry: cv2.ellipse(np.zeros((h, w), np.uint8), (w // 2, int(h * y)),
                                         (max(1, int(w * rx)), int(h * ry)), 0, 0, 360, 1, -1)
    core = oval(.18, .075, .05) | oval(.37, .11, .17) if head else oval(.5, .08, .2)
    ellipse = oval(.5, *fill) | core
    mask = np.where(core, cv2.GC_FGD, np.where(ellipse, cv2.GC_PR_FGD, cv2.GC_PR_BGD))
    mask = mask.astype(np.uint8)
    mask[:2], mask[:, :2], mask[:, -2:] = (cv2.GC_BGD,) * 3
    try:
        cv2.grabCut(rgb, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    except cv2.error:                                 # a crop of one color
        mask = ellipse
    share = (mask & 1).mean() / max(1e-3, ellipse.mean())
    if not 0.4 < share < 1.5:
        mask = ellipse
    return cv2.GaussianBlur((mask & 1) * np.uint8(255), (3, 3), 0)


def box_cutout(photo, box, height=192):
    """The inside of a box of a photograph as a cutout at most `height` high."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    rgb = photo.rgb[max(0, y0):y1, max(0, x0):x1]
    scale = min(1.0, height / max(rgb.shape[:2]))
    size = [max(8, round(s * scale)) for s in rgb.shape[1::-1]]
    rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Cutout(rgb, silhouette(rgb, (.46, .49)))


def shared(window, boxes):
    """Area that each of the boxes has in common with the window."""
    boxes = boxes.reshape(-1, 4)
    low, high = np.maximum(window[:2], boxes[:, :2]), np.minimum(window[2:], boxes[:, 2:])
    return np.clip(high - low, 0, None).prod(1)


def load(data, held):
    """All material of one side of the split: cutouts of persons and of others, backgrounds."""
    cv2.setNumThreads(1)
    cv2.setRNGSeed(1)
    inria, coco = (os.path.join(data, "train", d) for d in ("inria", "coco128"))
    crops = [read_crops(os.path.join(inria, k), held) for k in ("negative", "positive")]
    people = [Cutout(c, silhouette(c, (.25, .40), True)) for c in crops[1][::2]]  # rest: mirrored
    others = [Cutout(c, silhouette(c, (.35, .42))) for c in crops[0][::3]]
    photos = read_photos(coco, held)
    for photo in photos:
        for box in photo.persons:
            w, h = box[2:] - box[:2]
            if h > 90 and 0.25 < w / h < 1.1:
                people += [box_cutout(photo, box)] * 3    # few, but sharp: drawn more often
        for kind, box in photo.things:
            size = box[2:] - box[:2]
            if min(size) > 30 and (shared(box, photo.persons) < 0.03 * size.prod()).all():
                others += [box_cutout(photo, box)] * (12 if kind in CAR_LIKE else 4)
    empty = [p for p in photos if not len(p.persons)]
    return Sources(people, others, photos, empty, crops)


# ---- backgrounds -----------------------------------------------------------------------------

def random_window(rgb, rng, least=0.35):
    """Corners of a window of any shape, down to `least` of either side."""
    h, w = rgb.shape[:2]
    ww, wh = w * rng.uniform(least, 1), h * rng.uniform(least, 1)
    x, y = rng.uniform(0, w - ww), rng.uniform(0, h - wh)
    return np.array([x, y, x + ww, y + wh])


def take(rgb, window, size, rng):
    """A window squashed to a square, mirrored half of the time."""
    x0, y0, x1, y1 = np.round(window).astype(int)
    part = rgb[y0:y1, x0:x1]
    how = cv2.INTER_AREA if min(part.shape[:2]) > size else cv2.INTER_LINEAR
    part = cv2.resize(part, (size, size), interpolation=how)
    return np.ascontiguousarray(part[:, ::-1]) if rng.random() < 0.5 else part


def photo_background(src, size, rng):
    """A person-free part of a photograph; where a person is in the way, a patch goes over it."""
    if rng.random() < 0.6:
        photo = src.empty[rng.integers(len(src.empty))]
        return take(photo.rgb, random_window(photo.rgb, rng, 0.25), size, rng)
    photo = src.photos[rng.integers(len(src.photos))]
    for _ in range(6):
        window = random_window(photo.rgb, rng, 0.2)
        if not shared(window, photo.persons).any():
            return take(photo.rgb, window, size, rng)
    rgb = photo.rgb.copy()
    for box in photo.persons:
        x0, y0, x1, y1 = np.round(box).astype(int)
        mx, my = (x1 - x0) // 10 + 2, (y1 - y0) // 10 + 2
        view = rgb[max(0, y0 - my):y1 + my, max(0, x0 - mx):x1 + mx]
        crop = src.crops[0][rng.integers(len(src.crops[0]))]
        view[:] = cv2.resize(crop, view.shape[1::-1])
    return take(rgb, random_window(rgb, rng, 0.5), size, rng)


def crop_background(src, size, rng):
    """One negative crop enlarged, or a mosaic of several."""
    columns, rows = (1, 1) if rng.random() < 0.4 else (rng.integers(2, 5), rng.integers(1, 4))
    first = rng.integers(len(src.crops[0]))           # neighbors in the list share a picture
    tiles = [src.crops[0][(first + i) % len(src.crops[0])] for i in range(columns * rows)]
    mosaic = np.vstack([np.hstack(tiles[r * columns:(r + 1) * columns]) for r in range(rows)])
    return take(mosaic, random_window(mosaic, rng, 0.5), size, rng)


def drawn_background(src, size, rng):
    """A plain room or road: flat areas, edges, posts, boards, discs, uneven light."""
    tint = lambda: (rng.uniform(20, 250) + rng.normal(0, 18, 3)).clip(0, 255).tolist()
    point = lambda: tuple(int(v) for v in rng.uniform(-0.1, 1.1, 2) * size)
    pic = np.full((size, size, 3), tint(), np.float32)
    left, right = rng.uniform(0, 1.2, 2) * size
    floor = np.array([[0, left], [size, right], [size, size], [0, size]], np.int32)
    cv2.fillPoly(pic, [floor], tint())
    if rng.random() < 0.4:                            # floor boards or lane lines
        shade, x = tint(), rng.uniform(-2, 3) * size
        for foot in np.arange(-size, 2 * size, rng.integers(10, 40)):
            cv2.line(pic, (int(x), int(min(left, right))), (int(foot), size), shade, 1)
    for _ in range(rng.integers(0, 9)):
        kind, (x, y) = rng.integers(4), point()
        if kind == 0:
            cv2.rectangle(pic, (x, y), point(), tint(), -1)
        elif kind == 1:                               # a post, pipe or leg
            cv2.line(pic, (x, y), (x + int(rng.normal(0, 6)), point()[1]), tint(),
                     int(rng.integers(1, 10)), cv2.LINE_AA)
        elif kind == 2:
            axes = tuple(int(a) for a in rng.uniform(2, size / 5, 2))
            cv2.ellipse(pic, (x, y), axes, rng.uniform(0, 90), 0, 360, tint(), -1, cv2.LINE_AA)
        else:
            cv2.line(pic, (x, y), point(), tint(), int(rng.integers(1, 4)), cv2.LINE_AA)
    light = rng.normal(0, rng.uniform(2, 25), (4, 4, 1)).astype(np.float32)
    pic += cv2.resize(light, (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    return pic.clip(0, 255).astype(np.uint8)


def background(src, size, rng):
    """A person-free picture; at times the lower part comes from another one, like a floor."""
    maker = rng.choice([photo_background, crop_background, drawn_background], p=[.6, .2, .2])
    pic = maker(src, size, rng).astype(np.float32)
    if rng.random() < 0.2:
        other = rng.choice([photo_background, crop_background, drawn_background])
        edge = rng.uniform(0.2, 0.8) * size + rng.normal(0, 0.3) * np.linspace(-.5, .5, size) * size
        soft = rng.uniform(0.5, 6)
        fade = ((np.arange(size)[:, None] - edge) / soft).clip(0, 1)[..., None].astype(np.float32)
        pic += (other(src, size, rng) - pic) * fade
    return pic


# ---- pasting ---------------------------------------------------------------------------------

def feathered(h, w, rng):
    """A box or an oval with soft edges."""
    y, x = np.ogrid[-1:1:h * 1j, -1:1:w * 1j]
    power = rng.choice([2, 4, 12])
    radius = (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power)
    return ((1 - radius) / rng.uniform(0.02, 0.4)).clip(0, 1).astype(np.float32)


def matched(rgb, under, rng):
    """Colors of a cutout moved part of the way to those of the place it goes to."""
    mean, spread = rgb.mean((0, 1)), rgb.std() + 1
    pull = rng.uniform(0, 0.5)
    gain = (1 - pull + pull * (under.std() + 20) / spread) * rng.uniform(0.75, 1.25)
    shift = pull * rng.uniform(0, 1) * (under.mean((0, 1)) - mean) + rng.normal(0, 10)
    return (rgb - mean) * gain + mean + shift + rng.normal(0, 5, 3)


def paste(pic, truth, cut, center, size, person, rng):
    """Blend a cutout into a picture.

    truth, a map of the persons in sight, gains a person's silhouette and loses what a thing hides.
    """
    w, h = max(4, round(size[0])), max(8, round(size[1]))
    rgb, body = cut
    if rng.random() < 0.5:
        rgb, body = rgb[:, ::-1], body[:, ::-1]
    how = cv2.INTER_AREA if h < rgb.shape[0] else cv2.INTER_LINEAR
    rgb = cv2.resize(rgb, (w, h), interpolation=how).astype(np.float32)
    body = cv2.resize(body, (w, h), interpolation=how).astype(np.float32) / 255
    mode = rng.random()
    alpha = body if mode < 0.65 else feathered(h, w, rng)
    if mode > 0.9 and not person:                     # a person's outline, but upside down
        alpha = body[::-1]
    x, y = round(center[0] - w / 2), round(center[1] - h / 2)
    y0, y1, x0, x1 = max(0, -y), min(h, pic.shape[0] - y), max(0, -x), min(w, pic.shape[1] - x)
    if y1 <= y0 or x1 <= x0:
        return
    there = (slice(y + y0, y + y1), slice(x + x0, x + x1))
    under, shown = pic[there], alpha[y0:y1, x0:x1]
    under += (matched(rgb, under, rng)[y0:y1, x0:x1] - under) * shown[..., None]
    if person:
        np.maximum(truth[there], body[y0:y1, x0:x1], out=truth[there])
    else:
        truth[there] *= 1 - shown


def add_thing(pic, truth, src, squash, rng):
    """Paste something that is not a person, of any size and turned a little or a lot."""
    cut = src.others[rng.integers(len(src.others))]
    if rng.random() < 0.3:
        turns = rng.integers(4)
        cut = Cutout(np.rot90(cut.rgb, turns), np.rot90(cut.body, turns))
    high = np.exp(rng.uniform(np.log(16), np.log(pic.shape[0] * 1.1)))
    wide = high * cut.rgb.shape[1] / cut.rgb.shape[0] * squash
    paste(pic, truth, cut, rng.uniform(-.05, 1.05, 2) * pic.shape[0], (wide, high), False, rng)


def add_person(pic, truth, src, squash, high, rng):
    """Paste a person `high` pixels tall somewhere with at least a good part in the picture."""
    cut = src.people[rng.integers(len(src.people))]
    if cut.rgb.shape[:2] == (128, 64):                # INRIA leaves a margin around the person
        high = high * 4 / 3
    wide = high * cut.rgb.shape[1] / cut.rgb.shape[0] * squash * rng.uniform(0.85, 1.15)
    size = pic.shape[0]
    for _ in range(8):
        center = rng.uniform(-0.1, 1.1, 2) * size
        sides = [max(0, min(size, c + s / 2) - max(0, c - s / 2)) / s
                 for c, s in zip(center, (wide * 0.6, high * 0.75))]
        if sides[0] * sides[1] > 0.4:
            break
    else:
        center = rng.uniform(0.3, 0.7, 2) * size
    paste(pic, truth, cut, center, (wide, high), True, rng)


# ---- scenes ----------------------------------------------------------------------------------

def composite(src, size, person, rng):
    """A background with things and, if asked for, persons on it."""
    squash = rng.choice([0.56, 0.75, 1.0, 1.33], p=[.4, .3, .2, .1]) * rng.uniform(0.9, 1.1)
    least = SMALLEST if size > 150 else 2 * SMALLEST         # small pictures are the easy lessons
    for _ in range(4):
        pic, truth = background(src, size, rng), np.zeros((size, size), np.float32)
        for _ in range(rng.integers(0, 4)):
            add_thing(pic, truth, src, squash, rng)
        if not person:
            break
        high = np.exp(rng.uniform(np.log(least), np.log(min(260, size * 1.3))))
        for _ in range(rng.choice([1, 2, 4], p=[.7, .2, .1])):
            add_person(pic, truth, src, squash, high * rng.uniform(0.8, 1.2), rng)
        before = truth.sum()
        for _ in range(rng.integers(0, 3)):           # may stand in front of the persons
            add_thing(pic, truth, src, squash, rng)
        if truth.sum() > max(0.4 * before, 0.06 * SMALLEST ** 2):
            break
    return pic, truth


def real_window(src, size, person, rng):
    """A window of a photograph that surely shows a person, or surely none; None if not found."""
    for _ in range(12):
        photo = src.photos[rng.integers(len(src.photos))]
        if person and not len(photo.persons):
            continue
        window = random_window(photo.rgb, rng)
        scale = size / (window[2:] - window[:2])
        truth, sure, doubt = np.zeros((size, size), np.float32), False, False
        for box in photo.persons:
            seen = np.r_[np.maximum(box[:2], window[:2]), np.minimum(box[2:], window[2:])]
            if (seen[2:] <= seen[:2]).any():
                continue
            share = (seen[2:] - seen[:2]).prod() / (box[2:] - box[:2]).prod()
            wide, high = (seen[2:] - seen[:2]) * scale
            sure |= bool(share > 0.4 and high > SMALLEST and wide > 6)
            doubt = True
            middle = ((box[:2] + box[2:]) / 2 - window[:2]) * scale
            axes = (box[2:] - box[:2]) * scale * 0.475
            cv2.ellipse(truth, middle.astype(int), axes.astype(int) + 1, 0, 0, 360, 1, -1)
        if sure == person and (sure or not doubt):
            x0, y0, x1, y1 = np.round(window).astype(int)
            part = cv2.resize(photo.rgb[y0:y1, x0:x1], (size, size), interpolation=cv2.INTER_AREA)
            return part.astype(np.float32), truth
    return None


def whole_crop(src, size, person, rng):
    """An INRIA crop as the whole picture."""
    crops = src.crops[int(person)]
    crop = crops[rng.integers(len(crops))]
    truth = np.zeros((size, size), np.float32)
    if person:
        axes = (int(size * .2), int(size * .38))
        cv2.ellipse(truth, (size // 2, size // 2), axes, 0, 0, 360, 1, -1)
    return cv2.resize(crop, (size, size)).astype(np.float32), truth


def camera(pic, rng):
    """Distortions of a camera and a codec: light, color, focus, noise, blocks."""
    if rng.random() < 0.12:
        pic = np.repeat(pic.mean(2, keepdims=True), 3, 2)
    low, high = rng.uniform(-0.08, 0.12), rng.uniform(0.8, 1.15)
    if rng.random() < 0.1:                            # haze
        low, high = rng.uniform(0.1, 0.3), rng.uniform(0.6, 0.9)
    pic = (pic / 255).clip(0, 1) ** np.exp(rng.normal(0, 0.2)) * (high - low) + low
    pic = pic * rng.normal(1, 0.09, 3)
    kind = rng.random()
    if kind < 0.2:
        pic = cv2.GaussianBlur(pic, (0, 0), rng.uniform(0.4, 1.6))
    elif kind < 0.55:
        pic = pic + (pic - cv2.GaussianBlur(pic, (0, 0), 1.2)) * rng.uniform(0.2, 1.5)
    if rng.random() < 0.3:
        pic = pic + rng.normal(0, rng.uniform(0.005, 0.04), pic.shape)
    pic = (pic * 255).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        pic = cv2.imdecode(cv2.imencode(".jpg", pic, quality)[1], cv2.IMREAD_COLOR)
    return pic


def scene(src, size, seed, number):
    """Scene `number`: the picture, 1 if a person is in it, and the share of person of each cell."""
    rng = np.random.default_rng([seed, size, number])
    person = bool(number % 2)
    kind = rng.random()
    made = None
    if kind < 0.18:
        made = real_window(src, size, person, rng)
    elif kind < 0.25:
        made = whole_crop(src, size, person, rng)
    pic, truth = made or composite(src, size, person, rng)
    if rng.random() < 0.5:
        pic, truth = pic[:, ::-1], truth[:, ::-1]
    pic, truth = np.ascontiguousarray(pic), np.ascontiguousarray(truth)
    cells = cv2.resize(truth, (size // CELL, size // CELL), interpolation=cv2.INTER_AREA)
    return camera(pic, rng), int(person), cells
