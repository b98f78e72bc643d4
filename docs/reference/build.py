#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the reference of the C API and of the elements as HTML, with gtk-doc. Anything public without a description is an error.

build.py --version=VERSION --elements=XML OUTPUT HEADER...
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

BOOK = """<?xml version="1.0"?>
<!DOCTYPE book PUBLIC "-//OASIS//DTD DocBook XML V4.3//EN" "http://www.oasis-open.org/docbook/xml/4.3/docbookx.dtd">
<book id="index" xmlns:xi="http://www.w3.org/2003/XInclude">
  <bookinfo><title>pipeload reference</title><releaseinfo>version {version}</releaseinfo></bookinfo>
  <chapter id="elements"><title>Elements</title>{elements}</chapter>
  <chapter id="api"><title>C API</title>{api}</chapter>
  <index id="api-index"><title>Index</title><xi:include href="xml/api-index-full.xml"/></index>
  <xi:include href="xml/annotation-glossary.xml"/>
</book>
"""


def prepare(text, name):
    """The header as gtk-doc reads it: its opening comment as a section, braces where the scanner looks, errors described once."""
    purpose = re.search(r"SPDX[^\n]*\n \*\n(.*?) ?\*/", text, re.S).group(1)
    lines = re.sub(r"^ \* ?", "", purpose, flags=re.M).strip().split("\n\n")
    section = "\n".join([f"/**\n * SECTION:{name}", f" * @title: {name}.h", f" * @short_description: {' '.join(lines[0].split())}",
                         " * @stability: Unstable"]
                        + [f" *\n * {' '.join(paragraph.split())}" for paragraph in lines] + [" */\n"])
    text = re.sub(r"\b(typedef (?:struct|union|enum)\b[^\n;]*)\n\{", r"\1 {", text)
    text = re.sub(r"^#define PLD_API\b.*\n", "", text, flags=re.M)

    def describe_error(match):
        comment, declaration = match.groups()
        if "GError **error" not in declaration or "@error:" in comment:
            return match.group(0)
        first = comment.find("\n *\n")
        at = first if first >= 0 else comment.rfind("\n */")
        return comment[:at] + "\n * @error: (nullable): set if it fails" + comment[at:] + declaration

    text = re.sub(r"(/\*\*\n(?:(?!\*/).)*\*/)(\n(?:(?!/\*)[^;{])*[;{])", describe_error, text, flags=re.S)
    return section + text


def run(*command, cwd):
    """Runs a tool of gtk-doc, whose warnings count as errors. Returns: the warnings."""
    result = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{result.stdout}")
    return [line for line in result.stdout.splitlines() if "warning:" in line]


def undocumented(path):
    """Returns: the lines of gtk-doc's report that name a symbol without a description."""
    with open(path, encoding="utf-8") as file:
        return [f"no description: {line.strip()}" for line in file.read().partition("\n\n")[2].splitlines() if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--elements", required=True)
    parser.add_argument("output")
    parser.add_argument("headers", nargs="+")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        headers, html = os.path.join(work, "headers"), os.path.join(work, "html")
        os.mkdir(headers)
        os.mkdir(html)
        names = []
        for path in sorted(args.headers):
            name = os.path.basename(path).removesuffix(".h")
            if name == "pipeload":  # includes the others, declares nothing
                continue
            names.append(name)
            with open(path, encoding="utf-8") as file:
                text = prepare(file.read(), name)
            with open(os.path.join(headers, name + ".h"), "w", encoding="utf-8") as file:
                file.write(text)
        run("gtkdoc-scan", "--module=pipeload", "--source-dir=headers", "--ignore-decorators=PLD_API", "--rebuild-sections", cwd=work)
        with open(args.elements, encoding="utf-8") as file:
            elements = file.read()
        with open(os.path.join(work, "pipeload-docs.xml"), "w", encoding="utf-8") as file:
            file.write(BOOK.format(version=args.version, elements=elements,
                                   api="".join(f'<xi:include href="xml/{name}.xml"/>' for name in names)))
        warnings = run("gtkdoc-mkdb", "--module=pipeload", "--source-dir=headers", "--output-format=xml", "--name-space=pld", cwd=work)
        warnings += undocumented(os.path.join(work, "pipeload-undocumented.txt"))
        if warnings:
            sys.exit("\n".join(warnings))
        run("gtkdoc-mkhtml", "pipeload", "../pipeload-docs.xml", cwd=html)
        run("gtkdoc-fixxref", "--module=pipeload", "--module-dir=html", "--html-dir=/usr/share/gtk-doc/html", cwd=work)
        shutil.rmtree(args.output, ignore_errors=True)
        shutil.copytree(html, args.output)


if __name__ == "__main__":
    main()
