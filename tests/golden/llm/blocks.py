"""GGUF's block types: what their bytes mean, in double precision, and simple encoders for those types that the golden models are written in.

The layouts are those of ggml (https://github.com/ggml-org/ggml, src/ggml-common.h). A row of a matrix is a run of blocks; a block is a fixed
number of values in a fixed number of bytes. Below, n is the number of blocks, d and m are float16 scales, q the codes; bit 0 is the lowest.
The encoders take the obvious scale (largest magnitude, or lowest and highest value) of each block: they need to be right, not good.
"""
from collections import namedtuple

import numpy as np

NL = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float64)  # IQ4's 16 levels


# ---- bits and bytes ----

def half(b):
    """float16 bytes [n, 2] → [n, 1]"""
    return b.copy().view("<f2").astype(np.float64)


def from_half(x):
    """[n] or [n, 1] → float16 bytes [n, 2]"""
    return np.ascontiguousarray(x.reshape(-1, 1)).astype("<f2").view(np.uint8)


def rounded(x):
    """[n, 1] as a float16 holds it"""
    return x.astype(np.float16).astype(np.float64)


def fields(b, width):
    """Bytes [..., m] → [..., 8 / width, m]: the lowest @width bits of all bytes, then the next, ..."""
    shifts = np.arange(0, 8, width, dtype=np.uint8)[:, None]
    return (b[..., None, :] >> shifts) & np.uint8(2 ** width - 1)


def from_fields(q, width):
    """Inverse of fields()."""
    shifts = np.arange(0, 8, width, dtype=np.uint8)[:, None]
    return np.bitwise_or.reduce(q.astype(np.uint8) << shifts, axis=-2)


def nibbles(b):
    """Bytes [n, 16] → [n, 32]: low halves, then high halves"""
    return fields(b, 4).reshape(len(b), 32)


def from_nibbles(q):
    return from_fields(q.reshape(-1, 2, 16), 4)


def bits(b):
    """Bytes [n, m] → [n, 8 m], each byte's lowest bit first"""
    return np.unpackbits(b, axis=1, bitorder="little")


def from_bits(q):
    return np.packbits(q.astype(np.uint8), axis=1, bitorder="little")


def codes(x, step, low, high):
    """x / step to the nearest whole number in low..high; 0 where the step is 0"""
    return np.clip(np.rint(np.divide(x, step, out=np.zeros_like(x), where=step != 0)), low, high)


def farthest(x):
    """The value of the largest magnitude along the last axis, with its sign [..., 1]"""
    return np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)


def nearest_level(x, step):
    """Indices into NL of the levels nearest to x / step"""
    scaled = np.divide(x, step, out=np.zeros_like(x), where=step != 0)
    return np.abs(scaled[..., None] - NL).argmin(-1)


# ---- plain values ----

def unpack_f32(b):
    return b.copy().view("<f4").astype(np.float64)


def pack_f32(x):
    return np.ascontiguousarray(x).astype("<f4").view(np.uint8)


def unpack_bf16(b):
    """The high half of a float32"""
    return (b.copy().view("<u2").astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def pack_bf16(x):
    """To nearest, ties to even"""
    u = np.ascontiguousarray(x).astype(np.float32).view(np.uint32)
    return ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype("<u2").view(np.uint8)


# ---- blocks of 32 ----
# Nibbles: byte i holds value i in its low and value i + 16 in its high half.

def unpack_q4_0(b):
    """d, nibbles [16]: d (q - 8)"""
    return half(b[:, :2]) * (nibbles(b[:, 2:]) - 8.0)


def unpack_q4_1(b):
    """d, m, nibbles [16]: d q + m"""
    return half(b[:, :2]) * nibbles(b[:, 4:]) + half(b[:, 2:4])


def pack_q4_1(x):
    m = rounded(x.min(1, keepdims=True))
    d = rounded((x.max(1, keepdims=True) - m) / 15)
    return np.hstack([from_half(d), from_half(m), from_nibbles(codes(x - m, d, 0, 15))])


def unpack_q5_0(b):
    """d, fifth bits [4], nibbles [16]: d (q - 16)"""
    return half(b[:, :2]) * (nibbles(b[:, 6:]) + 16.0 * bits(b[:, 2:6]) - 16)


def pack_q5_0(x):
    d = rounded(farthest(x) / -16)
    q = codes(x, d, -16, 15) + 16
    return np.hstack([from_half(d), from_bits(q >= 16), from_nibbles(q % 16)])


def unpack_q5_1(b):
    """d, m, fifth bits [4], nibbles [16]: d q + m"""
    return half(b[:, :2]) * (nibbles(b[:, 8:]) + 16.0 * bits(b[:, 4:8])) + half(b[:, 2:4])


def pack_q5_1(x):
    m = rounded(x.min(1, keepdims=True))
    d = rounded((x.max(1, keepdims=True) - m) / 31)
    q = codes(x - m, d, 0, 31)
    return np.hstack([from_half(d), from_half(m), from_bits(q >= 16), from_nibbles(q % 16)])


def unpack_q8_0(b):
    """d, signed bytes [32]: d q"""
    return half(b[:, :2]) * b[:, 2:].view(np.int8)


def unpack_iq4_nl(b):
    """d, nibbles [16]: d NL[q]"""
    return half(b[:, :2]) * NL[nibbles(b[:, 2:])]


def pack_iq4_nl(x):
    d = rounded(farthest(x) / NL[0])
    return np.hstack([from_half(d), from_nibbles(nearest_level(x, d))])


# ---- super-blocks of 256 ----
# Codes of 2 bits: 32 bytes hold 128 values, byte i values i, i + 32, i + 64, i + 96 from its lowest bits up.
# Codes of 4 bits: 32 bytes hold 64 values, byte i values i and i + 32.

def low_codes(b, width):
    """Bytes [n, 32 k] → codes of the 256 values [n, 256]"""
    return fields(b.reshape(len(b), -1, 32), width).reshape(len(b), 256)


def from_low_codes(q, width):
    return from_fields(q.reshape(len(q), -1, 8 // width, 32), width).reshape(len(q), -1)


def high_bits(b):
    """Bytes [n, 32] → [n, 256]: byte i's bit j belongs to value 32 j + i"""
    return fields(b, 1).reshape(len(b), 256)


def from_high_bits(q):
    return from_fields(q.reshape(len(q), 8, 32), 1)


def each(scales, q):
    """Scales [n, s] spread over the codes [n, 256]"""
    return np.repeat(scales, 256 // scales.shape[1], axis=1) * q


def affine_scales(x, n_codes, n_scales):
    """Scales and offsets of sub-blocks [n, s, k]: d, m [n, 1], their codes [n, s] and the codes of the values [n, s, k]:
    x ≈ d scale q - m offset"""
    low = np.minimum(x.min(2), 0)
    step = (x.max(2) - low) / n_codes
    d, m = rounded(step.max(1, keepdims=True) / n_scales), rounded((-low).max(1, keepdims=True) / n_scales)
    scale, offset = codes(step, d, 0, n_scales), codes(-low, m, 0, n_scales)
    return d, m, scale, offset, codes(x + (m * offset)[..., None], (d * scale)[..., None], 0, n_codes)


def unpack_q2_k(b):
    """scale (low) and offset (high) nibbles [16], codes of 2 bits [64], d, m: d scale q - m offset"""
    scales = fields(b[:, :16], 4).astype(np.float64)
    d, m = half(b[:, 80:82]), half(b[:, 82:84])
    return each(d * scales[:, 0], low_codes(b[:, 16:80], 2)) - each(m * scales[:, 1], np.ones(256))


def pack_q2_k(x):
    d, m, scale, offset, q = affine_scales(x.reshape(-1, 16, 16), 3, 15)
    scales = from_fields(np.stack([scale, offset], 1), 4)
    return np.hstack([scales, from_low_codes(q.reshape(-1, 256), 2), from_half(d), from_half(m)])


def unpack_q3_k(b):
    """Third bits [32], codes of 2 bits [64], scales [12], d: d (scale - 32) (q - 4). Scales are of 6 bits: byte i of the first 8 has the lower
    four of scales i and i + 8; byte 8 + i the upper two of scales i, i + 4, i + 8, i + 12, from its lowest bits up."""
    q = low_codes(b[:, 32:96], 2) + 4.0 * high_bits(b[:, :32]) - 4
    scales = fields(b[:, 96:104], 4).reshape(-1, 16) + 16.0 * fields(b[:, 104:108], 2).reshape(-1, 16) - 32
    return each(half(b[:, 108:110]) * scales, q)


def pack_q3_k(x):
    x = x.reshape(-1, 16, 16)
    step = farthest(x)[..., 0] / -4
    d = rounded(farthest(step) / -32)
    scale = codes(step, d, -32, 31)
    q = (codes(x, (d * scale)[..., None], -4, 3) + 4).reshape(-1, 256)
    scale += 32
    return np.hstack([from_high_bits(q >= 4), from_low_codes(q % 4, 2), from_fields((scale % 16).reshape(-1, 2, 8), 4),
                      from_fields((scale // 16).reshape(-1, 4, 4), 2), from_half(d)])


def unpack_scales_k4(b):
    """Bytes [n, 12] → scales and offsets [n, 8], of 6 bits. Of the first four, the lower 6 bits of bytes 0..3 and of 4..7; of the last four, the
    lower four bits in the low (scales) and high (offsets) halves of bytes 8..11, the upper two on top of bytes 0..3 and 4..7."""
    first, top, last = b[:, :8] & 63, b[:, :8] >> 6, fields(b[:, 8:], 4)
    return (np.hstack([first[:, :4], last[:, 0] | top[:, :4] << 4]).astype(np.float64),
            np.hstack([first[:, 4:], last[:, 1] | top[:, 4:] << 4]).astype(np.float64))


def pack_scales_k4(scale, offset):
    scale, offset = scale.astype(np.uint8), offset.astype(np.uint8)
    last = np.stack([scale[:, 4:] & 15, offset[:, 4:] & 15], 1)
    return np.hstack([scale[:, :4] | scale[:, 4:] >> 4 << 6, offset[:, :4] | offset[:, 4:] >> 4 << 6, from_fields(last, 4)])


def unpack_q4_k(b):
    """d, m, scales and offsets [12], codes of 4 bits [128]: d scale q - m offset"""
    scale, offset = unpack_scales_k4(b[:, 4:16])
    return each(half(b[:, :2]) * scale, low_codes(b[:, 16:], 4)) - each(half(b[:, 2:4]) * offset, np.ones(256))


def unpack_q5_k(b):
    """d, m, scales and offsets [12], fifth bits [32], codes of 4 bits [128]: d scale q - m offset"""
    scale, offset = unpack_scales_k4(b[:, 4:16])
    q = low_codes(b[:, 48:], 4) + 16.0 * high_bits(b[:, 16:48])
    return each(half(b[:, :2]) * scale, q) - each(half(b[:, 2:4]) * offset, np.ones(256))


def pack_q5_k(x):
    d, m, scale, offset, q = affine_scales(x.reshape(-1, 8, 32), 31, 63)
    q = q.reshape(-1, 256)
    return np.hstack([from_half(d), from_half(m), pack_scales_k4(scale, offset), from_high_bits(q >= 16), from_low_codes(q % 16, 4)])


def unpack_q6_k(b):
    """Lower four bits [128], upper two bits [64], signed scales [16], d: d scale (q - 32). The lower ones: 64 bytes hold 128 values, byte i
    values i and i + 64; the upper ones as codes of 2 bits."""
    low = fields(b[:, :128].reshape(-1, 2, 64), 4).reshape(-1, 256)
    q = low + 16.0 * low_codes(b[:, 128:192], 2) - 32
    return each(half(b[:, 208:210]) * b[:, 192:208].view(np.int8), q)


def unpack_iq4_xs(b):
    """d, upper two bits of scales (u16), their lower four [4], nibbles [128] in 8 runs of 32 as in IQ4_NL: d (scale - 32) NL[q]"""
    scales = fields(b[:, 4:8], 4).transpose(0, 2, 1).reshape(-1, 8) + 16.0 * fields(b[:, 2:4], 2).transpose(0, 2, 1).reshape(-1, 8) - 32
    return each(half(b[:, :2]) * scales, NL[nibbles(b[:, 8:].reshape(-1, 16))].reshape(-1, 256))


def pack_iq4_xs(x):
    x = x.reshape(-1, 8, 32)
    step = farthest(x)[..., 0] / NL[0]
    d = rounded(farthest(step) / -32)
    scale = codes(step, d, -32, 31)
    q = nearest_level(x, (d * scale)[..., None])
    scale += 32
    upper = from_fields((scale // 16).reshape(-1, 2, 4).transpose(0, 2, 1), 2)
    lower = from_fields((scale % 16).reshape(-1, 4, 2).transpose(0, 2, 1), 4)
    return np.hstack([from_half(d), upper, lower, from_nibbles(q.reshape(-1, 32)).reshape(-1, 128)])


# ---- the list ----

# unpack: bytes [n, size] → double [n, values]; pack: its inverse, or None
BlockType = namedtuple("BlockType", "id values size unpack pack")
TYPES = {
    "F32": BlockType(0, 1, 4, unpack_f32, pack_f32),
    "F16": BlockType(1, 1, 2, half, None),
    "Q4_0": BlockType(2, 32, 18, unpack_q4_0, None),
    "Q4_1": BlockType(3, 32, 20, unpack_q4_1, pack_q4_1),
    "Q5_0": BlockType(6, 32, 22, unpack_q5_0, pack_q5_0),
    "Q5_1": BlockType(7, 32, 24, unpack_q5_1, pack_q5_1),
    "Q8_0": BlockType(8, 32, 34, unpack_q8_0, None),
    "Q2_K": BlockType(10, 256, 84, unpack_q2_k, pack_q2_k),
    "Q3_K": BlockType(11, 256, 110, unpack_q3_k, pack_q3_k),
    "Q4_K": BlockType(12, 256, 144, unpack_q4_k, None),
    "Q5_K": BlockType(13, 256, 176, unpack_q5_k, pack_q5_k),
    "Q6_K": BlockType(14, 256, 210, unpack_q6_k, None),
    "IQ4_NL": BlockType(20, 32, 18, unpack_iq4_nl, pack_iq4_nl),
    "IQ4_XS": BlockType(23, 256, 136, unpack_iq4_xs, pack_iq4_xs),
    "BF16": BlockType(30, 1, 2, unpack_bf16, pack_bf16),
}


def decode(data, kind, shape):
    """Bytes of a tensor → double [shape]"""
    t = TYPES[kind]
    return t.unpack(np.frombuffer(data, np.uint8).reshape(-1, t.size)).reshape(shape)


def encode(x, kind):
    """Double [..., k] → bytes; k is whole blocks"""
    t = TYPES[kind]
    return t.pack(x.reshape(-1, t.values)).tobytes()
