#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the seeds of the fuzz targets: small valid files, and the same damaged. Deterministic.

Usage: make-seeds.py [FOLDER]    (default: the folder seeds next to this script)
Needs Pillow for the JPEGs.
"""
import io
import json
import struct
import sys
from pathlib import Path

from PIL import Image

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "seeds"


def save(target, name, data):
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def flipped(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << (bit % 8)
    return bytes(out)


# ---- safetensors -------------------------------------------------------------------------------

def safetensors(header, n_data=64, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(n_data)


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def make_safetensors():
    valid = {"__metadata__": {"format": "pt"}, "w": tensor("F32", [2, 3], 0, 24), "b": tensor("F16", [3], 24, 30),
             "e": tensor("I64", [0, 4], 30, 30), "s": tensor("BF16", [], 30, 32)}
    files = {
        "valid": safetensors(valid),
        "valid-padded": safetensors(json.dumps(valid).encode() + b"     "),
        "valid-escapes": safetensors(rb'{"a\u00e9\ud83d\ude00\"":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":[{},1e3,null]}}'),
        "empty": b"",
        "no-header": b"\0" * 8,
        "length-2-63": safetensors(valid, length=1 << 63),
        "length-100-mb": safetensors(valid, length=100000001),
        "length-past-end": safetensors(valid, length=4000),
        "length-short": safetensors(valid, length=20),
        "truncated-header": safetensors(valid)[:40],
        "truncated-data": safetensors(valid, 20),
        "overlap": safetensors({"a": tensor("F32", [2], 0, 8), "b": tensor("F32", [2], 4, 12)}),
        "hole": safetensors({"a": tensor("F32", [1], 0, 4), "b": tensor("F32", [1], 40, 44)}),
        "past-end": safetensors({"a": tensor("F32", [1], 61, 65)}),
        "offset-2-64": safetensors({"a": tensor("F32", [1], 2**64 - 5, 2**64 - 1)}),
        "reversed": safetensors({"a": tensor("F32", [1], 4, 0)}),
        "overflow": safetensors({"a": tensor("F32", [2**32, 2**32], 0, 0)}),
        "overflow-zero": safetensors({"a": tensor("F32", [0, 2**64 - 1, 2], 0, 0)}),
        "wrong-size": safetensors({"a": tensor("F32", [2], 0, 4)}),
        "rank-9": safetensors({"a": tensor("U8", [1] * 9, 0, 1)}),
        "negative": safetensors({"a": tensor("F32", [-1], 0, 4)}),
        "fraction": safetensors({"a": tensor("F32", [1.5], 0, 6)}),
        "unknown-type": safetensors({"a": tensor("F8_E4M3", [1], 0, 1)}),
        "twice": safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'),
        "metadata-number": safetensors({"__metadata__": {"a": 1}}),
        "deep": safetensors(b'{"a":{"x":' + b"[" * 200),
        "not-utf8": safetensors(b'{"\xff\xfe":{}}'),
    }
    for i, bit in enumerate((0, 17, 63, 64, 80, 200, 333, 500)):
        files[f"flipped-{i}"] = flipped(files["valid"], bit)
    for name, data in files.items():
        save("safetensors", name, data)


# ---- GGUF --------------------------------------------------------------------------------------

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", I64: "q", F64: "d"}


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def array(kind, items, count=None):
    return struct.pack("<IQ", kind, len(items) if count is None else count) + b"".join(value(kind, i) for i in items)


def value(kind, item):
    if kind == STRING:
        return string(item)
    if kind == ARRAY:
        return array(*item)
    return struct.pack("<" + FORMATS[kind], item)


def key(name, kind, item):
    return string(name) + struct.pack("<I", kind) + value(kind, item)


def gguf_tensor(name, dims, kind, offset):
    return string(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims) + struct.pack("<IQ", kind, offset)


def gguf(keys, tensors, n_data=256, version=3, n_tensors=None, n_keys=None, alignment=32):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors) if n_tensors is None else n_tensors,
                                 len(keys) if n_keys is None else n_keys) + b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + bytes(n_data)


def make_gguf():
    scalars = [key("general.architecture", STRING, "llama"), key("u8", U8, 255), key("i8", I8, -1), key("u16", U16, 65535),
               key("i16", I16, -2), key("u32", U32, 1), key("i32", I32, -3), key("f32", F32, 0.5), key("bool", BOOL, 1),
               key("u64", U64, 2**63), key("i64", I64, -4), key("f64", F64, float("nan"))]
    lists = [key("list", ARRAY, (I16, [1, 2])), key("nested", ARRAY, (ARRAY, [(STRING, ["a", "b"]), (F32, [])])),
             key("long", ARRAY, (STRING, ["t"] * 65)), key("longer", ARRAY, (U8, [0] * 100))]
    vit = [key("general.architecture", STRING, "vit"), key("vit.embedding_length", U32, 64), key("vit.image_size", ARRAY, (I32, [48, 32])),
           key("vit.attention.layer_norm_epsilon", F32, 1e-6), key("vit.image_mean", ARRAY, (F32, [0.5, 0.25, 0.75])),
           key("vit.hidden_act", STRING, "gelu"), key("vit.classifier.output_labels", ARRAY, (STRING, ["cat", "", "h\u00e4nd"]))]
    tensors = [gguf_tensor("w", [64, 2], 2, 0), gguf_tensor("b", [3], 0, 96)]
    one = [gguf_tensor("w", [4], 0, 0)]
    valid = gguf(scalars + lists, tensors)
    files = {
        "valid": valid,
        "valid-v2": gguf(scalars, tensors, version=2),
        "valid-alignment": gguf([key("general.alignment", U32, 8)], [gguf_tensor("w", [3], 0, 0), gguf_tensor("k", [256], 12, 16)],
                                alignment=8),
        "valid-vit": gguf(vit, [gguf_tensor("v.patch_embd.weight", [8, 8, 3, 2], 1, 0), gguf_tensor("v.blk.0.attn_q.weight", [64, 2], 8, 768),
                                gguf_tensor("v.class_embd", [64], 0, 928)], 2048),
        "vit-labels-cut": gguf(vit[:-1] + [string("vit.classifier.output_labels") + struct.pack("<I", ARRAY) + array(STRING, ["cat"], 3)],
                               [], 0),
        "valid-vocabulary": gguf(scalars + lists, [], 0),
        "empty": b"",
        "magic": b"GGUF",
        "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 1, 1) + bytes(64),
        "version-1": gguf([], one, version=1),
        "version-9": gguf([], one, version=9),
        "many-tensors": gguf([], one, n_tensors=2**64 - 1),
        "many-keys": gguf([], one, n_keys=2**60),
        "truncated-key": valid[:60],
        "truncated-directory": valid[:-400],
        "truncated-data": valid[:-200],
        "string-2-64": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**64 - 1) + bytes(32),
        "array-count": gguf([string("a") + struct.pack("<I", ARRAY) + array(U64, [], 2**61)], []),
        "array-deep": gguf([string("a") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * 20], [], 0),
        "unknown-value": gguf([string("a") + struct.pack("<I", 13) + bytes(8)], []),
        "bool-2": gguf([key("a", BOOL, 2)], []),
        "alignment-0": gguf([key("general.alignment", U32, 0)], one),
        "alignment-48": gguf([key("general.alignment", U32, 48)], one),
        "key-twice": gguf([key("a", U8, 1), key("a", U8, 1)], one),
        "key-empty": gguf([key("", U8, 1)], one),
        "value-not-utf8": gguf([key("a", STRING, b"\xff\0\xfe")], one),
        "dims-0": gguf([], [gguf_tensor("w", [], 0, 0)]),
        "dims-5": gguf([], [gguf_tensor("w", [1] * 5, 0, 0)]),
        "dim-0": gguf([], [gguf_tensor("w", [4, 0], 0, 0)]),
        "overflow": gguf([], [gguf_tensor("w", [2**32, 2**32], 0, 0)]),
        "no-whole-block": gguf([], [gguf_tensor("w", [33], 2, 0)]),
        "unknown-type": gguf([], [gguf_tensor("w", [4], 77, 0)]),
        "unaligned": gguf([], [gguf_tensor("w", [4], 0, 4)]),
        "past-end": gguf([], [gguf_tensor("w", [4], 0, 4096)]),
        "offset-2-64": gguf([], [gguf_tensor("w", [4], 0, 2**64 - 32)]),
        "overlap": gguf([], [gguf_tensor("a", [16], 0, 0), gguf_tensor("b", [16], 0, 32)]),
        "tensor-twice": gguf([], one + [gguf_tensor("w", [4], 0, 32)]),
    }
    for i, bit in enumerate((35, 70, 150, 200, 300, 777, 1500, 4000)):
        files[f"flipped-{i}"] = flipped(valid, bit)
    for name, data in files.items():
        save("gguf", name, data)


# ---- JSON --------------------------------------------------------------------------------------

def make_config():
    valid = {"architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 64, "layer_norm_eps": 1e-12,
             "qkv_bias": True, "size": {"height": 48, "width": 32}, "edge": {"shortest_edge": 224}, "pair": [480, 640],
             "image_mean": [0.5, 0.25, 1], "id2label": {"0": "a", "1": "b"}, "nothing": None}
    files = {
        "valid": json.dumps(valid, indent=1).encode(),
        "valid-numbers": b'{"a":-0.5e-3,"b":0,"c":1E+2,"d":9223372036854775807,"h":9223372036854774784,"e":NaN,"f":-Infinity}',
        "number-huge": b'{"a":1e999}',
        "valid-strings": rb'{"a\n\u20ac\ud834\udd1e":"\/\b\f\r\t"}',
        "empty": b"",
        "list": b"[1,2]",
        "truncated": json.dumps(valid).encode()[:100],
        "text-after": b"{} x",
        "comma": b'{"a":1,}',
        "comment": b'{"a":1 /* x */}',
        "doubled": b'{"a":1,"a":2}',
        "mixed-brackets": b'{"a":[1}',
        "number-long": b'{"a":' + b"1" * 400 + b"}",
        "number-leading-zero": b'{"a":007}',
        "deep": b'{"a":' + b"[" * 500,
        "surrogate": rb'{"a":"\ud800"}',
        "zero": rb'{"a":"\u0000"}',
        "not-utf8": b'{"a":"\xc3("}',
        "control": b'{"a":"\x01"}',
        "labels-gap": b'{"id2label":{"0":"a","2":"b"}}',
        "labels-twice": b'{"id2label":{"0":"a","00":"b"}}',
        "labels-late": b'{"id2label":{"1":"b","5":"a"}}',
        "size-0": b'{"size":0,"s":[0,1],"t":{"height":1},"u":65537}',
    }
    for name, data in files.items():
        save("config", name, data)


def make_index():
    files = {
        "valid": b'{"metadata":{"total_size":16},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}',
        "empty": b"",
        "no-map": b'{"metadata":{}}',
        "empty-map": b'{"weight_map":{}}',
        "list": b'{"weight_map":["a"]}',
        "number": b'{"weight_map":{"a":1}}',
        "two-maps": b'{"weight_map":{"a":"x"},"weight_map":{"a":"x"}}',
        "twice": b'{"weight_map":{"a":"x","a":"y"}}',
        "up": b'{"weight_map":{"a":"../x"}}',
        "absolute": b'{"weight_map":{"a":"/x"}}',
        "dots": b'{"weight_map":{"a":".."}}',
        "backslash": rb'{"weight_map":{"a":"..\\x"}}',
        "truncated": b'{"weight_map":{"a":"x"',
        "text-after": b'{"weight_map":{"a":"x"}}}',
    }
    for name, data in files.items():
        save("index", name, data)


# ---- JPEG --------------------------------------------------------------------------------------

def picture(mode, width=19, height=13):
    image = Image.new("RGB", (width, height))
    image.putdata([(x * 13 % 256, y * 19 % 256, (x * y) % 256) for y in range(height) for x in range(width)])
    return image.convert(mode)


def jpeg(mode, **options):
    out = io.BytesIO()
    picture(mode).save(out, "JPEG", quality=80, **options)
    return out.getvalue()


def make_jpeg():
    valid = jpeg("RGB", subsampling=2)
    size = valid.index(b"\xff\xc0") + 5
    files = {
        "valid-420": valid,
        "valid-444": jpeg("RGB", subsampling=0),
        "valid-422": jpeg("RGB", subsampling=1),
        "valid-gray": jpeg("L"),
        "valid-progressive": jpeg("RGB", progressive=True),
        "valid-cmyk": jpeg("CMYK"),
        "empty": b"",
        "start": valid[:2],
        "truncated-header": valid[:100],
        "truncated-data": valid[:-60],
        "truncated-end": valid[:-2],
        "no-pixels": valid[:size] + b"\0\0\0\0" + valid[size + 4:],
        "huge": valid[:size] + b"\xff\xdc\xff\xdc" + valid[size + 4:],
        "huge-progressive": (lambda d, s: d[:s] + b"\xff\xdc\xff\xdc" + d[s + 4:])(
            jpeg("RGB", progressive=True), jpeg("RGB", progressive=True).index(b"\xff\xc2") + 5),
        "garbage": b"\xff\xd8" + bytes(range(256)),
    }
    for i, at in enumerate((30, 200, 400, 560, 620)):
        files[f"flipped-{i}"] = flipped(valid, 8 * at + i)
    for name, data in files.items():
        save("jpeg", name, data)


# ---- chat templates ----------------------------------------------------------------------------

def make_template():
    talk = b"\0s Be brief. \0u\n Hello\t\0a<think>x</think>\n\nHi\0uBye\xe3\x80\x80"
    files = {
        "chatml": b"{{'<|im_start|>' + message['role'] }}" + talk,
        "qwen3": b"<|im_start|> content.split('</think>')[-1].lstrip('\\n')" + talk,
        "llama2": b"bos_token + '[INST] ' <<SYS>>" + talk,
        "llama3.1": b"<|start_header_id|> Cutting Knowledge Date: December 2023" + talk,
        "mistral-v3": b"[INST] " + talk + b"\0slate",
        "gemma": b"<start_of_turn>\0sonly",
        "unknown": b"{{ messages }}" + talk,
        "empty": b"",
        "no-messages": b"<|im_start|>",
        "role": b"<|im_start|>\0uHello\0tool",
        "role-not-utf8": b"[INST]\0\xff\xfe\0u",
        "not-utf8": b"<|start_header_id|>\xff\0u \xc2 \x80\x80\xe3\x80 \0a\xa0",
        "spaces": b"<start_of_turn>\0u \t\n\x0b\x0c\r\x1c\x1f\xc2\x85\xc2\xa0\xe2\x80\xa8\xe3\x80\x80\0a \0u",
        "many": b"<|user|><|end|><|assistant|>" + b"\0ua\0ab" * 20,
    }
    for name, data in files.items():
        save("template", name, data)


# ---- tokenizers --------------------------------------------------------------------------------

def vocabulary(model, tokens, scores=None, types=None, merges=None, more=(), pre=None):
    keys = [key("tokenizer.ggml.model", STRING, model), key("tokenizer.ggml.tokens", ARRAY, (STRING, tokens))]
    if pre is not None:
        keys.append(key("tokenizer.ggml.pre", STRING, pre))
    if scores is not None:
        keys.append(key("tokenizer.ggml.scores", ARRAY, (F32, scores)))
    if types is not None:
        keys.append(key("tokenizer.ggml.token_type", ARRAY, (I32, types)))
    if merges is not None:
        keys.append(key("tokenizer.ggml.merges", ARRAY, (STRING, merges)))
    return gguf(keys + list(more), [], 0)


def with_text(text, file):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<H", len(data)) + data + file


def make_tokenizer():
    mark = "\u2581"
    pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "{u}", mark, "a", "b", "ab", mark + "a", "abab", "a" + mark + "b"]
    spm = dict(tokens=pieces, scores=[0, 0, 0, 0, 0, -9, -8, -7, -3, -4, -5, -6], types=[2, 3, 3, 6, 4] + [1] * 7)
    bytes_ = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]]
    bpe = dict(tokens=bytes_ + ["he", "ll", "hell", "\u0120w", "<|im_end|>"], types=[1] * 260 + [3],
               merges=["h e", "l l", "he ll", "\u0120 w"])
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", mark + "un", "aff", "able", mark + "!"]
    text = "abab a\n{u}b<s> caf\u00e9 \U0001f600"
    files = {
        "spm": with_text(text, vocabulary("llama", **spm)),
        "spm-words": with_text(text * 3, vocabulary("llama", pieces[:-1], spm["scores"][:-1], spm["types"][:-1],
                                                     more=[key("tokenizer.ggml.add_space_prefix", BOOL, 0)])),
        "spm-invalid-text": with_text(b"a\xff\xe2\x82b\0\xed\xa0\x80", vocabulary("llama", **spm)),
        "spm-no-text": with_text("", vocabulary("llama", **spm)),
        "spm-nan": with_text(text, vocabulary("llama", pieces, [float("nan")] * 12, spm["types"])),
        "spm-few-scores": with_text(text, vocabulary("llama", pieces, [0.0])),
        "spm-no-scores": with_text(text, vocabulary("llama", pieces)),
        "spm-odd-tokens": with_text("aab", vocabulary("llama", ["", "", "a", "a", b"\xff", "aa"], [0] * 6, [1, 3, 1, 4, 3, 99])),
        "spm-bos": with_text(text, vocabulary("llama", **spm, more=[key("tokenizer.ggml.bos_token_id", U32, 12)])),
        "spm-phi3": with_text("<s> a</s> b", vocabulary("llama", **spm, more=[key("general.name", STRING, "Phi-3")])),
        "words": with_text("unaffable UNAFF! \u4e2d caf\u00e9", vocabulary("bert", words, types=[3] * 4 + [1] * 4)),
        "no-tokens": with_text(text, vocabulary("llama", [])),
        "unknown-model": with_text(text, vocabulary("t5", pieces)),
        "none": with_text(text, vocabulary("none", pieces)),
        "bpe-unknown-pre": with_text(text, vocabulary("gpt2", **bpe, pre="?")),
        "bpe-no-merges": with_text(text, vocabulary("gpt2", bpe["tokens"])),
        "bpe-bad-merge": with_text(text, vocabulary("gpt2", bpe["tokens"], merges=["he"])),
        "bpe-foreign-merges": with_text(text, vocabulary("gpt2", bpe["tokens"], merges=["xx yy"])),
        "empty": b"",
        "short": b"\x05\0ab",
    }
    for pre in ("gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-v3", "falcon", "gpt-4o", "tekken", "viking", "chameleon"):
        files[f"bpe-{pre}"] = with_text("hello WORLD's 1234  \n\n<|im_end|> \u4e2d\u6587 caf\u00e9\U0001f600   ", vocabulary("gpt2", **bpe, pre=pre))
    for i, bit in enumerate((300, 700, 1500, 2500, 3000, 3300)):
        files[f"flipped-{i}"] = flipped(files["spm"], bit)
    for name, data in files.items():
        save("tokenizer", name, data)


# ---- logs of frames ----------------------------------------------------------------------------

def frame(seconds, *labels, camera="yard", **more):
    return {"timestamp": seconds * 10**9, "camera": camera, "objects": [{"label": label, "confidence": 0.9} for label in labels]} | more


def log(*frames):
    return b"".join((f if isinstance(f, bytes) else json.dumps(f).encode()) + b"\n" for f in frames)


def make_visits():
    valid = log(frame(1, "person"), frame(2, "person", "dog"), frame(3, "dog", "no_person"), frame(9, "person"), frame(11, "person"))
    files = {
        "valid": valid,
        "valid-live": log(*(frame(s, "car", system_timestamp=f"2025-01-31T20:00:{s:02}.5Z") for s in range(5))),
        "valid-clock-only": log(*({"system_timestamp": f"1969-12-31T23:59:{s:02}Z", "objects": [{"label": "cat"}]} for s in range(57, 60))),
        "valid-sources": log(*({"timestamp": s * 1e9, "source": f"/films/{c}.mp4", "objects": [{"label": "bus", "confidence": 1}]}
                               for s in (0, 2) for c in ("a", "b.c", ".d", "\u4e2d"))),
        "time-goes-back": log(frame(5, "person"), frame(7, "person"), frame(1, "person"), frame(3, "person")),
        "doubtful": log(*(frame(s, objects=[{"label": "a", "confidence": 0.4}, {"label": "b", "confidence": -1}]) for s in (1, 3))),
        "names": log(*(frame(s, "<|im_end|>", "a\nb\"c", "  x  ", "y" * 40, camera="../\u00e9/{}") for s in (1, 3))),
        "no-names": log(frame(1, "", camera=""), frame(1, "!?", camera="...")),
        "times": log({"timestamp": -1, "objects": []}, {"timestamp": 1e300, "objects": []}, {"timestamp": 2**63, "objects": []},
                     {"timestamp": "1", "objects": []}, {"system_timestamp": "yesterday", "objects": []}, b'{"timestamp":NaN,"objects":[]}'),
        "far": log(frame(0, "person"), frame(9 * 10**9, "person"), frame(9 * 10**9 + 2, "person")),
        "wrong-types": log({"timestamp": 1}, {"timestamp": 1, "objects": {}}, {"timestamp": 1, "objects": [1, None, []]},
                           {"timestamp": 1, "objects": [{"label": 1}]}, [], None, 1, "x", frame(1, camera=[1])),
        "deep": log(b'{"objects":' + b"[" * 17, b"[" * 16, b'{"a":"[[[[[[[[[[[[[[[[[[[[","timestamp":1,"objects":[]}'),
        "binary": log(b"\xff\xfe\0", b"\0", b" \t\r", valid[:30] + b"\0" + valid[30:60]),
        "truncated": valid[:-20],
        "empty": b"",
        "blank": b"\n\n \n",
    }
    for i, at in enumerate((3, 20, 45, 70, 90)):
        files[f"flipped-{i}"] = flipped(valid, 8 * at + i)
    for name, data in files.items():
        save("visits", name, data)


# ---- zones -------------------------------------------------------------------------------------

def make_zones():
    square = [[0, 0], [1, 0], [1, 1], [0, 1]]
    zone = {"name": "driveway", "polygon": [[0.1, 0.5], [0.9, 0.5], [1, 1], [0, 1.0]], "labels": ["person", "dog"], "dwell": 2.5}
    line = {"name": "gate", "from": [0.5, 1], "to": [0.5, 0]}
    whole = {"zones": [zone, {"name": "\u7530\n\"[{", "polygon": square}], "masks": [{"polygon": square[:3]}], "lines": [line | {"labels": ["car"]}]}
    valid = json.dumps(whole, indent=1).encode()
    files = {
        "valid": valid,
        "valid-compact": json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode(),
        "valid-nothing": b"{}",
        "lines-alone": json.dumps({"lines": [line]}).encode(),
        "two-points": json.dumps({"zones": [zone | {"polygon": square[:2]}]}).encode(),
        "outside": json.dumps({"zones": [zone | {"polygon": square[:3] + [[640, 480]]}]}).encode(),
        "huge": b'{"zones":[{"name":"a","polygon":[[0,0],[1e999,0],[0,99999999999999999999]]}]}',
        "not-points": json.dumps({"masks": [{"polygon": [0, [1], [1, 2, 3], None]}]}).encode(),
        "unknown-key": json.dumps({"zones": [zone | {"polygn": 1, "k" * 200: 2}]}).encode(),
        "doubled-name": json.dumps({"zones": [zone], "lines": [line | {"name": "driveway"}]}).encode(),
        "doubled-key": b'{"zones":[],"zones":[{}]}',
        "no-length": json.dumps({"lines": [line | {"to": [0.5, 1]}]}).encode(),
        "labels": json.dumps({"zones": [zone | {"labels": ["a", ""]}]}).encode(),
        "dwell": json.dumps({"zones": [zone | {"dwell": -1e300}]}).encode(),
        "wrong-types": json.dumps({"zones": {}, "masks": 1, "lines": [None]}).encode(),
        "comment": b'{ /* " */ [[[[[[[[[[[[[[[[[[[[ }',
        "single-quotes": b"{'zones': \"'\"}",
        "deep": b'{"zones":' + b"[" * 5000,
        "deep-strings": b'{"zones":["]"' + b',["]"' * 100,
        "escape-at-end": b'{"zones":"\\',
        "text-after": b"{} {}",
        "not-utf8": b'{"\xff":1}',
        "binary": valid[:40] + b"\0" + valid[40:],
        "truncated": valid[:-30],
        "empty": b"",
    }
    for i, at in enumerate((3, 20, 60, 140, 230)):
        files[f"flipped-{i}"] = flipped(valid, 8 * at + i)
    for name, data in files.items():
        save("zones", name, data)


def make_container():
    def box(kind, size, data=b""):
        return struct.pack(">I", size) + kind + data

    ebml = b"\x1a\x45\xdf\xa3\x84abcd\x18\x53\x80\x67"
    for name, data in {
        "boxes": box(b"ftyp", 16, b"isomiso2") + box(b"free", 8) + box(b"mdat", 1) + struct.pack(">Q", 24) + b"12345678",
        "open": box(b"ftyp", 16, b"isomiso2") + box(b"mdat", 0) + b"abc",
        "matroska": ebml + b"\x10\0\0\x05hello",
        "live": ebml + b"\x01" + b"\xff" * 7 + b"hello",
        "avi": b"RIFF" + struct.pack("<I", 9) + b"AVI LISTx\0" + b"RIFF" + struct.pack("<I", 99) + b"AVIX",
    }.items():
        save("container", name, data)


make_safetensors()
make_container()
make_gguf()
make_config()
make_index()
make_jpeg()
make_template()
make_tokenizer()
make_visits()
make_zones()
