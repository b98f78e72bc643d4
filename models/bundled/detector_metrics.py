# SPDX-License-Identifier: LGPL-2.1-or-later
"""How well boxes were found: average precision and recall as the COCO challenge counts them.

Found boxes are taken best first; each takes the unmatched true box that it overlaps most.  One that
takes none is a false alarm, unless it lies mostly in a box that is to be ignored.
"""
import numpy as np

from person_detector import overlaps

STEPS = np.arange(0.5, 1.0, 0.05)               # of intersection over union
HEIGHTS = [0, 32, 64, 128, 10000]               # limits of the classes of height, in input pixels


def inside(box, boxes):
    """Share of a box that is inside each of the others."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    return np.clip(high - low, 0, None).prod(1) / max(1e-9, (box[2:] - box[:2]).prod())


def matched(found, true, ignored, least):
    """For each found box: the true one's number, -1 for a false alarm, -2 for neither."""
    free, result = np.ones(len(true), bool), []
    for box in found:
        share = overlaps(box, true) * free if len(true) else np.zeros(1)
        if share.max() >= least:
            free[share.argmax()] = False
            result.append(int(share.argmax()))
        else:
            out = len(ignored) and inside(box, ignored).max() > 0.5
            result.append(-2 if out else -1)
    return np.array(result, int)


def average_precision(score, hit, count):
    """Mean precision at 101 recalls; score and hit of all boxes that count."""
    if not count:
        return None
    hit = hit[np.argsort(-score, kind="stable")]
    got = hit.cumsum()
    precision = got / np.arange(1, len(hit) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(got / count, np.linspace(0, 1, 101), side="left")
    return float(np.append(precision, 0)[np.minimum(at, len(hit))].mean())


def measure(found, truth, least, high):
    """Figures of one test set.

    found: (scores, boxes) of each picture, down to low scores; truth: (boxes, ignored) of each,
    boxes as shares; least: threshold for what counts as found; high: the input's height in pixels.
    """
    count, ap = sum(len(t) for t, _ in truth), []
    score = np.concatenate([s for s, _ in found]) if found else np.zeros(0)
    for step in STEPS:
        who = np.concatenate([matched(b, t, i, step) for (_, b), (t, i) in zip(found, truth)])
        if step == STEPS[0]:
            first = who
        ap.append(average_precision(score[who > -2], who[who > -2] >= 0, count))
    shown = (score >= least) & (first > -2)
    hits, alarms = int((first[shown] >= 0).sum()), int((first[shown] < 0).sum())
    height = np.concatenate([(t[:, 3] - t[:, 1]) * high for t, _ in truth])
    seen = np.zeros(count, bool)
    start, place = 0, 0
    for (s, b), (t, i) in zip(found, truth):
        mine = first[start:start + len(b)][s >= least]
        seen[place + mine[mine >= 0]] = True
        start, place = start + len(b), place + len(t)
    ratio = lambda a, b: round(a / b, 4) if b else None
    rounded = lambda v: None if v is None else round(v, 4)
    result = {"pictures": len(truth), "persons": count, "AP@0.5": rounded(ap[0]),
              "AP@[.5:.95]": rounded(None if not count else float(np.mean(ap))),
              "precision": ratio(hits, hits + alarms), "recall": ratio(hits, count),
              "false_alarms_per_picture": ratio(alarms, len(truth)), "recall_by_height": {}}
    for low, top in zip(HEIGHTS, HEIGHTS[1:]):
        some = (height >= low) & (height < top)
        if some.any():
            name = "%d+" % low if top == HEIGHTS[-1] else "%d-%d" % (low, top)
            result["recall_by_height"][name] = [ratio(int(seen[some].sum()), int(some.sum())),
                                                int(some.sum())]
    return result


def best_threshold(found, truth):
    """The score at which F0.5 is highest: a false alarm weighs four times a missed person."""
    who = np.concatenate([matched(b, t, i, 0.5) for (_, b), (t, i) in zip(found, truth)])
    score = np.concatenate([s for s, _ in found])
    score, hit = score[who > -2], who[who > -2] >= 0
    count, steps = sum(len(t) for t, _ in truth), np.arange(0.1, 0.8, 0.01)
    shown = lambda some, s: int((some & (score >= s)).sum())
    value = [shown(hit, s) / (0.25 * count + shown(True, s)) for s in steps]
    return round(float(steps[int(np.argmax(value))]), 2)
