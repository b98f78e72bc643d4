#!/usr/bin/env python3
"""A language model of random weights: pipeload compared with llama.cpp (npm's node-llama-cpp), each in a memory cgroup a little above the limit.

llm.py PIPELOAD WORK_FOLDER [--preset P] [--type T] [--limits 1GB,2.1GB,0] [--storage 400MB,0] [--modes] [--prompt 128,512] [--tokens N]
       [--rounds N] [--no-peers] [--timeout S] [--json RUNS.jsonl] [--plot CURVE.svg]

Every figure is a median over rounds, in which all take turns, with the spread; ratios are taken within a round. The page cache forgets
the model before each run, so that nobody lives on memory that is not counted. --storage: rates (bytes/s) that the work folder's device
may be read at, by a cgroup; 0: as it is. --modes: pipeload without pipelining, with one loader and nothing pinned, and as it is, to
see what each part gains. --prompt: lengths, each with an answer of --tokens behind it. --json appends the medians, one line a row; --plot
draws what that file holds (plot.py does it alone).
Without permission to make a cgroup the runs go without, and the script says so. The script installs the peer.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys

import plot
from cgroup import Cgroup, size_of

HERE = os.path.dirname(os.path.abspath(__file__))
ROOM = 100_000_000  # for what is not the engine: the program, its libraries, stacks
THREADS = len(os.sched_getaffinity(0))
MODES = ["sequential", "prefetch", "full"]


class Contender:
    """A contender under one limit: results of the rounds, or the reason why there are none."""

    def __init__(self, name, command, timeout=None, mode="full", cwd=None):
        self.name, self.command, self.timeout, self.mode, self.cwd = name, command, timeout, mode, cwd
        self.results = []
        self.word = None

    def run(self, model, limit, storage):
        """One round; who failed need not try again."""
        if self.word:
            return
        forget(model)
        group = Cgroup(limit + ROOM if limit else None, storage, os.path.dirname(model))
        try:
            with subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.cwd,
                                  preexec_fn=group.enter) as process:
                try:
                    out, err = process.communicate(timeout=self.timeout)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    self.word = f"not done after {self.timeout} s"
                    return
            if process.returncode == -signal.SIGKILL:
                self.word = f"killed, {group.usage()['oom_kill']} × out of memory"
            elif process.returncode != 0:
                self.word = f"failed: {err.strip()[-200:]}"
            else:
                self.results.append(with_floor(dict(json.loads(out), usage=group.usage()), storage))
        finally:
            group.close()

    def median(self, key):
        return statistics.median(r[key] for r in self.results)

    def spread(self, key, digits=2):
        return spread([r[key] for r in self.results], digits)

    def over(self, other, key):
        """The ratio within rounds."""
        return spread([a[key] / b[key] for a, b in zip(self.results, other.results)])


def with_floor(result, storage):
    """The engine takes the fastest reading that it saw for the storage's; where the rate is known, none can last that is faster."""
    if storage and "floor_ms" in result:
        result["floor_ms"] = max(result["floor_ms"], 1e3 * result["streamed_per_token"] / storage)
        result["measured_over_floor"] = 1e3 / result["tokens_per_second"] / result["floor_ms"]
    return result


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def forget(path):
    """Drops the file out of the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def install_peer(work):
    """The peer's name and version; None if it is not to be had."""
    if not shutil.which("npm"):
        root = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run(root + ["apt-get", "install", "-y", "-q", "--no-install-recommends", "nodejs", "npm"],
                       stdout=subprocess.DEVNULL, check=False)
    if not os.path.isdir(os.path.join(work, "node_modules", "node-llama-cpp")) and shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--ignore-scripts", "node-llama-cpp"], cwd=work, check=False)
    shutil.copy(os.path.join(HERE, "peer-llama.mjs"), work)
    package = os.path.join(work, "node_modules", "node-llama-cpp", "package.json")
    if not os.path.exists(package):
        return None
    with open(package, encoding="utf-8") as file:
        return f"node-llama-cpp {json.load(file)['version']}"


def contenders(args, limit, prompt, peer):
    command = [args.pipeload, "bench", args.model, "--json", f"--memory-limit={limit}", f"--prompt={prompt}", f"--tokens={args.tokens}",
               "--rounds=1"]
    those = [Contender("pipeload", command)]
    if args.modes:
        those = [Contender(f"pipeload, {mode}", command + [f"--mode={mode}"], mode=mode) for mode in MODES]
    if peer:
        # Reading the model into memory for good is not part of the prompt's time: pipeload bench takes its second prompt too.
        warm = "1" if size_of(limit) == 0 else "0"
        those.append(Contender(peer, ["node", "peer-llama.mjs", args.model, str(THREADS), str(prompt), str(args.tokens), warm],
                               args.timeout, cwd=args.work))
    return those


def row(args, c, limit, storage, prompt):
    """The figures of a contender for --json: medians, and the worst of those that must stay small."""
    values = {"name": c.name, "mode": c.mode, "model": f"{args.preset} {args.type}", "model_bytes": os.path.getsize(args.model),
              "machine": machine(), "limit": limit, "storage": storage, "prompt": prompt, "rounds": len(c.results)}
    if c.word:
        return dict(values, word=c.word)
    rates = [r["tokens_per_second"] for r in c.results]
    values.update(tokens_per_second=statistics.median(rates), tokens_per_second_min=min(rates), tokens_per_second_max=max(rates),
                  prompt_tokens_per_second=c.median("prompt_tokens_per_second"),
                  rss=max(r["process_peak_rss"] for r in c.results))
    for key in ("peak", "failcnt", "oom_kill"):
        values[f"cgroup_{key}"] = max(r["usage"][key] for r in c.results)
    if "floor_ms" in c.results[0]:
        for key in ("floor_ms", "measured_over_floor", "first_token_ms", "engine_peak", "read_bandwidth", "streamed_per_token"):
            values[key] = c.median(key)
    return values


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith(("model name", "Model"))]
    return f"{names[0] if names else os.uname().machine}, {THREADS} threads"


def show(c, r):
    print(f"{'':8}  {c.name}: ", end="")
    if c.word:
        print(c.word)
        return
    print(f"prompt {c.spread('prompt_tokens_per_second')} tokens/s, answer {c.spread('tokens_per_second', 3)} tokens/s", end="")
    if "floor_ms" in r:
        print(f", {c.spread('measured_over_floor')} × floor of {r['floor_ms']:.0f} ms\n{'':12}first token {r['first_token_ms']:.0f} ms, "
              f"engine {r['engine_peak'] / 1e6:.0f} MB, {r['streamed_per_token'] / 1e9:.2f} GB a token at "
              f"{r['read_bandwidth'] / 1e9:.2f} GB/s", end="")
    print(f"\n{'':12}RSS {r['rss'] / 1e6:.0f} MB, cgroup {r['cgroup_peak'] / 1e6:.0f} MB, its limit hit {r['cgroup_failcnt']} times, "
          f"{r['cgroup_oom_kill']} killed")


def one_limit(args, limit, storage, prompt, peer):
    """Rounds in turn under one limit, with prompts of one length: the table's rows."""
    those = contenders(args, limit, prompt, peer)
    for _ in range(args.rounds):
        for c in those:
            c.run(args.model, size_of(limit), storage)
    print(f"{limit if limit != '0' else 'none':>8}  prompts of {prompt} tokens")
    for i, c in enumerate(those):
        values = row(args, c, size_of(limit), storage, prompt)
        show(c, values)
        if i > 0:
            print_ratios(those[i - 1], c)
        if args.json:
            with open(args.json, "a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")


def print_ratios(before, c):
    """The gain of each part of pipelining over the mode before it, and of pipeload over a peer."""
    if before.word or c.word:
        return
    ahead, behind = (before, c) if not c.name.startswith("pipeload") else (c, before)
    print(f"{'':12}{ahead.name} / {behind.name}, per round: answer {ahead.over(behind, 'tokens_per_second')}, "
          f"prompt {ahead.over(behind, 'prompt_tokens_per_second')}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeload")
    parser.add_argument("work")
    parser.add_argument("--preset", default="llama-3.1-8b")
    parser.add_argument("--type", default="q4_k_m")
    parser.add_argument("--limits", default="2.1GB,0")
    parser.add_argument("--storage", default="0", help="rates of reading, bytes/s; 0: as it is")
    parser.add_argument("--modes", action="store_true", help="what each part of pipelining gains")
    parser.add_argument("--prompt", default="128", help="tokens of the prompts, e.g. 128,512")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that the peer may take")
    parser.add_argument("--json", help="file that medians are appended to")
    parser.add_argument("--plot", help="SVG of what --json holds")
    args = parser.parse_args()
    if args.plot and not args.json:
        parser.error("--plot draws what --json holds: name that file too")
    return args


def main():
    args = parse()
    args.pipeload = os.path.abspath(args.pipeload)
    args.work = os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    args.model = os.path.join(args.work, f"{args.preset}-{args.type}.gguf")
    if not os.path.exists(args.model):
        subprocess.run([args.pipeload, "synth", args.preset, args.model, f"--type={args.type}"], check=True)
    peer = None if args.no_peers else install_peer(args.work)
    rates = [size_of(rate) for rate in args.storage.split(",")]
    probe = Cgroup(ROOM, max(rates), args.work)
    for word in probe.why:
        print(f"{word}; the runs go without")
    if any(not word.startswith("no memory") for word in probe.why):
        rates = [0]  # no figure stands under a rate that did not hold
    probe.close()
    print(f"\n{args.preset} {args.type}, {os.path.getsize(args.model) / 1e9:.2f} GB; {machine()}; {args.rounds} rounds of "
          f"{args.prompt} + {args.tokens} tokens in turn; cgroups of the limit + {ROOM // 1000000} MB")
    for rate in rates:
        print(f"\nstorage {f'at {rate / 1e6:.0f} MB/s at most' if rate else 'as it is'}\n")
        for limit in args.limits.split(","):
            for prompt in args.prompt.split(","):
                one_limit(args, limit, rate, int(prompt), peer)
    if args.plot:
        plot.draw(args.plot, [args.json])
    return 0


if __name__ == "__main__":
    sys.exit(main())
