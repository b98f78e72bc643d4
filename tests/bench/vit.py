#!/usr/bin/env python3
"""ViT-B/16, 224², random weights: pipeload in turn with ONNX Runtime and PyTorch, and over a sweep of memory limits.

vit.py PIPELOAD PLUGIN_FOLDER WORK_FOLDER [--limits 16MB,24MB,0] [--modes] [--cameras 1,2,4,8] [--camera-limits 32MB,0]
       [--rounds N] [--frames N] [--no-peers] [--no-limits]

Every figure is a median over rounds, with the spread; ratios are taken within a round. --modes: what each part of pipelining gains.
--cameras: as many pictures' sources share one model in one pipeline. The peers come from their public packages (python3-torch,
python3-torchvision and python3-onnx from Debian, onnxruntime-node from npm), which the script installs. ONNX Runtime runs the same network
in f32, and with 8-bit matrices for comparison with our q8_0.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIMITS = "16MB,24MB,32MB,48MB,64MB,128MB,0"
KINDS = {"f32": "vit-b16-f32", "f16": "vit-b16-f16", "q8_0": "vit-b16-q8_0.gguf"}
MODES = ["sequential", "prefetch", "full"]
PYTHON = "/usr/bin/python3"  # Debian's, which sees Debian's python3-torch
THREADS = len(os.sched_getaffinity(0))


def run(command, env=None, cwd=None):
    """The command's output and its own peak resident bytes; None when it fails."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
                               env=dict(os.environ, **(env or {})))
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        print(f"  failed: {' '.join(command)}\n  {err.strip()[-300:]}")
        return None
    return out, usage.ru_maxrss * 1024


def spread(values):
    return f"{statistics.median(values):8.1f}  {min(values):7.1f} – {max(values):.1f}"


def install_peers(work):
    """Whether PyTorch is there, and the models that ONNX Runtime can run, by name."""
    packages = ["python3-torch", "python3-torchvision", "python3-onnx", "nodejs", "npm"]
    missing = [p for p in packages if subprocess.run(["dpkg", "-s", p], capture_output=True, check=False).returncode != 0]
    if shutil.which("npm"):
        missing = [p for p in missing if p not in ("nodejs", "npm")]
    if missing:
        root = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run(root + ["apt-get", "install", "-y", "-q", "--no-install-recommends"] + missing,
                       stdout=subprocess.DEVNULL, check=False)
    if not os.path.isdir(os.path.join(work, "node_modules", "onnxruntime-node")) and shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--ignore-scripts", "onnxruntime-node"], cwd=work, check=False)
    torch = subprocess.run([PYTHON, "-c", "import torch, torchvision"], capture_output=True, check=False).returncode == 0
    f32, int8 = (os.path.join(work, name) for name in ("vit_b_16.onnx", "vit_b_16-int8.onnx"))
    if torch and not os.path.exists(f32):
        run([PYTHON, os.path.join(HERE, "peer-torch.py"), "1", f32])
    if os.path.exists(f32) and not os.path.exists(int8):
        run([PYTHON, os.path.join(HERE, "onnx-int8.py"), f32, int8])
    if not os.path.isdir(os.path.join(work, "node_modules", "onnxruntime-node")):
        return torch, {}
    shutil.copy(os.path.join(HERE, "peer-ort.js"), work)
    return torch, {name: path for name, path in (("", f32), (" int8", int8)) if os.path.exists(path)}


def make_models(args):
    """Paths of the models by kind; those that this pipeload cannot make are left out, with a word."""
    models = {}
    for kind, name in KINDS.items():
        path = os.path.join(args.work, name)
        made = os.path.join(path, "model.safetensors") if not name.endswith(".gguf") else path
        if os.path.exists(made) or run([args.pipeload, "synth", "vit-b16", path, f"--type={kind}"]):
            models[kind] = path
        else:
            print(f"no model of {kind}; the figures go without")
    return models


def bench(args, model, *options):
    result = run([args.pipeload, "bench", model, "--json", f"--frames={args.frames}", *options])
    return json.loads(result[0]) if result else None


def one_round(args, torch, onnx):
    """(milliseconds, peak resident bytes) of each contender that got through, by name."""
    results = {}
    for kind, model in args.models.items():
        result = bench(args, model)
        if result:
            results[f"pipeload {kind}"] = result["median_ms"], result["process_peak_rss"]
    peers = [(name, run(["node", "peer-ort.js", path, str(THREADS), str(args.frames)], cwd=args.work)) for name, path in onnx.items()]
    if torch:
        # On few cores PyTorch is fastest with its own threads off and the BLAS library's on.
        peers.append(("", run([PYTHON, os.path.join(HERE, "peer-torch.py"), str(args.frames)],
                              env={"OPENBLAS_NUM_THREADS": str(THREADS), "OMP_NUM_THREADS": "1"})))
    for name, output in peers:
        if output:
            result = json.loads(output[0])
            results[result["name"] + name] = statistics.median(result["ms"]), result["rss"]
    return results


def side_by_side(args):
    torch, onnx = install_peers(args.work) if not args.no_peers else (False, {})
    rounds = [one_round(args, torch, onnx) for _ in range(args.rounds)]
    names = list(dict.fromkeys(name for results in rounds for name in results))
    print(f"\nresident, {THREADS} threads, {args.rounds} rounds of {args.frames} frames in turn\n")
    print(f"{'':26}  {'ms':>8}  {'min – max':>16}  {'peak RSS MB':>11}")
    for name in names:
        values = [results[name] for results in rounds if name in results]
        print(f"{name:26}  {spread([ms for ms, _ in values]):>26}  {max(rss for _, rss in values) / 1e6:11.0f}")
    ours = [name for name in names if name.startswith("pipeload")]
    print(f"\n{'time / that of':26}" + "".join(f"  {name:>20}" for name in ours) + "   per round")
    for name in names:
        if name not in ours:
            print(f"{name:26}" + "".join(f"  {ratios(rounds, own, name):>20}" for own in ours))


def ratios(rounds, own, peer):
    both = [results[own][0] / results[peer][0] for results in rounds if own in results and peer in results]
    return spread_ratio(both) if both else "–"


def spread_ratio(ratios):
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} – {max(ratios):.2f})"


def element_rss(args, model, limit):
    command = ["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=5", "!", "video/x-raw,width=640,height=480", "!", "pipeloadvit",
               f"model={model}", f"memory-limit={limit}", "!", "fakesink"]
    result = run(command, env={"GST_PLUGIN_PATH": args.plugin})
    return result[1] if result else 0


def name_of(limit):
    return limit if limit != "0" else "none"


def sweep(args, kind):
    model = args.models[kind]
    print(f"\nlimits, ViT-B/16 {kind}\n")
    print(f"{'limit':>8}  {'ms':>8}  {'min – max':>17}  {'floor ms':>8}  {'/ floor':>7}  {'engine MB':>9}  {'RSS MB':>6}  "
          f"{'MB/pass':>8}  {'GB/s':>5}  {'stalls':>6}  {'gst-launch RSS MB':>17}")
    for limit in args.limits:
        results = [r for r in (bench(args, model, f"--memory-limit={limit}") for _ in range(args.rounds)) if r]
        if not results:
            continue
        ms = [r["median_ms"] for r in results]
        floors = [r["floor_ms"] for r in results]
        last = results[-1]
        print(f"{name_of(limit):>8}  {spread(ms):>27}  {statistics.median(floors):8.1f}  "
              f"{statistics.median(a / b for a, b in zip(ms, floors)):7.2f}  {max(r['engine_peak'] for r in results) / 1e6:9.1f}  "
              f"{max(r['process_peak_rss'] for r in results) / 1e6:6.0f}  "
              f"{last['streamed_per_pass'] / 1e6:8.1f}  {last['read_bandwidth'] / 1e9:5.2f}  {last['stalls']:6}  "
              f"{element_rss(args, model, limit) / 1e6:17.0f}")


def modes(args, kind):
    """Without pipelining, with one loader and nothing pinned, and as it is; in turn."""
    model = args.models[kind]
    print(f"\nmodes, ViT-B/16 {kind}\n\n{'limit':>8}  {'mode':10}  {'ms':>8}  {'min – max':>17}  faster than the one above, per round")
    for limit in args.limits:
        rounds = []
        while len(rounds) < args.rounds and None not in sum(rounds, []):
            rounds.append([bench(args, model, f"--memory-limit={limit}", f"--mode={mode}") for mode in MODES])
        if None in rounds[-1]:
            continue
        columns = [[r["median_ms"] for r in column] for column in zip(*rounds)]
        for i, (mode, ms) in enumerate(zip(MODES, columns)):
            gain = spread_ratio([a / b for a, b in zip(columns[i - 1], ms)]) if i > 0 else ""
            print(f"{name_of(limit):>8}  {mode:10}  {spread(ms):>27}  {gain}")


def cameras(args, kind):
    model = args.models[kind]
    program = os.path.join(args.plugin, "..", "tests", "bench", "bench-cameras")
    print(f"\ncameras of 640×480 that share ViT-B/16 {kind}\n\n{'limit':>8}  {'cameras':>7}  {'frames/s':>8}  {'min – max':>17}  "
          f"{'engine MB':>9}  {'RSS MB':>6}")
    for limit in args.camera_limits.split(","):
        for n in args.cameras.split(","):
            outputs = [run([program, args.plugin, model, limit, n, str(args.frames)]) for _ in range(args.rounds)]
            results = [json.loads(o[0]) for o in outputs if o]
            if results:
                print(f"{name_of(limit):>8}  {n:>7}  {spread([r['frames_per_second'] for r in results]):>27}  "
                      f"{max(r['engine_peak'] for r in results) / 1e6:9.1f}  {max(o[1] for o in outputs if o) / 1e6:6.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeload")
    parser.add_argument("plugin")
    parser.add_argument("work")
    parser.add_argument("--limits", default=LIMITS)
    parser.add_argument("--modes", action="store_true", help="what each part of pipelining gains")
    parser.add_argument("--cameras", help="how many, e.g. 1,2,4,8")
    parser.add_argument("--camera-limits", default="32MB,0")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-limits", action="store_true", help="only what --modes and --cameras ask for")
    args = parser.parse_args()
    args.pipeload, args.work = os.path.abspath(args.pipeload), os.path.abspath(args.work)
    args.limits = args.limits.split(",")
    os.makedirs(args.work, exist_ok=True)
    args.models = make_models(args)
    if not args.no_limits:
        side_by_side(args)
    for kind in args.models:
        if not args.no_limits:
            sweep(args, kind)
        if args.modes:
            modes(args, kind)
        if args.cameras:
            cameras(args, kind)
    return 0


if __name__ == "__main__":
    sys.exit(main())
