#!/usr/bin/env python3
"""Draws tokens/s over the memory limit out of what llm.py --json has kept, runs of different times together.

plot.py OUT.svg RUNS.jsonl...

Plain SVG, 800 pixels wide: a color a storage rate; dots are medians with their spread, the dashed line is the floor. Everything other than pipeload
is drawn in gray. The last run under the same name, limit and rate counts.
"""
import json
import math
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 800, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 776, 84, 392
COLOURS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989"]
PEER = "#6e7781"
INK, FAINT = "#1f2328", "#d8dee4"


def read(paths):
    """Rows of the mode "full", the newest for each place in the picture."""
    rows = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for r in map(json.loads, file):
                if r["mode"] == "full":
                    rows[r["name"], r["model"], r["limit"], r["storage"]] = r
    rows = list(rows.values())
    if len({r["model"] for r in rows}) != 1:
        raise SystemExit(f"one model a picture, please: {', '.join(sorted({r['model'] for r in rows})) or 'no rows'}")
    return rows


def step_of(top):
    """A round distance between lines, six or so up to @top."""
    power = 10 ** math.floor(math.log10(top / 6))
    return next(m * power for m in (1, 2, 5, 10) if top / (m * power) <= 7)


class Picture:
    def __init__(self, x_top, y_top):
        self.x_top, self.y_top = x_top, y_top
        self.parts = []

    def x(self, limit):
        return LEFT + (RIGHT - LEFT) * limit / self.x_top

    def y(self, rate):
        return BOTTOM - (BOTTOM - TOP) * rate / self.y_top

    def text(self, x, y, words, size=13, color=INK, anchor="start", more=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}" {more}>'
                          f"{escape(words)}</text>")

    def line(self, points, color, width=2.0, dash=""):
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{way}" fill="none" stroke="{color}" stroke-width="{width}" stroke-dasharray="{dash}"/>')

    def dot(self, x, y, color, fill):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{color}" stroke-width="2"/>')

    def axes(self):
        step = step_of(self.y_top)
        for i in range(int(self.y_top / step) + 1):
            self.line([(LEFT, self.y(i * step)), (RIGHT, self.y(i * step))], FAINT, 1)
            self.text(LEFT - 10, self.y(i * step) + 4, f"{i * step:g}", anchor="end")
        step = step_of(self.x_top)
        for i in range(int(self.x_top / step) + 1):
            self.line([(self.x(i * step), BOTTOM), (self.x(i * step), BOTTOM + 5)], INK, 1)
            self.text(self.x(i * step), BOTTOM + 21, f"{i * step / 1e9:g}", anchor="middle")
        self.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], INK, 1)
        self.text((LEFT + RIGHT) / 2, BOTTOM + 41, "memory limit, GB", anchor="middle")
        self.text(LEFT - 40, TOP - 8, "tokens/s")

    def points(self, rows, color, fill, dash=""):
        """Medians with their spread; a cross on the axis for who did not get through."""
        rows = sorted(rows, key=place)
        done = [r for r in rows if "word" not in r]
        self.line([(self.x(place(r)), self.y(r["tokens_per_second"])) for r in done], color, 2, dash)
        for r in done:
            x = self.x(place(r))
            self.line([(x, self.y(r["tokens_per_second_min"])), (x, self.y(r["tokens_per_second_max"]))], color, 5)
            self.dot(x, self.y(r["tokens_per_second"]), color, fill)
        for r in rows:
            if "word" in r:
                self.text(self.x(place(r)), BOTTOM + 5, "×", 18, color, "middle")


def place(r):
    """Where a row stands: without a limit it takes what it holds."""
    return r["limit"] or r.get("engine_peak") or r["model_bytes"]


def rate_name(rate):
    return f"storage at {rate / 1e6:.0f} MB/s" if rate else "storage as it is"


def draw(out, paths):
    rows = read(paths)
    ours = [r for r in rows if r["name"].startswith("pipeload")]
    rates = sorted({r["storage"] for r in ours}, key=lambda rate: rate or math.inf, reverse=True)
    peers = sorted({(r["name"], r["storage"]) for r in rows if r not in ours})
    tops = [max(r["tokens_per_second_max"], 1e3 / r["floor_ms"] if r.get("floor_ms") else 0) for r in rows if "word" not in r]
    picture = Picture(1.04 * max(map(place, rows)), 1.08 * max(tops))
    picture.axes()
    legend = []
    for rate, color in zip(rates, COLOURS):
        those = [r for r in ours if r["storage"] == rate]
        floor = sorted((place(r), 1e3 / r["floor_ms"]) for r in those if r.get("floor_ms"))
        picture.line([(picture.x(x), picture.y(y)) for x, y in floor], color, 1.5, "5 4")
        picture.points(those, color, color)
        legend.append((color, f"pipeload, {rate_name(rate)}"))
    for name, rate in peers:
        picture.points([r for r in rows if (r["name"], r["storage"]) == (name, rate)], PEER, "#ffffff", "2 3")
        legend.append((PEER, f"{name}, {rate_name(rate)}" if len(rates) > 1 else name))
    write(out, picture, ours[0], legend, any("word" in r for r in rows))


def write(out, picture, r, legend, failed):
    """The title above, and what the colors mean, in the free upper left corner."""
    title = f"{r['model']}, {r['model_bytes'] / 1e9:.1f} GB: tokens/s over the memory limit"
    picture.text(LEFT - 40, 30, title, 17, more='font-weight="600"')
    picture.text(LEFT - 40, 50, r["machine"], 12, PEER)
    height = 20 * (len(legend) + 1 + failed) + 8
    picture.parts.append(f'<rect x="{LEFT + 8}" y="{TOP + 2}" width="330" height="{height}" fill="#ffffff"/>')
    for i, (color, words) in enumerate(legend):
        picture.dot(LEFT + 24, TOP + 16 + 20 * i, color, "#ffffff" if color == PEER else color)
        picture.text(LEFT + 36, TOP + 20 + 20 * i, words)
    y = TOP + 16 + 20 * len(legend)
    picture.line([(LEFT + 15, y), (LEFT + 33, y)], INK, 1.5, "5 4")
    picture.text(LEFT + 36, y + 4, "floor: the slower of reading and computing")
    if failed:
        picture.text(LEFT + 24, y + 25, "×", 18, PEER, "middle")
        picture.text(LEFT + 36, y + 24, "did not get through")
    with open(out, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
                   f'font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img">\n<title>{escape(title)}</title>\n'
                   f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>\n' + "\n".join(picture.parts) + "\n</svg>\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    draw(sys.argv[1], sys.argv[2:])
