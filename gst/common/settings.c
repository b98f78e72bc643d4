/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GObject properties as fields of a struct: the field's offset is the property's id.
 */
#include "gst/common/settings.h"

void
gst_pipeload_settings_install (GObjectClass *klass, guint id, GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_ENUM (spec))
    gst_type_mark_as_plugin_api (spec->value_type, 0);
  g_object_class_install_property (klass, id, spec);
}

static void
set_string (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text != NULL && *text != '\0' ? text : NULL);
}

void
gst_pipeload_settings_set (gpointer settings, guint id, const GValue *value)
{
  gpointer field = G_STRUCT_MEMBER_P (settings, id - 1);

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_STRING:
      set_string (field, g_value_get_string (value));
      break;
    case G_TYPE_UINT:
      *(guint *) field = g_value_get_uint (value);
      break;
    case G_TYPE_INT:
      *(int *) field = g_value_get_int (value);
      break;
    case G_TYPE_INT64:
      *(gint64 *) field = g_value_get_int64 (value);
      break;
    case G_TYPE_DOUBLE:
      *(double *) field = g_value_get_double (value);
      break;
    case G_TYPE_BOOLEAN:
      *(gboolean *) field = g_value_get_boolean (value);
      break;
    case G_TYPE_ENUM:
      *(int *) field = g_value_get_enum (value);
      break;
    default:
      g_assert_not_reached ();
    }
}

void
gst_pipeload_settings_get (gconstpointer settings, guint id, GValue *value)
{
  gconstpointer field = G_STRUCT_MEMBER_P (settings, id - 1);

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_STRING:
      g_value_set_string (value, *(char *const *) field);
      break;
    case G_TYPE_UINT:
      g_value_set_uint (value, *(const guint *) field);
      break;
    case G_TYPE_INT:
      g_value_set_int (value, *(const int *) field);
      break;
    case G_TYPE_INT64:
      g_value_set_int64 (value, *(const gint64 *) field);
      break;
    case G_TYPE_DOUBLE:
      g_value_set_double (value, *(const double *) field);
      break;
    case G_TYPE_BOOLEAN:
      g_value_set_boolean (value, *(const gboolean *) field);
      break;
    case G_TYPE_ENUM:
      g_value_set_enum (value, *(const int *) field);
      break;
    default:
      g_assert_not_reached ();
    }
}
