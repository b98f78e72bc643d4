/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Prints the results of the detect verb.
 */
#include "apps/detect/detect.h"

#include <stdio.h>

/* Returns: (transfer full): one line */
static char *
to_json (const PldDetect *detect, const PldDetectResult *result)
{
  const PldFrame frame = {
    .timestamp = result->time,
    .system_time = result->system_time,
    .camera = detect->camera,
    .source = result->source,
    .number = (gint64) result->frame,
    .width = result->width,
    .height = result->height,
  };

  return pld_frame_to_json (&frame, result->objects, NULL, result->n);
}

/* Where it is, in pixels as JSON has them: left, top, width and height; nothing for what the whole picture is. */
static void
print_place (const PldDetectResult *result, const PldObject *object)
{
  const int x = (int) (object->x_min * result->width + 0.5), right = (int) (object->x_max * result->width + 0.5);
  const int y = (int) (object->y_min * result->height + 0.5), bottom = (int) (object->y_max * result->height + 0.5);

  if (object->x_min > 0 || object->y_min > 0 || object->x_max < 1 || object->y_max < 1)
    printf (" at %d,%d %dx%d", x, y, right - x, bottom - y);
}

static void
print_text (const PldDetect *detect, const PldDetectResult *result)
{
  if (!result->video || detect->many)
    printf ("%s  ", result->source);
  if (result->video && result->time == G_MAXUINT64)
    printf ("frame %" G_GUINT64_FORMAT " ", result->frame);
  else if (result->video)
    {
      guint64 ms = result->time / 1000000;

      printf ("%02" G_GUINT64_FORMAT ":%02u:%02u.%03u ", ms / 3600000, (guint) (ms / 60000 % 60),
              (guint) (ms / 1000 % 60), (guint) (ms % 1000));
    }
  for (guint i = 0; i < result->n; i++)
    {
      printf ("%s%s %.2f", i > 0 ? ", " : "", result->objects[i].label, result->objects[i].confidence);
      print_place (result, &result->objects[i]);
    }
  puts (result->n > 0 ? "" : "-");
}

void
pld_detect_print (const PldDetect *detect, const PldDetectResult *result, gboolean changed)
{
  g_autofree char *json = detect->json || detect->output != NULL ? to_json (detect, result) : NULL;

  pld_tool_progress_end ();
  if (detect->output != NULL)
    fprintf (detect->output, "%s\n", json);
  if (detect->json)
    puts (json);
  else if (changed || detect->all)
    print_text (detect, result);
  /* Readers of a pipe want each result at once. */
  fflush (stdout);
}

void
pld_detect_complain (PldDetect *detect, const char *source, const char *message)
{
  pld_tool_progress_end ();
  fprintf (stderr, "pipeload: %s: %s\n", source, message);
  detect->bad = TRUE;
}
