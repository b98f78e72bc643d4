#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipeload command as scripts see it: exit status, streams, JSON, Ctrl-C.

test-tool.py PIPELOAD
"""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TOOL = sys.argv.pop(1)


def run(*arguments):
    return subprocess.run([TOOL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100)


VERBS = ("detect", "run", "analyse", "guard", "report", "plan", "inspect", "bench", "quantize", "synth")
NUMBERS = ("N", "K", "T", "P", "X", "S", "0..1", "SHARE", "SECONDS")


def here():
    """The verbs of this build: without GStreamer there are fewer."""
    return [verb for verb in VERBS if run(verb, "--version").returncode == 0]


def options(verb):
    """The options that its help lists, with their arguments."""
    return dict(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)(?:=(\S+))?  ", run(verb, "--help").stdout.replace("--help-all", "").replace("--help-gst", ""), re.M))


class Tool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="pipeload-tool-")
        cls.folder = Path(cls.scratch.name)
        os.environ["XDG_CACHE_HOME"] = str(cls.folder / "cache")
        cls.model = cls.folder / "ti"
        cls.made = run("synth", "vit-ti16", cls.model, "--type", "f16", "--seed", 5)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def check(self, result, status, *parts):
        self.assertEqual(result.returncode, status, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)
        if status != 0:
            self.assertTrue(result.stderr.startswith("pipeload: "), result.stderr)
            self.assertEqual(result.stdout, "")

    def test_usage(self):
        self.assertEqual(run().returncode, 1)
        self.check(run("nothing"), 1, 'unknown verb "nothing"')
        self.check(run("inspect"), 1, "too few arguments")
        self.check(run("inspect", "a", "b"), 1, 'unexpected argument "b"')
        self.check(run("inspect", "--what", "a"), 1, "--what")
        self.check(run("plan", "--memory-limit", "64 pounds"), 1, "64 pounds", "is not a size")
        self.check(run("plan", "--batch", "-1"), 1, "--batch must be from 0")
        self.check(run("bench", "--frames", "0"), 1, "--frames")
        self.check(run("synth", "vit-b16"), 1, "too few arguments")

    def test_help(self):
        top = run("help")
        self.assertEqual((top.returncode, top.stderr), (0, ""))
        self.assertEqual(run("--help").stdout, top.stdout)
        self.assertEqual(run("-h").stdout, top.stdout)
        self.assertEqual(set(re.findall(r"^  ([a-z]+) +[a-z]", top.stdout, re.M)), set(VERBS))
        self.assertRegex(run("--version").stdout, r"^pipeload \d+\.\d+\.\d+\n$")
        for verb in here():
            result = run(verb, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn(f"pipeload {verb}", result.stdout)
            self.assertIn("Exit status:", result.stdout)
            self.assertEqual(run("help", verb).stdout, result.stdout)
            self.assertEqual(run(verb, "--version").stdout, run("--version").stdout)
        self.check(run("help", "plan", "more"), 1, "unexpected argument")
        for wrong, right in (("dtect", "detect"), ("Bench", "bench"), ("analyze", "analyse"), ("plans", "plan")):
            self.check(run(wrong), 1, f'did you mean "{right}"')
            self.check(run("help", wrong), 1, f'did you mean "{right}"')

    def test_bad_options(self):
        for verb in here():
            self.check(run(verb, "--no-such-option", "a", "b"), 1, "--no-such-option", "--help")
            for option, argument in options(verb).items():
                if argument in NUMBERS:
                    self.check(run(verb, f"{option}=x", "a", "b"), 1, option)

    def test_options_once(self):
        for verb in here():
            letters = re.findall(r"^  -(\w), ", run(verb, "--help").stdout, re.M)
            self.assertEqual(len(letters), len(set(letters)), verb)

    def test_programs(self):
        """Verbs that need GStreamer are programs of their own: pipeload itself does not load it."""
        readelf = shutil.which("readelf")
        if readelf is None:
            self.skipTest("no readelf")
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", subprocess.run([readelf, "-d", TOOL], check=True, capture_output=True, text=True).stdout)
        self.assertTrue(any(n.startswith("libpipeload.") for n in needed), needed)
        self.assertEqual([n for n in needed if n.startswith("libgst")], [])
        # Without its programs the command says what is missing.
        alone = self.folder / "pipeload"
        shutil.copy(TOOL, alone)
        environment = dict(os.environ, LD_LIBRARY_PATH=str(Path(TOOL).resolve().parents[2]))
        result = subprocess.run([alone, "analyse", "x.mp4"], env=environment, capture_output=True, text=True, timeout=100)
        self.check(result, 3, "GStreamer")

    def test_man(self):
        for verb in here():
            page = run(verb, "--generate=man")
            self.assertEqual((page.returncode, page.stderr), (0, ""))
            for option in options(verb):
                self.assertIn(option.replace("-", "\\-"), page.stdout, verb)
            self.lint(verb, page.stdout)
        self.lint("pipeload", run("--generate=man").stdout)

    def lint(self, name, page):
        if shutil.which("man") is None:
            self.skipTest("no man")
        file = self.folder / f"{name}.1"
        file.write_text(page, encoding="utf-8")
        result = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z", file], capture_output=True, text=True, timeout=100,
                                env=dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ=""))
        self.assertEqual((result.returncode, result.stderr), (0, ""), name)

    def complete(self, *words):
        """The completions that bash offers for the last word."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pipeload; printf "%s\\n" "${COMPREPLY[@]}"'
        file = self.folder / "completion"
        file.write_text(run("--generate=bash").stdout)
        result = subprocess.run(["bash", "-c", script, "bash", file, "pipeload", *words], capture_output=True, text=True, timeout=100, cwd=self.folder)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.split()

    def test_completion(self):
        if shutil.which("bash") is None:
            self.skipTest("no bash")
        self.assertEqual(set(self.complete("")), {*VERBS, "help", "--help", "--version"})
        self.assertEqual(self.complete("qu"), ["quantize"])
        self.assertEqual(self.complete("help", "ana"), ["analyse"])
        zsh = run("--generate=zsh").stdout
        for verb in here():
            self.assertEqual({word.rstrip("=") for word in self.complete(verb, "--")}, {*options(verb)})
            for option in options(verb):
                self.assertIn(f"'*{option}", zsh)
        self.assertEqual(self.complete("plan", "--memory"), ["--memory-limit="])
        (self.folder / "picture.jpg").touch()
        self.assertEqual(self.complete("detect", "--model", "=", "pict"), ["picture.jpg"])
        self.assertEqual(self.complete("detect", "pict"), ["picture.jpg"])
        self.assertEqual(self.complete("plan", "--threads", "=", "pict"), [])
        if shutil.which("zsh") is not None:
            (self.folder / "_pipeload").write_text(zsh)
            self.assertEqual(subprocess.run(["zsh", "-n", self.folder / "_pipeload"]).returncode, 0)

    def test_failures(self):
        missing = self.folder / "missing"
        for verb in ("inspect", "plan", "bench"):
            self.check(run(verb, missing), 2, str(missing), "no such file")
        empty = self.folder / "empty"
        empty.mkdir()
        self.check(run("inspect", empty), 2, str(empty), "holds neither model.safetensors")
        cut = self.folder / "cut.safetensors"
        cut.write_bytes((self.model / "model.safetensors").read_bytes()[:100000])
        self.check(run("inspect", cut), 2, str(cut), "truncated", "but the file has 100000; download it again")
        self.check(run("plan", self.model, "--memory-limit", "10kB"), 2, "smallest")
        self.check(run("bench", self.model, "--memory-limit", "10kB"), 2, "smallest")
        self.check(run("synth", "vit-x", self.folder / "x"), 2, "vit-b16")
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([TOOL, "inspect", str(self.model)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=100)
        self.check(subprocess.CompletedProcess([], result.returncode, "", result.stderr), 2, "cannot be written")

    def test_synth(self):
        self.check(self.made, 0)
        self.assertEqual((self.made.stdout, self.made.stderr), ("", ""))
        again = self.folder / "again"
        self.check(run("synth", "vit-ti16", again, "-t", "f16", "-s", 5), 0)
        other = self.folder / "other"
        self.check(run("synth", "vit-ti16", other, "-t", "f16", "-s", 6), 0)
        data = [(f / "model.safetensors").read_bytes() for f in (self.model, again, other)]
        self.assertEqual(data[0], data[1])
        self.assertNotEqual(data[0], data[2])

    def test_inspect(self):
        result = run("inspect", self.model, "--json")
        self.check(result, 0)
        model = json.loads(result.stdout)
        data = (self.model / "model.safetensors").read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        self.assertEqual(header.pop("__metadata__"), model["metadata"])
        self.assertEqual(
            {t["name"]: (t["type"], t["shape"], t["offset"] - 8 - length, t["bytes"]) for t in model["tensors"]},
            {n: (t["dtype"], t["shape"], t["data_offsets"][0], t["data_offsets"][1] - t["data_offsets"][0]) for n, t in header.items()})
        self.assertEqual(model["config"], json.loads((self.model / "config.json").read_text()))
        self.assertEqual((model["architecture"], model["parameters"]), ("vit", 5717416))
        text = run("inspect", self.model).stdout
        self.assertIn("vit.encoder.layer.11.output.dense.weight", text)

    def test_quantize(self):
        small = self.folder / "small.gguf"
        self.check(run("quantize", self.model, small, "--type=q4_0"), 0)
        model = json.loads(run("inspect", small, "--json").stdout)
        self.assertEqual((model["format"], model["architecture"], model["parameters"]), ("gguf", "vit", 5717416))
        self.assertEqual(set(model["types"]), {"F32", "F16", "Q8_0", "Q4_0"})
        self.assertLess(small.stat().st_size, (self.model / "model.safetensors").stat().st_size / 2.5)
        self.assertIn("v.blk.11.ffn_down.weight", run("inspect", small).stdout)
        self.check(run("plan", small, "--no-profile"), 0)
        self.check(run("quantize", self.model, small, "--type=q9"), 2, "q9", "q8_0")
        self.check(run("quantize", self.model, "--type=q8_0"), 1, "OUT")
        self.check(run("quantize", self.folder / "none", small), 2, "none")

    def test_plan(self):
        result = run("plan", self.model, "--memory-limit=6MB", "--json", "--loaders", 2)
        self.check(result, 0)
        plan = json.loads(result.stdout)
        self.assertEqual(plan["memory_limit"], 6000000)
        self.assertEqual(plan["loaders"], 2)
        parts = ("pinned_bytes", "ring_bytes", "activation_bytes", "table_bytes")
        self.assertLessEqual(sum(plan[p] for p in parts), 6000000)
        self.assertLess(plan["minimum_limit"], 6000000)
        self.assertGreater(plan["streamed_per_pass"], 0)
        for limit, status in ((plan["minimum_limit"], 0), (plan["minimum_limit"] - 1, 2)):
            self.assertEqual(run("plan", self.model, "-l", 2, "-m", limit).returncode, status)
        resident = json.loads(run("plan", self.model, "--json", "-m", plan["resident_limit"]).stdout)
        self.assertEqual((resident["streamed_per_pass"], resident["loaders"]), (0, 0))
        self.assertIn("tiles stay", run("plan", self.model, "-m", "6MB").stdout)

    def test_plan_profile(self):
        first = run("plan", self.model, "-m", "6MB", "--json")
        self.check(first, 0)
        plan = json.loads(first.stdout)
        # Planned with what was measured, which it knows from now on.
        plain = json.loads(run("plan", self.model, "-m", "6MB", "--json", "--no-profile").stdout)
        self.assertEqual(plain, {name: plan[name] for name in plain})
        self.assertNotIn("pass_ns", plain)
        self.assertEqual(plan["floor_ns"], max(plan["load_ns"], plan["compute_ns"]))
        self.assertGreater(plan["load_ns"], 0)
        self.assertGreater(plan["compute_ns"], 0)
        self.assertIn(plan["direct_io"], (True, False))
        *limits, storage = plan["changes"]
        self.assertEqual(sorted(c["memory_limit"] for c in limits), [c["memory_limit"] for c in limits])
        self.assertEqual((limits[-1]["streamed_per_pass"], storage["storage_speed"], storage["memory_limit"]), (0, 2, 6000000))
        # Measured once: the cache has it, until it is damaged.
        self.assertEqual(run("plan", self.model, "-m", "6MB", "--json").stdout, first.stdout)
        profiles = sorted((self.folder / "cache" / "pipeload" / "profiles").iterdir())
        self.assertTrue(any(p.name.startswith("storage-") for p in profiles) and any(p.name.startswith("compute-") for p in profiles))
        for profile in profiles:
            profile.write_bytes(b"\xff" + profile.read_bytes()[:100])
        self.check(run("plan", self.model, "-m", "6MB", "--json"), 0)
        text = run("plan", self.model, "-m", "6MB").stdout
        for part in ("storage", "a pass", "frames/s", "floor", "What would help", "nothing streams", "twice as fast"):
            self.assertIn(part, text)
        self.assertNotIn("frames/s", run("plan", self.model, "-m", "6MB", "--no-profile").stdout)
        self.assertNotIn("What would help", run("plan", self.model).stdout)

    def test_plan_stopped(self):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.folder / "no-cache"))
        process = subprocess.Popen([TOOL, "plan", str(self.model)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        caught = 0
        while caught & 1 << (signal.SIGINT - 1) == 0:
            time.sleep(0.01)
            status = Path(f"/proc/{process.pid}/status").read_text()
            caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), 16)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, output), (130, ""))
        self.assertIn("cancelled", errors)

    def test_bench(self):
        result = run("bench", self.model, "--memory-limit=8MB", "--frames", 3, "--batch", 2, "--warmup", 0, "--json")
        self.check(result, 0)
        bench = json.loads(result.stdout)
        self.assertEqual((bench["frames"], bench["passes"], bench["batch"]), (4, 2, 2))
        self.assertLessEqual(bench["engine_peak"], 8000000)
        self.assertLessEqual(bench["min_ms"], bench["median_ms"])
        self.assertLessEqual(bench["median_ms"], bench["max_ms"])
        self.assertGreater(bench["streamed_per_pass"], 0)
        self.assertGreater(bench["measured_over_floor"], 0)
        self.assertIn("measured/floor", run("bench", self.model, "-m", "8MB", "-n", 2).stdout)

    def test_stopped(self):
        folder = self.folder / "stopped"
        process = subprocess.Popen([TOOL, "synth", "vit-l16", str(folder)], stderr=subprocess.PIPE, text=True)
        for _ in range(1000):
            if folder.is_dir() and any(folder.iterdir()):
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("cancelled", errors)
        self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
