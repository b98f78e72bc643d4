/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PIPELOAD_TRACK (gst_pipeload_track_get_type ())
G_DECLARE_FINAL_TYPE (GstPipeloadTrack, gst_pipeload_track, GST, PIPELOAD_TRACK, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (pipeloadtrack)

G_END_DECLS
