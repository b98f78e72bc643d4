#!/usr/bin/env python3
"""The bundled person detector on a video: how fast, how much of the CPU at a camera's pace, and what looking at changes alone saves.

detector.py PLUGIN_FOLDER VIDEO [--rounds N] [--model MODEL]

Every figure is a median over rounds, with the spread. CPU is that of the whole gst-launch-1.0 process, decoding included, as a share of one core; the
same pipeline without pipeloadvit is beside it. The still scene is one frame of the video, again and again, with noise as cameras have it.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("PIPELOAD_MODELS", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "bundled"))
THREADS = len(os.sched_getaffinity(0))


def launch(text, plugin, seconds=600):
    """Runs a pipeline: seconds, CPU seconds, pipeload-vit messages."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(["gst-launch-1.0", "-m"] + text.split(), capture_output=True, text=True, timeout=seconds, check=False,
                          env=dict(os.environ, GST_PLUGIN_PATH=plugin))
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"failed: {text}\n{done.stderr[-500:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout.count("pipeload-vit,")


def spread(values, digits=1):
    return f"{statistics.median(values):8.{digits}f}  {min(values):.{digits}f} – {max(values):.{digits}f}"


def count_frames(video, plugin):
    text = f"filesrc location={video} ! decodebin ! fakesink sync=false silent=false"
    done = subprocess.run(["gst-launch-1.0", "-v"] + text.split(), capture_output=True, text=True, check=True,
                          env=dict(os.environ, GST_PLUGIN_PATH=plugin))
    return done.stdout.count("chain   ***")


def still_scene(video, work, plugin):
    """300 frames at 10 a second: one of the video's with noise. Raw, so that no codec takes the noise away."""
    import random
    frame = os.path.join(work, "frame.raw")
    # The first frame alone: the demuxer's end comes early.
    subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={video}", "!", "decodebin", "!", "videoconvert", "!", "videoscale", "!",
                    "video/x-raw,format=I420,width=640,height=480", "!", "identity", "eos-after=2", "!", "filesink", f"location={frame}"],
                   check=True, env=dict(os.environ, GST_PLUGIN_PATH=plugin))
    size = 640 * 480 * 3 // 2
    with open(frame, "rb") as f:
        picture = f.read(size)
    rng = random.Random(1)
    tables = [bytes(min(255, max(0, v + d)) for v in range(256)) for d in (-2, -1, 0, 1, 2)]
    path = os.path.join(work, "still.raw")
    with open(path, "wb") as f:
        for _ in range(300):
            # Row after row by one of five tables, a few pixels of each apart: cheap, and different everywhere.
            f.write(b"".join(picture[i:i + 37].translate(rng.choice(tables)) for i in range(0, size, 37)))
    return f"filesrc location={path} blocksize={size} ! rawvideoparse width=640 height=480 format=i420 framerate=10/1"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plugin")
    parser.add_argument("video")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model")
    args = parser.parse_args()
    vit = "pipeloadvit messages=all" + (f" model={args.model}" if args.model else "")
    frames = count_frames(args.video, args.plugin)
    source = f"filesrc location={args.video} ! decodebin"
    print(f"{args.video}: {frames} frames; {THREADS} cores; {args.rounds} rounds: median, least – most\n")

    fast = [launch(f"{source} ! {vit} ! fakesink sync=false", args.plugin) for _ in range(args.rounds)]
    assert all(n == frames for _, _, n in fast), fast
    print(f"sync, as fast as it goes, frames/s         {spread([frames / wall for wall, _, _ in fast])}")
    free = [launch(f"{source} ! {vit} mode=async ! fakesink sync=true", args.plugin) for _ in range(max(args.rounds // 2, 1))]
    print(f"async at the video's pace, looked at /s    {spread([n / wall for wall, _, n in free])}")

    print("\nat 10 frames a second, every other looked at: CPU, % of a core")
    for name, element in (("without pipeloadvit", "identity"), ("with", f"{vit} interval=2"), ("with, async", f"{vit} interval=2 mode=async")):
        runs = [launch(f"{source} ! {element} ! fakesink sync=true", args.plugin) for _ in range(max(args.rounds // 2, 1))]
        print(f"{name:42} {spread([100 * cpu / wall for wall, cpu, _ in runs])}")

    with tempfile.TemporaryDirectory() as work:
        still = still_scene(args.video, work, args.plugin)
        print("\na still scene with noise, 300 frames at 10 a second, every other looked at: CPU, % of a core, and looks")
        for name, more in (("always", ""), ("motion-threshold=0.03", " motion-threshold=0.03")):
            runs = [launch(f"{still} ! {vit} interval=2{more} ! fakesink sync=true", args.plugin) for _ in range(max(args.rounds // 2, 1))]
            print(f"{name:42} {spread([100 * cpu / wall for wall, cpu, _ in runs])}   {statistics.median(n for _, _, n in runs):.0f}")


if __name__ == "__main__":
    main()
