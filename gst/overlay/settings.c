/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of pipeloadoverlay.
 */
#include "gst/overlay/settings.h"

#define DEFAULT_TRAILS 2.0

GType
gst_pipeload_corner_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_CORNER_NONE, "Nowhere", "none" },
          { GST_PIPELOAD_CORNER_TOP_LEFT, "In the top left corner", "top-left" },
          { GST_PIPELOAD_CORNER_TOP_RIGHT, "In the top right corner", "top-right" },
          { GST_PIPELOAD_CORNER_BOTTOM_LEFT, "In the bottom left corner", "bottom-left" },
          { GST_PIPELOAD_CORNER_BOTTOM_RIGHT, "In the bottom right corner", "bottom-right" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadCorner", values));
  return type;
}

void
gst_pipeload_overlay_settings_init (GstPipeloadOverlaySettings *settings)
{
  *settings = (GstPipeloadOverlaySettings) {
    .boxes = TRUE, .labels = TRUE, .confidence = TRUE, .ids = TRUE, .trails = DEFAULT_TRAILS
  };
}

void
gst_pipeload_overlay_settings_clear (GstPipeloadOverlaySettings *settings)
{
  g_clear_pointer (&settings->font, g_free);
  g_clear_pointer (&settings->zones, g_free);
}

void
gst_pipeload_overlay_settings_copy (GstPipeloadOverlaySettings *copy, const GstPipeloadOverlaySettings *settings)
{
  *copy = *settings;
  copy->font = g_strdup (settings->font);
  copy->zones = g_strdup (settings->zones);
}

/* ---- properties ---------------------------------------------------------------------------- */

#define PROP(field) GST_PIPELOAD_PROP (GstPipeloadOverlaySettings, field)

static void
install_objects (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (boxes),
      g_param_spec_boolean ("boxes", "Boxes", "Draw a box around each object; dashed where its place is predicted",
                            TRUE, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (labels),
      g_param_spec_boolean ("labels", "Labels", "Say what each object is", TRUE, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (confidence),
                                 g_param_spec_boolean ("confidence", "Confidence", "Say how sure that is, in per cent",
                                                       TRUE, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (ids),
                                 g_param_spec_boolean ("ids", "Ids", "Say the id that pipeloadtrack gave each object",
                                                       TRUE, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (trails),
      g_param_spec_double ("trails", "Trails",
                           "Draw where the lower edge of each tracked object was in this many last "
                           "seconds (0: nothing)",
                           0, 60, DEFAULT_TRAILS, GST_PIPELOAD_PLAYING));
}

static void
install_frame (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (zones),
      g_param_spec_string ("zones", "Zones",
                           "Draw these zones and lines, a file or its JSON (unset: those of pipeloadevents)", NULL,
                           GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (corner),
      g_param_spec_enum ("corner", "Corner",
                         "Where to say how many frames a second come by, and the memory of the process",
                         GST_TYPE_PIPELOAD_CORNER, GST_PIPELOAD_CORNER_NONE, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (font),
      g_param_spec_string ("font", "Font",
                           "A Pango font description, such as \"Sans Bold 12\"; without a size, that follows "
                           "the frame's height (unset: Sans)",
                           NULL, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (line_width),
                                 g_param_spec_uint ("line-width", "Line width", "Pixels (0: from the frame's height)",
                                                    0, 64, 0, GST_PIPELOAD_PLAYING));
}

void
gst_pipeload_overlay_settings_install (GObjectClass *klass)
{
  install_objects (klass);
  install_frame (klass);
}
