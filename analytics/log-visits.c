/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parses a log's lines into frames, hands each camera's frames to a visits machine of its own, and writes the visits.
 */
#include "analytics/log-visits.h"

#include "pipeload/pipeload.h"
#include "analytics/visits.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define MAX_LINE (1u << 20)
#define MAX_NAME 16
#define NO_TIME G_MININT64
#define PACE 0.1 /* how far the clock may be off the stream, as a share of its length, for a live one */

/* A stream from its beginning on, until its time goes back. Times are microseconds, or NO_TIME. */
typedef struct
{
  char *camera;
  gint64 first, last;               /* of the stream */
  gint64 system_first, system_last; /* since 1970 */
  PldVisits *machine;               /* in microseconds since @first; NULL: the stream is over */
} Session;

typedef struct
{
  guint session;
  const char *label; /* interned */
  guint64 id;
  gint64 begin, last, system_begin;
} Visit;

struct _PldLogVisits
{
  const PldLogOptions *options;
  PldVisitsSettings settings; /* each sighting counts at once, the gap ends visits */
  PldZones *everywhere;
  GArray *sessions;        /* Session */
  GArray *visits;          /* Visit, in the order of their beginnings */
  GHashTable *sessions_of; /* camera → index of its session */
  GArray *events;          /* PldVisitEvent, of one call */
  guint64 frames, damaged;
};

/* One line. */
typedef struct
{
  gint64 time, system;
  char *camera;     /* as the visits name it */
  GArray *visitors; /* PldVisitor; objects of a label that have no id are one */
} Frame;

static void
session_clear (gpointer data)
{
  Session *session = data;

  g_free (session->camera);
  pld_visits_free (session->machine);
}

static void
frame_clear (Frame *frame)
{
  g_free (frame->camera);
  g_clear_pointer (&frame->visitors, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Frame, frame_clear)

static PldLogVisits *
log_visits_new (const PldLogOptions *options)
{
  PldLogVisits *visits = g_new0 (PldLogVisits, 1);

  visits->options = options;
  /* A gap of exactly this length does not end a visit yet. */
  visits->settings
      = (PldVisitsSettings) { .median = 1, .inertia = 1, .leave_after = (guint64) (options->gap * G_USEC_PER_SEC) + 1 };
  visits->everywhere = pld_zones_load (NULL, NULL);
  visits->sessions = g_array_new (FALSE, FALSE, sizeof (Session));
  g_array_set_clear_func (visits->sessions, session_clear);
  visits->visits = g_array_new (FALSE, FALSE, sizeof (Visit));
  visits->sessions_of = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  visits->events = g_array_new (FALSE, FALSE, sizeof (PldVisitEvent));
  return visits;
}

void
pld_log_visits_free (PldLogVisits *visits)
{
  if (visits == NULL)
    return;
  g_array_unref (visits->sessions);
  g_array_unref (visits->visits);
  g_hash_table_unref (visits->sessions_of);
  g_array_unref (visits->events);
  pld_zones_free (visits->everywhere);
  g_free (visits);
}

void
pld_log_visits_count (const PldLogVisits *visits, guint64 *frames, guint64 *damaged)
{
  *frames = visits->frames;
  *damaged = visits->damaged;
}

/* ---- names --------------------------------------------------------------------------------- */

/* Reduces a label to characters that the model may meet. Returns: (transfer full): empty if nothing is left */
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

/* Returns: whether @objects is a list of objects with labels; those that count are @frame's visitors then */
static gboolean
get_objects (const PldLogVisits *visits, JsonArray *objects, Frame *frame)
{
  frame->visitors = g_array_new (FALSE, FALSE, sizeof (PldVisitor));
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
        g_array_append_val (frame->visitors, ((PldVisitor) { .id = id > 0 && id < G_MAXINT32 ? (guint64) id : 0,
                                                             .label = g_intern_string (name),
                                                             .confidence = 1,
                                                             .box = { 0, 0, 1, 1 } }));
    }
  return TRUE;
}

static gboolean
parse_frame (const PldLogVisits *visits, const char *line, gsize n, Frame *frame)
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

/* Takes over the machine's events; @system: of the frame that made them. */
static void
handle_events (PldLogVisits *visits, guint session, gint64 system)
{
  const gint64 first = g_array_index (visits->sessions, Session, session).first;

  for (guint i = 0; i < visits->events->len; i++)
    {
      const PldVisitEvent *event = &g_array_index (visits->events, PldVisitEvent, i);
      const Visit visit = {
        session, event->visitor.label, event->visitor.id, first + (gint64) event->start, first + (gint64) event->end,
        system
      };
      guint j = visits->visits->len;

      if (event->kind == PLD_VISIT_ENTER)
        g_array_append_val (visits->visits, visit);
      while (event->kind == PLD_VISIT_LEAVE && j-- > 0)
        {
          Visit *begun = &g_array_index (visits->visits, Visit, j);

          if (begun->session != session || begun->begin != visit.begin || begun->id != visit.id
              || begun->label != visit.label)
            continue;
          begun->last = visit.last;
          break;
        }
    }
  g_array_set_size (visits->events, 0);
}

static void
end_session (PldLogVisits *visits, guint index)
{
  Session *session = &g_array_index (visits->sessions, Session, index);

  if (session->machine == NULL)
    return;
  pld_visits_finish (session->machine, &visits->settings, visits->events);
  g_clear_pointer (&session->machine, pld_visits_free);
  handle_events (visits, index, NO_TIME);
}

/* The stream that the frame belongs to: its camera's, or a new one if that one's time has gone back. */
static guint
session_of (PldLogVisits *visits, const Frame *frame)
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
      end_session (visits, GPOINTER_TO_UINT (index));
    }
  g_array_append_val (visits->sessions, ((Session) { g_strdup (frame->camera), frame->time, frame->time, frame->system,
                                                     frame->system, pld_visits_new (visits->everywhere) }));
  g_hash_table_replace (visits->sessions_of, g_strdup (frame->camera), GUINT_TO_POINTER (visits->sessions->len - 1));
  return visits->sessions->len - 1;
}

static void
handle_frame (PldLogVisits *visits, const Frame *frame)
{
  const guint index = session_of (visits, frame);
  const Session *session = &g_array_index (visits->sessions, Session, index);
  const guint64 time = (guint64) (frame->time - session->first);

  /* First without its objects, so that a visit does not go on over a gap in the log. */
  pld_visits_process (session->machine, &visits->settings, time, NULL, 0, FALSE, visits->events);
  handle_events (visits, index, frame->system);
  pld_visits_process (session->machine, &visits->settings, time,
                      (const PldVisitor *) (gconstpointer) frame->visitors->data, frame->visitors->len, TRUE,
                      visits->events);
  handle_events (visits, index, frame->system);
}

static void
handle_line (PldLogVisits *visits, const char *line, gsize n)
{
  g_auto (Frame) frame = { 0 };

  while (n > 0 && g_ascii_isspace (line[n - 1]))
    n--;
  if (n == 0)
    return;
  if (n <= MAX_LINE && parse_frame (visits, line, n, &frame))
    {
      visits->frames++;
      handle_frame (visits, &frame);
    }
  else
    visits->damaged++;
}

PldLogVisits *
pld_log_visits_read (const PldLogOptions *options, FILE *file)
{
  g_autoptr (PldLogVisits) visits = log_visits_new (options);
  g_autofree char *line = g_malloc (MAX_LINE + 2);
  gsize n = 0;
  int c;

  /* Bytes beyond the longest line are dropped, except for one, which marks the line as too long. */
  while ((c = getc_unlocked (file)) != EOF)
    if (c == '\n')
      {
        handle_line (visits, line, n);
        n = 0;
      }
    else if (n <= MAX_LINE)
      line[n++] = (char) c;
  handle_line (visits, line, n);
  for (guint i = 0; i < visits->sessions->len; i++)
    end_session (visits, i);
  return ferror (file) ? NULL : g_steal_pointer (&visits);
}

/* ---- the visits' lines --------------------------------------------------------------------- */

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
pld_log_visits_lines (const PldLogVisits *visits)
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
