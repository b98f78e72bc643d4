/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counts the frames and visits of a recording, and formats rows of the tables.
 */
#include "apps/analyse/facts.h"

#include <string.h>

typedef struct
{
  GstClockTime start, end;
} Span;

void
analyse_facts_init (AnalyseFacts *facts)
{
  *facts = (AnalyseFacts) { .first_look = GST_CLOCK_TIME_NONE };
  facts->ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  facts->presence = g_array_new (FALSE, FALSE, sizeof (Span));
}

void
analyse_facts_clear (AnalyseFacts *facts)
{
  g_clear_pointer (&facts->ids, g_hash_table_unref);
  g_clear_pointer (&facts->presence, g_array_unref);
}

void
analyse_facts_frame (AnalyseFacts *facts, GstClockTime time, GstClockTime duration, gboolean looked)
{
  facts->frames++;
  facts->looked += looked;
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  facts->end = MAX (facts->end, time + (GST_CLOCK_TIME_IS_VALID (duration) ? duration : 0));
  if (!looked)
    return;
  if (!GST_CLOCK_TIME_IS_VALID (facts->first_look))
    facts->first_look = time;
  facts->last_look = time;
}

void
analyse_facts_enter (AnalyseFacts *facts, guint64 id)
{
  facts->visits++;
  if (id > 0)
    g_hash_table_add (facts->ids, g_memdup2 (&id, sizeof id));
}

void
analyse_facts_leave (AnalyseFacts *facts, GstClockTime start, GstClockTime end)
{
  g_array_append_val (facts->presence, ((Span) { start, end }));
}

/* ---- the row ------------------------------------------------------------------------------- */

static int
compare_spans (gconstpointer a, gconstpointer b)
{
  const GstClockTime x = ((const Span *) a)->start, y = ((const Span *) b)->start;

  return x < y ? -1 : x > y;
}

/* Time in which somebody was there; visits overlap. */
static GstClockTime
sum_presence (AnalyseFacts *facts)
{
  GstClockTime sum = 0, until = 0;

  g_array_sort (facts->presence, compare_spans);
  for (guint i = 0; i < facts->presence->len; i++)
    {
      const Span *span = &g_array_index (facts->presence, Span, i);

      if (span->end > until)
        sum += span->end - MAX (span->start, until);
      until = MAX (until, span->end);
    }
  return sum;
}

/* A comma, and seconds. */
static void
append_seconds (GString *row, GstClockTime time)
{
  const guint64 ms = (time + GST_MSECOND / 2) / GST_MSECOND;

  g_string_append_printf (row, ",%" G_GUINT64_FORMAT ".%03u", ms / 1000, (guint) (ms % 1000));
}

static void
append_text (GString *row, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "\"", -1);
  g_autofree char *doubled = g_strjoinv ("\"\"", parts);

  if (strpbrk (text, "\",\r\n") == NULL)
    g_string_append (row, text);
  else
    g_string_append_printf (row, "\"%s\"", doubled);
}

char *
analyse_facts_row (AnalyseFacts *facts, const char *name, const char *error)
{
  GString *row = g_string_new (NULL);
  const GstClockTime presence = sum_presence (facts);
  GstClockTime last = 0;

  append_text (row, name);
  append_seconds (row, facts->end);
  g_string_append_printf (row, ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT, facts->frames, facts->looked);
  append_seconds (row, facts->looked > 1 ? (facts->last_look - facts->first_look) / (facts->looked - 1) : 0);
  g_string_append_printf (row, ",%u,%u", facts->visits, g_hash_table_size (facts->ids));
  append_seconds (row, presence);
  for (guint i = 0; i < facts->presence->len; i++)
    last = MAX (last, g_array_index (facts->presence, Span, i).end);
  if (facts->presence->len > 0)
    {
      append_seconds (row, g_array_index (facts->presence, Span, 0).start);
      append_seconds (row, last);
    }
  else
    g_string_append (row, ",,");
  g_string_append_c (row, ',');
  append_text (row, error != NULL ? error : "");
  g_string_append_c (row, '\n');
  return g_string_free (row, FALSE);
}

char *
analyse_visit_row (const char *name, GstClockTime start, GstClockTime end, const char *label, guint64 id,
                   const char *zone, const char *sheet)
{
  GString *row = g_string_new (NULL);

  append_text (row, name);
  append_seconds (row, start);
  append_seconds (row, end);
  g_string_append_c (row, ',');
  append_text (row, label);
  g_string_append_printf (row, ",%" G_GUINT64_FORMAT ",", id);
  append_text (row, zone);
  g_string_append_c (row, ',');
  append_text (row, sheet != NULL ? sheet : "");
  g_string_append_c (row, '\n');
  return g_string_free (row, FALSE);
}
