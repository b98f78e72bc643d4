#!/usr/bin/env python3
"""Layering rules that the compiler cannot check: which room includes which, and what the shared libraries export and load.

test-structure.py SOURCE [LIBPIPELOAD [PLUGIN...]]
"""
import os
import re
import subprocess
import sys

API = {"include/pipeload"}
BASE = API | {"engine/base"}
ENGINE = API | {"engine/" + room for room in ("base", "format", "image", "kernels", "runtime", "stream", "text")}
ALLOWED = {  # docs/architecture.md has the same table
    "include/pipeload": API,
    "engine/base": {"include/pipeload/base.h", "engine/base"},
    "engine/format": BASE | {"engine/format"},
    "engine/kernels": BASE | {"engine/kernels"},
    "engine/image": BASE | {"engine/image"},
    "engine/text": BASE | {"engine/format", "engine/text"},
    "engine/stream": BASE | {"engine/format", "engine/stream"},
    "engine/runtime": BASE | {"engine/format", "engine/stream", "engine/kernels", "engine/runtime"},
    "models/architectures": BASE | {"engine/format/config.h", "engine/format/gguf-writer.h", "engine/runtime", "models/architectures"},
    "models/core": ENGINE | {"models/architectures/arch.h", "models/core"},
    "models/api": ENGINE | {"models/core", "models/api"},
    "models/files": ENGINE | {"models/architectures/arch.h", "models/architectures/presets.h", "models/core", "models/files"},
    "models": API,
    "analytics": API | {"analytics"},
    "gst/common": API | {"analytics", "gst/common"},
    "gst/vit": API | {"analytics", "gst/common", "gst/vit"},
    "gst/llm": API | {"analytics", "gst/common", "gst/llm"},
    "gst/track": API | {"analytics", "gst/common", "gst/track"},
    "gst/events": API | {"analytics", "gst/common", "gst/events"},
    "gst/overlay": API | {"analytics", "gst/common", "gst/overlay"},
    "gst/publish": API | {"analytics", "gst/common", "gst/publish"},
    "gst": {f"gst/{e}/gstpipeload{e}.h" for e in ("vit", "llm", "track", "events")},
    "apps/common": API | {"analytics", "gst/common/meta.h", "apps/common"},
    "apps/pipeload": API | {"analytics", "gst/common/meta.h", "apps/common", "apps/pipeload"},
    "apps/detect": API | {"analytics", "gst/common/meta.h", "apps/common", "apps/detect"},
    "apps/analyse": API | {"analytics", "gst/common/meta.h", "apps/common", "apps/analyse"},
    "apps/guard": API | {"analytics", "gst/common/meta.h", "apps/common", "apps/guard"},
}
GST = [room for room in ALLOWED if room.startswith("gst")]
APPS = [room for room in ALLOWED if room.startswith("apps")]
FOREIGN = {  # header pattern → the folders that may include it
    r"^gst/|^gst\.h": {*GST, *APPS},
    r"^jpeglib|^jerror|^turbojpeg": {"engine/image"},
    r"^json-glib": {"engine/format", "models/core", "models/files", "analytics", *GST, *APPS},
    r"^pango": {"gst/overlay"},
    r"^cairo": {"gst/overlay", "apps/analyse"},
    r"^mosquitto": {"gst/publish"},
}
HEAVY = {  # libraries that take megabytes of each process → the one plugin that may load them
    r"lib(pango|cairo)": "pipeloadoverlay",
    r"libmosquitto": "pipeloadpublish",
}


def folder_of(path, folders):
    """The longest known folder that holds @path, or None."""
    holders = [f for f in folders if path == f or path.startswith(f + "/")]
    return max(holders, key=len) if holders else None


def check_includes(source):
    errors = []
    for top in ("include", "engine", "models", "analytics", "gst", "apps"):
        for root, _, files in os.walk(os.path.join(source, top)):
            for name in files:
                path = os.path.relpath(os.path.join(root, name), source)
                folder = folder_of(path, ALLOWED)
                if not name.endswith((".c", ".h", ".def")) or folder is None:
                    continue
                with open(os.path.join(source, path), encoding="utf-8") as file:
                    included = re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', file.read(), re.M)
                for header in included:
                    if os.path.exists(os.path.join(source, "include", header)):
                        header = "include/" + header
                    ours = os.path.exists(os.path.join(source, header))
                    if ours and not any(header == a or header.startswith(a + "/") for a in ALLOWED[folder]):
                        errors.append(f"{path}: {folder} may not include {header}")
                    for pattern, holders in FOREIGN.items():
                        if not ours and re.search(pattern, header) and folder not in holders:
                            errors.append(f"{path}: {folder} may not include <{header}>")
    return errors


def check_exports(library, pattern):
    """Every dynamic symbol that @library defines matches @pattern, and there is one at least."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[-1] for line in lines.splitlines()]
    errors = [f"{library}: exports {s}" for s in symbols if not re.match(pattern, s)]
    return errors or ([] if symbols else [f"{library}: exports nothing"])


def check_plugin(library):
    """A plugin exports its description and nothing else, and loads what it may."""
    name = re.fullmatch(r"libgst(\w+)\.so", os.path.basename(library)).group(1)
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    errors = [f"{library}: loads {n}" for n in needed for p, holder in HEAVY.items() if re.match(p, n) and holder != name]
    return errors + check_exports(library, f"gst_plugin_{name}_") + ([] if needed else [f"{library}: loads nothing"])


def main():
    errors = check_includes(sys.argv[1])
    if len(sys.argv) > 2:
        errors += check_exports(sys.argv[2], r"pld_")
    for plugin in sys.argv[3:]:
        errors += check_plugin(plugin)
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
