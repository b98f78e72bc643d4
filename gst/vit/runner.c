/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts frames and regions to the model's input, runs the model, and collects its objects.
 */
#include "gst/vit/runner.h"

#include "gst/common/picture.h"
#include "gst/common/util.h"

/* Regions of one frame that share a pass over the weights, unless max-batch says otherwise. */
#define DEFAULT_REGION_BATCH 4

/* Labels shown in an error that asks for one of them. */
#define LABELS_SHOWN 8

struct _GstPipeloadVitRunner
{
  PldVision *vision;
  const PldVisionInfo *info;
  gboolean in_regions, follow_exif;
  guint batch;
  const char **labels; /* [n_classes], interned */
  gboolean *wanted;    /* [n_classes]; NULL = all */
  PldObject *objects;  /* [batch, max_objects] */
  guint *n_objects;    /* [batch] */
  GstCaps *caps;       /* that @picture is made for */
  GstPipeloadPicture *picture;
  gboolean stale; /* the picture kept for motion has no result */
};

void
gst_pipeload_vit_job_free (GstPipeloadVitJob *job)
{
  if (job == NULL)
    return;
  gst_clear_buffer (&job->buffer);
  gst_clear_caps (&job->caps);
  g_clear_pointer (&job->frame, gst_pipeload_frame_unref);
  g_clear_object (&job->cancellable);
  g_free (job);
}

/* ---- opening ------------------------------------------------------------------------------- */

static gboolean
set_labels (GstPipeloadVitRunner *runner, const char *text, GError **error)
{
  guint n = runner->info->n_classes;
  g_auto (GStrv) own = NULL;

  if (text != NULL)
    {
      own = gst_pipeload_read_labels (text, error);
      if (own == NULL)
        return FALSE;
      if (g_strv_length (own) != n)
        {
          g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0,
                       "property labels: \"%s\" is %s of %u labels, but the model %s has %u classes; name "
                       "each class once",
                       text, g_file_test (text, G_FILE_TEST_EXISTS) ? "a file" : "no file, and a list",
                       g_strv_length (own), runner->info->path, n);
          return FALSE;
        }
    }
  runner->labels = g_new0 (const char *, n);
  for (guint i = 0; i < n; i++)
    runner->labels[i] = g_intern_string (own != NULL ? own[i] : runner->info->labels[i]);
  return TRUE;
}

/* Returns: (transfer full): the first labels, to choose from */
static char *
some_labels (const GstPipeloadVitRunner *runner)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (runner->info->n_classes, LABELS_SHOWN); i++)
    g_string_append_printf (text, "%s\"%s\"", i > 0 ? ", " : "", runner->labels[i]);
  if (runner->info->n_classes > LABELS_SHOWN)
    g_string_append (text, ", ...");
  return g_string_free (text, FALSE);
}

static gboolean
set_classes (GstPipeloadVitRunner *runner, const char *text, GError **error)
{
  g_auto (GStrv) words = text != NULL ? gst_pipeload_split_list (text) : NULL;
  guint n = runner->info->n_classes;

  if (words == NULL)
    return TRUE;
  runner->wanted = g_new0 (gboolean, n);
  for (char **word = words; *word != NULL; word++)
    {
      gboolean known = FALSE;

      for (guint i = 0; i < n; i++)
        if (g_strcmp0 (*word, runner->labels[i]) == 0)
          known = runner->wanted[i] = TRUE;
      if (!known)
        {
          g_autofree char *labels = some_labels (runner);

          g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0,
                       "property classes: the model %s has no class \"%s\"; its classes are %s", runner->info->path,
                       *word, labels);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
parse_input_size (const char *text, PldVisionOptions *options, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (text == NULL || pld_input_size_parse (text, &options->input_width, &options->input_height, &why))
    return TRUE;
  g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0, "property input-size: %s", why->message);
  return FALSE;
}

GstPipeloadVitRunner *
gst_pipeload_vit_runner_open (const GstPipeloadVitSettings *settings, PldProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error)
{
  g_autoptr (GstPipeloadVitRunner) runner = g_new0 (GstPipeloadVitRunner, 1);
  PldVisionOptions options;

  pld_vision_options_init (&options);
  runner->in_regions = settings->region == GST_PIPELOAD_VIT_REGION_ROI_LIST;
  runner->follow_exif = settings->exif_orientation;
  runner->batch = settings->max_batch;
  if (runner->batch == 0)
    runner->batch = runner->in_regions ? DEFAULT_REGION_BATCH : 1;
  options.batch = runner->batch;
  if (!gst_pipeload_model_options (&settings->model, &options.engine, error)
      || !parse_input_size (settings->input_size, &options, error))
    return NULL;
  runner->vision = pld_vision_open (&options, progress, user_data, cancellable, error);
  if (runner->vision == NULL)
    return NULL;
  runner->info = pld_vision_get_info (runner->vision);
  if (!set_labels (runner, settings->labels, error) || !set_classes (runner, settings->classes, error))
    return NULL;
  runner->objects = g_new0 (PldObject, (gsize) runner->batch * runner->info->max_objects);
  runner->n_objects = g_new0 (guint, runner->batch);
  return g_steal_pointer (&runner);
}

void
gst_pipeload_vit_runner_close (GstPipeloadVitRunner *runner)
{
  if (runner == NULL)
    return;
  gst_pipeload_picture_free (runner->picture);
  gst_clear_caps (&runner->caps);
  pld_vision_close (runner->vision);
  g_free (runner->labels);
  g_free (runner->wanted);
  g_free (runner->objects);
  g_free (runner->n_objects);
  g_free (runner);
}

/* ---- inference ----------------------------------------------------------------------------- */

static gboolean
handle_caps (GstPipeloadVitRunner *runner, GstCaps *caps, GError **error)
{
  if (runner->caps != NULL && (runner->caps == caps || gst_caps_is_equal (runner->caps, caps)))
    return TRUE;
  g_clear_pointer (&runner->picture, gst_pipeload_picture_free);
  gst_caps_replace (&runner->caps, NULL);
  /* Regions are cut out at full resolution. */
  runner->picture = gst_pipeload_picture_new (caps, runner->in_regions ? 0 : runner->info->input_width,
                                              runner->in_regions ? 0 : runner->info->input_height, runner->follow_exif);
  if (runner->picture == NULL)
    {
      g_autofree char *text = gst_caps_to_string (caps);

      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "cannot read pictures of the format %s", text);
      return FALSE;
    }
  gst_caps_replace (&runner->caps, caps);
  return TRUE;
}

/* Converts @seen to the frame's coordinates: a classifier's class of a region applies to all of the region. */
static GstPipeloadObject
place (const GstPipeloadVitRunner *runner, const GstPipeloadFrame *frame, const PldObject *seen,
       const GstPipeloadRegion *region)
{
  GstPipeloadObject object = gst_pipeload_object_from_pld (seen, runner->labels[seen->label_id]);

  if (region != NULL)
    {
      object.id = runner->info->detector ? 0 : region->id;
      object.box.x_min = (region->x + seen->x_min * region->width) / frame->width;
      object.box.y_min = (region->y + seen->y_min * region->height) / frame->height;
      object.box.x_max = (region->x + seen->x_max * region->width) / frame->width;
      object.box.y_max = (region->y + seen->y_max * region->height) / frame->height;
    }
  return object;
}

/* The best of the picture in @slot that the user asked for. */
static void
collect (GstPipeloadVitRunner *runner, const GstPipeloadVitJob *job, guint slot, const GstPipeloadRegion *region)
{
  const PldObject *seen = runner->objects + (gsize) slot * runner->info->max_objects;
  const double threshold = job->threshold >= 0 ? job->threshold : runner->info->threshold;
  const int k = job->top_k >= 0 ? job->top_k : runner->info->exclusive;
  guint most = k > 0 ? (guint) k : G_MAXUINT, kept = 0;

  for (guint i = 0; i < runner->n_objects[slot] && kept < most && seen[i].confidence >= threshold; i++)
    if (runner->wanted == NULL || runner->wanted[seen[i].label_id])
      {
        GstPipeloadObject object = place (runner, job->frame, &seen[i], region);

        g_array_append_val (job->frame->objects, object);
        kept++;
      }
}

static GstPipeloadVitOutcome
run (GstPipeloadVitRunner *runner, const GstPipeloadVitJob *job, guint n, GError **error)
{
  GError *why = NULL;

  if (pld_vision_run (runner->vision, n, NULL, runner->objects, runner->n_objects, job->cancellable, &why))
    return GST_PIPELOAD_VIT_DONE;
  runner->stale = TRUE;
  if (g_error_matches (why, PLD_ERROR, PLD_ERROR_CANCELLED) || g_cancellable_is_cancelled (job->cancellable))
    {
      g_clear_error (&why);
      return GST_PIPELOAD_VIT_CANCELLED;
    }
  g_propagate_error (error, why);
  return GST_PIPELOAD_VIT_FAILED;
}

static void
give_up_buffer (GstPipeloadVitRunner *runner, GstPipeloadVitJob *job)
{
  gst_pipeload_picture_unmap (runner->picture);
  gst_clear_buffer (&job->buffer);
}

static GstPipeloadVitOutcome
infer_regions (GstPipeloadVitRunner *runner, GstPipeloadVitJob *job, GError **error)
{
  g_autoptr (GArray) regions = gst_pipeload_regions_read (job->buffer, job->frame->width, job->frame->height);
  GstPipeloadVitOutcome outcome = GST_PIPELOAD_VIT_DONE;

  for (guint start = 0; start < regions->len && outcome == GST_PIPELOAD_VIT_DONE; start += runner->batch)
    {
      guint n = MIN (runner->batch, regions->len - start);

      for (guint i = 0; i < n; i++)
        {
          PldImage image;

          gst_pipeload_picture_crop (runner->picture, &g_array_index (regions, GstPipeloadRegion, start + i), &image);
          if (!pld_vision_load_image (runner->vision, i, &image, error))
            return GST_PIPELOAD_VIT_DAMAGED;
        }
      if (start + n == regions->len)
        give_up_buffer (runner, job);
      outcome = run (runner, job, n, error);
      for (guint i = 0; i < n && outcome == GST_PIPELOAD_VIT_DONE; i++)
        collect (runner, job, i, &g_array_index (regions, GstPipeloadRegion, start + i));
    }
  return outcome;
}

static GstPipeloadVitOutcome
infer_mapped (GstPipeloadVitRunner *runner, GstPipeloadVitJob *job, const PldImage *image, GError **error)
{
  GstPipeloadVitOutcome outcome;

  gst_pipeload_picture_get_size (runner->picture, &job->frame->width, &job->frame->height);
  if ((!runner->in_regions || job->motion_threshold > 0) && !pld_vision_load_image (runner->vision, 0, image, error))
    return GST_PIPELOAD_VIT_DAMAGED;
  if (job->motion_threshold > 0)
    {
      if (pld_vision_change (runner->vision, 0, FALSE) < job->motion_threshold && !runner->stale && !job->force)
        return GST_PIPELOAD_VIT_UNCHANGED;
      pld_vision_change (runner->vision, 0, TRUE);
    }
  runner->stale = FALSE;
  if (runner->in_regions)
    return infer_regions (runner, job, error);
  give_up_buffer (runner, job);
  outcome = run (runner, job, 1, error);
  if (outcome == GST_PIPELOAD_VIT_DONE)
    collect (runner, job, 0, NULL);
  return outcome;
}

GstPipeloadVitOutcome
gst_pipeload_vit_runner_infer (GstPipeloadVitRunner *runner, GstPipeloadVitJob *job, GError **error)
{
  GstPipeloadVitOutcome outcome = GST_PIPELOAD_VIT_FAILED;
  const PldImage *image;

  job->frame->kind = runner->info->detector ? GST_PIPELOAD_FRAME_DETECTIONS
                     : runner->in_regions   ? GST_PIPELOAD_FRAME_REGION_CLASSES
                                            : GST_PIPELOAD_FRAME_CLASSES;
  if (!handle_caps (runner, job->caps, error))
    return outcome;
  image = gst_pipeload_picture_map (runner->picture, job->buffer, error);
  if (image == NULL)
    return GST_PIPELOAD_VIT_DAMAGED;
  outcome = infer_mapped (runner, job, image, error);
  gst_pipeload_picture_unmap (runner->picture);
  if (outcome == GST_PIPELOAD_VIT_DAMAGED)
    runner->stale = TRUE;
  return outcome;
}

PldVision *
gst_pipeload_vit_runner_get_vision (GstPipeloadVitRunner *runner)
{
  return runner->vision;
}
