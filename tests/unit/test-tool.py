#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipeload command as scripts see it: exit status, streams, JSON, Ctrl-C.

test-tool.py PIPELOAD
"""
import json
import os
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
        self.check(run("nothing"), 1, 'no verb "nothing"')
        self.check(run("inspect"), 1, "too few arguments")
        self.check(run("inspect", "a", "b"), 1, '"b" is one argument too many')
        self.check(run("inspect", "--what", "a"), 1, "--what")
        self.check(run("plan", "--memory-limit", "64 pounds"), 1, "64 pounds", "is not a size")
        self.check(run("plan", "--batch", "-1"), 1, "--batch must be from 0")
        self.check(run("bench", "--frames", "0"), 1, "--frames")
        self.check(run("synth", "vit-b16"), 1, "too few arguments")

    def test_help(self):
        for arguments in (["--help"], ["inspect", "--help"], ["plan", "--help"], ["run", "--help"], ["bench", "--help"], ["synth", "--help"]):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("pipeload", result.stdout)
        self.assertRegex(run("--version").stdout, r"^pipeload \d+\.\d+\.\d+\n$")

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
