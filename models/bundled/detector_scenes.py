# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scenes with boxes of persons, composed in batches on the device that trains.

A scene is a place, or four of them, with persons and other things laid over it one after the
other, the lower ones in front.  Persons and things get the same treatment.  Afterwards
every person of whom enough is in sight has a box, and one of whom little is, a box to be ignored.
"""
import torch
import torch.nn.functional as F

from detector_camera import camera, quick
from detector_sources import PLACE, SPRITE, levels

PEOPLE, THINGS = 14, 6                          # at most, in a scene
SMALLEST = 20                                   # height of the smallest persons, in pixels
NOBODY, PERSON, IGNORED = 0, 1, 2


def to_device(material, device):
    """The same tuples, of tensors."""
    move = lambda group: type(group)(*(torch.from_numpy(a).to(device) for a in group))
    return type(material)(*(move(group) for group in material))


# ---- laying one thing over all pictures ----------------------------------------------------------

def sample(texture, index, rect, u, v):
    """Red, green, blue and cover at shares u, v of one level of a texture for each picture."""
    high, wide = texture.shape[1:]
    lx, ly, lw, lh = [r[:, None, None] for r in rect.unbind(1)]
    x = torch.minimum((u * lw - 0.5).clamp(min=0), lw - 1.001)
    y = torch.minimum((v * lh - 0.5).clamp(min=0), lh - 1.001)
    x0, y0 = x.floor(), y.floor()
    fx, fy = x - x0, y - y0
    at = (index[:, None, None] * high + (ly + y0).long()) * wide + (lx + x0).long()
    flat = texture.view(-1)
    taps = [(flat[at], (1 - fx) * (1 - fy)), (flat[at + 1], fx * (1 - fy)),
            (flat[at + wide], (1 - fx) * fy), (flat[at + wide + 1], fx * fy)]
    return [sum(((t >> shift) & 255).float() * w for t, w in taps) for shift in (0, 8, 16, 24)]


def pixels(canvas):
    high, wide = canvas.shape[2:]
    y = torch.arange(high, device=canvas.device).view(1, -1, 1) + 0.5
    x = torch.arange(wide, device=canvas.device).view(1, 1, -1) + 0.5
    return x, y


def lay_place(canvas, texture, index, rect, window, target, mirror):
    """A window (shares) of a place fills a target (pixels) of each picture."""
    x, y = pixels(canvas)
    x0, y0, x1, y1 = [t[:, None, None] for t in target.unbind(1)]
    a0, b0, a1, b1 = [t[:, None, None] for t in window.unbind(1)]
    u, v = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
    u = torch.where(mirror[:, None, None], 1 - u, u)
    r, g, b, _ = sample(texture, index, rect, a0 + u * (a1 - a0), b0 + v * (b1 - b0))
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    return torch.where(inside[:, None], torch.stack([r, g, b], 1), canvas)


def lay_sprite(canvas, owner, texture, index, rect, look, tag):
    """One cutout on each picture; its pixels are then `tag`'s.  look: see `looks`."""
    x, y = pixels(canvas)
    look = [t[:, None, None] for t in look.unbind(1)]
    cx, cy, iw, ih, cos, sin, flip, oval, power, soft, slope, here = look[:12]
    dx, dy = x - cx, y - cy
    u, v = (cos * dx + sin * dy) * iw * flip, (cos * dy - sin * dx) * ih
    r, g, b, cover = sample(texture, index, rect, u + 0.5, v + 0.5)
    radius = ((2 * u).abs() ** power + (2 * v).abs() ** power) ** (1 / power)
    alpha = torch.where(oval > 0, ((1 - radius) / soft).clamp(0, 1), cover / 255)
    alpha = alpha * here * ((u.abs() < 0.5) & (v.abs() < 0.5))
    light = 1 + slope * u
    rgb = torch.stack([c * look[12 + i] * light + look[15 + i] for i, c in enumerate((r, g, b))], 1)
    hit = alpha > 0.5
    return canvas + (rgb - canvas) * alpha[:, None], torch.where(hit, tag, owner), hit


# ---- places --------------------------------------------------------------------------------------

def level_of(size, wanted, device):
    """The rectangle of the level that is about as many pixels wide as wanted."""
    rects = torch.tensor(levels(size), dtype=torch.float32, device=device)
    step = torch.log2(size[0] / wanted.clamp(min=1)).add(0.4).floor().clamp(0, 3).long()
    return rects[step]


def windows(shape, target, low, draw):
    """Random windows of places of that shape, and how they come to be squashed in the target."""
    n = len(shape)
    aspect = (target[:, 2] - target[:, 0]) / (target[:, 3] - target[:, 1])
    squash = torch.exp(draw.normal(-0.1, 0.2, n)).clamp(0.6, 1.5)
    ratio = aspect / (shape * squash)                 # of the window's shares
    part = draw.uniform(low, 1, n)
    size = torch.stack([part * ratio.clamp(max=1), part * (1 / ratio).clamp(max=1)], 1)
    corner = draw.uniform(0, 1, n, 2) * (1 - size)
    return torch.cat([corner, corner + size], 1)


def place_boxes(boxes, window, target, mirror):
    """Boxes of a place in pixels of the picture; what is cut off at the border, and its share."""
    scale = (target[:, 2:] - target[:, :2]) / (window[:, 2:] - window[:, :2])
    low, high = boxes[..., :2], boxes[..., 2:]
    shares = [(b - window[:, None, :2]) * scale[:, None] for b in (low, high)]
    wide = (target[:, 2] - target[:, 0])[:, None]
    x0, x1 = shares[0][..., 0], shares[1][..., 0]
    x0, x1 = (torch.where(mirror[:, None], wide - b, a) for a, b in ((x0, x1), (x1, x0)))
    whole = torch.stack([x0, shares[0][..., 1], x1, shares[1][..., 1]], -1)
    whole = whole + target[:, None, :2].repeat(1, 1, 2)
    return clip(whole, target[:, None])


def clip(boxes, border):
    """Boxes inside a border, and the share of each that is left."""
    cut = torch.cat([torch.maximum(boxes[..., :2], border[..., :2]),
                     torch.minimum(boxes[..., 2:], border[..., 2:])], -1)
    area = lambda b: (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return cut, area(cut) / area(boxes).clamp(min=1e-6)


def lay_places(canvas, places, real, draw):
    """Fills the pictures; returns boxes [n, m, 4] and kinds [n, m] of the persons there.

    real: which pictures are to show places with persons.
    """
    n, _, high, wide = canvas.shape
    device = canvas.device
    four = draw.chance(0.35, n)
    split = torch.stack([wide * draw.uniform(.35, .65, n), high * draw.uniform(.35, .65, n)], 1)
    size = torch.tensor([wide, high], dtype=torch.float32, device=device)
    split = torch.where(four[:, None], split, size).round()
    boxes, kinds = [], []
    for quarter in range(4):
        right, low = quarter % 2, quarter // 2
        one = lambda axis, far: ((split[:, axis], size[axis].expand(n)) if far else
                                 (torch.zeros(n, device=device), split[:, axis]))
        (x0, x1), (y0, y1) = one(0, right), one(1, low)
        target = torch.stack([x0, y0, x1, y1], 1)
        used = (x1 > x0) & (y1 > y0)
        with_person = real & draw.chance(0.75 if quarter else 1.0, n)
        index = torch.where(with_person, draw.weighted(places.weight[1], n),
                            draw.weighted(places.weight[0], n))
        low_end = 0.45 if wide > 300 else 0.25
        window = windows(places.shape[index], torch.where(used[:, None], target, torch.tensor(
            [0., 0., wide, high], device=device)), low_end, draw)
        mirror = draw.chance(0.5, n)
        rect = level_of(PLACE, (x1 - x0) / (window[:, 2] - window[:, 0]), device)
        canvas = quick(lay_place, canvas, places.texture, index, rect, window, target, mirror)
        found, share = place_boxes(places.boxes[index], window, target, mirror)
        sides = found[..., 2:] - found[..., :2]
        there = (places.boxes[index][..., 2] > 0) & used[:, None] & (sides > 0).all(-1)
        good = there & (share > 0.3) & (sides[..., 1] > 14) & (sides[..., 0] > 5)
        boxes.append(found)
        kinds.append(torch.where(good, PERSON, torch.where(there, IGNORED, NOBODY)))
    return canvas, torch.cat(boxes, 1), torch.cat(kinds, 1)


# ---- persons and things --------------------------------------------------------------------------

def spots(n, high, wide, draw):
    """Middles, heights and presence of the persons of a scene, as a camera would see them."""
    height = torch.exp(draw.uniform(torch.tensor(float(SMALLEST)).log().item(),
                                    torch.tensor(1.15 * high).log().item(), n))
    room = (0.9 * wide * high / (0.35 * height ** 2)).clamp(1, PEOPLE)
    count = 1 + (draw.uniform(0, 1, n) ** 1.5 * room).floor()
    count = torch.where(draw.chance(0.12, n), torch.zeros_like(count), count)
    slope, close = draw.uniform(0, 1.2, n), draw.chance(0.4, n)
    x, y, tall = [], [], []
    for k in range(PEOPLE):
        here = torch.stack([draw.uniform(-.02, 1.02, n) * wide,
                            draw.uniform(-.02, 1.02, n) * high])
        if k:
            adjacent = torch.stack([x[-1] + draw.uniform(.25, .6, n) * tall[-1] *
                                  (draw.whole(2, n) * 2 - 1), y[-1] + draw.normal(0, .1, n) *
                                  tall[-1]])
            here = torch.where(close & draw.chance(0.6, n), adjacent, here)
        x.append(here[0])
        y.append(here[1])
        tall.append((height * (1 + slope * (here[1] / high - .5)) *
                     torch.exp(draw.normal(0, .08, n))).clamp(min=0.8 * SMALLEST))
    here = torch.arange(PEOPLE, device=draw.device) < count[:, None]
    return torch.stack(x, 1), torch.stack(y, 1), torch.stack(tall, 1), here


def choose(sprites, n, high, wide, real, draw):
    """All cutouts of the scenes, [n, PEOPLE + THINGS] each, those in front last."""
    squash = torch.exp(draw.normal(-0.1, 0.2, n)).clamp(0.6, 1.5)[:, None]
    x, y, tall, here = spots(n, high, wide, draw)
    here &= ~(real & draw.chance(0.6, n))[:, None]    # on real pictures mostly the real persons
    index = draw.weighted(sprites.weight[0], n * PEOPLE).view(n, PEOPLE)
    box = sprites.box[index]
    h = tall / (box[..., 3] - box[..., 1])
    w = h * sprites.shape[index] * squash * torch.exp(draw.normal(0, .08, n, PEOPLE))
    flip = (draw.whole(2, n, PEOPLE) * 2 - 1).float()
    cx = x - flip * w * ((box[..., 0] + box[..., 2]) / 2 - .5)
    cy = y - h * ((box[..., 1] + box[..., 3]) / 2 - .5)
    which = draw.weighted(sprites.weight[1], n * THINGS).view(n, THINGS)
    th = torch.exp(draw.uniform(2.8, torch.tensor(1.1 * high).log().item(), n, THINGS))
    tw = th * sprites.shape[which] * squash * torch.exp(draw.normal(0, .2, n, THINGS))
    tx, ty = draw.uniform(-.05, 1.05, n, THINGS) * wide, draw.uniform(-.05, 1.05, n, THINGS) * high
    on = torch.arange(THINGS, device=draw.device) < draw.whole(THINGS + 1, n)[:, None]
    on &= ~(real & draw.chance(0.5, n))[:, None]
    both = lambda a, b: torch.cat([a, b], 1)
    corner = torch.stack([(box[..., 0] - .5) * w, (box[..., 1] - .5) * h,
                          (box[..., 2] - .5) * w, (box[..., 3] - .5) * h], -1)
    left, right = corner[..., 0], corner[..., 2]
    corner = torch.stack([torch.where(flip > 0, left, -right), corner[..., 1],
                          torch.where(flip > 0, right, -left), corner[..., 3]], -1)
    boxes = corner + torch.stack([cx, cy, cx, cy], -1)
    front = both(boxes[..., 3], ty + th / 2 - draw.chance(.5, n, THINGS) * high)
    order = front.argsort(1)
    pick = lambda t: t.gather(1, order)
    return {
        "index": pick(both(index, which)), "person": order < PEOPLE, "here": pick(both(here, on)),
        "cx": pick(both(cx, tx)), "cy": pick(both(cy, ty)), "w": pick(both(w, tw)),
        "h": pick(both(h, th)),
        "flip": pick(both(flip, (draw.whole(2, n, THINGS) * 2 - 1).float())),
        "mean": sprites.mean[pick(both(index, which))],
        "boxes": torch.cat([boxes, torch.zeros(n, THINGS, 4, device=draw.device)], 1).gather(
            1, order[..., None].expand(-1, -1, 4))}


def looks(all_, canvas, draw):
    """[n, slots, 18]: where, how soft at the edges, how lit and colored each cutout is laid."""
    n, slots = all_["cx"].shape
    size = torch.tensor([canvas.shape[3], canvas.shape[2]], device=canvas.device)
    small = F.adaptive_avg_pool2d(canvas, (6, 8))
    at = torch.stack([all_["cx"], all_["cy"]], -1) / size * 2 - 1
    under = F.grid_sample(small, at[:, :, None], padding_mode="border",
                          align_corners=False)[..., 0].transpose(1, 2)
    pull = draw.uniform(0, 0.5, n, slots, 1)
    gain = torch.exp(draw.normal(0, .2, n, slots, 1)) * (1 - 0.4 * pull)
    gain = gain * torch.exp(draw.normal(0, .05, n, slots, 3))
    shift = all_["mean"] * (1 - gain) + pull * (under - all_["mean"])
    shift = shift + draw.normal(0, 12, n, slots, 1) + draw.normal(0, 4, n, slots, 3)
    turn = draw.normal(0, .04, n, slots)
    turn = torch.where(all_["person"], turn, turn + draw.chance(.4, n, slots) *
                       draw.uniform(-3.1, 3.1, n, slots))
    power = torch.tensor([2., 4., 12.], device=canvas.device)[draw.whole(3, n, slots)]
    rest = [all_["cx"], all_["cy"], 1 / all_["w"], 1 / all_["h"], turn.cos(), turn.sin(),
            all_["flip"], draw.chance(.3, n, slots).float(), power,
            draw.uniform(.02, .4, n, slots), draw.normal(0, .25, n, slots), all_["here"].float()]
    return torch.cat([torch.stack(rest, -1), gain, shift], -1)


def lay_sprites(canvas, sprites, real, draw):
    """Lays everything; returns whose each pixel is, and boxes and kinds of the persons."""
    n, _, high, wide = canvas.shape
    all_ = choose(sprites, n, high, wide, real, draw)
    look = looks(all_, canvas, draw)
    owner = torch.zeros((n, high, wide), dtype=torch.int32, device=canvas.device)
    slots, texture = all_["index"].shape[1], sprites.texture
    wanted = all_["w"] * torch.exp(draw.normal(0, .2, n, slots))
    full, seen = [], []
    for k in range(slots):
        rect = level_of(SPRITE, torch.minimum(wanted[:, k], all_["h"][:, k] / 2), canvas.device)
        tag = torch.full((1,), k + 1, dtype=torch.int32, device=canvas.device)
        canvas, owner, hit = quick(lay_sprite, canvas, owner, texture, all_["index"][:, k], rect,
                                   look[:, k], tag)
        full.append(hit[:, ::2, ::2].sum((1, 2)))
    for k in range(slots):
        seen.append((owner[:, ::2, ::2] == k + 1).sum((1, 2)))
    full, seen = torch.stack(full, 1), torch.stack(seen, 1)
    border = torch.tensor([0., 0., wide, high], device=canvas.device)
    boxes, inside = clip(all_["boxes"], border)
    share = seen / full.clamp(min=1)
    sides = boxes[..., 2:] - boxes[..., :2]
    there = all_["here"] & all_["person"] & (sides > 1).all(-1) & (full > 0) & (share > .08)
    good = there & (share > .35) & (inside > .25) & (sides[..., 1] > 14) & (sides[..., 0] > 5)
    kinds = torch.where(good, PERSON, torch.where(there, IGNORED, NOBODY))
    return canvas, owner, boxes, kinds


def covered(owner, boxes):
    """Share of each box that was laid over."""
    table = F.pad((owner[:, ::2, ::2] > 0).float().cumsum(1).cumsum(2), (1, 0, 1, 0))
    at = (boxes / 2).round().long()
    x = at[..., 0::2].clamp(0, table.shape[2] - 1)
    y = at[..., 1::2].clamp(0, table.shape[1] - 1)
    take = lambda i, j: table.flatten(1).gather(1, y[..., i] * table.shape[2] + x[..., j])
    area = (y[..., 1] - y[..., 0]) * (x[..., 1] - x[..., 0])
    return (take(1, 1) - take(0, 1) - take(1, 0) + take(0, 0)) / area.clamp(min=1)


# ---- scenes --------------------------------------------------------------------------------------

@torch.no_grad()
def scenes(material, n, high, wide, draw):
    """n pictures [n, 3, high, wide] in 0..255, boxes [n, m, 4] in pixels, kinds [n, m]."""
    real = draw.chance(0.4, n)
    canvas = torch.zeros((n, 3, high, wide), device=draw.device)
    canvas, standing, their = lay_places(canvas, material.places, real, draw)
    canvas, owner, boxes, kinds = lay_sprites(canvas, material.sprites, real, draw)
    hidden = covered(owner, standing)
    their = torch.where((their == PERSON) & (hidden > .6), IGNORED, their)
    their = torch.where(hidden > .9, NOBODY, their)
    boxes, kinds = torch.cat([boxes, standing], 1), torch.cat([kinds, their], 1)
    first = (kinds == NOBODY).int().sort(dim=1, stable=True)[1][:, :64]
    return (camera(canvas, draw), boxes.gather(1, first[..., None].expand(-1, -1, 4)),
            kinds.gather(1, first))
