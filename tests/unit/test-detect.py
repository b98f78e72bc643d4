#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipeload detect, with a model whose answers are known on paper.

test-detect.py PIPELOAD [PLUGIN_FOLDER]   (without a plugin folder: a build without GStreamer)

The model: one block whose attention is uniform and hands on its input, and no MLP. Patch embeddings are (m, 0, 0, 0), m the
patch's mean value. LayerNorm makes (s·√3, −s/√3, −s/√3, −s/√3) of that, s the sign of m; the mean over the patches keeps
its direction, so the last LayerNorm gives CLS the same again, and the classifier takes ±√3 from it: bright with
confidence 1 / (1 + exp (−2√3)) when most patches are, dark otherwise.
"""
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

TOOL = sys.argv.pop(1)
PLUGINS = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
SOURCE = Path(os.environ["PIPELOAD_SOURCE"])
PICTURES = SOURCE / "tests" / "golden" / "image"
BRIGHT, DARK = str(PICTURES / "bright.jpg"), str(PICTURES / "dark.jpg")
SURE = 1 / (1 + math.exp(-2 * math.sqrt(3)))

ENVIRONMENT = dict(os.environ)
if PLUGINS is not None:
    ENVIRONMENT["GST_PLUGIN_PATH"] = PLUGINS
    ENVIRONMENT["GST_REGISTRY_FORK"] = "no"  # a scanner without the sanitizer could not load a plugin with it
    if "PIPELOAD_BUILD" in ENVIRONMENT:  # keep the build out of the user's registry
        ENVIRONMENT.setdefault("GST_REGISTRY", os.path.join(ENVIRONMENT["PIPELOAD_BUILD"], "tests", "detect-registry.bin"))

HIDDEN, PATCH, SIZE = 4, 16, 32


def tensors(n_classes=2, more=()):
    identity = [float(i == j) for i in range(HIDDEN) for j in range(HIDDEN)]
    nothing = [0.0] * HIDDEN
    n_tokens = (SIZE // PATCH) ** 2 + 1
    mean = 3 * PATCH * PATCH
    yield "vit.embeddings.cls_token", [1, 1, HIDDEN], nothing
    yield "vit.embeddings.position_embeddings", [1, n_tokens, HIDDEN], nothing * n_tokens
    yield ("vit.embeddings.patch_embeddings.projection.weight", [HIDDEN, 3, PATCH, PATCH],
           [1.0 / mean] * mean + [0.0] * (HIDDEN - 1) * mean)
    yield "vit.embeddings.patch_embeddings.projection.bias", [HIDDEN], nothing
    for name, matrix in (("attention.attention.query", nothing * HIDDEN), ("attention.attention.key", nothing * HIDDEN),
                         ("attention.attention.value", identity), ("attention.output.dense", identity),
                         ("intermediate.dense", nothing * HIDDEN), ("output.dense", nothing * HIDDEN)):
        yield f"vit.encoder.layer.0.{name}.weight", [HIDDEN, HIDDEN], matrix
        yield f"vit.encoder.layer.0.{name}.bias", [HIDDEN], nothing
    for name in ("vit.encoder.layer.0.layernorm_before", "vit.encoder.layer.0.layernorm_after", "vit.layernorm"):
        yield f"{name}.weight", [HIDDEN], [1.0] * HIDDEN
        yield f"{name}.bias", [HIDDEN], nothing
    signs = [-1.0, 1.0][-n_classes:]
    yield "classifier.weight", [n_classes, HIDDEN], [v for sign in signs for v in (sign, 0.0, 0.0, 0.0)]
    yield "classifier.bias", [n_classes], [0.0] * n_classes
    for name in more:
        yield name, [HIDDEN], nothing


def write_model(folder, labels=("dark", "bright"), more=(), **config):
    """more: names of further tensors; config: members of config.json"""
    header, data = {}, b""
    for name, shape, values in tensors(len(labels), more):
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "config.json").write_text(json.dumps({
        "model_type": "vit", "architectures": ["ViTForImageClassification"], "hidden_size": HIDDEN, "num_hidden_layers": 1,
        "num_attention_heads": 1, "intermediate_size": HIDDEN, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "image_size": SIZE, "patch_size": PATCH, "num_channels": 3, "qkv_bias": True,
        "id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}, **config}))
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "resample": 2, "rescale_factor": 1 / 255, "size": {"height": SIZE, "width": SIZE}}))


def png(path, width, height, pixel):
    """pixel: (x, y) -> R, G, B"""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def has_element(name):
    tool = shutil.which("gst-inspect-1.0")
    return tool is not None and subprocess.run([tool, "--exists", name]).returncode == 0


class Detect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="pipeload-detect-")
        cls.folder = Path(cls.scratch.name)
        cls.model = cls.folder / "model"
        write_model(cls.model)
        ENVIRONMENT["ASAN_OPTIONS"] = "fast_unwind_on_malloc=0"
        ENVIRONMENT["LSAN_OPTIONS"] = f"print_suppressions=0:suppressions={SOURCE / 'tests' / 'support' / 'lsan.supp'}"
        if PLUGINS is not None:
            # The first run makes GStreamer's registry by loading every plugin there is, with whatever they leak.
            (cls.folder / "nothing.avi").write_bytes(b"nothing")
            subprocess.run([TOOL, "detect", "--model", cls.model, cls.folder / "nothing.avi"], check=False, capture_output=True,
                           env=dict(ENVIRONMENT, ASAN_OPTIONS="detect_leaks=0"))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def detect(self, *arguments, model=None):
        return subprocess.run([TOOL, "detect", "--model", str(model or self.model), *map(str, arguments)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100, env=ENVIRONMENT)

    def expect(self, result, status, output, *errors):
        self.assertEqual((result.returncode, result.stdout), (status, output), result.stderr)
        if status == 0:
            self.assertEqual(result.stderr, "")
        for error in errors:
            self.assertIn(error, result.stderr)

    def test_text(self):
        self.expect(self.detect(BRIGHT, DARK), 0, f"{BRIGHT}  bright 0.97\n{DARK}  dark 0.97\n")
        self.expect(self.detect("-k", 0, "-T", 0, BRIGHT), 0, f"{BRIGHT}  bright 0.97, dark 0.03\n")
        self.expect(self.detect("--top-k", 1, "--threshold", 0, BRIGHT), 0, f"{BRIGHT}  bright 0.97\n")
        self.expect(self.detect("--threshold", 0.98, BRIGHT), 0, f"{BRIGHT}  -\n")
        self.expect(self.detect("--classes", "dark", BRIGHT, DARK), 0, f"{BRIGHT}  -\n{DARK}  dark 0.97\n")
        self.expect(self.detect("--classes", "bright, dark", BRIGHT), 0, f"{BRIGHT}  bright 0.97\n")

    def test_json(self):
        result = self.detect("--json", DARK, BRIGHT)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([line["source"] for line in lines], [DARK, BRIGHT])
        for line, label in zip(lines, ("dark", "bright")):
            self.assertEqual((line["timestamp"], line["camera"], line["frame"]), (None, None, 0))
            self.assertRegex(line["system_timestamp"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertEqual(line["resolution"], {"width": 32, "height": 24})
            thing, = line["objects"]
            self.assertAlmostEqual(thing.pop("confidence"), SURE, places=4)
            self.assertEqual(thing, {"id": 0, "label": label, "box": {"x_min": 0, "y_min": 0, "x_max": 1, "y_max": 1},
                                     "x": 0, "y": 0, "w": 32, "h": 24, "zones": []})

    def test_problem_type(self):
        """The classifier's values are −√3, √3 for a bright picture."""
        sure = f"{1 / (1 + math.exp(-math.sqrt(3))):.2f}"
        cases = (
            (("dark", "bright"), "single_label_classification", BRIGHT, "bright 0.97"),
            (("dark", "bright"), None, BRIGHT, "bright 0.97"),
            (("dark", "bright"), "multi_label_classification", BRIGHT, f"bright {sure}"),
            (("dark", "bright"), "regression", BRIGHT, "bright 1.73, dark -1.73"),
            (("bright",), None, BRIGHT, f"bright {sure}"),
            (("bright",), None, DARK, "-"),
            (("bright",), "single_label_classification", BRIGHT, f"bright {sure}"),
            (("bright",), "multi_label_classification", BRIGHT, f"bright {sure}"),
            (("brightness",), "regression", DARK, "brightness -1.73"),
        )
        for i, (labels, problem, picture, answer) in enumerate(cases):
            model, gguf = self.folder / f"problem-{i}", self.folder / f"problem-{i}.gguf"
            write_model(model, labels, problem_type=problem)
            self.expect(self.detect(picture, model=model), 0, f"{picture}  {answer}\n")
            subprocess.run([TOOL, "quantize", "--type=f32", model, gguf], check=True, capture_output=True, env=ENVIRONMENT)
            self.expect(self.detect(picture, model=gguf), 0, f"{picture}  {answer}\n")
        several = self.folder / "problem-2"
        self.expect(self.detect("-T", 0, BRIGHT, model=several), 0, f"{BRIGHT}  bright {sure}, dark {1 - float(sure):.2f}\n")
        other = self.folder / "problem-other"
        write_model(other, problem_type="ranking")
        self.expect(self.detect(BRIGHT, model=other), 2, "", "config.json", '"ranking"', "regression")

    def test_orientation(self):
        """EXIF's: from 5 on, width and height are exchanged."""
        plain = Path(BRIGHT).read_bytes()
        for orientation in range(1, 9):
            exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)
            turned = self.folder / f"turned-{orientation}.jpg"
            turned.write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
            result = self.detect("--json", turned)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            line = json.loads(result.stdout)
            self.assertEqual(line["resolution"], {"width": 24, "height": 32} if orientation >= 5 else {"width": 32, "height": 24})
            self.assertEqual(line["objects"][0]["label"], "bright")

    def test_no_preprocessor(self):
        model = self.folder / "bare"
        write_model(model)
        (model / "preprocessor_config.json").unlink()
        result = self.detect(BRIGHT, DARK, model=model)
        self.assertEqual((result.returncode, result.stdout), (0, f"{BRIGHT}  bright 0.97\n{DARK}  dark 0.97\n"))
        self.assertEqual(result.stderr, f"pipeload: warning: {model}: has no preprocessor_config.json; pictures are prepared "
                         "with the defaults of ViTImageProcessor, at the model's own size\n")

    def test_unknown_tensors(self):
        model = self.folder / "more"
        for name in ("vit.encoder.layer.0.attention.attention.query.scale", "vit.encoder.layer.0.layer_scale1.lambda1",
                     "vit.encoder.layer.1.layernorm_before.weight", "distillation_classifier.bias"):
            write_model(model, more=[name])
            self.expect(self.detect(BRIGHT, model=model), 2, "", str(model), f'"{name}"')
            shutil.rmtree(model)
        write_model(model, more=["vit.pooler.dense.weight", "vit.embeddings.mask_token"])
        self.expect(self.detect(BRIGHT, model=model), 0, f"{BRIGHT}  bright 0.97\n")

    def test_activations(self):
        model = self.folder / "act"
        for name in ("gelu_10", "quick_gelu", "mish", "Gelu"):
            write_model(model, hidden_act=name)
            self.expect(self.detect(BRIGHT, model=model), 2, "", "config.json", f'"{name}"', "gelu, gelu_python, ", ", swish")
            shutil.rmtree(model)

    @unittest.skipUnless(PLUGINS is not None, "no GStreamer to decode a PNG with")
    def test_checkpoints(self):
        """Tiny models; transformers 4.37.2 has the values."""
        data = SOURCE / "tests" / "golden" / "data" / "checkpoint"

        def objects(name, *arguments):
            result = self.detect("--json", *arguments, data / "picture.png", model=data / name)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            return json.loads(result.stdout)["objects"]

        # Its classes do not exclude each other.
        want = (("LABEL_2", 0.8437172174453735), ("LABEL_3", 0.5500429272651672), ("LABEL_0", 0.3742383122444153),
                ("LABEL_1", 0.3211051821708679))
        got = objects("vit-multilabel", "-T", 0, "-k", 0)
        self.assertEqual([o["label"] for o in got], [label for label, _ in want])
        for thing, (_, score) in zip(got, want):
            self.assertAlmostEqual(thing["confidence"], score, places=4)
        self.assertEqual([o["label"] for o in objects("vit-multilabel")], ["LABEL_2", "LABEL_3"])
        # Its preprocessor's file gives neither mean nor standard deviation: those of ImageNet.
        best, = objects("yolos-default-mean", "-T", 0.01, "-k", 1)
        self.assertEqual(best["label"], "LABEL_2")
        self.assertAlmostEqual(best["confidence"], 0.938, delta=0.001)
        self.assertAlmostEqual(best["box"]["x_min"], 0.285, delta=0.001)
        self.assertAlmostEqual(best["box"]["y_min"], 0.335, delta=0.001)

    def test_folder(self):
        top = self.folder / "pictures"
        (top / "b" / "deep").mkdir(parents=True)
        (top / ".hidden").mkdir()
        want = []
        for name, source in (("a.jpg", BRIGHT), ("b/deep/x.JPEG", DARK), ("b/y.jpg", BRIGHT), ("c.jpg", DARK), ("d.jpg", DARK)):
            shutil.copy(source, top / name)
            want.append(f"{top / name}  {'bright' if source == BRIGHT else 'dark'} 0.97\n")
        shutil.copy(BRIGHT, top / ".hidden" / "z.jpg")
        shutil.copy(BRIGHT, top / ".z.jpg")
        (top / "readme.txt").write_text("not a picture")
        (top / "round").symlink_to(top)
        for batch in (1, 2, 3, 5, 64):
            self.expect(self.detect("--batch", batch, top), 0, "".join(want))

    def test_bad_pictures(self):
        data = Path(BRIGHT).read_bytes()
        folder = self.folder / "bad"
        folder.mkdir()
        for name, content in (("0.jpg", b""), ("cut.jpg", data[:-100]), ("text.jpg", b"this is not a picture"), ("z.jpg", data)):
            (folder / name).write_bytes(content)
        missing = self.folder / "missing.jpg"
        result = self.detect("-b", 3, folder, missing, DARK)
        self.expect(result, 2, f"{folder / 'z.jpg'}  bright 0.97\n{DARK}  dark 0.97\n",
                    f"pipeload: {folder / '0.jpg'}: the JPEG picture is empty",
                    f"pipeload: {folder / 'cut.jpg'}: the JPEG picture is damaged: the file ends before the picture does",
                    f"pipeload: {folder / 'text.jpg'}: the JPEG picture is damaged: Not a JPEG file",
                    f"pipeload: {missing}: ")
        self.assertEqual(len(result.stderr.splitlines()), 4)
        empty = self.folder / "empty"
        empty.mkdir()
        self.expect(self.detect(empty), 2, "", f"pipeload: {empty}: the folder holds no pictures")

    def test_bad_model(self):
        self.expect(self.detect(BRIGHT, model=self.folder / "none"), 2, "", str(self.folder / "none"))
        self.expect(self.detect("-m", "1kB", BRIGHT), 2, "", str(self.model), "smallest that works")
        broken = self.folder / "broken"
        shutil.copytree(self.model, broken)
        with open(broken / "model.safetensors", "r+b") as file:
            file.truncate(1000)
        self.expect(self.detect(BRIGHT, model=broken), 2, "", str(broken))

    def test_usage(self):
        for arguments, error in ((["-T", "1.5", BRIGHT], "--threshold"), (["-k", "-2", BRIGHT], "--top-k"),
                                 (["-i", "0", BRIGHT], "--interval"), ([], "too few arguments"),
                                 (["-m", "much", BRIGHT], "is not a size"), (["-c", "cat", BRIGHT], 'no class "cat"')):
            self.expect(self.detect(*arguments), 1, "", error)

    def test_stopped(self):
        names = [BRIGHT] * 15000
        process = subprocess.Popen([TOOL, "detect", "--model", str(self.model), *names], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 130)
        self.assertLess(len(output.splitlines()), len(names) - 1)

    @unittest.skipUnless(PLUGINS is None, "built with GStreamer")
    def test_without_gstreamer(self):
        video, picture = self.folder / "video.mp4", self.folder / "picture.png"
        video.write_bytes(b"whatever")
        png(picture, 40, 30, lambda x, y: (255, 255, 255))
        result = self.detect(video, picture, BRIGHT)
        self.expect(result, 2, f"{BRIGHT}  bright 0.97\n", f"pipeload: {video}: ", f"pipeload: {picture}: ",
                    "built without GStreamer")

    @unittest.skipUnless(PLUGINS is not None and has_element("pngdec"), "no PNG decoder")
    def test_png(self):
        bright, dark, cut = self.folder / "bright.png", self.folder / "dark.jpg", self.folder / "cut.png"
        png(bright, 40, 30, lambda x, y: (255, 255, 255))
        png(dark, 33, 1, lambda x, y: (0, 0, 0))  # and a name that lies
        cut.write_bytes(bright.read_bytes()[:60])
        result = self.detect("-j", bright, dark)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([line["resolution"] for line in lines], [{"width": 40, "height": 30}, {"width": 33, "height": 1}])
        self.assertEqual([line["objects"][0]["label"] for line in lines], ["bright", "dark"])
        self.expect(self.detect(cut, bright), 2, f"{bright}  bright 0.97\n", f"pipeload: {cut}: ")

    @unittest.skipUnless(PLUGINS is not None and has_element("pngdec"), "no PNG decoder")
    def test_detector(self):
        """The bundled detector on a figure made of ellipses (tests/support/figures.c): where it stands is known."""
        feet, height, ellipses = (330, 330), 150, []
        for dx, dy, rx, ry, color in ((0, 10, 9, 10, (170, 130, 110)), (0, 48, 18, 30, (100, 40, 60)),
                                       (-7, 109, 7, 42, (30, 30, 50)), (7, 109, 7, 42, (30, 30, 50))):
            ellipses.append((feet[0] + dx, feet[1] - height + dy, rx, ry, color))

        def pixel(x, y):
            for cx, cy, rx, ry, color in reversed(ellipses):
                if ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1:
                    return color
            return (150 + (x // 7 * 13 + y // 5 * 7) % 9,) * 3

        picture = self.folder / "figure.png"
        png(picture, 512, 384, pixel)
        model = SOURCE / "models" / "bundled" / "person-detector"
        objects = json.loads(self.detect("--json", picture, model=model).stdout)["objects"]
        self.assertEqual([o["label"] for o in objects], ["person"])
        self.assertGreater(objects[0]["confidence"], 0.5)
        x, y, w, h = (objects[0][key] for key in "xywh")
        self.assertLess(max(abs(x + w / 2 - feet[0]), abs(y + h - feet[1]), abs(h - height)), 15)
        self.assertRegex(self.detect(picture, model=model).stdout, rf"figure\.png  person 0\.\d\d at {x},{y} {w}x{h}\n$")

    @unittest.skipUnless(PLUGINS is not None and shutil.which("gst-launch-1.0") and has_element("avimux")
                         and has_element("jpegenc"), "no GStreamer tools to make a video with")
    def test_video(self):
        video = self.folder / "blink.avi"
        subprocess.run(["gst-launch-1.0", "-q", "videotestsrc", "pattern=blink", "num-buffers=6", "!",
                        "video/x-raw,width=64,height=48,framerate=4/1", "!", "jpegenc", "!", "avimux", "!",
                        "filesink", f"location={video}"], check=True, timeout=100)
        labels = ["dark", "bright"] * 3
        times = [f"00:00:0{i // 4}.{i % 4 * 250:03}" for i in range(6)]
        self.expect(self.detect(video), 0, "".join(f"{t} {l} 0.97\n" for t, l in zip(times, labels)))
        self.expect(self.detect("--interval", 2, video), 0, f"{times[0]} dark 0.97\n")
        self.expect(self.detect("--interval", 2, "--all", video), 0, "".join(f"{t} dark 0.97\n" for t in times[::2]))
        self.expect(self.detect("-i", 6, video, BRIGHT), 0, f"{video}  {times[0]} dark 0.97\n{BRIGHT}  bright 0.97\n")
        bare = self.folder / "bare-video"
        write_model(bare)
        (bare / "preprocessor_config.json").unlink()
        result = self.detect("-i", 6, video, video, BRIGHT, model=bare)
        self.assertEqual((result.returncode, result.stdout),
                         (0, f"{video}  {times[0]} dark 0.97\n" * 2 + f"{BRIGHT}  bright 0.97\n"))
        self.assertEqual(result.stderr.count("has no preprocessor_config.json"), 1, result.stderr)
        result = self.detect("--json", "-c", "bright", video)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([line["frame"] for line in lines], list(range(6)))
        self.assertEqual([line["timestamp"] for line in lines], [i * 250000000 for i in range(6)])
        self.assertEqual([len(line["objects"]) for line in lines], [0, 1] * 3)
        self.assertEqual(lines[0]["resolution"], {"width": 64, "height": 48})
        noise = self.folder / "noise.mp4"
        noise.write_bytes(b"this is not a video, " * 100)
        self.expect(self.detect("-i", 6, noise, video), 2, f"{video}  {times[0]} dark 0.97\n", f"pipeload: {noise}: ")
        self.expect(self.detect(video, video, model=self.folder / "none"), 2, "", str(self.folder / "none"))


if __name__ == "__main__":
    unittest.main()
