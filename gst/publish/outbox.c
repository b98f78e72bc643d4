/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A bounded queue between the stream and a sender's thread.
 */
#include "gst/publish/outbox.h"

#include <errno.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct
{
  GstPipeloadKind kind;
  char *text;
  gboolean sent; /* handed over; waits to be acknowledged */
  int handle;
} GstPipeloadItem;

typedef struct
{
  char *topic, *text;
  gboolean sent;
} GstPipeloadRetained;

struct _GstPipeloadOutbox
{
  gatomicrefcount refs;
  guint size;
  int fd;
  GstPipeloadReport report;
  gpointer user_data;
  GDestroyNotify destroy;
  GThread *thread; /* the sender's */
  void (*sender_func) (gpointer sender);
  gpointer sender;
  GDestroyNotify sender_destroy;
  GMutex lock; /* of what follows */
  GCond changed;
  GQueue items;        /* GstPipeloadItem, oldest first; those that were sent come first */
  GPtrArray *retained; /* GstPipeloadRetained, in the order in which the topics came */
  guint64 accepted, done, dropped, failures;
  gboolean works;
  int complaint; /* code of the last failure since something worked; -1 = none */
  gboolean interrupted, closed, ended;
};

static void
retained_free (gpointer data)
{
  GstPipeloadRetained *retained = data;

  g_free (retained->topic);
  g_free (retained->text);
  g_free (retained);
}

GstPipeloadOutbox *
gst_pipeload_outbox_new (guint size, GstPipeloadReport report, gpointer user_data, GDestroyNotify destroy,
                         GError **error)
{
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  GstPipeloadOutbox *outbox;

  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "eventfd: %s", g_strerror (errno));
      destroy (user_data);
      return NULL;
    }
  outbox = g_new0 (GstPipeloadOutbox, 1);
  g_atomic_ref_count_init (&outbox->refs);
  outbox->size = MAX (size, 1);
  outbox->fd = fd;
  outbox->report = report;
  outbox->user_data = user_data;
  outbox->destroy = destroy;
  outbox->complaint = -1;
  g_mutex_init (&outbox->lock);
  g_cond_init (&outbox->changed);
  g_queue_init (&outbox->items);
  outbox->retained = g_ptr_array_new_with_free_func (retained_free);
  return outbox;
}

static void
item_free (gpointer data)
{
  GstPipeloadItem *item = data;

  g_free (item->text);
  g_free (item);
}

void
gst_pipeload_outbox_unref (GstPipeloadOutbox *outbox)
{
  if (outbox == NULL || !g_atomic_ref_count_dec (&outbox->refs))
    return;
  g_queue_clear_full (&outbox->items, item_free);
  g_ptr_array_unref (outbox->retained);
  close (outbox->fd);
  outbox->destroy (outbox->user_data);
  g_mutex_clear (&outbox->lock);
  g_cond_clear (&outbox->changed);
  g_free (outbox);
}

/* ---- with the lock held -------------------------------------------------------------------- */

/* A full counter cannot be added to, and is as readable as it gets. */
static void
wake (GstPipeloadOutbox *outbox)
{
  (void) !eventfd_write (outbox->fd, 1);
  g_cond_broadcast (&outbox->changed);
}

static GList *
oldest_unsent (GstPipeloadOutbox *outbox)
{
  GList *link = outbox->items.head;

  while (link != NULL && ((GstPipeloadItem *) link->data)->sent)
    link = link->next;
  return link;
}

static void
remove_item (GstPipeloadOutbox *outbox, GList *link, gboolean dropped)
{
  item_free (link->data);
  g_queue_delete_link (&outbox->items, link);
  if (dropped)
    outbox->dropped++;
  else
    outbox->done++;
  if (g_queue_is_empty (&outbox->items))
    g_cond_broadcast (&outbox->changed);
}

/* One message gives way, if there is one that was not handed over. */
static void
make_room (GstPipeloadOutbox *outbox)
{
  GList *first = oldest_unsent (outbox), *link = first;

  while (link != NULL && ((GstPipeloadItem *) link->data)->kind != GST_PIPELOAD_FRAME)
    link = link->next;
  if (first != NULL)
    remove_item (outbox, link != NULL ? link : first, TRUE);
}

static char *
hand_over (GstPipeloadOutbox *outbox, int handle, GstPipeloadKind *kind)
{
  GList *link = outbox->closed ? NULL : oldest_unsent (outbox);
  GstPipeloadItem *item;

  if (link == NULL)
    return NULL;
  item = link->data;
  item->sent = TRUE;
  item->handle = handle;
  *kind = item->kind;
  return g_strdup (item->text);
}

/* ---- the stream's side --------------------------------------------------------------------- */

void
gst_pipeload_outbox_push (GstPipeloadOutbox *outbox, GstPipeloadKind kind, const char *text)
{
  g_mutex_lock (&outbox->lock);
  if (!outbox->closed)
    {
      GstPipeloadItem *item = g_new0 (GstPipeloadItem, 1);

      item->kind = kind;
      item->text = g_strdup (text);
      if (outbox->items.length >= outbox->size)
        make_room (outbox);
      g_queue_push_tail (&outbox->items, item);
      outbox->accepted++;
      wake (outbox);
    }
  g_mutex_unlock (&outbox->lock);
}

void
gst_pipeload_outbox_retain (GstPipeloadOutbox *outbox, const char *topic, const char *text)
{
  GstPipeloadRetained *retained = NULL;

  g_mutex_lock (&outbox->lock);
  for (guint i = 0; retained == NULL && i < outbox->retained->len; i++)
    if (g_str_equal (((GstPipeloadRetained *) outbox->retained->pdata[i])->topic, topic))
      retained = outbox->retained->pdata[i];
  if (retained == NULL)
    {
      retained = g_new0 (GstPipeloadRetained, 1);
      retained->topic = g_strdup (topic);
      g_ptr_array_add (outbox->retained, retained);
    }
  if (g_strcmp0 (retained->text, text) != 0)
    {
      g_free (retained->text);
      retained->text = g_strdup (text);
      retained->sent = FALSE;
      wake (outbox);
    }
  g_mutex_unlock (&outbox->lock);
}

gboolean
gst_pipeload_outbox_drain (GstPipeloadOutbox *outbox, gint64 until)
{
  gboolean in_time = TRUE, empty;

  g_mutex_lock (&outbox->lock);
  while (!g_queue_is_empty (&outbox->items) && !outbox->interrupted && in_time)
    in_time = g_cond_wait_until (&outbox->changed, &outbox->lock, until);
  empty = g_queue_is_empty (&outbox->items);
  g_mutex_unlock (&outbox->lock);
  return empty;
}

void
gst_pipeload_outbox_interrupt (GstPipeloadOutbox *outbox, gboolean interrupted)
{
  g_mutex_lock (&outbox->lock);
  outbox->interrupted = interrupted;
  g_cond_broadcast (&outbox->changed);
  g_mutex_unlock (&outbox->lock);
}

void
gst_pipeload_outbox_close (GstPipeloadOutbox *outbox, gint64 until)
{
  GThread *thread = g_steal_pointer (&outbox->thread);
  gboolean in_time = TRUE, ended;

  g_mutex_lock (&outbox->lock);
  outbox->closed = TRUE;
  while (!g_queue_is_empty (&outbox->items))
    remove_item (outbox, outbox->items.head, TRUE);
  wake (outbox);
  while (thread != NULL && !outbox->ended && in_time)
    in_time = g_cond_wait_until (&outbox->changed, &outbox->lock, until);
  ended = outbox->ended;
  g_mutex_unlock (&outbox->lock);
  if (thread != NULL && ended)
    g_thread_join (thread);
  else if (thread != NULL)
    g_thread_unref (thread);
}

void
gst_pipeload_outbox_count (GstPipeloadOutbox *outbox, GstPipeloadCounts *counts)
{
  g_mutex_lock (&outbox->lock);
  *counts = (GstPipeloadCounts) { .accepted = outbox->accepted,
                                  .done = outbox->done,
                                  .dropped = outbox->dropped,
                                  .waiting = outbox->items.length,
                                  .failures = outbox->failures,
                                  .works = outbox->works };
  g_mutex_unlock (&outbox->lock);
}

/* ---- the sender's side --------------------------------------------------------------------- */

static gpointer
sender_main (gpointer data)
{
  GstPipeloadOutbox *outbox = data;
  sigset_t signals;

  /* Of writing to what nobody reads, and past a limit on the size of files. Both come to the thread that wrote. */
  sigemptyset (&signals);
  sigaddset (&signals, SIGPIPE);
  sigaddset (&signals, SIGXFSZ);
  pthread_sigmask (SIG_BLOCK, &signals, NULL);
  outbox->sender_func (outbox->sender);
  outbox->sender_destroy (outbox->sender);
  g_mutex_lock (&outbox->lock);
  outbox->ended = TRUE;
  outbox->works = FALSE;
  g_cond_broadcast (&outbox->changed);
  g_mutex_unlock (&outbox->lock);
  gst_pipeload_outbox_unref (outbox);
  return NULL;
}

gboolean
gst_pipeload_outbox_start (GstPipeloadOutbox *outbox, const char *name, void (*func) (gpointer sender), gpointer sender,
                           GDestroyNotify destroy, GError **error)
{
  g_autoptr (GError) why = NULL;

  outbox->sender_func = func;
  outbox->sender = sender;
  outbox->sender_destroy = destroy;
  g_atomic_ref_count_inc (&outbox->refs);
  outbox->thread = g_thread_try_new (name, sender_main, outbox, &why);
  if (outbox->thread != NULL)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", why->message);
  destroy (sender);
  gst_pipeload_outbox_unref (outbox);
  return FALSE;
}

void
gst_pipeload_outbox_failed (GstPipeloadOutbox *outbox, const GError *error)
{
  gboolean news;

  g_mutex_lock (&outbox->lock);
  news = error->code != outbox->complaint && !outbox->closed;
  outbox->complaint = error->code;
  outbox->failures++;
  outbox->works = FALSE;
  g_mutex_unlock (&outbox->lock);
  if (news)
    outbox->report (error, outbox->user_data);
}

void
gst_pipeload_outbox_works (GstPipeloadOutbox *outbox)
{
  g_mutex_lock (&outbox->lock);
  outbox->complaint = -1;
  outbox->works = TRUE;
  g_mutex_unlock (&outbox->lock);
}

int
gst_pipeload_outbox_fd (GstPipeloadOutbox *outbox)
{
  return outbox->fd;
}

void
gst_pipeload_outbox_clear_fd (GstPipeloadOutbox *outbox)
{
  eventfd_t value;

  (void) !eventfd_read (outbox->fd, &value);
}

char *
gst_pipeload_outbox_next (GstPipeloadOutbox *outbox, int handle, GstPipeloadKind *kind)
{
  char *text;

  g_mutex_lock (&outbox->lock);
  text = hand_over (outbox, handle, kind);
  g_mutex_unlock (&outbox->lock);
  return text;
}

char *
gst_pipeload_outbox_wait_next (GstPipeloadOutbox *outbox, int handle, GstPipeloadKind *kind)
{
  char *text;

  g_mutex_lock (&outbox->lock);
  while ((text = hand_over (outbox, handle, kind)) == NULL && !outbox->closed)
    g_cond_wait (&outbox->changed, &outbox->lock);
  g_mutex_unlock (&outbox->lock);
  return text;
}

char *
gst_pipeload_outbox_next_retained (GstPipeloadOutbox *outbox, char **topic)
{
  char *text = NULL;

  g_mutex_lock (&outbox->lock);
  for (guint i = 0; text == NULL && i < outbox->retained->len; i++)
    {
      GstPipeloadRetained *retained = outbox->retained->pdata[i];

      if (retained->sent)
        continue;
      retained->sent = TRUE;
      *topic = g_strdup (retained->topic);
      text = g_strdup (retained->text);
    }
  g_mutex_unlock (&outbox->lock);
  return text;
}

void
gst_pipeload_outbox_done (GstPipeloadOutbox *outbox, int handle, gboolean dropped)
{
  g_mutex_lock (&outbox->lock);
  for (GList *link = outbox->items.head; link != NULL; link = link->next)
    {
      const GstPipeloadItem *item = link->data;

      if (!item->sent)
        break;
      if (item->handle == handle)
        {
          remove_item (outbox, link, dropped);
          break;
        }
    }
  g_mutex_unlock (&outbox->lock);
}

void
gst_pipeload_outbox_again (GstPipeloadOutbox *outbox)
{
  g_mutex_lock (&outbox->lock);
  for (GList *link = outbox->items.head; link != NULL && ((GstPipeloadItem *) link->data)->sent; link = link->next)
    ((GstPipeloadItem *) link->data)->sent = FALSE;
  for (guint i = 0; i < outbox->retained->len; i++)
    ((GstPipeloadRetained *) outbox->retained->pdata[i])->sent = FALSE;
  g_mutex_unlock (&outbox->lock);
}

gboolean
gst_pipeload_outbox_is_closed (GstPipeloadOutbox *outbox)
{
  gboolean closed;

  g_mutex_lock (&outbox->lock);
  closed = outbox->closed;
  g_mutex_unlock (&outbox->lock);
  return closed;
}

gboolean
gst_pipeload_outbox_wait_closed (GstPipeloadOutbox *outbox, gint64 until)
{
  gboolean in_time = TRUE, closed;

  g_mutex_lock (&outbox->lock);
  while (!outbox->closed && in_time)
    in_time = g_cond_wait_until (&outbox->changed, &outbox->lock, until);
  closed = outbox->closed;
  g_mutex_unlock (&outbox->lock);
  return closed;
}
