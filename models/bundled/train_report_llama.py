#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the bundled report-llama from scratch: camera logs in, short reports out.

    python3 models/bundled/train_report_llama.py --work build/report-llama

Needs Debian's python3-torch and python3-numpy.  All text is made by report_logs.py.  The training is
cut in chapters of freshly drawn cases; after each the state is saved in --work, and the same command
goes on from there.  At the end (or with --measure-only) the GGUF file is written and measured as
stored, by greedy decoding, on cases of another seed.
"""
import argparse
import ctypes
import itertools
import json
import math
import os
import random
import time

import torch
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F

import report_logs
from report_model import CONTEXT, ReportLlama, greedy, read_gguf, write_gguf
from report_text import Tokenizer, learn

VOCABULARY = 896
BATCH, CHAPTER = 3072, 64        # tokens of a batch, of which a step takes two; batches a chapter
MUON, ADAM = 0.012, 3e-3         # highest learning rates
PROMPT_WEIGHT = 0.05             # of a prompt's token in the loss; an answer's weighs 1
HELD_OUT = "held out"            # seed of the cases that are measured
KINDS = ("report", "question", "sentence", "other", "empty")


# ---- training ----------------------------------------------------------------------------------

class Muon:
    """Momentum whose steps are made orthogonal (five Newton-Schulz rounds), for the layers' matrices."""

    def __init__(self, matrices):
        shapes = sorted({tuple(m.shape) for m in matrices})
        self.groups = [[m for m in matrices if tuple(m.shape) == s] for s in shapes]
        self.momentum = [torch.zeros(len(g), *g[0].shape) for g in self.groups]

    @torch.no_grad()
    def step(self, rate):
        for group, momentum in zip(self.groups, self.momentum):
            gradient = torch.stack([m.grad for m in group])
            momentum.lerp_(gradient, 0.05)
            x = gradient.lerp_(momentum, 0.95)
            high, wide = x.shape[1:]
            x = x if high <= wide else x.transpose(1, 2)
            x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
            for _ in range(5):
                a = x @ x.transpose(1, 2)
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x if high <= wide else x.transpose(1, 2)
            for m, change in zip(group, x.float()):
                m.mul_(1 - rate * 0.02)
                m.sub_(change, alpha=rate * max(1.0, high / wide) ** 0.5)


def make_tokenizer(seed):
    cases = [report_logs.draw_case("%s words" % seed, i) for i in range(3000)]
    return learn([t for c in cases for t in (c.prompt, c.answer)], report_logs.ANSWER_WORDS, VOCABULARY)


def lesson(tokenizer, case):
    """Ids of prompt and answer, and how many of them are the prompt's."""
    prompt = tokenizer.chat(case.prompt)
    return prompt + tokenizer.encode(case.answer) + [tokenizer.end], len(prompt)


def chapter_batches(tokenizer, seed, number, longest):
    """CHAPTER batches of lessons of like length, shuffled; the same for the same arguments."""
    lessons, tokens, drawn = [], 0, 0
    while tokens < CHAPTER * BATCH:
        ids, prompt = lesson(tokenizer, report_logs.draw_case(
            "%s/%s" % (seed, number), drawn, longest))
        drawn += 1
        if len(ids) <= CONTEXT:
            lessons.append((ids, prompt))
            tokens += len(ids)
    lessons.sort(key=lambda l: len(l[0]))
    batches, batch = [], []
    for one in lessons:
        if batch and (len(batch) + 1) * len(one[0]) > BATCH:
            batches.append(batch)
            batch = []
        batch.append(one)
    batches.append(batch)
    random.Random(number).shuffle(batches)
    return batches


def loss_of(model, batch, filler):
    """Mean loss of the answers' tokens plus a little of the prompts', and the share of answer tokens
    that would be said right."""
    length = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([ids + [filler] * (length - len(ids)) for ids, _ in batch])
    weight = torch.tensor([[PROMPT_WEIGHT] * (p - 1) + [1.0] * (len(i) - p) + [0.0] * (length - len(i))
                           for i, p in batch]).flatten()
    some = weight.nonzero().squeeze(1)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model(ids[:, :-1]).flatten(0, 1)[some]
        logits = model.logits(hidden).float()
    target, weight = ids[:, 1:].flatten()[some], weight[some]
    losses = F.cross_entropy(logits, target, reduction="none")
    answer = weight == 1
    right = (logits.detach().argmax(-1) == target)[answer].float().mean()
    return (losses * weight).sum() / answer.sum(), right.item()


class Pair:
    """Two processes of one thread each, which on two cores is quicker than one of two threads: the
    second works out the gradients of every other batch, on the same weights."""

    def __init__(self, model, filler):
        self.model, self.filler = model.share_memory(), filler
        self.gradients = [torch.zeros_like(p).share_memory_() for p in model.parameters()]
        self.pipe, theirs = multiprocessing.Pipe()
        multiprocessing.get_context("fork").Process(target=self.help, args=(theirs,), daemon=True).start()

    def gradient(self, batch):
        loss, right = loss_of(self.model, batch, self.filler)
        self.model.zero_grad()
        loss.backward()
        return loss.item(), right

    def help(self, pipe):
        while True:
            pipe.send(self.gradient(pipe.recv()))
            for mine, p in zip(self.gradients, self.model.parameters()):
                mine.copy_(p.grad)
            pipe.send(None)

    def work(self, first, second):
        """Leaves the mean gradient of two batches in the model; returns mean loss and share right."""
        self.pipe.send(second)
        one = self.gradient(first)
        two = self.pipe.recv()
        self.pipe.recv()
        for theirs, p in zip(self.gradients, self.model.parameters()):
            p.grad.add_(theirs).mul_(0.5)
        return [(a + b) / 2 for a, b in zip(one, two)]


class Training:
    """Model, optimizers and how far they are."""

    def __init__(self, tokenizer):
        self.model = ReportLlama(len(tokenizer.tokens))
        matrices = [p for p in self.model.blk.parameters() if p.ndim == 2]
        inside = set(map(id, matrices))
        self.muon = Muon(matrices)
        self.adam = torch.optim.AdamW([p for p in self.model.parameters() if id(p) not in inside],
                                      betas=(0.9, 0.98), weight_decay=0.01)
        self.pair = Pair(self.model, tokenizer.end)
        self.chapter = self.step = self.tokens = 0

    def save(self, path, tokenizer):
        torch.save({"model": self.model.state_dict(), "adam": self.adam.state_dict(),
                    "muon": self.muon.momentum, "merges": tokenizer.merges,
                    "at": (self.chapter, self.step, self.tokens)}, path + ".new")
        os.replace(path + ".new", path)

    def load(self, state):
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["adam"])
        self.muon.momentum = state["muon"]
        self.chapter, self.step, self.tokens = state["at"]

    def learn(self, first, second, part):
        """One step at `part` (0..1) of the way."""
        rate = min(1.0, (self.step + 1) / 60) * (0.02 + 0.98 * (1 + math.cos(math.pi * min(part, 1))) / 2)
        result = self.pair.work(first, second)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.adam.param_groups[0]["lr"] = ADAM * rate
        self.adam.step()
        self.muon.step(MUON * rate)
        self.step += 1
        self.tokens += sum(len(ids) for ids, _ in first + second)
        return result


def train(args, tokenizer, training, log):
    budget, path = args.budget * 1e6, os.path.join(args.work, "state.pt")
    while training.tokens < budget:
        part = training.tokens / budget
        longest = max(2, min(report_logs.MOST_LINES, round(part * 2.5 * report_logs.MOST_LINES)))
        begin, before, sums = time.time(), training.tokens, []
        batches = chapter_batches(tokenizer, args.seed, training.chapter, longest)
        for first, second in zip(batches[::2], batches[1::2]):
            sums.append(training.learn(first, second, training.tokens / budget))
        training.chapter += 1
        training.save(path, tokenizer)
        loss, right = (sum(s) / len(sums) for s in zip(*sums))
        log("chapter %d, %.2f of %.1f million tokens, up to %d lines: loss %.4f, %.2f %% of answer tokens right, "
            "%.0f tokens/s" % (training.chapter, training.tokens / 1e6, args.budget, longest, loss, 100 * right,
                               (training.tokens - before) / (time.time() - begin)))
        if training.chapter % 5 == 0:
            write_gguf(args.out, training.model, tokenizer)


# ---- measuring ---------------------------------------------------------------------------------

def held_out(tokenizer, count):
    """Cases of another seed that fit in the context, `count` of each kind (fewer of the short kinds)."""
    cases = []
    for kind in KINDS:
        few = count if kind in ("report", "question") else max(count // 4, 10)
        drawn = (report_logs.draw_case(HELD_OUT, "%s %d" % (kind, i), kind=kind) for i in itertools.count())
        fit = (c for c in drawn if len(lesson(tokenizer, c)[0]) <= CONTEXT)
        cases += itertools.islice(fit, few)
    return cases


def right_facts(case, said):
    """How many of a case's facts stand in what was said, in their order."""
    at = right = 0
    for fact in case.facts:
        found = said.find(fact, at)
        if found >= 0:
            at, right = found + len(fact), right + 1
    return right


def answers_of(model, tokenizer, cases):
    """The model's answer to each case; prompts of equal length are decoded together."""
    groups = {}
    for i, c in enumerate(cases):
        groups.setdefault(len(tokenizer.chat(c.prompt)), []).append(i)
    said = [None] * len(cases)
    for group in groups.values():
        ids = greedy(model, tokenizer, [tokenizer.chat(cases[i].prompt) for i in group])
        for i, answer in zip(group, ids):
            said[i] = tokenizer.decode(answer)
    return said


def score(pairs):
    """Figures of pairs of a case and what was said."""
    facts = sum(len(c.facts) for c, _ in pairs)
    right = sum(right_facts(c, s) for c, s in pairs)
    whole = sum(c.answer == s for c, s in pairs)
    share = lambda part, all_of: round(part / all_of, 5) if all_of else None
    return {"cases": len(pairs), "facts": facts, "fact_accuracy": share(right, facts),
            "exact_answers": share(whole, len(pairs))}


def measure(model, tokenizer, count):
    """Figures by kind and by number of lines, and the cases with what was said."""
    cases = held_out(tokenizer, count)
    said = answers_of(model, tokenizer, cases)
    pick = lambda want: score([(c, s) for c, s in zip(cases, said) if want(c)])
    by_lines = lambda kind: {"%d-%d" % (a, b): pick(lambda c: c.kind == kind and a <= c.lines <= b)
                             for a, b in ((1, 4), (5, 8), (9, 14), (15, 20))}
    result = {"all": pick(lambda c: True), "by_kind": {k: pick(lambda c: c.kind == k) for k in KINDS},
              "reports_by_lines": by_lines("report"), "questions_by_lines": by_lines("question")}
    return result, cases, said


def write_held_out(path, cases, said):
    """Some cases of each kind, for tests of engines."""
    chosen = [i for k, n in zip(KINDS, (8, 7, 2, 2, 1))
              for i in [j for j, c in enumerate(cases) if c.kind == k][:n]]
    with open(path, "w") as f:
        for i in chosen:
            f.write(json.dumps({"prompt": cases[i].prompt, "answer": said[i], "expected": cases[i].answer},
                               ensure_ascii=False) + "\n")


def arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default=os.path.join(here, "report-llama", "report-llama.gguf"),
                   help="file to write; metrics.json and heldout.jsonl come beside it (default: %(default)s)")
    p.add_argument("--work", required=True, help="folder for the state after each chapter")
    p.add_argument("--seed", type=int, default=7, help="of weights and cases (default: %(default)s)")
    p.add_argument("--budget", type=float, default=42.0, help="million tokens to learn (default: %(default)s)")
    p.add_argument("--cases", type=int, default=200, help="held-out reports, and questions, to measure")
    p.add_argument("--measure-only", action="store_true", help="measure the file as it is")
    return p.parse_args()


def keep_memory():
    """Make glibc keep large blocks that are freed: fresh pages for each tensor take most of the time."""
    libc = ctypes.CDLL(None)
    for option, value in ((-4, 0), (-1, 2 ** 31 - 1), (-2, 1 << 26)):     # mmap_max, trim, top_pad
        libc.mallopt(option, value)


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    keep_memory()
    torch.set_num_threads(1)
    log = lambda text: print(time.strftime("%H:%M:%S "), text, flush=True)
    if not args.measure_only:
        os.makedirs(args.work, exist_ok=True)
        os.makedirs(os.path.dirname(args.out), exist_ok=True)
        path = os.path.join(args.work, "state.pt")
        state = torch.load(path) if os.path.exists(path) else None
        tokenizer = Tokenizer(state["merges"]) if state else make_tokenizer(args.seed)
        training = Training(tokenizer)
        if state:
            training.load(state)
        log("%d weights, %d tokens" % (sum(p.numel() for p in training.model.parameters()), len(tokenizer.tokens)))
        train(args, tokenizer, training, log)
        write_gguf(args.out, training.model, tokenizer)
    model, tokenizer = read_gguf(args.out)
    result, cases, said = measure(model, tokenizer, args.cases)
    folder = os.path.dirname(args.out)
    with open(os.path.join(folder, "metrics.json"), "w") as f:
        f.write(json.dumps(result, indent=2) + "\n")
    write_held_out(os.path.join(folder, "heldout.jsonl"), cases, said)
    log(json.dumps(result))


if __name__ == "__main__":
    main()
