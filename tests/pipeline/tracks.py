#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ids against persons that were looked at by hand: tracks.py FRAMES.jsonl TRUTH.json [FIRST LAST]

FRAMES.jsonl is what pipeloadpublish what=frames wrote of a whole clip, each frame looked at. In every frame that the truth has, from FIRST to LAST, persons and boxes are paired,
nearest first, where the person's middle is in the box, grown by a tenth. Prints: persons seen, missed, boxes on nobody, switches (a person whose id differs from the last
labelled frame that showed them), ids a person.
"""
import json
import sys


def pairs(persons, objects):
    near = []
    for name, (x, y) in persons.items():
        for i, o in enumerate(objects):
            cx, cy = o["x"] + o["w"] / 2, o["y"] + o["h"] / 2
            if abs(x - cx) <= 0.6 * o["w"] and abs(y - cy) <= 0.6 * o["h"]:
                near.append((abs(x - cx) / o["w"] + abs(y - cy) / o["h"], name, i))
    taken, found = set(), {}
    for _, name, i in sorted(near):
        if name not in found and i not in taken:
            found[name] = i
            taken.add(i)
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        frames = [json.loads(line) for line in f]
    with open(sys.argv[2], encoding="utf-8") as f:
        truth = json.load(f)["frames"]
    first, last = (int(sys.argv[3]), int(sys.argv[4])) if len(sys.argv) > 3 else (0, 1 << 30)
    ids, seen, missed, nobody, switches = {}, 0, 0, 0, 0
    for number in sorted(int(n) for n in truth if first <= int(n) <= last):
        objects = frames[number]["objects"]
        persons, hidden = truth[str(number)]["persons"], truth[str(number)]["hidden"]
        found = pairs(persons, objects)
        for name in persons:
            if name in found:
                seen += 1
                known = ids.setdefault(name, [])
                track = objects[found[name]]["id"]
                switches += bool(known) and known[-1] != track
                known.append(track)
            else:
                missed += name not in hidden
        nobody += len(objects) - len(found)
    each = [len(set(known)) for known in ids.values()]
    print(f"seen {seen} missed {missed} nobody {nobody} switches {switches} persons {len(each)} ids/person {sum(each) / max(len(each), 1):.2f}")


if __name__ == "__main__":
    main()
