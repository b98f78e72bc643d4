/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Maps the engine's errors to bus messages, and parses texts of properties.
 */
#include "gst/common/util.h"

#include <string.h>

/* Of a file of labels: some hundred thousand of them. */
#define MAX_LABELS_BYTES (4 << 20)

G_DEFINE_QUARK (gst - pipeload - settings - error - quark, gst_pipeload_settings_error)

static GQuark
map_error (const GError *error, gboolean opening, int *code)
{
  *code = GST_RESOURCE_ERROR_SETTINGS;
  if (error->domain != PLD_ERROR)
    return GST_RESOURCE_ERROR;
  switch (error->code)
    {
    case PLD_ERROR_NOT_FOUND:
      *code = GST_RESOURCE_ERROR_NOT_FOUND;
      return GST_RESOURCE_ERROR;
    case PLD_ERROR_IO:
      *code = opening ? GST_RESOURCE_ERROR_OPEN_READ : GST_RESOURCE_ERROR_READ;
      return GST_RESOURCE_ERROR;
    case PLD_ERROR_LIMIT:
      return GST_RESOURCE_ERROR;
    case PLD_ERROR_MEMORY:
      *code = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
      return GST_RESOURCE_ERROR;
    case PLD_ERROR_FORMAT:
      *code = GST_STREAM_ERROR_FORMAT;
      return GST_STREAM_ERROR;
    case PLD_ERROR_UNSUPPORTED:
      *code = GST_STREAM_ERROR_WRONG_TYPE;
      return GST_STREAM_ERROR;
    default:
      *code = GST_LIBRARY_ERROR_FAILED;
      return GST_LIBRARY_ERROR;
    }
}

static void
post (GstElement *element, GstMessageType type, const GError *error, const char *file, gboolean opening)
{
  g_autofree char *debug = g_strdup_printf ("%s, code %d", g_quark_to_string (error->domain), error->code);
  gboolean prefix = error->domain == PLD_ERROR && file != NULL && strstr (error->message, file) == NULL;
  char *text = prefix ? g_strdup_printf ("%s: %s", file, error->message) : g_strdup (error->message);
  int code;
  GQuark domain = map_error (error, opening, &code);

  gst_element_message_full (element, type, domain, code, text, g_steal_pointer (&debug), __FILE__, G_STRFUNC, __LINE__);
}

void
gst_pipeload_post_error (GstElement *element, const GError *error, const char *file, gboolean opening)
{
  post (element, GST_MESSAGE_ERROR, error, file, opening);
}

void
gst_pipeload_post_warning (GstElement *element, const GError *error, const char *file)
{
  post (element, GST_MESSAGE_WARNING, error, file, FALSE);
}

gboolean
gst_pipeload_parse_limit (const char *text, guint64 *limit, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (pld_limit_parse (text != NULL ? text : "0", limit, &why))
    return TRUE;
  g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0, "property memory-limit: %s", why->message);
  return FALSE;
}

/* Returns: (transfer full): @words, each stripped, without the empty ones. */
static char **
strip_words (char **words)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; words[i] != NULL; i++)
    if (*g_strstrip (words[i]) != '\0')
      g_strv_builder_add (builder, words[i]);
  return g_strv_builder_end (builder);
}

char **
gst_pipeload_split_list (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);

  return strip_words (words);
}

char **
gst_pipeload_read_labels (const char *text, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (text);
  g_autoptr (GFileInfo) info = NULL;
  g_autofree char *contents = NULL;
  g_auto (GStrv) lines = NULL;
  gsize length;

  if (!g_file_test (text, G_FILE_TEST_IS_REGULAR))
    return gst_pipeload_split_list (text);
  info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, G_FILE_QUERY_INFO_NONE, NULL, error);
  if (info == NULL)
    return NULL;
  if (g_file_info_get_size (info) > MAX_LABELS_BYTES)
    {
      g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0, "%s: too large for a file of labels, one a line", text);
      return NULL;
    }
  if (!g_file_get_contents (text, &contents, &length, error))
    return NULL;
  if (!g_utf8_validate (contents, length, NULL))
    {
      g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0, "%s: not UTF-8 text; a file of labels holds one a line",
                   text);
      return NULL;
    }
  /* Editors on Windows begin UTF-8 files with a byte order mark. */
  lines = g_strsplit (contents + (g_str_has_prefix (contents, "\xef\xbb\xbf") ? 3 : 0), "\n", -1);
  return strip_words (lines);
}

gboolean
gst_pipeload_propose_downstream (GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  return gst_pad_peer_query (GST_BASE_TRANSFORM_SRC_PAD (trans), query);
}
