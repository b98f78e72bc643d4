#!/usr/bin/env python3
"""Hours of video and of text under limits that change at random, each in a memory cgroup with no more than the limit and the process need.

hour.py PIPELOAD SOAK_HOUR BUILD_FOLDER [--minutes N] [--bundled] [--seed N] [--only video|text] [--dwell SECONDS]

First the process's overhead is measured, the bytes charged for it in addition to the engine's at the smallest limit; from then on the cgroup's limit is
the memory limit plus that, moved up before a limit rises and down as soon as a lower one is in force. Fails if anything is killed, if the
process grows, if a result differs from the first of its input, or if the engine ever holds more than the limit in force. Without
permission to make a cgroup it runs without one, and says so. Models of some 170 MB and 400 MB, of random weights, lie in
BUILD_FOLDER/bench; --bundled: those of this source, which are small.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from cgroup import Cgroup  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUNDLED = {"video": "person-vit", "text": "report-llama/report-llama.gguf"}
SYNTH = {"video": ("vit-b16", "f16", ""), "text": ("qwen2.5-0.5b", "q4_k_m", ".gguf")}
PLAN = {"video": [], "text": ["--context-size=256"]}  # as soak-hour opens it
LOOKUP = {"video": 0, "text": 7}  # tokens guessed ahead
MEASURE = 3  # seconds at the smallest limit, after the first result
SLACK = 1 << 20  # the kernel charges a group in advance, some pages a CPU
GROWTH_MAX = 3 << 20  # malloc's own rounding and GStreamer's caches settle within this


class Failure(Exception):
    pass


class Program:
    """soak-hour in a cgroup."""

    def __init__(self, args, kind, model, limit, group, lookup):
        self.group = group
        self.process = subprocess.Popen([args.program, kind, model, str(limit), str(lookup)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=group.enter,
                                        env=dict(os.environ, PIPELOAD_BUILD=args.build, PIPELOAD_SOURCE=SOURCE))

    def ask(self, limit):
        """The bytes held once @limit is in force."""
        try:
            self.process.stdin.write(f"{limit}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise Failure(self.end())

    def rss_peak(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    def end(self):
        """Why it failed; an empty word if it did not."""
        _, err = self.process.communicate()
        killed = self.group.usage()["oom_kill"]
        if killed:
            return f"{killed} × killed: out of memory"
        return "" if self.process.returncode == 0 else f"exit status {self.process.returncode}: {err.strip()[-2000:]}"


def plan(args, kind, model, lookup):
    words = [args.pipeload, "plan", model, "--no-profile", "--json"] + PLAN[kind] + ([f"--lookup={lookup}"] if lookup else [])
    result = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return result["minimum_limit"], result["resident_limit"]


def model_of(args, kind):
    if args.bundled:
        return os.path.join(SOURCE, "models", "bundled", BUNDLED[kind])
    preset, quantity, suffix = SYNTH[kind]
    path = os.path.join(args.build, "bench", f"{preset}-{quantity}{suffix}")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run([args.pipeload, "synth", preset, path, f"--type={quantity}"], check=True)
    return path


def measure_overhead(args, kind, model):
    """The bytes charged for the process in addition to the engine's; without a cgroup, what of it is in memory. Without lookup: what the engine
    has for guesses that it does not make is not in memory yet, and would hide as much of the process."""
    least, _ = plan(args, kind, model, 0)
    group = Cgroup()
    program = Program(args, kind, model, least, group, 0)
    try:
        while program.ask(least)["results"] == 0:
            time.sleep(0.1)
        time.sleep(MEASURE)
        overhead = (group.usage()["peak"] or program.rss_peak()) - program.ask(least)["engine_peak"]
    finally:
        word = program.end()
        group.close()
    if word:
        raise Failure(word)
    return overhead


def change(program, group, room, old, new):
    """From one limit to the next; the cgroup is never wider than the wider one."""
    if new > old:
        group.limit(new + room)
    state = program.ask(new)
    if new < old:
        group.limit(new + room)
    return state


def run(args, kind, model, chance):
    """Lines that say how it went."""
    least, most = plan(args, kind, model, LOOKUP[kind])
    overhead = measure_overhead(args, kind, model)
    room = overhead + SLACK
    group = Cgroup(least + room)
    program = Program(args, kind, model, least, group, LOOKUP[kind])
    begun, limit, changes, settled, later, state = time.monotonic(), least, 0, 0, 0, None
    try:
        while (passed := time.monotonic() - begun) < 60 * args.minutes:
            # Now and then the least, and more than is needed.
            new = least if chance.random() < 0.1 else int(chance.uniform(least, 1.1 * most))
            change(program, group, room, limit, new)
            limit, changes = new, changes + 1
            time.sleep(chance.uniform(0.1, 1) * args.dwell)
            state = program.ask(limit)
            if passed < 20 * args.minutes:
                settled = max(settled, state["rss"] - state["engine"])
            else:
                later = max(later, state["rss"] - state["engine"])
    except OSError as error:
        raise Failure(f"the cgroup's limit: {error}") from error
    finally:
        word = program.end()
        usage = group.usage()
        group.close()
    if word:
        raise Failure(word)
    if later > settled + GROWTH_MAX:
        raise Failure(f"grown: {settled / 1e6:.1f} MB outside the engine in the first third, {later / 1e6:.1f} MB later")
    return (f"{state['results']} results, {changes} limits of {least / 1e6:.1f} to {1.1 * most / 1e6:.1f} MB, "
            f"{state['streamed'] / 1e9:.2f} GB streamed; overhead {overhead / 1e6:.1f} MB; outside the engine "
            f"{settled / 1e6:.1f} MB, later {later / 1e6:.1f} MB; cgroup: peak {usage['peak'] / 1e6:.1f} MB, limit hit "
            f"{usage['failcnt']} times, {usage['oom_kill']} killed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeload")
    parser.add_argument("program")
    parser.add_argument("build")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--bundled", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--only", choices=sorted(BUNDLED))
    parser.add_argument("--dwell", type=float, default=2, help="seconds that a limit stays at most (2)")
    args = parser.parse_args()
    probe = Cgroup(1 << 30)
    print(f"seed {args.seed}" + "".join(f"; {word}; without one" for word in probe.why), flush=True)
    probe.close()
    passed = []

    def soak(kind, model):
        try:
            print(f"{kind}: {run(args, kind, model, random.Random(f'{kind} {args.seed}'))}", flush=True)
            passed.append(kind)
        except Failure as failure:
            print(f"{kind}: FAILED: {failure}", flush=True)

    # Both at once: they share the machine as pipelines do.
    threads = [threading.Thread(target=soak, args=(kind, model_of(args, kind))) for kind in BUNDLED if args.only in (None, kind)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0 if len(passed) == len(threads) else 1


if __name__ == "__main__":
    sys.exit(main())
