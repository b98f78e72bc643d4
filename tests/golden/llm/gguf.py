"""GGUF version 3, little-endian: read whole, written from bytes. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""
import math
import struct

from blocks import TYPES, decode

MAGIC, ALIGNMENT = 0x46554747, 32
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
NAMES = {t.id: name for name, t in TYPES.items()}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def string(self):
        n = self.take("Q")
        self.at += n
        return self.data[self.at - n:self.at]

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner, count = self.take("IQ")
            return [self.value(inner) for _ in range(count)]
        return self.take(SCALARS[kind])


def read(path):
    """(key → value, name → double array, outermost dimension first) of a file; strings are bytes"""
    with open(path, "rb") as file:
        reader = Reader(file.read())
    magic, _, n_tensors, n_keys = reader.take("IIQQ")
    assert magic == MAGIC, path
    config, entries, tensors = {}, [], {}
    for _ in range(n_keys):
        key = reader.string().decode()
        config[key] = reader.value(reader.take("I"))
    for _ in range(n_tensors):
        name = reader.string().decode()
        shape = [reader.take("Q") for _ in range(reader.take("I"))][::-1]
        entries.append((name, shape, NAMES[reader.take("I")], reader.take("Q")))
    start = -(-reader.at // ALIGNMENT) * ALIGNMENT
    for name, shape, kind, offset in entries:
        n = math.prod(shape) // TYPES[kind].values * TYPES[kind].size
        tensors[name] = decode(reader.data[start + offset:start + offset + n], kind, shape)
    return config, tensors


def _string(s):
    s = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(s)) + s


def _value(value):
    """(type, bytes): u32, f32, string, or an array of one of i32, f32, string"""
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, (str, bytes)):
        return STRING, _string(value)
    if isinstance(value[0], int):
        inner, body = 5, struct.pack(f"<{len(value)}i", *value)
    else:
        inner, body = _value(value[0])[0], b"".join(_value(v)[1] for v in value)
    return ARRAY, struct.pack("<IQ", inner, len(value)) + body


def write(path, config, tensors):
    """config: key → value; tensors: (name, shape, type, bytes), outermost dimension first"""
    info, blobs, offset = b"", [], 0
    for name, shape, kind, data in tensors:
        info += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape)) + struct.pack("<IQ", TYPES[kind].id, offset)
        blobs.append(data + b"\0" * (-len(data) % ALIGNMENT))
        offset += len(blobs[-1])
    head = struct.pack("<IIQQ", MAGIC, 3, len(tensors), len(config))
    for key, value in config.items():
        kind, body = _value(value)
        head += _string(key) + struct.pack("<I", kind) + body
    head += info
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(blobs))
