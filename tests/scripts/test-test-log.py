#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/test-log.py on logs like meson's: counts, failures, and each skip once.

test-test-log.py SOURCE
"""
import json
import os
import subprocess
import sys
import tempfile

TAP = """1..4
ok 1 /vit/f32
ok 2 /vit/trained # SKIP vit-tiny is not there
ok 3 /vit/large # SKIP vit-tiny is not there
ok 4 /vit/stream # SKIP ThreadSanitizer: not here
"""
LOGS = {
    "gcc": [
        ("pipeload:golden / golden-vit", "OK", TAP),
        ("pipeload:pipeline / pipeline-video", "SKIP", "skipped: no video\n"),
        ("pipeload:pipeline / pipeline-mute", "SKIP", ""),
        ("pipeload:unit / unit-base", "OK", "1..1\nok 1 /base/skips # a name that only says SKIP\n"),
    ],
    "asan": [
        ("pipeload:golden / golden-vit", "OK", TAP),
        ("pipeload:unit / unit-base", "FAIL", "ok 1 /base/a\nnot ok 2 /base/b\nok 3 /base/c\n"),
        ("pipeload:unit / unit-stream", "TIMEOUT", "ok 1 /stream/a\n"),
        ("pipeload:unit / unit-team", "ERROR", "# nothing\n"),
        ("pipeload:unit / unit-odd", "UNEXPECTEDPASS", ""),
    ],
}
SKIPPED = """\
skipped golden-vit /vit/trained /vit/large: vit-tiny is not there (gcc, asan)
skipped golden-vit /vit/stream: ThreadSanitizer: not here (gcc, asan)
skipped pipeline-video: no video (gcc)
skipped pipeline-mute: exit status 77 (gcc)
"""
FAILED = """\
FAIL unit-base, 2 s
    not ok 2 /base/b
TIMEOUT unit-stream, 2 s
    ok 1 /stream/a
ERROR unit-team, 2 s
    # nothing
UNEXPECTEDPASS unit-odd, 2 s
"""


def main():
    program = os.path.join(sys.argv[1], "scripts/test-log.py")

    def check(expected, *args):
        output = subprocess.run([program, *args], check=True, capture_output=True, text=True).stdout
        assert output == expected, f"{args}:\n{output}\nnot\n{expected}"

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for log, tests in LOGS.items():
            paths.append(os.path.join(folder, log + ".json"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                for name, result, stdout in tests:
                    file.write(json.dumps({"name": name, "result": result, "stdout": stdout, "duration": 2.25}) + "\n")
        check("2 0 2\n", "counts", paths[0])
        check("1 4 0\n", "counts", paths[1])
        check("", "failed", paths[0])
        check(FAILED, "failed", paths[1])
        check(SKIPPED, "skipped", *paths)


if __name__ == "__main__":
    main()
