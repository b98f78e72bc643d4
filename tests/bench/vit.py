#!/usr/bin/env python3
"""ViT-B/16, 224², random weights: pipeload beside ONNX Runtime and PyTorch in turn, and over a sweep of memory limits.

vit.py PIPELOAD PLUGIN_FOLDER WORK_FOLDER [--limits 16MB,24MB,0] [--modes] [--cameras 1,2,4,8] [--camera-limits 32MB,0]
       [--rounds N] [--frames N] [--no-peers] [--no-limits]

Every figure is a median over rounds, with the spread; ratios are taken within a round. --modes: what each part of pipelining gains.
--cameras: as many pictures' sources share one model in one pipeline. The peers come from their public packages (python3-torch and
python3-torchvision from Debian, onnxruntime-node from npm), which the script installs.
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
    """Whether (PyTorch, ONNX Runtime) are there."""
    packages = ["python3-torch", "python3-torchvision", "nodejs", "npm"]
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
    onnx = os.path.join(work, "vit_b_16.onnx")
    if torch and not os.path.exists(onnx):
        run([PYTHON, os.path.join(HERE, "peer-torch.py"), "1", onnx])
    ort = os.path.exists(onnx) and os.path.isdir(os.path.join(work, "node_modules", "onnxruntime-node"))
    if ort:
        shutil.copy(os.path.join(HERE, "peer-ort.js"), work)
    return torch, ort


def bench(args, model, *options):
    result = run([args.pipeload, "bench", model, "--json", f"--frames={args.frames}", *options])
    return json.loads(result[0]) if result else None


def side_by_side(args):
    torch, ort = install_peers(args.work) if not args.no_peers else (False, False)
    rows = {}
    for _ in range(args.rounds):
        for kind in ("f32", "f16"):
            result = bench(args, os.path.join(args.work, f"vit-b16-{kind}"))
            if result:
                rows.setdefault(f"pipeload {kind}", []).append((result["median_ms"], result["process_peak_rss"]))
        peers = []
        if ort:
            peers.append(run(["node", "peer-ort.js", "vit_b_16.onnx", str(THREADS), str(args.frames)], cwd=args.work))
        if torch:
            # On few cores PyTorch is fastest with its own threads off and the BLAS library's on.
            peers.append(run([PYTHON, os.path.join(HERE, "peer-torch.py"), str(args.frames)],
                             env={"OPENBLAS_NUM_THREADS": str(THREADS), "OMP_NUM_THREADS": "1"}))
        for peer in peers:
            if peer:
                result = json.loads(peer[0])
                rows.setdefault(result["name"], []).append((statistics.median(result["ms"]), result["rss"]))
    print(f"\nresident, {THREADS} threads, {args.rounds} rounds of {args.frames} frames in turn\n")
    print(f"{'':24}  {'ms':>8}  {'min – max':>16}  {'peak RSS MB':>11}  pipeload f32 / it, per round")
    ours = [ms for ms, _ in rows["pipeload f32"]]
    for name, values in rows.items():
        ms = [v for v, _ in values]
        ratios = [a / b for a, b in zip(ours, ms)]
        print(f"{name:24}  {spread(ms):>26}  {max(r for _, r in values) / 1e6:11.0f}  {spread_ratio(ratios)}")


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
    model = os.path.join(args.work, f"vit-b16-{kind}")
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
    model = os.path.join(args.work, f"vit-b16-{kind}")
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
    model = os.path.join(args.work, f"vit-b16-{kind}")
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
    args.pipeload = os.path.abspath(args.pipeload)
    args.limits = args.limits.split(",")
    os.makedirs(args.work, exist_ok=True)
    for kind in ("f32", "f16"):
        model = os.path.join(args.work, f"vit-b16-{kind}")
        if not os.path.exists(os.path.join(model, "model.safetensors")):
            run([args.pipeload, "synth", "vit-b16", model, f"--type={kind}"])
    if not args.no_limits:
        side_by_side(args)
    for kind in ("f32", "f16"):
        if not args.no_limits:
            sweep(args, kind)
        if args.modes:
            modes(args, kind)
        if args.cameras:
            cameras(args, kind)
    return 0


if __name__ == "__main__":
    sys.exit(main())
