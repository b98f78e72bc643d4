/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PIPELOAD_PUBLISH (gst_pipeload_publish_get_type ())
G_DECLARE_FINAL_TYPE (GstPipeloadPublish, gst_pipeload_publish, GST, PIPELOAD_PUBLISH, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (pipeloadpublish)

G_END_DECLS
