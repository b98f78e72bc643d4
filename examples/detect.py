#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints which objects pipeloadvit finds in a video: detect.py VIDEO"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

if len(sys.argv) != 2:
    sys.exit(__doc__)
Gst.init(None)
pipeline = Gst.parse_launch("filesrc name=file ! decodebin ! videoconvert ! pipeloadvit messages=all memory-limit=16MB ! fakesink")
pipeline.get_by_name("file").set_property("location", sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
status = None
while status is None:
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.ELEMENT | Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message.type == Gst.MessageType.EOS:
        status = 0
    elif message.type == Gst.MessageType.ERROR:
        status = message.parse_error()[0].message
    elif message.get_structure().get_name() == "pipeload-vit":
        result = message.get_structure()
        print(f'frame {result.get_value("frame")}: {result.get_value("label") or "nothing"}, at {result.get_value("timestamp") / 1e9:.2f} s')
pipeline.set_state(Gst.State.NULL)
sys.exit(status)
