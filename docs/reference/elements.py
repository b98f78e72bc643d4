#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a DocBook page of each element: its source's section comment, then its pads, properties and signals as GStreamer lists them.

elements.py SOURCE PLUGIN... OUTPUT
"""
import glob
import os
import re
import sys
from xml.sax.saxutils import escape

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GObject, Gst  # noqa: E402

FLAGS = [(Gst.PARAM_MUTABLE_PLAYING, "at any time"), (Gst.PARAM_MUTABLE_PAUSED, "in PAUSED or below"), (0, "in READY or below")]


def section_of(source, name):
    """Returns: the lines of the comment that opens the element's source."""
    for path in glob.glob(os.path.join(source, "gst", "*", "*.c")):
        with open(path, encoding="utf-8") as file:
            found = re.search(r"/\*\*\n \* SECTION:element-" + name + r"\n(.*?)\n \*/", file.read(), re.S)
        if found:
            return [re.sub(r"^ \* ?", "", line) for line in found.group(1).splitlines()]
    sys.exit(f"{name}: no source in gst/ has a comment SECTION:element-{name}")


def describe(lines, name):
    """A section comment as DocBook: paragraphs, |[ examples ]|, ## headings."""
    text = "\n".join(line for line in lines if not line.startswith(("@", "Since:")))
    if "|[" not in text:
        sys.exit(f"{name}: its section comment has no example pipeline, |[ ... ]|")
    out = []
    for part in re.split(r"(\|\[.*?\]\|)", text, flags=re.S):
        if part.startswith("|["):
            out.append(f"<programlisting>{escape(part[2:-2].strip())}</programlisting>")
            continue
        for paragraph in filter(None, (p.strip() for p in part.split("\n\n"))):
            heading, _, rest = paragraph.partition("\n") if paragraph.startswith("## ") else ("", "", paragraph)
            out += [f'<bridgehead renderas="sect3">{escape(heading[3:])}</bridgehead>'] if heading else []
            out += [f"<para>{escape(re.sub(r'[#%]([A-Z])', chr(92) + '1', rest))}</para>"] if rest else []
    return "".join(out)


def table(head, rows):
    row = "".join
    return (f'<informaltable><tgroup cols="{len(head)}"><thead><row>{row(f"<entry>{h}</entry>" for h in head)}</row></thead><tbody>'
            + row("<row>" + row(f"<entry>{escape(str(cell))}</entry>" for cell in cells) + "</row>" for cells in rows)
            + "</tbody></tgroup></informaltable>")


def type_of(spec):
    values = getattr(spec.value_type.pytype, "__enum_values__", None)
    if not spec.value_type.is_a(GObject.TYPE_ENUM) or not values:
        return spec.value_type.name.removeprefix("gchararray") or "string"
    return ", ".join(values[key].value_nick for key in sorted(values))


def default_of(spec):
    if not spec.flags & GObject.ParamFlags.WRITABLE:
        return ""
    value = spec.default_value
    return getattr(value, "value_nick", "unset" if value is None else str(value).lower() if isinstance(value, bool) else value)


def page(source, name):
    element = Gst.ElementFactory.make(name)
    factory = element.get_factory()
    kind = factory.get_element_type()
    properties = []
    for spec in element.list_properties():
        if spec.owner_type != kind:
            continue
        if not spec.blurb:
            sys.exit(f"{name}: property {spec.name} has no description")
        writable = spec.flags & GObject.ParamFlags.WRITABLE
        changes = next(text for flag, text in FLAGS if int(spec.flags) & flag == flag) if writable else "read only"
        properties.append((spec.name, type_of(spec), default_of(spec), changes, spec.blurb))
    pads = [(t.name_template, t.direction.value_nick, t.presence.value_nick, t.get_caps().to_string().replace(";", "; ").replace(",", ", "))
            for t in factory.get_static_pad_templates()]
    signals = [(GObject.signal_query(i).signal_name, GObject.signal_query(i).return_type.name) for i in GObject.signal_list_ids(kind)]
    out = [f'<refentry id="{name}"><refmeta><refentrytitle>{name}</refentrytitle></refmeta>',
           f"<refnamediv><refname>{name}</refname><refpurpose>{escape(factory.get_metadata('description'))}</refpurpose></refnamediv>",
           f"<refsect1><title>Description</title>{describe(section_of(source, name), name)}</refsect1>",
           "<refsect1><title>Pads</title>", table(("pad", "direction", "presence", "caps"), pads), "</refsect1>",
           "<refsect1><title>Properties</title>", table(("property", "type", "default", "may change", ""), properties), "</refsect1>"]
    if signals:
        out += ["<refsect1><title>Signals</title>", table(("signal", "returns"), signals), "</refsect1>"]
    return "".join(out) + "</refentry>\n"


def main():
    source, plugins, output = sys.argv[1], sys.argv[2:-1], sys.argv[-1]
    Gst.init(None)
    registry = Gst.Registry.get()
    names = []
    for path in plugins:
        plugin = Gst.Plugin.load_file(path)
        names += [f.get_name() for f in registry.get_feature_list_by_plugin(plugin.get_name()) if isinstance(f, Gst.ElementFactory)]
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(page(source, name) for name in sorted(names))


if __name__ == "__main__":
    main()
