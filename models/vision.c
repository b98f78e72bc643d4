/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The facade for vision models: pld_vision_*. A handle owns its pictures at the model's input size; passes are the shared core's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/core.h"

#define BATCH_MAX 64

struct _PldVision
{
  PldCore *core;
  GMutex user_lock; /* held while user is read and replaced */
  PldUser user;
  PldVisionInfo info;
  char *path;
  guint batch;
  PldScaler *scaler;
  PldBuffer rgb;         /* [batch, height, width, 3] */
  PldBuffer pixels;      /* float [batch, 3, height, width]; once pld_vision_load_pixels() was used */
  PldBuffer kept;        /* [height, width, 3]; see pld_vision_change() */
  gboolean has_kept;
  PldBuffer logits;      /* float [batch, n_classes] */
  PldPicture *pictures;  /* [batch] */
};

static gsize
picture_bytes (const PldVisionModel *model)
{
  return (gsize) model->input_width * model->input_height * 3;
}

static char *
options_path (const PldVisionOptions *options, GError **error)
{
  if (options->model != NULL && options->model[0] != '\0')
    return g_strdup (options->model);
  return pld_bundled_model ("person-vit", error);
}

static PldUser
options_user (const PldVisionOptions *options)
{
  return (PldUser) {
    .limit = options->memory_limit,
    .loaders = options->loaders,
    .threads = options->threads > 0 ? options->threads : pld_team_cores (),
    .batch = CLAMP (options->batch, 1, BATCH_MAX),
  };
}

static gboolean
handle_allocate (PldVision *vision, GError **error)
{
  const PldModel *model = pld_core_model (vision->core);
  const PldVisionModel *shape = model->vision;
  PldBudget *budget = pld_core_budget (vision->core);
  const guint64 n = picture_bytes (shape);

  if (!pld_buffer_init (&vision->rgb, budget, vision->batch * n, "the input pictures", error)
      || !pld_buffer_init (&vision->kept, budget, n, "the picture that motion is held against", error)
      || !pld_buffer_init (&vision->logits, budget, (guint64) vision->batch * shape->n_classes * sizeof (float), "the results", error))
    return FALSE;
  vision->scaler = pld_scaler_new (shape->input_width, shape->input_height, model->filter, budget, error);
  vision->pictures = g_new0 (PldPicture, vision->batch);
  return vision->scaler != NULL;
}

PldVision *
pld_vision_open (const PldVisionOptions *options, PldProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                 GError **error)
{
  PldVision *vision = g_new0 (PldVision, 1);
  const PldModel *model = NULL;

  g_mutex_init (&vision->user_lock);
  vision->user = options_user (options);
  vision->batch = vision->user.batch;
  vision->path = options_path (options, error);
  if (vision->path != NULL)
    vision->core = pld_core_join (vision->path, options->input_size, &vision->user, progress, user_data, cancellable, error);
  if (vision->core == NULL)
    goto failed;
  model = pld_core_model (vision->core);
  if (!handle_allocate (vision, error))
    goto failed;
  vision->info = (PldVisionInfo) {
    .path = vision->path,
    .architecture = model->arch->model_type,
    .input_width = model->vision->input_width,
    .input_height = model->vision->input_height,
    .n_classes = model->vision->n_classes,
    .labels = (const char *const *) model->labels,
    .n_parameters = model->n_parameters,
    .weight_bytes = model->weight_bytes,
  };
  return vision;

failed:
  pld_vision_close (&vision);
  return NULL;
}

void
pld_vision_close (PldVision **vision_ptr)
{
  PldVision *vision = *vision_ptr;

  if (vision == NULL)
    return;
  *vision_ptr = NULL;
  pld_scaler_free (&vision->scaler);
  pld_buffer_clear (&vision->rgb);
  pld_buffer_clear (&vision->pixels);
  pld_buffer_clear (&vision->kept);
  pld_buffer_clear (&vision->logits);
  pld_core_leave (&vision->core, &vision->user);
  g_mutex_clear (&vision->user_lock);
  g_free (vision->pictures);
  g_free (vision->path);
  g_free (vision);
}

const PldVisionInfo *
pld_vision_get_info (PldVision *vision)
{
  return &vision->info;
}

gboolean
pld_vision_set_memory_limit (PldVision *vision, guint64 limit, GError **error)
{
  PldUser wishes;
  gboolean ok;

  g_mutex_lock (&vision->user_lock);
  wishes = vision->user;
  wishes.limit = limit;
  ok = pld_core_set_user (vision->core, &vision->user, &wishes, error);
  g_mutex_unlock (&vision->user_lock);
  return ok;
}

static guint8 *
slot_rgb (PldVision *vision, guint slot)
{
  return vision->rgb.data + slot * picture_bytes (pld_core_model (vision->core)->vision);
}

gboolean
pld_vision_load_image (PldVision *vision, guint slot, const PldImage *image, GError **error)
{
  g_return_val_if_fail (slot < vision->batch, FALSE);
  vision->pictures[slot] = (PldPicture) { .rgb = slot_rgb (vision, slot) };
  return pld_scaler_run (vision->scaler, image, slot_rgb (vision, slot), error);
}

/* Room for float pictures, which a handle that is only given images does not need. */
static gboolean
handle_add_pixels (PldVision *vision, gsize n, GError **error)
{
  const PldModel *model = pld_core_model (vision->core);
  PldUser wishes;
  gboolean ok;

  g_mutex_lock (&vision->user_lock);
  wishes = vision->user;
  wishes.bytes = pld_core_handle_bytes (model, vision->batch, TRUE);
  ok = pld_core_set_user (vision->core, &vision->user, &wishes, error);
  g_mutex_unlock (&vision->user_lock);
  return ok
         && pld_buffer_init (&vision->pixels, pld_core_budget (vision->core), vision->batch * n * sizeof (float), "the input values",
                             error);
}

gboolean
pld_vision_load_pixels (PldVision *vision, guint slot, const float *pixels, GError **error)
{
  const gsize n = picture_bytes (pld_core_model (vision->core)->vision);
  float *to;

  g_return_val_if_fail (slot < vision->batch, FALSE);
  if (vision->pixels.data == NULL && !handle_add_pixels (vision, n, error))
    return FALSE;
  to = (float *) (gpointer) vision->pixels.data + slot * n;
  memcpy (to, pixels, n * sizeof (float));
  vision->pictures[slot] = (PldPicture) { .pixels = to };
  return TRUE;
}

float
pld_vision_change (PldVision *vision, guint slot, gboolean keep)
{
  const PldVisionModel *model = pld_core_model (vision->core)->vision;
  float change = 1;

  g_return_val_if_fail (slot < vision->batch, 1);
  if (vision->has_kept)
    change = pld_image_change (slot_rgb (vision, slot), vision->kept.data, model->input_width, model->input_height);
  if (keep)
    {
      memcpy (vision->kept.data, slot_rgb (vision, slot), picture_bytes (model));
      vision->has_kept = TRUE;
    }
  return change;
}

static int
compare_confidence (const void *a, const void *b)
{
  const PldObject *x = a, *y = b;

  if (x->confidence != y->confidence)
    return x->confidence > y->confidence ? -1 : 1;
  return x->label_id < y->label_id ? -1 : x->label_id > y->label_id;
}

/* One full-picture object a class: softmax over the classes. */
static void
classify (const PldVision *vision, const float *logits, PldObject *objects)
{
  const guint n = vision->info.n_classes;
  float max = logits[0];
  double sum = 0;

  for (guint i = 1; i < n; i++)
    max = MAX (max, logits[i]);
  for (guint i = 0; i < n; i++)
    sum += exp (logits[i] - max);
  for (guint i = 0; i < n; i++)
    objects[i] = (PldObject) {
      .label_id = i,
      .label = vision->info.labels[i],
      .confidence = (float) (exp (logits[i] - max) / sum),
      .x_max = 1,
      .y_max = 1,
    };
  qsort (objects, n, sizeof *objects, compare_confidence);
}

gboolean
pld_vision_run (PldVision *vision, guint n, float *logits, PldObject *objects, GCancellable *cancellable, GError **error)
{
  const gsize n_classes = vision->info.n_classes;
  float *results = (float *) (gpointer) vision->logits.data;
  PldRequest request = { .pictures = vision->pictures, .n = n, .logits = results, .cancellable = cancellable };

  g_return_val_if_fail (n > 0 && n <= vision->batch, FALSE);
  if (!pld_core_run (vision->core, &request, error))
    return FALSE;
  if (logits != NULL)
    memcpy (logits, results, n * n_classes * sizeof (float));
  for (guint i = 0; objects != NULL && i < n; i++)
    classify (vision, results + i * n_classes, objects + i * n_classes);
  return TRUE;
}

void
pld_vision_get_stats (PldVision *vision, PldStats *stats)
{
  pld_core_get_stats (vision->core, stats);
}

gboolean
pld_vision_plan (const PldVisionOptions *options, PldPlanInfo *info, GError **error)
{
  g_autofree char *path = options_path (options, error);
  PldModel *model = path != NULL ? pld_model_open (path, options->input_size, error) : NULL;
  PldUser user = options_user (options);
  PldPlan *plan = NULL;
  guint batch = 1;
  gboolean ok;

  if (model != NULL)
    {
      user.bytes = pld_core_handle_bytes (model, user.batch, FALSE);
      plan = pld_core_plan (model, &user, &batch, error);
    }
  ok = plan != NULL;
  if (ok)
    *info = (PldPlanInfo) {
      .memory_limit = plan->limit,
      .minimum_limit = plan->minimum,
      .resident_limit = plan->resident,
      .weight_bytes = model->params->tape->n_bytes,
      .pinned_bytes = plan->pinned_bytes,
      .ring_bytes = plan->ring_bytes,
      .activation_bytes = pld_core_fixed_bytes (model, batch, user.threads, user.bytes) - pld_params_bytes (model->params),
      .table_bytes = pld_params_bytes (model->params) + pld_plan_table_bytes (plan->tiles->len),
      .streamed_per_pass = plan->streamed_bytes,
      .tile_bytes = plan->slot_bytes,
      .n_tiles = plan->tiles->len,
      .n_pinned = plan->n_pinned,
      .n_slots = plan->n_slots,
      .loaders = plan->loaders,
      .batch = batch,
    };
  pld_plan_free (&plan);
  pld_model_free (&model);
  return ok;
}
