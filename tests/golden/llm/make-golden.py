#!/usr/bin/env python3
"""Makes data/: tiny random models of the LLaMA family as GGUF, and for each its answers, computed in double precision from the decoded
weights by the reference in llama.py, blocks.py and gguf.py.

    make-golden.py           writes all of data/, the same bytes on every run
    make-golden.py --check [FOLDER]
                             checks the reference itself: for each GGUF with a .json in FOLDER (default: golden/llm and models of ../shared/data
                             next to the project, or of $PIPELOAD_DATA), which hold llama.cpp's logits, and in data/: the relative L2 error of all
                             logits and whether the greedy tokens are the same

A .json has "tokens", the prompt; "n_vocab"; "logits" of every prompt position [tokens][n_vocab], 6 digits; "argmax" of each; "greedy", the 16
tokens that follow the prompt. Two kinds of models:

    type-*   one for each block type that ../shared/data/golden lacks; all matrices are of that type
    *-f32    one for each variation of the architecture

The seeds were picked so that the best greedy token leads by some margin, which make() demands, and so does the last of the chosen experts over the
first of the others, and so that keys and values kept as float16 change the logits little: rounding must not decide. Debian: apt-get install python3-numpy
"""
import dataclasses
import glob
import json
import math
import os
import sys

import numpy as np

import gguf
from blocks import TYPES, encode
from llama import Llama, rounded_to_f16, softmax

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
SHARED = os.environ.get("PIPELOAD_DATA", os.path.join(HERE, "..", "..", "..", "..", "shared", "data"))
EPS, CONTEXT = 1e-5, 512
N_GREEDY = 16
MIN_LEAD = 0.03  # of the best logit over the second, in standard deviations of the logits
MIN_EXPERT_LEAD = 0.01  # in shares
MAX_F16_CACHE_ERROR = 5e-4  # relative L2 of all logits
TOLERANCE = 1e-5  # of --check

# ---- the tokenizer: SentencePiece's manner, all bytes and a few pieces ----

PIECES = ["\u2581the", "\u2581t", "he", "\u2581a", "on", "an", "\u2581", "e", "t", "a", "o", "n", "h"]  # ▁the = ▁t + he
N_VOCAB = 3 + 256 + len(PIECES)
UNKNOWN, CONTROL, NORMAL, BYTE = 2, 3, 1, 6


def tokenizer():
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + PIECES,
        "tokenizer.ggml.scores": [0.0] * 259 + [-float(i) for i in range(len(PIECES))],
        "tokenizer.ggml.token_type": [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(PIECES),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


# ---- weights ----

def llama3_factors(base, n_dims, context, factor=8.0, low=1.0, high=4.0):
    """Llama 3.1's divisors of the frequencies: 1 for pairs that turn more than @high times within @context, @factor for those that turn less than
    @low times, in between a blend of the frequencies"""
    turns = context * base ** (-2.0 * np.arange(n_dims // 2) / n_dims) / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1)
    return 1 / (kept + (1 - kept) / factor)


@dataclasses.dataclass
class Spec:
    """One model to write. extra: further keys, without the architecture's name."""
    seed: int
    arch: str = "llama"
    kind: str = "F32"  # of the matrices
    d: int = 32
    d_ff: int = 48
    blocks: int = 2
    heads: int = 2
    kv_heads: int = 1
    key_length: int = 0  # 0: d / heads, not written
    base: float = 10000.0
    experts: int = 0
    used: int = 0
    qkv_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    tied: bool = False
    rope_factors: np.ndarray = None
    n_prompt: int = 14
    extra: dict = dataclasses.field(default_factory=dict)

    @property
    def d_head(self):
        return self.key_length or self.d // self.heads

    def config(self, name):
        keys = {
            "block_count": self.blocks, "context_length": CONTEXT, "embedding_length": self.d, "feed_forward_length": self.d_ff,
            "attention.head_count": self.heads, "attention.head_count_kv": self.kv_heads, "attention.layer_norm_rms_epsilon": EPS,
            "rope.dimension_count": self.d_head, "rope.freq_base": self.base, "vocab_size": N_VOCAB,
        }
        if self.key_length:
            keys.update({"attention.key_length": self.key_length, "attention.value_length": self.key_length})
        if self.experts:
            keys.update({"expert_count": self.experts, "expert_used_count": self.used})
        keys.update(self.extra)
        return {"general.architecture": self.arch, "general.name": name, **{f"{self.arch}.{k}": v for k, v in keys.items()}, **tokenizer()}

    def tensors(self):
        """(name, shape, type, bytes) of each; sharp attention, so that positions matter"""
        random, tensors = np.random.default_rng(self.seed), []
        d, n_q, n_kv = self.d, self.heads * self.d_head, self.kv_heads * self.d_head

        def add(name, x, kind="F32"):
            tensors.append((name, x.shape, kind, encode(x, kind)))

        def matrix(name, *shape, scale=1.0, kind=self.kind):
            add(name, random.standard_normal(shape) * scale / math.sqrt(shape[-1]), kind)

        def vector(name, n, mean=1.0, deviation=0.2):
            add(name, mean + deviation * random.standard_normal(n))

        # Where the embeddings are the head too, larger ones would drown the blocks: each token would follow itself.
        matrix("token_embd.weight", N_VOCAB, d, scale=1.4 if self.tied else math.sqrt(d))
        if self.rope_factors is not None:
            add("rope_freqs.weight", self.rope_factors)
        for i in range(self.blocks):
            block = f"blk.{i}."
            vector(block + "attn_norm.weight", d)
            for name, n, scale in (("q", n_q, 2.0), ("k", n_kv, 2.0), ("v", n_kv, 1.0)):
                matrix(f"{block}attn_{name}.weight", n, d, scale=scale)
                if self.qkv_bias:
                    vector(f"{block}attn_{name}.bias", n, 0.0, 0.5)
            if self.qk_norm:
                vector(block + "attn_q_norm.weight", self.d_head, 1.5)
                vector(block + "attn_k_norm.weight", self.d_head, 1.5)
            matrix(block + "attn_output.weight", d, n_q)
            vector(block + "ffn_norm.weight", d)
            if self.experts:
                matrix(block + "ffn_gate_inp.weight", self.experts, d, scale=2.0, kind="F32")
            count, suffix = ((self.experts,), "_exps") if self.experts else ((), "")
            for name, shape in (("gate", (self.d_ff, d)), ("down", (d, self.d_ff)), ("up", (self.d_ff, d))):
                matrix(f"{block}ffn_{name}{suffix}.weight", *count, *shape)
                if self.mlp_bias:
                    vector(f"{block}ffn_{name}.bias", shape[0], 0.0, 0.5)
        vector("output_norm.weight", d)
        if not self.tied:
            matrix("output.weight", N_VOCAB, d, scale=3.0)
        return tensors

    def prompt(self):
        random = np.random.default_rng(self.seed + 1000)
        return [1] + [int(t) for t in random.integers(3, N_VOCAB, self.n_prompt - 1)]


def small(kind, seed):
    """Rows of 2 and 3 blocks of 32"""
    return Spec(seed, kind=kind, d=64, d_ff=96, heads=4, kv_heads=2, tied=True, n_prompt=10)


def wide(kind, seed):
    """Rows of a super-block of 256"""
    return Spec(seed, kind=kind, d=256, d_ff=256, blocks=1, heads=8, kv_heads=2, tied=True, n_prompt=10)


LINEAR = {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}
YARN = {"rope.scaling.type": "yarn", "rope.scaling.factor": 8.0, "rope.scaling.original_context_length": 1024}
MODELS = {
    "type-bf16": small("BF16", 77),
    "type-q4_1": small("Q4_1", 89),
    "type-q5_0": small("Q5_0", 205),
    "type-q5_1": small("Q5_1", 80),
    "type-iq4_nl": small("IQ4_NL", 24),
    "type-q2_k": wide("Q2_K", 101),
    "type-q3_k": wide("Q3_K", 31),
    "type-q5_k": wide("Q5_K", 73),
    "type-iq4_xs": wide("IQ4_XS", 54),
    "mha-tied-f32": Spec(33, kv_heads=2, tied=True),
    "head-dim-f32": Spec(147, heads=4, kv_heads=2, key_length=16),
    "rope-linear-f32": Spec(126, extra=LINEAR),
    "rope-yarn-f32": Spec(18, extra=YARN),
    "rope-llama3-f32": Spec(118, base=500000.0, rope_factors=llama3_factors(500000.0, 16, 64)),
    "mixtral-f32": Spec(94, d_ff=32, experts=4, used=2),
    "qwen2-f32": Spec(138, arch="qwen2", base=1000000.0, qkv_bias=True, tied=True),
    "mlp-bias-f32": Spec(3, mlp_bias=True),
    "lists-f32": Spec(1, extra={"feed_forward_length": [48, 48], "attention.head_count": [2, 2], "attention.head_count_kv": [1, 1]}),
    "qwen2-no-bias-f32": Spec(3, arch="qwen2", base=1000000.0),
    "qwen3-f32": Spec(67, arch="qwen3", heads=4, kv_heads=2, key_length=16, base=1000000.0, qk_norm=True),
}


# ---- making and checking ----

def demand_all_bytes(name, tensors):
    """The test of a block type is as good as the bytes that it sees: all occur."""
    seen = set(b"".join(data for _, _, kind, data in tensors if TYPES[kind].values > 1))
    assert len(seen) in (0, 256), name


def expert_lead(model, tokens):
    """The smallest lead of the last chosen expert over the first of the others, over all blocks and positions"""
    leads, original = [], model.experts

    def experts(block, h):
        n_used = model.key("expert_used_count")
        ranked = -np.sort(-softmax(model.linear(block + "ffn_gate_inp", h)), -1)
        leads.append((ranked[:, n_used - 1] - ranked[:, n_used]).min())
        return original(block, h)

    model.experts = experts
    model.logits(tokens)
    return min(leads)


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def answer(name, path, prompt):
    """The model's .json; demands that no choice in it is close"""
    config, tensors = gguf.read(path)
    model = Llama(config, tensors)
    logits = model.logits(prompt)
    assert relative_error(Llama(config, tensors, rounded_to_f16).logits(prompt), logits) <= MAX_F16_CACHE_ERROR, name
    greedy, lead = model.greedy(prompt, N_GREEDY)
    assert lead >= MIN_LEAD * logits.std(), (name, lead / logits.std())
    if "mixtral" in name:
        assert expert_lead(model, prompt + greedy) >= MIN_EXPERT_LEAD, name
    rows = ",\n".join("[" + ",".join(f"{x:.6g}" for x in row) + "]" for row in logits)
    return (f'{{"tokens":{json.dumps(prompt, separators=(",", ":"))},\n"n_vocab":{logits.shape[1]},\n"logits":[\n{rows}],\n'
            f'"argmax":{json.dumps(logits.argmax(1).tolist(), separators=(",", ":"))},\n'
            f'"greedy":{json.dumps(greedy, separators=(",", ":"))}}}\n')


def make():
    os.makedirs(DATA, exist_ok=True)
    for name, spec in MODELS.items():
        path, tensors = os.path.join(DATA, name), spec.tensors()
        demand_all_bytes(name, tensors)
        gguf.write(path + ".gguf", spec.config(name), tensors)
        with open(path + ".json", "w", encoding="utf-8") as file:
            file.write(answer(name, path + ".gguf", spec.prompt()))


def check_model(path):
    with open(path[:-4] + "json", encoding="utf-8") as file:
        expected = json.load(file)
    model = Llama(*gguf.read(path))
    logits = np.array(expected["logits"])
    error = relative_error(model.logits(expected["tokens"]), logits)
    greedy, _ = model.greedy(expected["tokens"], len(expected["greedy"]))
    same = greedy == expected["greedy"]
    print(f"{os.path.basename(path):28} error {error:.1e}, {len(greedy)} greedy tokens {'the same' if same else 'DIFFER'}")
    return same and error <= TOLERANCE


def check(folders):
    """True if each folder has models, and the reference gives what the .json files beside them say"""
    good = True
    for folder in folders:
        paths = sorted(glob.glob(os.path.join(folder, "*.gguf")))
        if not paths:
            print(f"{folder} has no models")
        good = all([check_model(path) for path in paths]) and paths and good
    return bool(good)


def main():
    if sys.argv[1:2] == ["--check"]:
        return 0 if check(sys.argv[2:] or [os.path.join(SHARED, "golden", "llm"), os.path.join(SHARED, "models"), DATA]) else 1
    make()
    return 0


if __name__ == "__main__":
    sys.exit(main())
