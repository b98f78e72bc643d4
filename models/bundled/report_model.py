# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bundled report-llama as a PyTorch model, and its GGUF file.

LLaMA's layers (Touvron et al. 2023): RMSNorm, rotary positions on neighboring pairs, grouped-query
attention, SwiGLU; the head is the embedding table.  The file is GGUF version 3 with tensors named as
llama.cpp names them, matrices in Q8_0 (blocks of 32 weights: an F16 scale, then 32 int8), norms in F32.
"""
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from report_text import END, START, Tokenizer

WIDTH, LAYERS, HEADS, KV_HEADS, MLP = 192, 6, 6, 3, 512
HEAD = WIDTH // HEADS
CONTEXT, BASE, EPS = 1024, 10000.0, 1e-5

TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
            "'<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
            "{% endif %}")


# ---- the model ---------------------------------------------------------------------------------

class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return x * (x.pow(2).mean(-1, keepdim=True) + EPS).rsqrt() * self.weight


def matrix(rows, columns, deviation=0.02):
    return nn.Parameter(torch.randn(rows, columns) * deviation)


def turn(x, cosine, sine):
    """Rotary positions on pairs of neighbors: (x0, x1), (x2, x3), ..."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(-2)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn_norm, self.ffn_norm = Norm(), Norm()
        self.attn_q = matrix(WIDTH, WIDTH, 0.05)
        self.attn_k = matrix(KV_HEADS * HEAD, WIDTH, 0.05)
        self.attn_v = matrix(KV_HEADS * HEAD, WIDTH, 0.05)
        self.attn_output = matrix(WIDTH, WIDTH)
        self.ffn_gate, self.ffn_up = matrix(MLP, WIDTH, 0.05), matrix(MLP, WIDTH, 0.05)
        self.ffn_down = matrix(WIDTH, MLP)

    def forward(self, x, turns, mask, past):
        """`past`: None, or a list of keys and values so far, to which this call's are added."""
        h = self.attn_norm(x)
        rows, length, group = h.shape[0], h.shape[1], HEADS // KV_HEADS
        q, k, v = F.linear(h, torch.cat([self.attn_q, self.attn_k, self.attn_v])).split(
            [WIDTH, KV_HEADS * HEAD, KV_HEADS * HEAD], -1)
        q = turn(q.view(rows, length, HEADS, HEAD), *turns).to(v.dtype).transpose(1, 2)
        k = turn(k.view(rows, length, KV_HEADS, HEAD), *turns).to(v.dtype).transpose(1, 2)
        v = v.view(rows, length, KV_HEADS, HEAD).transpose(1, 2)
        if past is not None:
            if past:
                k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            past[:] = [k, v]
        # The query heads of a group stand below each other: one product a group, keys not repeated.
        q = (q * HEAD ** -0.5).reshape(rows * KV_HEADS, group * length, HEAD)
        k, v = k.reshape(rows * KV_HEADS, -1, HEAD), v.reshape(rows * KV_HEADS, -1, HEAD)
        share = torch.baddbmm(mask.to(q.dtype), q, k.transpose(1, 2)).softmax(-1)
        mixed = (share @ v).view(rows, HEADS, length, HEAD).transpose(1, 2).reshape(rows, length, WIDTH)
        x = x + F.linear(mixed, self.attn_output)
        h = self.ffn_norm(x)
        gate, up = F.linear(h, torch.cat([self.ffn_gate, self.ffn_up])).split(MLP, -1)
        return x + F.linear(F.silu(gate) * up, self.ffn_down)


class ReportLlama(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.token_embd = matrix(vocabulary, WIDTH)
        self.blk = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.output_norm = Norm()
        rate = BASE ** (-torch.arange(0, HEAD, 2) / HEAD)
        angle = torch.arange(CONTEXT)[:, None] * rate
        self.register_buffer("cosine", angle.cos()[:, None], persistent=False)
        self.register_buffer("sine", angle.sin()[:, None], persistent=False)

    def forward(self, ids, past=None):
        """Hidden states [rows, length, width]; `past`: a list per layer, as Layer takes it."""
        begin = past[0][0].shape[2] if past and past[0] else 0
        length = ids.shape[1]
        mask = torch.full((length, begin + length), float("-inf")).triu(begin + 1)
        mask = mask.repeat(HEADS // KV_HEADS, 1)[None]
        turns = self.cosine[begin:begin + length], self.sine[begin:begin + length]
        x = F.embedding(ids, self.token_embd)
        for i, layer in enumerate(self.blk):
            x = layer(x, turns, mask, past[i] if past is not None else None)
        return self.output_norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.token_embd)


@torch.no_grad()
def greedy(model, tokenizer, prompts, most=CONTEXT):
    """Greedy answers (ids, without the end token) to prompts whose ids are equally many."""
    past = [[] for _ in range(LAYERS)]
    hidden = model(torch.tensor(prompts), past)[:, -1]
    answers, going, length = [[] for _ in prompts], list(range(len(prompts))), len(prompts[0])
    while going and length < most:
        chosen = model.logits(hidden).argmax(-1).tolist()
        stay = [i for i, c in enumerate(chosen) if c != tokenizer.end]
        if len(stay) < len(going):
            past = [[t[stay] for t in layer] for layer in past]
        going, chosen = [going[i] for i in stay], [chosen[i] for i in stay]
        for row, c in zip(going, chosen):
            answers[row].append(c)
        if going:
            hidden = model(torch.tensor(chosen)[:, None], past)[:, -1]
        length += 1
    return answers


# ---- GGUF --------------------------------------------------------------------------------------

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
ALIGNMENT, Q8_0 = 32, 8


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    """One key with its value; a pair (ARRAY, kind) is an array."""
    packs = {U32: lambda v: struct.pack("<I", v), I32: lambda v: struct.pack("<i", v),
             F32: lambda v: struct.pack("<f", v), BOOL: lambda v: struct.pack("<?", v), STRING: text}
    if isinstance(kind, tuple):
        return text(key) + struct.pack("<IIQ", ARRAY, kind[1], len(value)) + b"".join(map(packs[kind[1]], value))
    return text(key) + struct.pack("<I", kind) + packs[kind](value)


def entries(tokenizer):
    control = [t in (START, END) for t in tokenizer.tokens]
    return [
        ("general.architecture", STRING, "llama"), ("general.name", STRING, "report-llama"),
        ("general.license", STRING, "lgpl-2.1-or-later"), ("general.file_type", U32, 7),
        ("general.quantization_version", U32, 2), ("general.sampling.temp", F32, 0.0),
        ("llama.context_length", U32, CONTEXT), ("llama.embedding_length", U32, WIDTH),
        ("llama.block_count", U32, LAYERS), ("llama.feed_forward_length", U32, MLP),
        ("llama.attention.head_count", U32, HEADS), ("llama.attention.head_count_kv", U32, KV_HEADS),
        ("llama.attention.layer_norm_rms_epsilon", F32, EPS),
        ("llama.rope.dimension_count", U32, HEAD), ("llama.rope.freq_base", F32, BASE),
        ("llama.vocab_size", U32, len(tokenizer.tokens)),
        ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "llama-bpe"),
        ("tokenizer.ggml.tokens", (ARRAY, STRING), tokenizer.tokens),
        ("tokenizer.ggml.token_type", (ARRAY, I32), [3 if c else 1 for c in control]),
        ("tokenizer.ggml.merges", (ARRAY, STRING), ["%s %s" % m for m in tokenizer.merges]),
        ("tokenizer.ggml.bos_token_id", U32, tokenizer.start),
        ("tokenizer.ggml.eos_token_id", U32, tokenizer.end),
        ("tokenizer.ggml.padding_token_id", U32, tokenizer.end),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, TEMPLATE)]


def quantize(weights):
    """Blocks of 32 as (scale F16, int8 x 32)."""
    blocks = weights.reshape(-1, 32)
    scale = (np.abs(blocks).max(1) / 127).astype(np.float16)
    inverse = np.divide(1, scale, dtype=np.float32, where=scale > 0, out=np.zeros(len(scale), np.float32))
    whole = np.rint(blocks * inverse[:, None]).clip(-127, 127).astype(np.int8)
    return np.concatenate([scale[:, None].view(np.int8), whole], 1)


def dequantize(data):
    scale = np.ascontiguousarray(data[:, :2]).view(np.float16).astype(np.float32)
    return scale * data[:, 2:].astype(np.float32)


def write_gguf(path, model, tokenizer):
    """The whole file."""
    keys = [entry(*e) for e in entries(tokenizer)]
    infos, blobs, offset = [], [], 0
    for name, t in model.state_dict().items():
        weights = t.detach().float().numpy()
        blob = quantize(weights).tobytes() if weights.ndim == 2 else weights.tobytes()
        name = name if name.endswith(".weight") else name + ".weight"
        infos.append(text(name) + struct.pack("<I%dQIQ" % weights.ndim, weights.ndim, *weights.shape[::-1],
                                              Q8_0 if weights.ndim == 2 else 0, offset))
        blobs.append(blob + bytes(-len(blob) % ALIGNMENT))
        offset += len(blobs[-1])
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(keys)) + b"".join(keys) + b"".join(infos)
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGNMENT) + b"".join(blobs))


class Reader:
    """Just enough GGUF to read what write_gguf() wrote."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text(self):
        length = self.take("Q")
        self.at += length
        return bytes(self.data[self.at - length:self.at]).decode()

    def value(self, kind):
        if kind == ARRAY:
            inner, count = self.take("IQ")
            return [self.value(inner) for _ in range(count)]
        return self.text() if kind == STRING else self.take({U32: "I", I32: "i", F32: "f", BOOL: "?"}[kind])


def read_gguf(path):
    """The model with the weights as stored, and the tokenizer, of a file of write_gguf()."""
    with open(path, "rb") as f:
        r = Reader(f.read())
    tensors, count = r.take("4xIQQ")[1:]
    keys = {}
    for _ in range(count):
        name = r.text()
        keys[name] = r.value(r.take("I"))
    infos = []
    for _ in range(tensors):
        name, ndim = r.text(), r.take("I")
        infos.append((name, [r.take("Q") for _ in range(ndim)][::-1], *r.take("IQ")))
    base = -(-r.at // ALIGNMENT) * ALIGNMENT
    tokenizer = Tokenizer(m.split(" ") for m in keys["tokenizer.ggml.merges"])
    model, state = ReportLlama(len(tokenizer.tokens)), {}
    names = set(model.state_dict())
    for name, shape, kind, offset in infos:
        size = int(np.prod(shape))
        if kind == Q8_0:
            weights = dequantize(np.frombuffer(r.data, np.int8, size // 32 * 34, base + offset).reshape(-1, 34))
        else:
            weights = np.frombuffer(r.data, np.float32, size, base + offset)
        name = name if name in names else name[:-len(".weight")]
        state[name] = torch.from_numpy(weights.reshape(shape).copy())
    model.load_state_dict(state)
    return model.eval(), tokenizer
