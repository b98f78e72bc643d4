#!/usr/bin/env python3
"""The gain of guessing tokens ahead: the bundled language model reports camera logs that it has not seen, with and without, in turn.

lookup.py PIPELOAD [--model FILE.gguf] [--prompts FILE.jsonl] [--limit 3.5MB] [--storage 40MB,0] [--lookups 0,3,7,15] [--prompts-at-most N] [--rounds N]

--storage: rates at which the model's device may be read, by a cgroup; 0: as it is. Under --limit the weights stream, so that a pass waits for
storage as that of a large model does. Every answer must be the one without guesses. Medians over rounds, with the spread; ratios are taken within a round.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

from cgroup import Cgroup, size_of

os.environ.setdefault("PIPELOAD_MODELS", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "bundled"))
BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "bundled", "report-llama")


def answer(args, prompt, lookup, storage):
    group = Cgroup(None, storage, os.path.dirname(os.path.abspath(args.model)))
    try:
        command = [args.pipeload, "run", args.model, "-p", prompt, "--json", "-q", "--temperature=0", f"--memory-limit={args.limit}", "-c", "1024",
                   f"--lookup={lookup}"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=group.enter).stdout)
    finally:
        group.close()


def one_round(args, prompts, lookup, storage):
    """Texts, tokens, of them guessed, tokens a second."""
    answers = [answer(args, prompt, lookup, storage) for prompt in prompts]
    tokens = sum(a["generated_tokens"] for a in answers)
    return [a["text"] for a in answers], tokens, sum(a["guessed_tokens"] for a in answers), 1e3 * tokens / sum(a["generate_ms"] for a in answers)


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} – {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeload")
    parser.add_argument("--model", default=os.path.join(BUNDLED, "report-llama.gguf"))
    parser.add_argument("--prompts", default=os.path.join(BUNDLED, "heldout.jsonl"))
    parser.add_argument("--limit", default="3.5MB")
    parser.add_argument("--storage", default="40MB,0")
    parser.add_argument("--lookups", default="0,3,7,15")
    parser.add_argument("--prompts-at-most", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    lookups = [int(n) for n in args.lookups.split(",")]
    with open(args.prompts, encoding="utf-8") as file:
        prompts = [json.loads(line)["prompt"] for line in file][: args.prompts_at_most]
    for storage in args.storage.split(","):
        rounds = [[one_round(args, prompts, n, size_of(storage)) for n in lookups] for _ in range(args.rounds)]
        print(f"{len(prompts)} prompts, memory limit {args.limit}, storage " + (f"of {storage}/s" if size_of(storage) else "as it is"))
        for i, n in enumerate(lookups):
            if any(r[i][0] != rounds[0][0][0] for r in rounds):
                print("an answer is not the one without guesses")
                return 1
            tokens, guessed = rounds[0][i][1:3]
            print(f"  lookup {n:2}: {tokens} tokens, {tokens / (tokens - guessed):.2f} a pass, {spread([r[i][3] for r in rounds])} tokens/s, "
                  f"{spread([r[i][3] / r[0][3] for r in rounds])} × without")
    return 0


if __name__ == "__main__":
    sys.exit(main())
