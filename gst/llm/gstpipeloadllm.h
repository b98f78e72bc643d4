/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PIPELOAD_LLM (gst_pipeload_llm_get_type ())
G_DECLARE_FINAL_TYPE (GstPipeloadLlm, gst_pipeload_llm, GST, PIPELOAD_LLM, GstElement)

GST_ELEMENT_REGISTER_DECLARE (pipeloadllm)

G_END_DECLS
