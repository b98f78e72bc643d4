/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PIPELOAD_OVERLAY (gst_pipeload_overlay_get_type ())
G_DECLARE_FINAL_TYPE (GstPipeloadOverlay, gst_pipeload_overlay, GST, PIPELOAD_OVERLAY, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (pipeloadoverlay)

G_END_DECLS
