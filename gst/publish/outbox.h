/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Messages on their way to something that is slow, full or away: a bounded queue that a stream fills without ever
 * waiting and the thread of a sender empties. A message stays in it until its receiver has it, so a sender that loses
 * its receiver begins again with the oldest that is left, in order.
 *
 * When it is full, the oldest message that was not handed over is dropped: a frame if there is one, else an event.
 * Messages that were handed over are never dropped, so a queue holds at most one message more than its size or its
 * sender's hands do.
 *
 * All functions may be called from any thread, unless they are said to be the sender's. Knows no GStreamer.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  GST_PIPELOAD_EVENT, /* rare, and each counts */
  GST_PIPELOAD_FRAME, /* many; newer ones replace older ones */
} GstPipeloadKind;

/* accepted = done + dropped + waiting, always. */
typedef struct
{
  guint64 accepted, done, dropped, waiting;
  guint64 failures; /* tries that the sender said have failed */
  gboolean works;   /* the receiver accepts messages, as far as the sender knows */
} GstPipeloadCounts;

typedef struct _GstPipeloadOutbox GstPipeloadOutbox;

/* A problem of the sender; @error is in the domain G_IO_ERROR. Called in the sender's thread. */
typedef void (*GstPipeloadReport) (const GError *error, gpointer user_data);

/* @size: messages at most, 1 or more. @user_data is freed with @destroy with the outbox, on failure too.
 * Fails with G_IO_ERROR when the process has no more file descriptors. */
GstPipeloadOutbox *gst_pipeload_outbox_new (guint size, GstPipeloadReport report, gpointer user_data,
                                            GDestroyNotify destroy, GError **error);
void gst_pipeload_outbox_unref (GstPipeloadOutbox *outbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadOutbox, gst_pipeload_outbox_unref)

/* A closed outbox refuses messages. */
void gst_pipeload_outbox_push (GstPipeloadOutbox *outbox, GstPipeloadKind kind, const char *text);

/* The retained state of @topic: only the newest counts, and it is sent again after each interruption. */
void gst_pipeload_outbox_retain (GstPipeloadOutbox *outbox, const char *topic, const char *text);

/* Waits until all messages are done, or @until (monotonic time), or an interruption, which holds until it is taken
 * back. Returns: whether none is left */
gboolean gst_pipeload_outbox_drain (GstPipeloadOutbox *outbox, gint64 until);
void gst_pipeload_outbox_interrupt (GstPipeloadOutbox *outbox, gboolean interrupted);

/* Takes no more messages, drops what is left, ends the sender and waits for it until @until (monotonic time).
 * One that hangs in the system then ends for itself, with a reference of its own. */
void gst_pipeload_outbox_close (GstPipeloadOutbox *outbox, gint64 until);

void gst_pipeload_outbox_count (GstPipeloadOutbox *outbox, GstPipeloadCounts *counts);

/* ---- for the sender ---- */

/* Runs @func (@sender) in a thread named @name, where writing to a closed socket or pipe is an error and no signal,
 * until the outbox is closed; then @destroy (@sender), on failure too. An outbox has one sender. Fails with G_IO_ERROR.
 */
gboolean gst_pipeload_outbox_start (GstPipeloadOutbox *outbox, const char *name, void (*func) (gpointer sender),
                                    gpointer sender, GDestroyNotify destroy, GError **error);

/* A try has failed: counted, and reported unless the last failure was of the same code and nothing has worked since. */
void gst_pipeload_outbox_failed (GstPipeloadOutbox *outbox, const GError *error);
void gst_pipeload_outbox_works (GstPipeloadOutbox *outbox);

/* A file descriptor that is readable when something was pushed, or the outbox closed, since it was last cleared. */
int gst_pipeload_outbox_fd (GstPipeloadOutbox *outbox);
void gst_pipeload_outbox_clear_fd (GstPipeloadOutbox *outbox);

/* Hands the oldest message that waits over to the sender, under @handle.
 * Returns: (transfer full) (nullable): its text; NULL if there is none, or the outbox is closed */
char *gst_pipeload_outbox_next (GstPipeloadOutbox *outbox, int handle, GstPipeloadKind *kind);

/* The same, but waits for one. Returns: NULL once the outbox is closed */
char *gst_pipeload_outbox_wait_next (GstPipeloadOutbox *outbox, int handle, GstPipeloadKind *kind);

/* The retained messages that were not sent since they changed.
 * Returns: (transfer full) (nullable): its text; @topic: (transfer full) */
char *gst_pipeload_outbox_next_retained (GstPipeloadOutbox *outbox, char **topic);

/* The receiver has the message @handle, or never will (@dropped). Others are ignored. */
void gst_pipeload_outbox_done (GstPipeloadOutbox *outbox, int handle, gboolean dropped);

/* All that were handed over and are not done wait again, and all that is retained. */
void gst_pipeload_outbox_again (GstPipeloadOutbox *outbox);

gboolean gst_pipeload_outbox_is_closed (GstPipeloadOutbox *outbox);

/* Waits until @until (monotonic time) or the closing. Returns: whether it is closed */
gboolean gst_pipeload_outbox_wait_closed (GstPipeloadOutbox *outbox, gint64 until);

G_END_DECLS
