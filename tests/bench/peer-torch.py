#!/usr/bin/env python3
"""ViT-B/16 by PyTorch (Debian's python3-torch, python3-torchvision): one line of JSON with the milliseconds of each frame.

peer-torch.py FRAMES [OUT.onnx]      the second argument exports the same model for ONNX Runtime instead
"""
import json
import resource
import sys
import time

import torch
import torchvision


def main():
    frames = int(sys.argv[1])
    torch.manual_seed(0)
    model = torchvision.models.vit_b_16(weights=None).eval()
    picture = torch.randn(1, 3, 224, 224)
    if len(sys.argv) > 2:
        torch.onnx.export(model, picture, sys.argv[2], opset_version=14, input_names=["x"], output_names=["y"])
        return
    times = []
    with torch.inference_mode():
        model(picture)
        for _ in range(frames):
            begun = time.perf_counter()
            model(picture)
            times.append(1e3 * (time.perf_counter() - begun))
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": times, "rss": rss, "name": f"PyTorch {torch.__version__}"}))


if __name__ == "__main__":
    main()
