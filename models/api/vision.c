/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The facade for vision models: pld_vision_*. A handle owns its pictures at the model's input size; passes are the
 * shared core's.
 */
#include <string.h>

#include "models/core/core.h"

#define BATCH_MAX 64

struct _PldVision
{
  PldCore *core;
  GMutex user_lock; /* held while user is read and replaced */
  PldDemand user;
  PldVisionInfo info;
  char *path;
  guint batch;
  PldScaler *scaler;
  PldBuffer rgb;    /* [batch, height, width, 3] */
  PldBuffer pixels; /* float [batch, 3, height, width]; once pld_vision_load_pixels() was used */
  PldBuffer kept;   /* [height, width, 3]; see pld_vision_change() */
  gboolean has_kept;
  PldBuffer values; /* float [batch, n_values] */
  PldItem *items;   /* [batch] */
};

static const PldVisionNet *
model_net (const PldModel *model)
{
  return (const PldVisionNet *) model->net;
}

static const PldVisionNet *
handle_net (const PldVision *vision)
{
  return model_net (pld_core_model (vision->core));
}

static gsize
picture_bytes (const PldVisionNet *net)
{
  return (gsize) net->input_width * net->input_height * 3;
}

/* What a handle holds itself: pictures, results, a scaler; @with_pixels: float pictures too. */
static guint64
handle_bytes (const PldModel *model, guint batch, gboolean with_pixels)
{
  const PldVisionNet *net = model_net (model);
  const guint64 n = picture_bytes (net);

  return pld_buffer_cost (batch * n) + pld_buffer_cost (n) + pld_scaler_cost (net->input_width, net->input_height)
         + pld_buffer_cost ((guint64) batch * net->base.n_outputs * sizeof (float))
         + (with_pixels ? pld_buffer_cost (batch * n * sizeof (float)) : 0);
}

static gboolean
measure (const PldModel *model, PldDemand *user, gpointer data, GError **error)
{
  user->bytes = handle_bytes (model, user->batch, FALSE);
  return TRUE;
}

static char *
options_path (const PldVisionOptions *options, GError **error)
{
  if (options->model != NULL && options->model[0] != '\0')
    return g_strdup (options->model);
  return pld_bundled_model ("person-detector", error);
}

gboolean
pld_input_size_parse (const char *text, guint *width, guint *height, GError **error)
{
  guint64 sides[2];
  const char *at = text;
  char *end = NULL;
  gboolean ok;

  g_return_val_if_fail (text != NULL && width != NULL && height != NULL, FALSE);
  ok = g_ascii_isdigit (*at);
  sides[0] = sides[1] = g_ascii_strtoull (at, &end, 10);
  if (ok && *end == 'x')
    {
      at = end + 1;
      ok = g_ascii_isdigit (*at);
      sides[1] = g_ascii_strtoull (at, &end, 10);
    }
  if (!ok || *end != '\0' || MAX (sides[0], sides[1]) > G_MAXUINT16 || (sides[0] == 0) != (sides[1] == 0))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "\"%s\" is not a size in pixels: write width and height, such as 512x384, one number for both, or 0 "
                   "for the model's own",
                   text);
      return FALSE;
    }
  *width = (guint) sides[0];
  *height = (guint) sides[1];
  return TRUE;
}

static PldInputSize
options_input (const PldVisionOptions *options)
{
  return (PldInputSize) { options->input_width, options->input_height };
}

static PldDemand
options_user (const PldVisionOptions *options)
{
  return (PldDemand) {
    .limit = options->memory_limit,
    .loaders = options->loaders,
    .pipelining = options->pipelining,
    .threads = options->threads > 0 ? options->threads : pld_team_cores (),
    .batch = CLAMP (options->batch, 1, BATCH_MAX),
    .results = CLAMP (options->batch, 1, BATCH_MAX),
  };
}

static gboolean
handle_allocate (PldVision *vision, GError **error)
{
  const PldModel *model = pld_core_model (vision->core);
  const PldVisionNet *net = model_net (model);
  PldBudget *budget = pld_core_budget (vision->core);
  const guint64 n = picture_bytes (net);

  if (!pld_buffer_init (&vision->rgb, budget, vision->batch * n, "the input pictures", error)
      || !pld_buffer_init (&vision->kept, budget, n, "the picture that motion is held against", error)
      || !pld_buffer_init (&vision->values, budget, (guint64) vision->batch * net->base.n_outputs * sizeof (float),
                           "the results", error))
    return FALSE;
  vision->scaler = pld_scaler_new (net->input_width, net->input_height, (PldFilter) net->resample, budget, error);
  vision->items = g_new0 (PldItem, vision->batch);
  return vision->scaler != NULL;
}

PldVision *
pld_vision_open (const PldVisionOptions *options, PldProgressFunc progress, gpointer user_data,
                 GCancellable *cancellable, GError **error)
{
  PldVision *vision = g_new0 (PldVision, 1);
  const PldModel *model = NULL;

  g_mutex_init (&vision->user_lock);
  vision->user = options_user (options);
  vision->batch = vision->user.batch;
  vision->path = options_path (options, error);
  if (vision->path != NULL)
    vision->core = pld_core_join (PLD_KIND_VISION, vision->path, options_input (options), &vision->user, measure, NULL,
                                  progress, user_data, cancellable, error);
  if (vision->core == NULL)
    goto failed;
  model = pld_core_model (vision->core);
  if (!handle_allocate (vision, error))
    goto failed;
  vision->info = (PldVisionInfo) {
    .path = vision->path,
    .architecture = model->arch->name,
    .input_width = model_net (model)->input_width,
    .input_height = model_net (model)->input_height,
    .detector = model_net (model)->detector,
    .n_values = model->net->n_outputs,
    .max_objects = model_net (model)->max_objects,
    .threshold = model_net (model)->threshold,
    .n_classes = model_net (model)->n_classes,
    .labels = (const char *const *) model->labels,
    .n_parameters = model->n_parameters,
    .weight_bytes = model->weight_bytes,
  };
  return vision;

failed:
  pld_vision_close (&vision);
  return NULL;
}

static void
handle_free (gpointer data)
{
  PldVision *vision = data;

  pld_scaler_free (&vision->scaler);
  pld_buffer_clear (&vision->rgb);
  pld_buffer_clear (&vision->pixels);
  pld_buffer_clear (&vision->kept);
  pld_buffer_clear (&vision->values);
  g_mutex_clear (&vision->user_lock);
  g_free (vision->items);
  g_free (vision->path);
  g_free (vision);
}

void
pld_vision_close (PldVision **vision_ptr)
{
  PldVision *vision = g_steal_pointer (vision_ptr);

  if (vision != NULL)
    pld_core_leave (&vision->core, &vision->user, handle_free, vision);
}

const PldVisionInfo *
pld_vision_get_info (PldVision *vision)
{
  return &vision->info;
}

gboolean
pld_vision_set_memory_limit (PldVision *vision, guint64 limit, GError **error)
{
  PldDemand demand;
  gboolean ok;

  g_mutex_lock (&vision->user_lock);
  demand = vision->user;
  demand.limit = limit;
  ok = pld_core_set_user (vision->core, &vision->user, &demand, error);
  g_mutex_unlock (&vision->user_lock);
  return ok;
}

static guint8 *
slot_rgb (PldVision *vision, guint slot)
{
  return vision->rgb.data + slot * picture_bytes (handle_net (vision));
}

gboolean
pld_vision_load_image (PldVision *vision, guint slot, const PldImage *image, GError **error)
{
  g_return_val_if_fail (slot < vision->batch, FALSE);
  pld_core_settle (vision->core);
  vision->items[slot] = (PldItem) { .wanted = TRUE, .picture.rgb = slot_rgb (vision, slot) };
  return pld_scaler_run (vision->scaler, image, slot_rgb (vision, slot), error);
}

/* Room for float pictures, which a handle that is only given images does not need. */
static gboolean
handle_add_pixels (PldVision *vision, gsize n, GError **error)
{
  PldDemand demand;
  gboolean ok;

  g_mutex_lock (&vision->user_lock);
  demand = vision->user;
  demand.bytes = handle_bytes (pld_core_model (vision->core), vision->batch, TRUE);
  ok = pld_core_set_user (vision->core, &vision->user, &demand, error);
  g_mutex_unlock (&vision->user_lock);
  return ok
         && pld_buffer_init (&vision->pixels, pld_core_budget (vision->core), vision->batch * n * sizeof (float),
                             "the input values", error);
}

gboolean
pld_vision_load_pixels (PldVision *vision, guint slot, const float *pixels, GError **error)
{
  const gsize n = picture_bytes (handle_net (vision));
  float *to;

  g_return_val_if_fail (slot < vision->batch, FALSE);
  if (vision->pixels.data == NULL && !handle_add_pixels (vision, n, error))
    return FALSE;
  pld_core_settle (vision->core);
  to = (float *) (gpointer) vision->pixels.data + slot * n;
  memcpy (to, pixels, n * sizeof (float));
  vision->items[slot] = (PldItem) { .wanted = TRUE, .picture.pixels = to };
  return TRUE;
}

float
pld_vision_change (PldVision *vision, guint slot, gboolean keep)
{
  const PldVisionNet *net = handle_net (vision);
  float change = 1;

  g_return_val_if_fail (slot < vision->batch, 1);
  if (vision->has_kept)
    change = pld_image_change (slot_rgb (vision, slot), vision->kept.data, net->input_width, net->input_height);
  if (keep)
    {
      memcpy (vision->kept.data, slot_rgb (vision, slot), picture_bytes (net));
      vision->has_kept = TRUE;
    }
  return change;
}

/* Returns: how many objects @result shows */
static guint
decode (const PldVision *vision, const float *result, PldObject *objects)
{
  const guint n = pld_core_model (vision->core)->arch->decode (handle_net (vision), result, objects);

  for (guint i = 0; i < n; i++)
    objects[i].label = vision->info.labels[objects[i].label_id];
  return n;
}

gboolean
pld_vision_run (PldVision *vision, guint n, float *values, PldObject *objects, guint *n_objects,
                GCancellable *cancellable, GError **error)
{
  const gsize n_values = vision->info.n_values;
  float *results = (float *) (gpointer) vision->values.data;
  PldRequest request = { .items = vision->items, .n = n, .results = results, .cancellable = cancellable };

  g_return_val_if_fail (n > 0 && n <= vision->batch, FALSE);
  g_return_val_if_fail ((objects != NULL) == (n_objects != NULL), FALSE);
  if (!pld_core_run (vision->core, &request, error))
    return FALSE;
  if (values != NULL)
    memcpy (values, results, n * n_values * sizeof (float));
  for (guint i = 0; objects != NULL && i < n; i++)
    n_objects[i] = decode (vision, results + i * n_values, objects + (gsize) i * vision->info.max_objects);
  return TRUE;
}

void
pld_vision_get_stats (PldVision *vision, PldStats *stats)
{
  pld_core_get_stats (vision->core, stats);
}

static gboolean
plan_info (const PldVisionOptions *options, gboolean predict, PldPlanInfo *info, GCancellable *cancellable,
           GError **error)
{
  g_autofree char *path = options_path (options, error);
  PldDemand user = options_user (options);

  return path != NULL
         && pld_core_plan_info (PLD_KIND_VISION, path, options_input (options), &user, measure, NULL, predict, info,
                                cancellable, error);
}

gboolean
pld_vision_plan (const PldVisionOptions *options, PldPlanInfo *info, GError **error)
{
  return plan_info (options, FALSE, info, NULL, error);
}

gboolean
pld_vision_predict (const PldVisionOptions *options, PldPlanInfo *info, GCancellable *cancellable, GError **error)
{
  return plan_info (options, TRUE, info, cancellable, error);
}
