#!/usr/bin/env python3
"""A language model of random weights: pipeload beside llama.cpp (npm's node-llama-cpp), each in a memory cgroup a little above the limit.

llm.py PIPELOAD WORK_FOLDER [--preset P] [--type T] [--limits 2.1GB,0] [--prompt N] [--tokens N] [--rounds N] [--no-peers] [--timeout S]

Every figure is a median over rounds, in which pipeload and the peer take turns, with the spread; ratios are taken within a round. The
page cache forgets the model before each run, so that nobody lives on memory that is not counted. Cgroups are version 1's
(/sys/fs/cgroup/memory); without permission to make one, the runs go without, and the script says so. The script installs the peer.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CGROUPS = "/sys/fs/cgroup/memory"
ROOM = 100_000_000  # for what is not the engine: the program, its libraries, stacks
THREADS = len(os.sched_getaffinity(0))
UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def size_of(text):
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    return int(text)


class Cgroup:
    """A memory cgroup of @limit bytes; none when @limit is 0 or the system does not permit it (then .why says so)."""

    def __init__(self, limit):
        self.path = self.why = None
        if limit == 0:
            return
        path = os.path.join(CGROUPS, f"pipeload-bench-{os.getpid()}")
        try:
            os.mkdir(path)
            self.path = path
            self.write("memory.limit_in_bytes", limit)
        except OSError as error:
            self.why = str(error)
            self.close()

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="ascii") as file:
            return file.read()

    def enter(self):
        """In the child, before it becomes the program."""
        if self.path:
            self.write("cgroup.procs", os.getpid())

    def peak(self):
        return int(self.read("memory.max_usage_in_bytes")) if self.path else 0

    def close(self):
        if self.path:
            os.rmdir(self.path)
        self.path = None


def forget(path):
    """Drops the file out of the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(command, model, limit, timeout, cwd=None):
    """(JSON, cgroup's peak) of a command, or a word on why there is none."""
    forget(model)
    cgroup = Cgroup(limit)
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
                              preexec_fn=cgroup.enter) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return f"not done after {timeout} s"
        if process.returncode == -signal.SIGKILL:
            return "killed: out of memory"
        if process.returncode != 0:
            return f"failed: {err.strip()[-200:]}"
        return json.loads(out), cgroup.peak()
    finally:
        cgroup.close()


def install_peer(work):
    if not shutil.which("npm"):
        root = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run(root + ["apt-get", "install", "-y", "-q", "--no-install-recommends", "nodejs", "npm"],
                       stdout=subprocess.DEVNULL, check=False)
    if not os.path.isdir(os.path.join(work, "node_modules", "node-llama-cpp")) and shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--ignore-scripts", "node-llama-cpp"], cwd=work, check=False)
    shutil.copy(os.path.join(HERE, "peer-llama.mjs"), work)
    return os.path.isdir(os.path.join(work, "node_modules", "node-llama-cpp"))


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def one_limit(args, limit, peer):
    """Rounds in turn under one limit: the table's rows."""
    cage = size_of(limit) + ROOM if limit != "0" else 0
    ours, theirs, word = [], [], None
    for _ in range(args.rounds):
        result = run([args.pipeload, "bench", args.model, "--json", f"--memory-limit={limit}", f"--prompt={args.prompt}",
                      f"--tokens={args.tokens}", "--rounds=1"], args.model, cage, None)
        if isinstance(result, str):
            print(f"{limit:>8}  pipeload: {result}")
            return
        ours.append(result)
        if peer and word is None:
            result = run(["node", "peer-llama.mjs", args.model, str(THREADS), str(args.prompt), str(args.tokens)], args.model, cage,
                         args.timeout, cwd=args.work)
            if isinstance(result, str):
                word = result  # and it need not try again
            else:
                theirs.append(result)
    show_ours(limit, ours)
    if theirs:
        show_theirs(ours, theirs)
    if word:
        print(f"{'':8}  node-llama-cpp: {word}")


def show_ours(limit, results):
    last = results[-1][0]
    print(f"{limit if limit != '0' else 'none':>8}  pipeload: prompt {spread([r['prompt_tokens_per_second'] for r, _ in results])} tokens/s, "
          f"answer {spread([r['tokens_per_second'] for r, _ in results], 3)} tokens/s, "
          f"{statistics.median(r['measured_over_floor'] for r, _ in results):.2f} × floor of {last['floor_ms']:.0f} ms\n"
          f"{'':8}    first token {last['first_token_ms']:.0f} ms, engine {max(r['engine_peak'] for r, _ in results) / 1e6:.0f} MB, "
          f"RSS {max(r['process_peak_rss'] for r, _ in results) / 1e6:.0f} MB, cgroup {max(p for _, p in results) / 1e6:.0f} MB, "
          f"{last['streamed_per_token'] / 1e9:.2f} GB a token at {last['read_bandwidth'] / 1e9:.2f} GB/s")


def show_theirs(ours, results):
    rates = [1e3 / statistics.median(r["ms"]) for r, _ in results]
    ratios = [o["tokens_per_second"] / rate for (o, _), rate in zip(ours, rates)]
    prompts = [o["prompt_tokens_per_second"] / r["prompt_tokens_per_second"] for (o, _), (r, _) in zip(ours, results)]
    last = results[-1][0]
    print(f"{'':8}  {last['name']}: prompt {spread([r['prompt_tokens_per_second'] for r, _ in results])} tokens/s, "
          f"answer {spread(rates, 3)} tokens/s, loaded in {last['load_ms'] / 1e3:.1f} s\n"
          f"{'':8}    RSS {max(r['rss'] for r, _ in results) / 1e6:.0f} MB, cgroup {max(p for _, p in results) / 1e6:.0f} MB; "
          f"pipeload / it: prompt {spread(prompts)}, answer {spread(ratios)}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeload")
    parser.add_argument("work")
    parser.add_argument("--preset", default="llama-3.1-8b")
    parser.add_argument("--type", default="q4_k_m")
    parser.add_argument("--limits", default="2.1GB,0")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that the peer may take")
    return parser.parse_args()


def main():
    args = parse()
    args.pipeload = os.path.abspath(args.pipeload)
    args.work = os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    args.model = os.path.join(args.work, f"{args.preset}-{args.type}.gguf")
    if not os.path.exists(args.model):
        subprocess.run([args.pipeload, "synth", args.preset, args.model, f"--type={args.type}"], check=True)
    peer = not args.no_peers and install_peer(args.work)
    cgroup = Cgroup(ROOM)
    if cgroup.why:
        print(f"no memory cgroup, so nothing but pipeload keeps to the limit: {cgroup.why}")
    cgroup.close()
    print(f"\n{args.preset} {args.type}, {os.path.getsize(args.model) / 1e9:.2f} GB, {THREADS} threads, {args.rounds} rounds of "
          f"{args.prompt} + {args.tokens} tokens in turn; cgroups of the limit + {ROOM // 1000000} MB\n")
    for limit in args.limits.split(","):
        one_limit(args, limit, peer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
