/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The queue between a stream and a sender: order, what gives way when it is full, what is sent again, its end.
 */
#include "gst/publish/outbox.h"

#include <gio/gio.h>
#include <string.h>

#define MINUTE (60 * G_USEC_PER_SEC)

static guint complaints;

static void
complain (const GError *error, gpointer user_data)
{
  complaints++;
}

static void
count_free (gpointer data)
{
  ++*(guint *) data;
}

static GstPipeloadOutbox *
make (guint size)
{
  static guint freed;
  g_autoptr (GError) error = NULL;
  GstPipeloadOutbox *outbox = gst_pipeload_outbox_new (size, complain, &freed, count_free, &error);

  g_assert_no_error (error);
  complaints = 0;
  return outbox;
}

static void
assert_next (GstPipeloadOutbox *outbox, int handle, const char *text)
{
  GstPipeloadKind kind;
  g_autofree char *next = gst_pipeload_outbox_next (outbox, handle, &kind);

  g_assert_cmpstr (next, ==, text);
}

static void
assert_counts (GstPipeloadOutbox *outbox, guint64 done, guint64 dropped, guint64 waiting)
{
  GstPipeloadCounts counts;

  gst_pipeload_outbox_count (outbox, &counts);
  g_assert_cmpuint (counts.done, ==, done);
  g_assert_cmpuint (counts.dropped, ==, dropped);
  g_assert_cmpuint (counts.waiting, ==, waiting);
  g_assert_cmpuint (counts.accepted, ==, done + dropped + waiting);
}

static void
test_order (void)
{
  g_autoptr (GstPipeloadOutbox) outbox = make (10);

  assert_next (outbox, 1, NULL);
  for (const char *name = "abcd"; *name != '\0'; name++)
    gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, (char[]) { *name, '\0' });
  assert_next (outbox, 1, "a");
  assert_next (outbox, 2, "b");
  assert_next (outbox, 3, "c");
  gst_pipeload_outbox_done (outbox, 2, FALSE); /* acknowledged out of order */
  gst_pipeload_outbox_done (outbox, 9, FALSE); /* of nobody */
  gst_pipeload_outbox_done (outbox, 0, FALSE); /* not what was never sent */
  assert_counts (outbox, 1, 0, 3);
  gst_pipeload_outbox_again (outbox);
  assert_next (outbox, 4, "a");
  assert_next (outbox, 5, "c");
  assert_next (outbox, 6, "d");
  gst_pipeload_outbox_done (outbox, 1, FALSE); /* of before */
  assert_counts (outbox, 1, 0, 3);
  gst_pipeload_outbox_done (outbox, 4, FALSE);
  gst_pipeload_outbox_done (outbox, 5, TRUE);
  gst_pipeload_outbox_done (outbox, 6, FALSE);
  assert_counts (outbox, 3, 1, 0);
  g_assert_true (gst_pipeload_outbox_drain (outbox, 0));
}

/* Frames before events, the oldest first, and never what was handed over. */
static void
test_full (void)
{
  g_autoptr (GstPipeloadOutbox) outbox = make (4);

  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_FRAME, "sent");
  assert_next (outbox, 1, "sent");
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "e1");
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_FRAME, "f1");
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_FRAME, "f2");
  assert_counts (outbox, 0, 0, 4);
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "e2"); /* for f1 */
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "e3"); /* for f2 */
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "e4"); /* for e1 */
  assert_counts (outbox, 0, 3, 4);
  assert_next (outbox, 2, "e2");
  assert_next (outbox, 3, "e3");
  assert_next (outbox, 4, "e4");
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "e5"); /* all others are in the sender's hands */
  assert_counts (outbox, 0, 3, 5);
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "e6"); /* for e5 */
  assert_counts (outbox, 0, 4, 5);
  gst_pipeload_outbox_again (outbox);
  for (int i = 0; i < 5; i++)
    assert_next (outbox, 10 + i, ((const char *[]) { "sent", "e2", "e3", "e4", "e6" })[i]);
}

static void
assert_retained (GstPipeloadOutbox *outbox, const char *topic, const char *text)
{
  g_autofree char *name = NULL;
  g_autofree char *next = gst_pipeload_outbox_next_retained (outbox, &name);

  g_assert_cmpstr (next, ==, text);
  if (text != NULL)
    g_assert_cmpstr (name, ==, topic);
}

/* The newest of each topic, when it changes and after an interruption. */
static void
test_retained (void)
{
  g_autoptr (GstPipeloadOutbox) outbox = make (1);

  gst_pipeload_outbox_retain (outbox, "a", "1");
  gst_pipeload_outbox_retain (outbox, "b", "1");
  gst_pipeload_outbox_retain (outbox, "a", "2");
  assert_retained (outbox, "a", "2");
  assert_retained (outbox, "b", "1");
  assert_retained (outbox, NULL, NULL);
  gst_pipeload_outbox_retain (outbox, "b", "1");
  assert_retained (outbox, NULL, NULL);
  gst_pipeload_outbox_retain (outbox, "b", "2");
  assert_retained (outbox, "b", "2");
  gst_pipeload_outbox_again (outbox);
  assert_retained (outbox, "a", "2");
  assert_retained (outbox, "b", "2");
  assert_counts (outbox, 0, 0, 0);
}

static void
send_all (gpointer sender)
{
  GstPipeloadOutbox *outbox = sender;
  GstPipeloadKind kind;
  char *text;

  while ((text = gst_pipeload_outbox_wait_next (outbox, 1, &kind)) != NULL)
    {
      if (!g_str_equal (text, "stay"))
        gst_pipeload_outbox_done (outbox, 1, FALSE);
      g_free (text);
    }
}

static void
nothing (gpointer data)
{
}

static void
test_sender (void)
{
  g_autoptr (GstPipeloadOutbox) outbox = make (2000);
  g_autoptr (GError) error = NULL;

  g_assert_true (gst_pipeload_outbox_start (outbox, "test", send_all, outbox, nothing, &error));
  for (guint i = 0; i < 1000; i++)
    gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "x");
  g_assert_true (gst_pipeload_outbox_drain (outbox, g_get_monotonic_time () + MINUTE));
  assert_counts (outbox, 1000, 0, 0);
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "stay");
  g_assert_false (gst_pipeload_outbox_drain (outbox, g_get_monotonic_time () + 1000));
  gst_pipeload_outbox_interrupt (outbox, TRUE);
  g_assert_false (gst_pipeload_outbox_drain (outbox, G_MAXINT64));
  gst_pipeload_outbox_close (outbox, g_get_monotonic_time () + MINUTE);
  gst_pipeload_outbox_push (outbox, GST_PIPELOAD_EVENT, "late");
  assert_counts (outbox, 1000, 1, 0);
}

/* A complaint a stretch and kind, and none of what ends anyway. */
static void
test_complaints (void)
{
  g_autoptr (GstPipeloadOutbox) outbox = make (1);
  g_autoptr (GError) full = g_error_new (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
  g_autoptr (GError) gone = g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "gone");
  GstPipeloadCounts counts;

  for (guint i = 0; i < 3; i++)
    gst_pipeload_outbox_failed (outbox, full);
  g_assert_cmpuint (complaints, ==, 1);
  gst_pipeload_outbox_failed (outbox, gone);
  g_assert_cmpuint (complaints, ==, 2);
  gst_pipeload_outbox_works (outbox);
  gst_pipeload_outbox_count (outbox, &counts);
  g_assert_true (counts.works);
  gst_pipeload_outbox_failed (outbox, gone);
  g_assert_cmpuint (complaints, ==, 3);
  gst_pipeload_outbox_close (outbox, 0);
  gst_pipeload_outbox_failed (outbox, full);
  g_assert_cmpuint (complaints, ==, 3);
  gst_pipeload_outbox_count (outbox, &counts);
  g_assert_cmpuint (counts.failures, ==, 6);
  g_assert_false (counts.works);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/outbox/order", test_order);
  g_test_add_func ("/outbox/full", test_full);
  g_test_add_func ("/outbox/retained", test_retained);
  g_test_add_func ("/outbox/sender", test_sender);
  g_test_add_func ("/outbox/complaints", test_complaints);
  return g_test_run ();
}
