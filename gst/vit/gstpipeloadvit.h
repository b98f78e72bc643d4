/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PIPELOAD_VIT (gst_pipeload_vit_get_type ())
G_DECLARE_FINAL_TYPE (GstPipeloadVit, gst_pipeload_vit, GST, PIPELOAD_VIT, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (pipeloadvit)

G_END_DECLS
