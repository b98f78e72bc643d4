#!/usr/bin/env python3
"""Keeps ten phrases out of comments, messages, help texts and documents; CONTRIBUTING.md says why, and what to write instead.
Also checks that each C file opens with its purpose.

check-prose.py [FILE...]      without files: all that git knows, but for the license, data and texts of others
"""
import re
import subprocess
import sys

PATTERNS = [  # what to look for, what to write
    (r"(?<!here )\b(?:is|are|was|were) no (?!such\b|longer\b|more\b|less\b|worse\b|better\b|op\b)[a-z]", '"is not a X", "has no X"'),
    (r"\b[Ss]o (?:many|much|long)\b(?! so\b)", '"this many", "as many as", "this long", or the number itself'),
    (r"(?:^|[.;] +|/\* ?|^ ?\* |# |\"\"\")(?:Who|What)\b(?! (?:it|they|this)\b)(?![^.;]*\?)", "the subject by its name"),
    (r"\b(?:tells?|told)\b", '"reports", "states", "returns", "emits"'),
    (r"\btake_(?:message|result|caps|event|sample|error)\b", '"on_message", "handle_message"'),
    (r"\bbefore (?:a|the|its|their) (?:surveillance )?cameras?\b", '"in front of the camera"'),
    (r"\b[Ww]hoever\b|\b[Ww]hatever (?:is|has|comes|goes)\b", '"a thread that", "anything that"'),
    (r"\b(?:lies|stands) (?:in|on|at|for|behind|before|beside|there|here|by)\b", '"is"'),
    (r"\bbeside\b(?! (?:it|them|each other|one another|the (?:file|model|weights|program|binary|script|picture)s?)\b)",
     '"besides", "in addition to", "next to", "compared with"'),
    (r"\b[Tt]he house\b|\bshall\b|\bwish(?:es|ed)?\b|\bheld against\b", '"the project", "must", "request", "compared with"'),
]
# The license, and in the same comment or in the next one the purpose of the file.
PURPOSE = re.compile(r"/\* SPDX-License-Identifier: LGPL-2\.1-or-later(\n \*\n \* \S| \*/\n\n?/\*)")
SUFFIXES = (".c", ".h", ".def", ".md", ".py", ".sh", ".build", ".txt", ".yml")
FOREIGN = re.compile(r"^(LICENSE$|CONTRIBUTING\.md$|tests/golden/|tests/fuzz/seeds/|models/bundled/.*\.(?:json|jsonl)$|models/bundled/report_words\.py$|scripts/check-prose\.py$)")


def tracked():
    names = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [n for n in names if n.endswith(SUFFIXES) and not FOREIGN.match(n)]


def main():
    found = 0
    for name in sys.argv[1:] or tracked():
        with open(name, encoding="utf-8") as file:
            text = file.read()
            if name.endswith(".c") and not PURPOSE.match(text):
                found += 1
                print(f"{name}:1: opens without its purpose: state it in a sentence below the license")
            for number, line in enumerate(text.splitlines(), 1):
                for pattern, instead in PATTERNS:
                    for match in re.finditer(pattern, line):
                        found += 1
                        print(f"{name}:{number}: \"{match.group().strip()}\": write {instead}")
    if found:
        print(f"{found} places to rewrite")
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
