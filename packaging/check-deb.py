#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks Debian packages: each has the files that it should have and no others, and none names the machine that built it.

check-deb.py FOLDER
"""
import fnmatch
import glob
import io
import os
import re
import subprocess
import sys
import tarfile

LIBRARY = "libpipeload"  # the package's name goes on with the soversion
DOCUMENTATION = ["usr/share/doc/{package}/*", "usr/share/lintian/overrides/{package}"]
# package → (patterns that each match a file, patterns that may match); every file matches one of them
PACKAGES = {
    "gstreamer1.0-pipeload": (["usr/lib/*/gstreamer-1.0/libgst" + name + ".so"
                               for name in ("pipeload", "pipeloadoverlay", "pipeloadpublish")], []),
    "pipeload": (["usr/bin/pipeload", "usr/libexec/pipeload/pipeload-detect", "usr/share/man/man1/pipeload.1*",
                  "usr/share/bash-completion/completions/pipeload.bash", "usr/share/zsh/vendor-completions/_pipeload"],
                 ["usr/libexec/pipeload/pipeload-*", "usr/share/man/man1/pipeload-*"]),
    "pipeload-data": (["usr/share/pipeload/models/" + name for name in (
        "person-detector/config.json", "person-detector/model.safetensors", "person-vit/config.json",
        "person-vit/model.safetensors", "report-llama/report-llama.gguf")], ["usr/share/pipeload/models/*"]),
    LIBRARY: (["usr/lib/*/libpipeload.so.{soversion}"], ["usr/lib/*/libpipeload.so.*"]),
    "libpipeload-dev": (["usr/include/pipeload/pipeload.h", "usr/lib/*/libpipeload.so", "usr/lib/*/pkgconfig/pipeload.pc"],
                        ["usr/include/pipeload/*.h"]),
}


def kind_of(package):
    return LIBRARY if re.fullmatch(LIBRARY + r"[0-9.]+", package) else package


def check(path, build_paths):
    name = os.path.basename(path).split("_")[0]
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, capture_output=True).stdout
    needed, possible = PACKAGES[kind_of(name)]
    needed = [pattern.format(soversion=name.removeprefix(LIBRARY)) for pattern in needed]
    possible = needed + possible + [pattern.format(package=name) for pattern in DOCUMENTATION]
    errors, files = [], []
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            if member.isdir():
                continue
            file = member.name.removeprefix("./")
            files.append(file)
            if not any(fnmatch.fnmatch(file, pattern) for pattern in possible):
                errors.append(f"{name}: {file} should not be in this package")
            if member.isfile():
                content = tar.extractfile(member).read()
                errors += [f"{name}: {file} names the build's folder {p}" for p in build_paths if re.search(
                    re.escape(os.fsencode(p)) + rb"(?![\w-])", content)]
    return errors + [f"{name}: {pattern} is missing" for pattern in needed
                     if not any(fnmatch.fnmatch(file, pattern) for file in files)]


def main():
    folder = os.path.realpath(sys.argv[1])
    source = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
    packages = sorted(glob.glob(os.path.join(folder, "*.deb")))
    names = sorted(kind_of(os.path.basename(p).split("_")[0]) for p in packages)
    errors = [] if sorted(PACKAGES) == names else [
        f"the packages are {', '.join(names)}, not {', '.join(sorted(PACKAGES))}"]
    for path in packages:
        errors += check(path, {folder, source})
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
