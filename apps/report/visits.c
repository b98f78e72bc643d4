/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/report/visits.h"

#include "pipeload/pipeload.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define MAX_LINE (1u << 20)
#define MAX_NAME 16
#define MAX_KINDS 4096 /* cameras times labels, and followed objects */
#define NO_TIME G_MININT64
#define PACE 0.1 /* how far the clock may be off the stream, of its length, for a live one */

/* A stream from its beginning on, until its time goes back. Times are microseconds, or NO_TIME. */
typedef struct
{
  char *camera;
  gint64 first, last;               /* of the stream */
  gint64 system_first, system_last; /* since 1970 */
} Session;

typedef struct
{
  guint session;
  char *label;
  gint64 begin, last, system_begin;
} Visit;

struct _ReportVisits
{
  const ReportOptions *options;
  GArray *sessions;        /* Session */
  GArray *visits;          /* Visit, in the order of their beginnings */
  GHashTable *sessions_of; /* camera → index of its session */
  GHashTable *visits_of;   /* "camera\nlabel\nid" → index of its last visit */
  guint64 frames, damaged;
};

/* An object of a frame: who has an id is a visitor of its own. */
typedef struct
{
  char *label;
  gint64 id; /* 0: none */
} Object;

/* One line. */
typedef struct
{
  gint64 time, system;
  char *camera;    /* as the visits name it */
  GArray *objects; /* Object */
} Frame;

static void
session_clear (gpointer session)
{
  g_free (((Session *) session)->camera);
}

static void
visit_clear (gpointer visit)
{
  g_free (((Visit *) visit)->label);
}

static void
object_clear (gpointer object)
{
  g_free (((Object *) object)->label);
}

static void
frame_clear (Frame *frame)
{
  g_free (frame->camera);
  g_clear_pointer (&frame->objects, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Frame, frame_clear)

ReportVisits *
report_visits_new (const ReportOptions *options)
{
  ReportVisits *visits = g_new0 (ReportVisits, 1);

  visits->options = options;
  visits->sessions = g_array_new (FALSE, FALSE, sizeof (Session));
  g_array_set_clear_func (visits->sessions, session_clear);
  visits->visits = g_array_new (FALSE, FALSE, sizeof (Visit));
  g_array_set_clear_func (visits->visits, visit_clear);
  visits->sessions_of = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  visits->visits_of = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return visits;
}

void
report_visits_free (ReportVisits *visits)
{
  g_array_unref (visits->sessions);
  g_array_unref (visits->visits);
  g_hash_table_unref (visits->sessions_of);
  g_hash_table_unref (visits->visits_of);
  g_free (visits);
}

void
report_visits_count (const ReportVisits *visits, guint64 *frames, guint64 *damaged)
{
  *frames = visits->frames;
  *damaged = visits->damaged;
}

/* ---- names --------------------------------------------------------------------------------- */

/* What the model may meet. Returns: (transfer full): empty if nothing is left */
static char *
plain_name (const char *text)
{
  g_autofree char *ascii = g_str_to_ascii (text, "C");
  gsize n;

  for (char *c = ascii; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != ' ' && *c != '_')
      *c = '-';
  n = MIN (strlen (ascii), MAX_NAME);
  while (n > 0 && !g_ascii_isalnum (ascii[n - 1]))
    n--;
  for (ascii[n] = '\0'; *ascii != '\0' && !g_ascii_isalnum (*ascii);)
    memmove (ascii, ascii + 1, strlen (ascii));
  return g_steal_pointer (&ascii);
}

/* A camera's name may be its file's: "yard.mp4" is the camera "yard". Returns: (transfer full) */
static char *
camera_name (const char *camera, const char *source)
{
  const char *text = camera != NULL && *camera != '\0' ? camera : source != NULL ? source : "";
  g_autofree char *base = g_path_get_basename (text);
  g_autofree char *name = NULL;
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot > base && g_ascii_isalpha (dot[1]) && strlen (dot) <= 5)
    *dot = '\0';
  name = plain_name (base);
  return *name != '\0' ? g_steal_pointer (&name) : g_strdup ("camera");
}

/* ---- lines --------------------------------------------------------------------------------- */

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

/* @value is left alone when there is no such number. */
static gboolean
get_number (JsonObject *object, const char *name, double *value)
{
  JsonNode *node = json_object_get_member (object, name);
  GType type = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  return TRUE;
}

static void
get_times (JsonObject *object, Frame *frame)
{
  const char *text = get_string (object, "system_timestamp");
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) when = text != NULL ? g_date_time_new_from_iso8601 (text, utc) : NULL;
  double ns;

  frame->time = frame->system = NO_TIME;
  if (when != NULL)
    frame->system = g_date_time_to_unix (when) * G_USEC_PER_SEC + g_date_time_get_microsecond (when);
  if (get_number (object, "timestamp", &ns) && ns >= 0 && ns < (double) G_MAXINT64)
    frame->time = (gint64) (ns / 1e3);
  else
    frame->time = frame->system;
}

static gboolean
get_objects (const ReportVisits *visits, JsonArray *objects, Frame *frame)
{
  frame->objects = g_array_new (FALSE, FALSE, sizeof (Object));
  g_array_set_clear_func (frame->objects, object_clear);
  for (guint i = 0; i < json_array_get_length (objects); i++)
    {
      JsonNode *node = json_array_get_element (objects, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *label = object != NULL ? get_string (object, "label") : NULL;
      g_autofree char *name = label != NULL ? plain_name (label) : NULL;
      double confidence = 1, id = 0;

      if (name == NULL || *name == '\0')
        return FALSE;
      get_number (object, "confidence", &confidence);
      get_number (object, "id", &id);
      if (confidence >= visits->options->threshold
          && (visits->options->ignore == NULL
              || !g_strv_contains ((const char *const *) visits->options->ignore, label)))
        g_array_append_val (frame->objects,
                            ((Object) { g_steal_pointer (&name), id > 0 && id < G_MAXINT32 ? (gint64) id : 0 }));
    }
  return TRUE;
}

static gboolean
parse_frame (const ReportVisits *visits, const char *line, gsize n, Frame *frame)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root, *objects;
  JsonObject *object;

  if (!pld_json_check (line, n, NULL) || !json_parser_load_from_data (parser, line, (gssize) n, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  object = json_node_get_object (root);
  objects = json_object_get_member (object, "objects");
  get_times (object, frame);
  if (frame->time == NO_TIME || objects == NULL || !JSON_NODE_HOLDS_ARRAY (objects))
    return FALSE;
  frame->camera = camera_name (get_string (object, "camera"), get_string (object, "source"));
  return get_objects (visits, json_node_get_array (objects), frame);
}

/* ---- visits -------------------------------------------------------------------------------- */

/* The stream that the frame belongs to: its camera's, or a new one when that one's time has gone back. */
static guint
session_of (ReportVisits *visits, const Frame *frame)
{
  gpointer index;
  Session *session;

  if (g_hash_table_lookup_extended (visits->sessions_of, frame->camera, NULL, &index))
    {
      session = &g_array_index (visits->sessions, Session, GPOINTER_TO_UINT (index));
      if (frame->time >= session->last)
        {
          session->last = frame->time;
          session->system_last = frame->system;
          return GPOINTER_TO_UINT (index);
        }
    }
  g_array_append_val (visits->sessions,
                      ((Session) { g_strdup (frame->camera), frame->time, frame->time, frame->system, frame->system }));
  g_hash_table_replace (visits->sessions_of, g_strdup (frame->camera), GUINT_TO_POINTER (visits->sessions->len - 1));
  return visits->sessions->len - 1;
}

static gboolean
is_over (gpointer kind, gpointer index, gpointer user_data)
{
  const ReportVisits *visits = user_data;
  const Visit *visit = &g_array_index (visits->visits, Visit, GPOINTER_TO_UINT (index));

  return (double) (g_array_index (visits->sessions, Session, visit->session).last - visit->last)
         > visits->options->gap * G_USEC_PER_SEC;
}

/* An object in a frame goes on with its visit, or begins one. */
static void
take_object (ReportVisits *visits, const Frame *frame, guint session, const Object *object)
{
  g_autofree char *kind = g_strdup_printf ("%s\n%s\n%" G_GINT64_FORMAT, frame->camera, object->label, object->id);
  gint64 gap = (gint64) (visits->options->gap * G_USEC_PER_SEC);
  gpointer index;

  if (g_hash_table_lookup_extended (visits->visits_of, kind, NULL, &index))
    {
      Visit *visit = &g_array_index (visits->visits, Visit, GPOINTER_TO_UINT (index));

      if (visit->session == session && frame->time - visit->last <= gap)
        {
          visit->last = frame->time;
          return;
        }
    }
  else if (g_hash_table_size (visits->visits_of) >= MAX_KINDS
           && g_hash_table_foreach_remove (visits->visits_of, is_over, visits) == 0)
    return;
  g_array_append_val (visits->visits,
                      ((Visit) { session, g_strdup (object->label), frame->time, frame->time, frame->system }));
  g_hash_table_replace (visits->visits_of, g_steal_pointer (&kind), GUINT_TO_POINTER (visits->visits->len - 1));
}

static void
take_line (ReportVisits *visits, const char *line, gsize n)
{
  g_auto (Frame) frame = { 0 };
  guint session;

  while (n > 0 && g_ascii_isspace (line[n - 1]))
    n--;
  if (n == 0)
    return;
  if (n > MAX_LINE || !parse_frame (visits, line, n, &frame))
    {
      visits->damaged++;
      return;
    }
  visits->frames++;
  session = session_of (visits, &frame);
  for (guint i = 0; i < frame.objects->len; i++)
    take_object (visits, &frame, session, &g_array_index (frame.objects, Object, i));
}

gboolean
report_visits_read (ReportVisits *visits, FILE *file)
{
  g_autofree char *line = g_malloc (MAX_LINE + 2);
  gsize n = 0;
  int c;

  /* What goes beyond the longest line is dropped, but for one character that tells. */
  while ((c = getc_unlocked (file)) != EOF)
    if (c == '\n')
      {
        take_line (visits, line, n);
        n = 0;
      }
    else if (n <= MAX_LINE)
      line[n++] = (char) c;
  take_line (visits, line, n);
  return !ferror (file);
}

/* ---- the log ------------------------------------------------------------------------------- */

static gboolean
is_live (const Session *session)
{
  double stream = (double) (session->last - session->first);

  if (session->system_first == NO_TIME || session->system_last == NO_TIME || stream <= 0)
    return FALSE;
  return fabs ((double) (session->system_last - session->system_first) - stream) <= PACE * stream;
}

/* Returns: (transfer full) */
static char *
time_text (const Session *session, const Visit *visit)
{
  g_autoptr (GDateTime) when = NULL;
  gint64 seconds = visit->begin / G_USEC_PER_SEC;

  if (is_live (session) && visit->system_begin != NO_TIME)
    when = g_date_time_new_from_unix_local (visit->system_begin / G_USEC_PER_SEC);
  if (when != NULL)
    return g_date_time_format (when, "%H:%M:%S");
  return g_strdup_printf ("%02" G_GINT64_FORMAT ":%02d:%02d", seconds / 3600, (int) (seconds / 60 % 60),
                          (int) (seconds % 60));
}

GPtrArray *
report_visits_lines (const ReportVisits *visits)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < visits->visits->len; i++)
    {
      const Visit *visit = &g_array_index (visits->visits, Visit, i);
      const Session *session = &g_array_index (visits->sessions, Session, visit->session);
      double seconds = (double) (visit->last - visit->begin) / G_USEC_PER_SEC;
      g_autofree char *time = NULL;

      if (seconds < visits->options->min_seconds)
        continue;
      time = time_text (session, visit);
      g_ptr_array_add (lines, g_strdup_printf ("{\"time\":\"%s\",\"camera\":\"%s\",\"label\":\"%s\",\"seconds\":%.0f}",
                                               time, session->camera, visit->label, MAX (1, round (seconds))));
    }
  return lines;
}
