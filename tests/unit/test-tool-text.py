#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipeload command with language models: run, plan, bench, synth.

test-tool-text.py PIPELOAD
"""
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TOOL = sys.argv.pop(1)
SOURCE = Path(os.environ["PIPELOAD_SOURCE"])


def run(*arguments, stdin=b""):
    return subprocess.run([TOOL, *map(str, arguments)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)


class Terminal:
    """The command at a terminal."""

    def __init__(self, *arguments):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(TOOL, [TOOL, *map(str, arguments)])

    def read(self):
        """Reads what there is; False once the other end is closed and all is read."""
        if select.select([self.fd], [], [], 0.05)[0]:
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:
                time.sleep(0.01)
                return False
        return True

    def type(self, text):
        """Types it; what was seen before is forgotten."""
        self.seen = b""
        os.write(self.fd, text)

    def wait(self, until):
        end = time.monotonic() + 60
        while not until(self.seen):
            if time.monotonic() > end:
                raise AssertionError(self.seen[-500:])
            self.read()

    def status(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read():  # what it said last is still in the terminal
                    pass
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            self.read()
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("it does not end")


class Text(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="pipeload-text-")
        cls.folder = Path(cls.scratch.name)
        os.environ["XDG_CACHE_HOME"] = str(cls.folder / "cache")
        cls.model = cls.folder / "llama.gguf"
        cls.made = run("synth", "llama-tiny", cls.model, "--type", "q8_0", "--seed", 3)
        cls.greedy = ("run", cls.model, "--temperature=0")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def check(self, result, status, *parts):
        self.assertEqual(result.returncode, status, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr.decode())
        if status != 0:
            self.assertEqual(result.stdout, b"")

    def answer(self, *arguments, stdin=b""):
        result = run(*self.greedy, "-q", *arguments, stdin=stdin)
        self.check(result, 0)
        self.assertEqual(result.stderr, b"")
        return result.stdout

    def test_prompt(self):
        result = run(*self.greedy, "-p", "Hello", "-n", 9)
        self.check(result, 0, "tokens/s", "answer    9 tokens", "engine", "streamed")
        self.assertTrue(result.stdout.endswith(b"\n"))
        self.assertGreater(len(result.stdout), 1)
        # However the prompt comes, the answer is the same; a file's last newline is none of it.
        file = self.folder / "prompt"
        file.write_bytes(b"Hello\n")
        self.assertEqual(self.answer("--file", file, "-n", 9), result.stdout)
        self.assertEqual(self.answer("-p", "-", "-n", 9, stdin=b"Hello"), result.stdout)
        self.assertEqual(self.answer("-n", 9, stdin=b"Hello\n"), result.stdout)
        # Streamed: the model has 3.6 MB of weights.
        self.assertEqual(self.answer("-n", 9, "-c", 64, "-m", "2.5MB", "-p", "Hello"), result.stdout)
        self.assertNotEqual(self.answer("-n", 9, "-p", "Other"), result.stdout)
        self.assertNotEqual(self.answer("-n", 9, "-p", "Hello", "--system", "Be brief."), result.stdout)
        self.assertEqual(self.answer("-n", 0, "-p", "Hello"), b"\n")
        self.answer("-n", 4, "-p", "")

    def test_lines(self):
        wanted = b"".join(self.answer("-n", 9, "-p", line) for line in ("one", "zw\u00f6lf", "\ufffd\ufffd", "last"))
        self.assertEqual(self.answer("-n", 9, stdin=b"one\n\n  \nzw\xc3\xb6lf\n\xff\xfe\nlast"), wanted)
        self.assertEqual(self.answer(stdin=b""), b"")
        # A prompt that is too long is reported; the others are answered all the same.
        result = run(*self.greedy, "-q", "-n", 4, "-c", 64, stdin=b"one\n" + b"x" * 500 + b"\nlast\n")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout, self.answer("-n", 4, "-c", 64, stdin=b"one\nlast\n"))
        self.assertIn(b"64", result.stderr)
        self.answer("-n", 4, "-c", 64, "--trim", stdin=b"x" * 500 + b"\n")

    def test_json(self):
        result = run(*self.greedy, "-p", "Hello", "-n", 9, "--json", "-q")
        self.check(result, 0)
        answer = json.loads(result.stdout)
        self.assertEqual(answer["text"].encode() + b"\n", self.answer("-p", "Hello", "-n", 9))
        self.assertEqual((answer["finish"], answer["generated_tokens"]), ("length", 9))
        self.assertGreater(answer["prompt_tokens"], 4)
        self.assertGreater(answer["engine_peak"], 0)
        self.assertGreater(answer["prompt_ms"], 0)
        full = json.loads(run(*self.greedy, "-p", "Hello", "--json", "-q", "-c", 32).stdout)
        self.assertIn(full["finish"], ("context", "end"))
        lines = run(*self.greedy, "--json", "-q", "-n", 3, stdin=b"one\ntwo\n").stdout.splitlines()
        self.assertEqual([json.loads(line)["generated_tokens"] for line in lines], [3, 3])

    def test_lookup(self):
        # A talk that goes round is guessed; the answer is the same.
        plain = json.loads(run(*self.greedy, "-p", "aa bb aa bb", "-n", 60, "--json", "-q").stdout)
        guessed = json.loads(run(*self.greedy, "-p", "aa bb aa bb", "-n", 60, "--json", "-q", "--lookup=7").stdout)
        self.assertEqual(guessed["text"], plain["text"])
        self.assertEqual(plain["guessed_tokens"], 0)
        self.assertLessEqual(guessed["guessed_tokens"], guessed["generated_tokens"])
        for number in (-1, 16):
            self.check(run(*self.greedy, "-p", "a", "--lookup", number), 1, "--lookup must be from 0 to 15")

    def test_sampling(self):
        def sample(*arguments):
            return self.answer("-n", 12, "-p", "Hello", "--temperature=1.5", "--top-p=1", "--top-k=0", "--min-p=0", *arguments)
        self.assertEqual(sample("--seed=7"), sample("--seed=7"))
        self.assertNotEqual(sample("--seed=7"), sample("--seed=8"))
        # The likeliest alone is the greedy choice, whatever the temperature.
        self.assertEqual(self.answer("-n", 12, "-p", "Hello", "--temperature=2", "--top-k=1"), self.answer("-n", 12, "-p", "Hello"))
        text = self.answer("-n", 12, "-p", "Hello").decode().rstrip("\n")
        stop = text[len(text) // 2:][:2]
        self.assertEqual(self.answer("-n", 12, "-p", "Hello", "--stop", "never there", "--stop", stop).decode(),
                         text[:text.index(stop)] + "\n")
        many = self.answer("-n", 30, "-p", "Hello", "--repeat-penalty=100", "--presence-penalty=50", "--frequency-penalty=10")
        self.assertNotEqual(many, self.answer("-n", 30, "-p", "Hello"))

    def test_chat(self):
        terminal = Terminal(*self.greedy, "-n", 9)
        terminal.wait(lambda seen: seen.endswith(b"> "))
        answers = []
        for line in (b"Hello\n", b"Hello\n", b"/reset\n", b"\n", b"Hello\n"):
            terminal.type(line)
            terminal.wait(lambda seen: seen.endswith(b"\n> "))
            answers.append(terminal.seen.replace(b"\r\n", b"\n"))
        self.assertNotEqual(answers[0], answers[1])  # the conversation goes on
        self.assertEqual(answers[0], answers[4])  # and begins anew
        alone = self.answer("-n", 9, "-p", "Hello").decode()
        clean = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in alone)
        self.assertIn(clean, answers[0].decode())
        terminal.type(b"/quit\n")
        self.assertEqual(terminal.status(), 0)
        self.assertIn(b"answer    27 tokens", terminal.seen)

    def test_chat_interrupted(self):
        terminal = Terminal(*self.greedy, "-q", "-c", 16384)
        terminal.wait(lambda seen: seen.endswith(b"> "))
        for _ in range(2):
            terminal.type(b"Hello\n")
            terminal.wait(lambda seen: len(seen) > 60)
            terminal.type(b"\x03")
            terminal.wait(lambda seen: seen.endswith(b"\n> "))
        terminal.type(b"\x04")
        self.assertEqual(terminal.status(), 0)
        terminal = Terminal(*self.greedy, "-q")
        terminal.wait(lambda seen: seen.endswith(b"> "))
        terminal.type(b"\x03")
        self.assertEqual(terminal.status(), 130)

    def test_stopped(self):
        process = subprocess.Popen([TOOL, *map(str, self.greedy), "-c", "16384", "-p", "Hello"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"cancelled", errors)

    def test_usage(self):
        for arguments, part in ((("--temperature=nan",), "--temperature"), (("--top-p=1.5",), "--top-p"), (("-n", "-2"), "--max-tokens"),
                                (("--repeat-penalty=0",), "--repeat-penalty"), (("--template=nothing",), "llama3"),
                                (("--cache-type=q4",), "--cache-type"), (("-c", "-1"), "--context-size"),
                                (("-p", "a", "-f", "b"), "two prompts"), (("--memory-limit=1 pound",), "is not a size"),
                                (("--seed=-2",), "--seed"), (("second",), "unexpected argument"), (("--history=-2",), "--history")):
            self.check(run(*self.greedy, *arguments), 1, part)
        self.check(run("plan", self.model, "--batch=2"), 1, "vision models")
        self.check(run("bench", self.model, "--input-size=64"), 1, "vision models")
        self.check(run("bench", self.model, "--tokens=0"), 1, "--tokens")

    def test_tokens(self):
        """Models whose weights have a chain of tokens built in; llama.cpp's answers."""
        data = SOURCE / "tests" / "golden" / "llm" / "data" / "tokens"
        ask = ("--template=none", "-p", "X", "--temperature=0", "-q")
        for name, answer in (("c-nul.gguf", "A\ufffdB"), ("c-unused-mid.gguf", "ABCD")):
            result = run("run", data / name, *ask)
            self.check(result, 0)
            self.assertEqual(result.stdout.decode(), answer + "\n")
            result = run("run", data / name, *ask, "-j")
            self.check(result, 0)
            self.assertEqual(json.loads(result.stdout)["text"], answer)

    def test_unknown_tensor(self):
        data = (SOURCE / "tests" / "golden" / "llm" / "data" / "mlp-bias-f32.gguf").read_bytes()
        for known, unknown in ((b"blk.0.ffn_gate.bias", b"blk.0.ffn_gate.some"), (b"blk.1.ffn_down.bias", b"blk.1.ffn_down.scal")):
            other = self.folder / "unknown.gguf"
            other.write_bytes(data.replace(known, unknown))
            self.check(run("run", other, "-p", "a"), 2, "unknown.gguf", f'"{unknown.decode()}"', "llama")
        other.write_bytes(data.replace(b"blk.0.ffn_gate.bias", b"blk.0.attn_rot_embd"))
        self.check(run("run", other, "-p", "a", "-n", 1, "--template=none"), 0)

    def test_layers_that_differ(self):
        data = bytearray((SOURCE / "tests" / "golden" / "llm" / "data" / "lists-f32.gguf").read_bytes())
        key = b"llama.feed_forward_length"
        second = data.index(key) + len(key) + 4 + 4 + 8 + 4  # behind the types, the count, and the first layer's number
        data[second] += 1
        other = self.folder / "differ.gguf"
        other.write_bytes(data)
        self.check(run("run", other, "-p", "a"), 2, "differ.gguf", key.decode(), "different sizes")

    def test_failures(self):
        self.check(run("run", self.folder / "missing", "-p", "a"), 2, "missing", "no such file")
        self.check(run(*self.greedy, "-f", self.folder / "missing"), 2, "missing")
        self.check(run(*self.greedy, "-f", self.folder), 2, str(self.folder))
        self.check(run(*self.greedy, "-m", "10kB", "-p", "a"), 2, "smallest")
        self.check(run(*self.greedy, "-c", 16, "-p", "x" * 100), 2, "16")
        cut = self.folder / "cut.gguf"
        cut.write_bytes(self.model.read_bytes()[:100000])
        self.check(run("run", cut, "-p", "a"), 2, "cut.gguf", "truncated")

    def test_plan(self):
        result = run("plan", self.model, "--json", "-c", 64, "-m", 2500000)
        self.check(result, 0)
        plan = json.loads(result.stdout)
        self.assertEqual(plan["memory_limit"], 2500000)
        self.assertGreater(plan["streamed_per_pass"], 0)
        self.assertEqual(plan["pass_items"], 1)
        self.assertGreater(plan["batch_compute_ns"], 0)
        parts = ("pinned_bytes", "ring_bytes", "activation_bytes", "table_bytes")
        self.assertLessEqual(sum(plan[part] for part in parts), 2500000)
        # A smaller cache leaves more for weights; one that is small already does not.
        with_cache = [c for c in plan["changes"] if c["q8_0_cache"]]
        self.assertEqual([c["memory_limit"] for c in with_cache], [2500000])
        self.assertLess(with_cache[0]["streamed_per_pass"], plan["streamed_per_pass"])
        packed = json.loads(run("plan", self.model, "--json", "-c", 64, "-m", 2500000, "--cache-type=q8_0").stdout)
        self.assertEqual([c for c in packed["changes"] if c["q8_0_cache"]], [])
        self.assertEqual(packed["streamed_per_pass"], with_cache[0]["streamed_per_pass"])
        small = json.loads(run("plan", self.model, "--json", "-c", 128).stdout)
        large = json.loads(run("plan", self.model, "--json", "-c", 8192).stdout)
        packed = json.loads(run("plan", self.model, "--json", "-c", 8192, "--cache-type=q8_0").stdout)
        # 4 layers, 4 heads of 32, keys and values; a half takes 2 bytes, a block of 32 takes 34
        self.assertGreaterEqual(large["minimum_limit"] - small["minimum_limit"], 4 * 2 * 128 * 2 * (8192 - 128) * 0.9)
        self.assertLess(packed["minimum_limit"], large["minimum_limit"])
        text = run("plan", self.model, "-c", 64, "-m", 2500000).stdout
        for part in (b"tokens of a prompt share a pass", b"a token", b"tokens/s", b"a chunk of prompt", b"What would help"):
            self.assertIn(part, text)

    def test_bench(self):
        limit = 2500000
        result = run("bench", self.model, "--json", "--prompt=16", "--tokens=4", "--rounds=2", "-m", limit)
        self.check(result, 0)
        bench = json.loads(result.stdout)
        self.assertEqual((bench["prompt_tokens"], bench["tokens"], bench["context_size"]), (16, 4, 20))
        self.assertLessEqual(bench["engine_peak"], limit)
        self.assertGreater(bench["streamed_per_token"], 0)
        self.assertGreater(bench["first_token_ms"], 0)
        for kind in ("prompt_tokens_per_second", "tokens_per_second"):
            self.assertLessEqual(bench[f"{kind}_min"], bench[kind])
            self.assertLessEqual(bench[kind], bench[f"{kind}_max"])
        text = run("bench", self.model, "--prompt=8", "--tokens=2", "--rounds=1", "-m", limit)
        self.check(text, 0)
        self.assertIn(b"measured/floor", text.stdout)

    def test_synth(self):
        self.check(self.made, 0)
        self.assertEqual((self.made.stdout, self.made.stderr), (b"", b""))
        again = self.folder / "again.gguf"
        self.check(run("synth", "llama-tiny", again, "-t", "q8_0", "-s", 3, "--vocab-from", self.model), 0)
        self.assertEqual(self.model.read_bytes(), again.read_bytes())
        self.assertEqual(json.loads(run("inspect", again, "--json").stdout)["architecture"], "llama")
        self.check(run("synth", "llama-tiny", again, "-t", "q9"), 2, "q4_k_m")
        self.check(run("synth", "llama-tiny", again, "--vocab-from", self.folder / "missing"), 2, "missing")


if __name__ == "__main__":
    unittest.main()
