/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The part of a handle that does not depend on its kind: opening, limits, statistics, plans.
 */
#include "models/api/handle.h"

#include <string.h>

/* ---- options ------------------------------------------------------------------------------- */

void
pld_handle_options_init (const PldHandleType *type, PldEngineOptions *options, gsize size)
{
  g_return_if_fail (size >= sizeof *options);
  memset (options, 0, size);
  options->size = size;
  options->kind = type->kind;
}

PldEngineOptions *
pld_handle_options (const PldHandleType *type, const PldEngineOptions *options)
{
  PldEngineOptions *own;

  g_return_val_if_fail (options != NULL && options->size >= sizeof *options, NULL);
  g_return_val_if_fail (options->kind == type->kind, NULL);
  own = g_malloc0 (type->options_size);
  memcpy (own, options, MIN (options->size, type->options_size));
  return own;
}

static char *
options_path (const PldHandleType *type, const PldEngineOptions *options, GError **error)
{
  if (options->model != NULL && options->model[0] != '\0')
    return g_strdup (options->model);
  return pld_bundled_model (type->bundled, error);
}

static PldInputSize
options_input (const PldHandleType *type, const PldEngineOptions *options)
{
  return type->input != NULL ? type->input (options) : (PldInputSize) { 0 };
}

static PldDemand
options_user (const PldEngineOptions *options)
{
  return (PldDemand) {
    .limit = options->memory_limit,
    .loaders = options->loaders,
    .pipelining = options->pipelining,
    .threads = options->threads > 0 ? options->threads : pld_team_cores (),
  };
}

/* ---- opening and closing ------------------------------------------------------------------- */

gboolean
pld_handle_join (PldHandle *handle, const PldHandleType *type, const PldEngineOptions *options,
                 PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_mutex_init (&handle->user_lock);
  handle->user = options_user (options);
  handle->warnings = g_ptr_array_new_null_terminated (1, g_free, TRUE);
  handle->path = options_path (type, options, error);
  if (handle->path != NULL)
    handle->core = pld_core_join (type->kind, handle->path, options_input (type, options), &handle->user, type->measure,
                                  (gpointer) options, progress, user_data, cancellable, error);
  if (handle->core == NULL)
    return FALSE;
  for (guint i = 0; i < pld_core_model (handle->core)->warnings->len; i++)
    pld_handle_warn (handle, "%s", (const char *) pld_core_model (handle->core)->warnings->pdata[i]);
  return TRUE;
}

void
pld_handle_warn (PldHandle *handle, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (handle->warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

void
pld_handle_leave (PldHandle *handle, GDestroyNotify destroy)
{
  pld_core_leave (&handle->core, &handle->user, destroy, handle);
}

void
pld_handle_clear (PldHandle *handle)
{
  g_mutex_clear (&handle->user_lock);
  g_clear_pointer (&handle->warnings, g_ptr_array_unref);
  g_free (handle->path);
}

/* ---- while it is open ---------------------------------------------------------------------- */

const char *
pld_handle_get_path (PldHandle *handle)
{
  return handle->path;
}

const char *const *
pld_handle_get_warnings (PldHandle *handle)
{
  return (const char *const *) handle->warnings->pdata;
}

gboolean
pld_handle_set_memory_limit (PldHandle *handle, guint64 limit, GError **error)
{
  PldDemand demand;
  gboolean ok;

  g_mutex_lock (&handle->user_lock);
  demand = handle->user;
  demand.limit = limit;
  ok = pld_core_set_user (handle->core, &handle->user, &demand, error);
  g_mutex_unlock (&handle->user_lock);
  return ok;
}

gboolean
pld_handle_set_bytes (PldHandle *handle, guint64 bytes, GError **error)
{
  PldDemand demand;
  gboolean ok;

  g_mutex_lock (&handle->user_lock);
  demand = handle->user;
  demand.bytes = bytes;
  ok = pld_core_set_user (handle->core, &handle->user, &demand, error);
  g_mutex_unlock (&handle->user_lock);
  return ok;
}

void
pld_handle_copy_stats (PldHandle *handle, PldStats *stats, gsize size)
{
  PldStats own;

  pld_core_get_stats (handle->core, &own);
  memset (stats, 0, size);
  memcpy (stats, &own, MIN (size, sizeof own));
}

/* ---- plans --------------------------------------------------------------------------------- */

PldPlanInfo *
pld_handle_plan (const PldHandleType *type, const PldEngineOptions *options, gboolean predict,
                 GCancellable *cancellable, GError **error)
{
  g_autofree PldEngineOptions *own = pld_handle_options (type, options);
  g_autofree char *path = own != NULL ? options_path (type, own, error) : NULL;
  g_autofree PldPlanInfo *info = g_new0 (PldPlanInfo, 1);
  PldDemand user;

  if (path == NULL)
    return NULL;
  user = options_user (own);
  if (!pld_core_plan_info (type->kind, path, options_input (type, own), &user, type->measure, own, predict, info,
                           cancellable, error))
    return NULL;
  return g_steal_pointer (&info);
}
