/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The detect verb without GStreamer: JPEG pictures only; in place of video.c.
 */
#include "apps/detect/detect.h"

static PldDetectOutcome
refuse (GError **error)
{
  g_set_error_literal (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                       "only JPEG pictures can be read, as this pipeload was built without GStreamer; "
                       "build it with -Dgst=enabled");
  return PLD_DETECT_BAD_INPUT;
}

PldDetectOutcome
pld_detect_decode (PldDetect *detect, const char *path, guint8 **pixels, guint *width, guint *height, GError **error)
{
  return refuse (error);
}

PldDetectOutcome
pld_detect_video (PldDetect *detect, const char *path, GError **error)
{
  return refuse (error);
}
