/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GLib's mutexes and conditions are futexes of its own, which ThreadSanitizer does not see: without this every lock
 * looks like none. In builds with -Db_sanitize=thread these wrappers report to it what the real functions do.
 */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

static typeof (&g_mutex_lock) real_lock;
static typeof (&g_mutex_trylock) real_trylock;
static typeof (&g_mutex_unlock) real_unlock;
static typeof (&g_mutex_init) real_init;
static typeof (&g_atomic_ref_count_dec) real_dec;
static typeof (&g_cond_wait) real_wait;
static typeof (&g_cond_wait_until) real_wait_until;

/* Idempotent; a library's constructor may lock before ours has run, while there is only one thread. */
__attribute__ ((constructor)) static void
find_real (void)
{
  real_lock = (typeof (real_lock)) dlsym (RTLD_NEXT, "g_mutex_lock");
  real_init = (typeof (real_init)) dlsym (RTLD_NEXT, "g_mutex_init");
  real_trylock = (typeof (real_trylock)) dlsym (RTLD_NEXT, "g_mutex_trylock");
  real_unlock = (typeof (real_unlock)) dlsym (RTLD_NEXT, "g_mutex_unlock");
  real_dec = (typeof (real_dec)) dlsym (RTLD_NEXT, "g_atomic_ref_count_dec");
  real_wait = (typeof (real_wait)) dlsym (RTLD_NEXT, "g_cond_wait");
  real_wait_until = (typeof (real_wait_until)) dlsym (RTLD_NEXT, "g_cond_wait_until");
}

/* An object is initialized before another thread gets to it, however it is handed over: by GThreadPool's queue, say. */
void
g_mutex_init (GMutex *mutex)
{
  if (real_init == NULL)
    find_real ();
  real_init (mutex);
  __tsan_release (mutex);
}

void
g_mutex_lock (GMutex *mutex)
{
  if (real_lock == NULL)
    find_real ();
  __tsan_acquire (mutex);
  __tsan_mutex_pre_lock (mutex, 0);
  real_lock (mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

/* Pango's way. */
gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean locked;

  if (real_trylock == NULL)
    find_real ();
  __tsan_acquire (mutex);
  __tsan_mutex_pre_lock (mutex, __tsan_mutex_try_lock);
  locked = real_trylock (mutex);
  __tsan_mutex_post_lock (mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  real_unlock (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  real_wait (cond, mutex);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean woken;

  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  woken = real_wait_until (cond, mutex, end_time);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
  return woken;
}

/* The last reference comes after all that was done under the others. */
gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  gboolean last;

  __tsan_release (count);
  last = real_dec (count);
  if (last)
    __tsan_acquire (count);
  return last;
}
