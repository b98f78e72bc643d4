#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the fixtures of tests/unit/test-image.c with PIL (Debian: python3-pil, python3-numpy).

pictures.bin   planes of 8-bit samples, one after the other, and the results that PIL gets from them
cases.txt      one test a line; offsets are into pictures.bin:
    resize FILTER CHANNELS WIDTH HEIGHT OFFSET  OUT_WIDTH OUT_HEIGHT OFFSET
    yuv FILTER MATRIX FULL SUB_X SUB_Y WIDTH HEIGHT OFFSET  OUT_WIDTH OUT_HEIGHT OFFSET
    jpeg FILTER FILE  OUT_WIDTH OUT_HEIGHT OFFSET OFFSET_OF_FULL_DECODE
*.jpg          pictures of every kind that cameras and files bring

Colour conversion is done here in double precision from the definitions in ITU-R BT.601, 709 and 2020, not by
PIL, which knows one matrix only. Running this again with the same PIL gives the same bytes.
"""
import io
import os
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
NEAREST, LANCZOS, BILINEAR, BICUBIC, BOX, HAMMING = range(6)
KR_KB = [(0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)]

rng = np.random.default_rng(20240904)
blob = bytearray()
cases = []


def put(array):
    offset = len(blob)
    blob.extend(np.ascontiguousarray(array, dtype=np.uint8).tobytes())
    return offset


def noise(height, width, channels=3):
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def extremes(height, width, channels=3):
    """Black and white samples only: makes the negative lobes overshoot."""
    return (rng.integers(0, 2, (height, width, channels)) * 255).astype(np.uint8)


def scene(height, width):
    """Gradients, waves, edges and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    a = np.stack([127 + 100 * np.sin(x / 9 + y / 23), 127 + 100 * np.cos(x / 31 - y / 13), x * 255 / width], -1)
    a[height // 4:height // 2, width // 4:width // 2] = (240, 30, 60)
    return np.clip(a + rng.normal(0, 4, a.shape), 0, 255).astype(np.uint8)


def pil(array):
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def resize(array, filters, sizes):
    at = put(array)
    height, width, channels = array.shape
    for filter in filters:
        for out_width, out_height in sizes:
            result = np.asarray(pil(array).resize((out_width, out_height), filter))
            cases.append(f"resize {filter} {channels} {width} {height} {at} {out_width} {out_height} {put(result)}")


def to_rgb(y, cb, cr, matrix, full):
    kr, kb = KR_KB[matrix]
    kg = 1 - kr - kb
    y, cb, cr = (v.astype(np.float64) for v in (y, cb, cr))
    if full:
        y, cb, cr = y / 255, (cb - 128) / 255, (cr - 128) / 255
    else:
        y, cb, cr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    r = y + 2 * (1 - kr) * cr
    b = y + 2 * (1 - kb) * cb
    g = (y - kr * r - kb * b) / kg
    return np.floor(np.clip(np.stack([r, g, b], -1) * 255, 0, 255) + 0.5)


def yuv(width, height, sub, matrix, full, filter, out):
    sub_x, sub_y = sub
    shapes = [(height, width)] + [((height + sub_y - 1) // sub_y, (width + sub_x - 1) // sub_x)] * 2
    planes = [noise(*shape, 1)[..., 0] for shape in shapes]
    at = put(planes[0])
    put(planes[1])
    put(planes[2])
    # The part of a subsampled plane that lies inside the picture, in samples of that plane.
    boxes = [(0, 0, width, height)] + [(0, 0, width / sub_x, height / sub_y)] * 2
    scaled = [np.asarray(Image.fromarray(p).resize(out, filter, box=b)) for p, b in zip(planes, boxes)]
    result = to_rgb(*scaled, matrix, full)
    cases.append(f"yuv {filter} {matrix} {full} {sub_x} {sub_y} {width} {height} {at} {out[0]} {out[1]} {put(result)}")


def jpeg(name, array, sizes, mode="RGB", filters=(BILINEAR,), **options):
    data = io.BytesIO()
    pil(array).convert(mode).save(data, "JPEG", **options)
    with open(os.path.join(HERE, name + ".jpg"), "wb") as f:
        f.write(data.getvalue())
    for filter in filters:
        for out in sizes:
            draft = Image.open(io.BytesIO(data.getvalue()))
            draft.draft(None, out)  # the same scales of libjpeg
            draft = np.asarray(draft.convert("RGB").resize(out, filter))
            full = np.asarray(Image.open(io.BytesIO(data.getvalue())).convert("RGB").resize(out, filter))
            cases.append(f"jpeg {filter} {name}.jpg {out[0]} {out[1]} {put(draft)} {put(full)}")


def main():
    every = range(6)
    resize(noise(61, 97), every, [(16, 16), (31, 10), (5, 7), (1, 1)])
    resize(extremes(23, 37), every, [(12, 9), (40, 25), (37, 11), (13, 23), (37, 23)])
    resize(noise(9, 11, 1), every, [(4, 5), (25, 3), (30, 30)])
    resize(noise(1, 1), every, [(1, 1), (7, 5)])
    resize(extremes(2, 3000, 1), every, [(16, 3), (1, 1)])
    resize(extremes(3000, 2, 1), every, [(3, 16), (5, 1)])
    resize(noise(5, 1), (BILINEAR, BICUBIC), [(9, 9)])
    for matrix in range(3):
        for full in range(2):
            yuv(16, 12, (1, 1), matrix, full, BICUBIC, (16, 12))
            yuv(30, 20, (2, 2), matrix, full, BILINEAR, (12, 10))
    for sub in ((1, 1), (2, 1), (2, 2), (4, 1), (1, 2), (4, 4)):
        for filter in every:
            yuv(21, 13, sub, 1, 0, filter, (8, 9))
    yuv(1, 1, (2, 2), 0, 0, BILINEAR, (4, 4))
    yuv(3, 5, (2, 2), 0, 1, LANCZOS, (9, 11))

    small = scene(53, 75)
    jpeg("rgb420", small, [(20, 53), (90, 10), (40, 30), (30, 20)], quality=85, subsampling=2)
    jpeg("rgb422", small, [(20, 53)], quality=85, subsampling=1)
    jpeg("rgb444", small, [(20, 53), (20, 20)], quality=95, subsampling=0)
    jpeg("gray", small, [(20, 50), (15, 15)], mode="L", quality=85)
    jpeg("cmyk", small, [(20, 50), (15, 15)], mode="CMYK", quality=85)
    jpeg("progressive", small, [(20, 50), (15, 15)], quality=85, progressive=True)
    jpeg("bright", np.full((24, 32, 3), (250, 240, 200), np.uint8), [(9, 9)], quality=85)
    jpeg("dark", np.full((24, 32, 3), (5, 30, 20), np.uint8), [(9, 9)], quality=85)
    jpeg("one", scene(1, 1), [(1, 1), (8, 8)], quality=85)
    jpeg("wide", scene(2, 3000), [(24, 2), (24, 4)], quality=60)
    jpeg("scene", scene(270, 360), [(45, 33), (46, 20), (20, 69), (9, 136)], quality=60)
    jpeg("scene-progressive", scene(480, 640), [(24, 24)], quality=20, progressive=True)

    with open(os.path.join(HERE, "pictures.bin"), "wb") as f:
        f.write(blob)
    with open(os.path.join(HERE, "cases.txt"), "w") as f:
        f.write("\n".join(cases) + "\n")


main()
