#!/usr/bin/env python3
"""Layering rules that the compiler cannot check: which room includes which, that files do not
call each other in circles, and what the shared libraries export, load and hold.

test-structure.py SOURCE [LIBPIPELOAD [PLUGIN...]]
"""
import os
import re
import subprocess
import sys
import tempfile

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


def read_code(path):
    """A C file without its comments and strings."""
    with open(path, encoding="utf-8") as file:
        return re.sub(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', " ", file.read(), flags=re.S)


def call_graph(source):
    """file → file that it calls → the functions. A function that is passed on without a call, such as a callback, does not count."""
    texts = {}
    for top in ("engine", "models", "analytics", "gst", "apps"):
        for root, _, files in os.walk(os.path.join(source, top)):
            for name in files:
                if name.endswith(".c"):
                    path = os.path.join(root, name)
                    texts[os.path.relpath(path, source)] = read_code(path)
    homes = {}
    for path, text in texts.items():
        for kind, name in re.findall(r"^([^\n#{}]*)\n([a-z_]\w*) \([^;{}]*\)\n\{", text, re.M):
            if not re.search(r"\bstatic\b", kind):
                homes.setdefault(name, []).append(path)
    graph = {}
    for path, text in texts.items():
        for name in set(re.findall(r"\b([a-z_]\w*) \(", text)):
            # A name with several homes, such as a main (), is each program's own.
            home = homes.get(name, [])
            if len(home) == 1 and home[0] != path:
                graph.setdefault(path, {}).setdefault(home[0], set()).add(name)
    return graph


def reachable(graph, start):
    found, todo = set(), [start]
    while todo:
        for other in graph.get(todo.pop(), {}):
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def check_circles(source):
    """No two files call each other, directly or by way of others."""
    graph = call_graph(source)
    reach = {path: reachable(graph, path) for path in graph}
    if len(graph) < 100:
        return ["the files' calls could not be read"]
    return [f"{a} calls {', '.join(sorted(names))} of {b}, which calls back" for a in graph for b, names in graph[a].items()
            if a in reach.get(b, ())]


def check_exports(library, pattern):
    """Every dynamic symbol that @library defines matches @pattern, and there is one at least."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[-1] for line in lines.splitlines()]
    errors = [f"{library}: exports {s}" for s in symbols if not re.match(pattern, s)]
    return errors or ([] if symbols else [f"{library}: exports nothing"])


def check_paths(library, source):
    """Without its debugging information, @library holds no path of this tree."""
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["objcopy", "--strip-debug", library, stripped.name], check=True)
        with open(stripped.name, "rb") as file:
            return [f"{library}: holds the path {source}"] if os.fsencode(source) in file.read() else []


def check_plugin(library):
    """A plugin exports its description and nothing else, and loads what it may."""
    name = re.fullmatch(r"libgst(\w+)\.so", os.path.basename(library)).group(1)
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    errors = [f"{library}: loads {n}" for n in needed for p, holder in HEAVY.items() if re.match(p, n) and holder != name]
    return errors + check_exports(library, f"gst_plugin_{name}_") + ([] if needed else [f"{library}: loads nothing"])


def main():
    source = os.path.abspath(sys.argv[1])
    errors = check_includes(source) + check_circles(source)
    if len(sys.argv) > 2:
        errors += check_exports(sys.argv[2], r"pld_") + check_paths(sys.argv[2], source)
    for plugin in sys.argv[3:]:
        errors += check_plugin(plugin)
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
