# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tokenizer of the bundled report-llama: byte-level BPE, learnt from the recipe's own text.

Text is cut as "llama-bpe" cuts it (Llama 3: words with one leading mark or space, digits by three,
runs of marks), bytes are written as GPT-2's printable characters, and pairs are merged in the order
of the list.  Two things here are by design: all pairs of digits are merged first, so that a two-digit
number is one token wherever it stands; and merges with a leading space come last and only for the
words of answers, so that a name has the same tokens after a quotation mark and after a space.
"""
import functools
import re
from collections import Counter

START, END = "<|im_start|>", "<|im_end|>"
LETTER, MARK = r"[^\W\d_]", r"(?:[^\s\w]|_)"
PIECE = re.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\S\r\n]|%s)?%s+|\d{1,3}| ?%s+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    % (MARK, LETTER, MARK))


def byte_characters():
    """GPT-2's table: a printable character for each of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(other)}}


CHARACTERS = byte_characters()
BYTES = {c: b for b, c in CHARACTERS.items()}
SPACE = CHARACTERS[32]


def spell(piece):
    return "".join(CHARACTERS[b] for b in piece.encode())


class Tokenizer:
    """Tokens in order of their ids: the bytes, the merged ones, then the two control tokens."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.tokens = [CHARACTERS[b] for b in range(256)] + [a + b for a, b in self.merges] + [START, END]
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.start, self.end = self.ids[START], self.ids[END]
        self.piece = functools.lru_cache(1 << 16)(self.encode_piece)

    def encode_piece(self, piece):
        parts = list(spell(piece))
        while len(parts) > 1:
            pairs = list(zip(parts, parts[1:]))
            best = min(pairs, key=lambda p: self.rank.get(p, len(self.rank)))
            if best not in self.rank:
                break
            parts = merge(parts, best)
        return [self.ids[p] for p in parts]

    def encode(self, text):
        """Ids of plain text; control tokens in it are text like any other."""
        return [i for piece in PIECE.findall(text) for i in self.piece(piece)]

    def decode(self, ids):
        """Text of ids, control tokens left out."""
        return bytes(BYTES[c] for i in ids if i < self.start for c in self.tokens[i]).decode(errors="replace")

    def chat(self, prompt):
        """Ids of a user's message in ChatML, up to where the answer begins."""
        return [self.start, *self.encode("user\n" + prompt), self.end, *self.encode("\n"),
                self.start, *self.encode("assistant\n")]


def merge(parts, pair):
    """`parts` with each adjacent `pair` joined, from left to right."""
    joined, i = [], 0
    while i < len(parts):
        if tuple(parts[i:i + 2]) == pair:
            joined.append(parts[i] + parts[i + 1])
            i += 2
        else:
            joined.append(parts[i])
            i += 1
    return joined


def learn(texts, after_space, size):
    """A tokenizer of `size` tokens from texts; words of `after_space` are one token after a space too."""
    merges = [(a, b) for a in "0123456789" for b in "0123456789"]
    made = {a + b for a, b in merges}                     # no string is made in two ways
    words = Counter()
    for text in texts:
        for piece in PIECE.findall(text):
            if not piece[0].isdigit():
                words[spell(piece.lstrip(" ") or piece)] += 1
    weight = {w: n ** 0.7 for w, n in words.items()}
    weight.update({w: max(weight.get(w, 0), 150) for w in after_space})   # rare ordinals are whole too
    split = {w: list(w) for w in weight}
    while len(merges) < size - 256 - 2 - len(after_space):
        pairs = Counter()
        for w, parts in split.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += weight[w]
        best = max(sorted(p for p in pairs if "".join(p) not in made), key=pairs.get)
        merges.append(best)
        made.add("".join(best))
        split = {w: merge(parts, best) if best[0] in parts else parts for w, parts in split.items()}
    return Tokenizer(merges + [(SPACE, w) for w in after_space if w in made])
