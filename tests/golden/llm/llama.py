"""The LLaMA family in double precision, from the papers: LLaMA (arXiv 2302.13971), grouped-query attention (2305.13245), RoPE (2104.09864) with
linear scaling (2306.15595), YaRN (2309.00071) and Llama 3's factors, Mixtral (2401.04088), Qwen2 (2407.10671), Qwen3 (2505.09388). Where the
papers leave a choice, it is llama.cpp's, whose keys and tensor names GGUF files have:

* llama and mixtral rotate neighbours (2 i, 2 i + 1), since GGUF files hold their q and k rows in that order; qwen2 and qwen3 rotate (i, i + h/2).
* A llama's attention.sliding_window (Mistral 7B 0.1) has no effect.
* Mixtral's weights: softmax over all experts, the largest few, divided by their sum.
* YaRN's ramp runs over the pairs between floor and ceiling of those that turn beta_fast = 32 and beta_slow = 1 times within the original context;
  sines and cosines are 1 + 0.1 ln (factor) times as large.
"""
import math

import numpy as np

NEOX = {"qwen2", "qwen3"}
BETA_FAST, BETA_SLOW = 32.0, 1.0


def silu(x):
    return x / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def rounded_to_f16(x):
    return x.astype(np.float16).astype(np.float64)


class Llama:
    """cached: what becomes of keys (rotated) and values when they are kept: a function of an array; None: nothing"""

    def __init__(self, config, tensors, cached=None):
        self.w, self.cached = tensors, cached or (lambda x: x)
        self.arch = config["general.architecture"].decode()
        self.config = config
        self.eps = self.key("attention.layer_norm_rms_epsilon")
        self.d = self.key("embedding_length")
        self.heads = self.key("attention.head_count")
        self.kv_heads = self.key("attention.head_count_kv", self.heads)
        self.d_head = self.key("attention.key_length", self.d // self.heads)
        self.frequencies, self.magnitude = self.rope()

    def key(self, name, default=None):
        value = self.config.get(f"{self.arch}.{name}", default)
        assert value is not None, name
        if isinstance(value, list):  # a number for each layer
            assert len(set(value)) == 1, name
            return value[0]
        return value

    # ---- positions ----

    def rope(self):
        """Radians per position of each pair, and the factor of sines and cosines"""
        n_dims, base = self.key("rope.dimension_count", self.d_head), self.key("rope.freq_base", 10000.0)
        kind, factor = self.key("rope.scaling.type", b"linear"), self.key("rope.scaling.factor", 1.0)
        pairs = np.arange(n_dims // 2)
        frequencies = base ** (-2.0 * pairs / n_dims) / self.w.get("rope_freqs.weight", np.ones(n_dims // 2))
        if kind == b"linear":
            return frequencies / factor, 1.0
        assert kind == b"yarn", kind
        context = self.key("rope.scaling.original_context_length", self.key("context_length"))
        low, high = (n_dims * math.log(context / (turns * 2 * math.pi)) / (2 * math.log(base)) for turns in (BETA_FAST, BETA_SLOW))
        low, high = max(0, math.floor(low)), min(n_dims - 1, math.ceil(high))
        interpolated = np.clip((pairs - low) / max(0.001, high - low), 0, 1)
        return frequencies * (interpolated / factor + 1 - interpolated), 1 + 0.1 * math.log(factor)

    def rotate(self, x):
        """x: [heads, n, d_head] at positions 0..n-1"""
        n, pairs = x.shape[1], len(self.frequencies)
        first, second = (slice(0, pairs), slice(pairs, 2 * pairs)) if self.arch in NEOX else (slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2))
        angles = np.outer(np.arange(n), self.frequencies)
        cos, sin = np.cos(angles) * self.magnitude, np.sin(angles) * self.magnitude
        y = x.copy()
        y[..., first] = x[..., first] * cos - x[..., second] * sin
        y[..., second] = x[..., first] * sin + x[..., second] * cos
        return y

    # ---- one block ----

    def linear(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w.get(name + ".bias", 0.0)

    def norm(self, name, x):
        return rms_norm(x, self.w[name + ".weight"], self.eps)

    def attention(self, block, x):
        n = len(x)
        h = self.norm(block + "attn_norm", x)
        q, k, v = (self.linear(f"{block}attn_{name}", h).reshape(n, -1, self.d_head).transpose(1, 0, 2) for name in "qkv")
        if block + "attn_q_norm.weight" in self.w:
            q, k = self.norm(block + "attn_q_norm", q), self.norm(block + "attn_k_norm", k)
        group = self.heads // self.kv_heads
        q, k, v = self.rotate(q), np.repeat(self.cached(self.rotate(k)), group, 0), np.repeat(self.cached(v), group, 0)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(self.d_head)
        scores[:, np.triu(np.ones((n, n), bool), 1)] = -np.inf
        return self.linear(block + "attn_output", (softmax(scores) @ v).transpose(1, 0, 2).reshape(n, -1))

    def experts(self, block, h):
        n_used = self.key("expert_used_count")
        shares = softmax(self.linear(block + "ffn_gate_inp", h))
        gate, up, down = (self.w[f"{block}ffn_{name}_exps.weight"] for name in ("gate", "up", "down"))
        y = np.zeros_like(h)
        for i, row in enumerate(h):
            used = np.argsort(-shares[i], kind="stable")[:n_used]
            for e in used:
                y[i] += shares[i, e] / shares[i, used].sum() * (down[e] @ (silu(gate[e] @ row) * (up[e] @ row)))
        return y

    def feed_forward(self, block, x):
        h = self.norm(block + "ffn_norm", x)
        if block + "ffn_gate_inp.weight" in self.w:
            return self.experts(block, h)
        return self.linear(block + "ffn_down", silu(self.linear(block + "ffn_gate", h)) * self.linear(block + "ffn_up", h))

    # ---- the model ----

    def logits(self, tokens):
        """[n, n_vocab] of a sequence from position 0 on"""
        x = self.w["token_embd.weight"][tokens]
        for i in range(self.key("block_count")):
            x = x + self.attention(f"blk.{i}.", x)
            x = x + self.feed_forward(f"blk.{i}.", x)
        head = self.w.get("output.weight", self.w["token_embd.weight"])
        return self.norm("output_norm", x) @ head.T

    def greedy(self, tokens, n):
        """(The next n tokens, the smallest lead of the best logit over the second)"""
        tokens, lead = list(tokens), math.inf
        for _ in range(n):
            last = self.logits(tokens)[-1]
            second, best = np.argsort(last, kind="stable")[-2:]
            lead = min(lead, last[best] - last[second])
            tokens.append(int(best))
        return tokens[-n:], lead
