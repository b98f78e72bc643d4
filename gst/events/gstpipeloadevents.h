/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PIPELOAD_EVENTS (gst_pipeload_events_get_type ())
G_DECLARE_FINAL_TYPE (GstPipeloadEvents, gst_pipeload_events, GST, PIPELOAD_EVENTS, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (pipeloadevents)

G_END_DECLS
