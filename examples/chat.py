#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers a prompt with pipeloadllm, piece by piece: chat.py PROMPT [MODEL.gguf]"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
Gst.init(None)
pipeline = Gst.parse_launch("appsrc name=prompt caps=text/x-raw,format=utf8 ! pipeloadllm name=llm ! fakesink name=answer signal-handoffs=true sync=false")
prompt, llm, answer = (pipeline.get_by_name(name) for name in ("prompt", "llm", "answer"))
if len(sys.argv) == 3:
    llm.set_property("model", sys.argv[2])
llm.set_property("temperature", 0)


def on_piece(_sink, buffer, _pad):
    sys.stdout.buffer.write(buffer.extract_dup(0, buffer.get_size()))
    sys.stdout.buffer.flush()


answer.connect("handoff", on_piece)
pipeline.set_state(Gst.State.PLAYING)
prompt.emit("push-buffer", Gst.Buffer.new_wrapped(sys.argv[1].encode()))
prompt.emit("end-of-stream")
message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
print()
sys.exit(message.parse_error()[0].message if message.type == Gst.MessageType.ERROR else 0)
