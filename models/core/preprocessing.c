/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads preprocessing, with the defaults of the class of processors that it is for.
 */
#include "models/core/preprocessing.h"

#include <string.h>

/* ---- classes of processors ----------------------------------------------------------------- */

#define HALF { 0.5, 0.5, 0.5 }
#define IMAGENET_MEAN { 0.485, 0.456, 0.406 }
#define IMAGENET_STD { 0.229, 0.224, 0.225 }

/* Facts from transformers 4.57, image_processing_*.py. Sizes of processors that do not keep a picture's shape are left
 * to the model: any other size would be an error there. */
static const PldProcessor processors[] = {
  { "ViT", HALF, HALF, PLD_FILTER_BILINEAR, FALSE, 0, 0 },
  { "DeiT", HALF, HALF, PLD_FILTER_BICUBIC, TRUE, 0, 0 },
  { "Yolos", IMAGENET_MEAN, IMAGENET_STD, PLD_FILTER_BILINEAR, FALSE, 800, 1333 },
  { "Detr", IMAGENET_MEAN, IMAGENET_STD, PLD_FILTER_BILINEAR, FALSE, 800, 1333 },
};

static gboolean
is_class (const char *name, const char *class)
{
  static const char *const suffixes[] = { "", "ImageProcessor", "ImageProcessorFast", "FeatureExtractor" };
  const gsize n = strlen (class);

  if (strncmp (name, class, n) != 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (strcmp (name + n, suffixes[i]) == 0)
      return TRUE;
  return FALSE;
}

const PldProcessor *
pld_processor_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (processors); i++)
    if (is_class (name, processors[i].name))
      return &processors[i];
  return NULL;
}

gboolean
pld_preprocessing_find (const PldConfig *config, const PldArch *arch, const PldProcessor **processor, GError **error)
{
  const char *name = NULL;

  /* Releases before 2022 named a feature extractor. */
  if (config != NULL
      && (!pld_config_string (config, "image_processor_type", NULL, &name, error)
          || (name == NULL && !pld_config_string (config, "feature_extractor_type", NULL, &name, error))))
    return FALSE;
  *processor = pld_processor_find (name != NULL ? name : arch->image_processor);
  return TRUE;
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* Of an unknown class, nobody knows what a key that is absent means. */
static gboolean
check_keys (const PldConfig *config, GError **error)
{
  static const char *const keys[] = { "do_center_crop", "image_mean", "image_std", "resample" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!pld_config_has (config, keys[i]))
      {
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                     "%s: \"%s%s\" is missing, and its default for this class of image processors is not known; add it",
                     config->path, config->prefix, keys[i]);
        return FALSE;
      }
  return TRUE;
}

/* A member of the object @key, or @key itself with NULL; 0: there is none. */
static guint64
read_edge (const PldConfig *config, const char *key, const char *member)
{
  g_autofree char *full = g_strconcat (config->prefix, key, NULL);
  JsonNode *node = json_object_get_member (config->root, full);

  if (node != NULL && member != NULL)
    node = JSON_NODE_HOLDS_OBJECT (node) ? json_object_get_member (json_node_get_object (node), member) : NULL;
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64
             ? (guint64) CLAMP (json_node_get_int (node), 0, G_MAXUINT16)
             : 0;
}

/* The size of a picture of 16 : 9 within these edges. */
static PldInputSize
size_of_edges (guint64 shortest, guint64 longest)
{
  if (shortest * 16 > longest * 9)
    shortest = (longest * 9 + 8) / 16;
  return (PldInputSize) { (guint) (shortest * 16 / 9), (guint) shortest };
}

gboolean
pld_preprocessing_size (const PldConfig *config, const PldProcessor *processor, PldInputSize *input, GError **error)
{
  guint64 shortest, longest;

  if (config == NULL)
    return TRUE;
  if (!pld_config_has (config, "size"))
    {
      /* GGUF's keys, which have a prefix, have a default of their own: the model's size. */
      if (processor != NULL && processor->longest > 0 && *config->prefix == '\0')
        *input = size_of_edges (processor->shortest, processor->longest);
      return TRUE;
    }
  shortest = read_edge (config, "size", "shortest_edge");
  longest = read_edge (config, "size", "longest_edge");
  if (longest == 0)
    {
      /* How it was written before 2023. */
      shortest = MAX (shortest, read_edge (config, "size", NULL));
      longest = read_edge (config, "max_size", NULL);
    }
  if (shortest == 0 || longest == 0)
    return pld_config_size (config, "size", &input->width, &input->height, error);
  *input = size_of_edges (shortest, longest);
  return TRUE;
}

/* The scale and shift of normalization, for bytes. */
static gboolean
set_scale (const PldConfig *config, PldVisionNet *net, GError **error)
{
  for (guint c = 0; c < 3; c++)
    {
      if (!(net->std[c] > 0))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: %simage_std has a value that is not above 0",
                       config->path, config->prefix);
          return FALSE;
        }
      net->scale[c] = (float) (net->rescale / net->std[c]);
      net->shift[c] = (float) (-net->mean[c] / net->std[c]);
    }
  return TRUE;
}

gboolean
pld_preprocessing_read (const PldConfig *config, const PldProcessor *processor, PldVisionNet *net, GError **error)
{
  static const PldProcessor none = { .std = { 1, 1, 1 } };
  const PldProcessor *defaults = processor != NULL ? processor : &none;
  gboolean rescale = TRUE, normalize = TRUE, crop = defaults->crop;
  guint64 filter = defaults->resample;

  net->rescale = 1 / 255.0;
  memcpy (net->mean, defaults->mean, sizeof net->mean);
  memcpy (net->std, defaults->std, sizeof net->std);
  if (config == NULL)
    crop = FALSE;
  else if ((processor == NULL && !check_keys (config, error))
           || !pld_config_bool (config, "do_rescale", TRUE, &rescale, error)
           || !pld_config_bool (config, "do_normalize", TRUE, &normalize, error)
           || !pld_config_bool (config, "do_center_crop", crop, &crop, error)
           || !pld_config_double (config, "rescale_factor", net->rescale, &net->rescale, error)
           || !pld_config_doubles (config, "image_mean", 3, defaults->mean, net->mean, error)
           || !pld_config_doubles (config, "image_std", 3, defaults->std, net->std, error)
           || (pld_config_has (config, "resample")
               && !pld_config_uint (config, "resample", PLD_FILTER_NEAREST, PLD_FILTER_HAMMING, &filter, error)))
    return FALSE;
  if (crop)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: do_center_crop is not supported; set it to false if the model was trained on whole pictures",
                   config->path);
      return FALSE;
    }
  net->resample = (guint) filter;
  if (!rescale)
    net->rescale = 1;
  for (guint c = 0; !normalize && c < 3; c++)
    {
      net->mean[c] = 0;
      net->std[c] = 1;
    }
  return set_scale (config, net, error);
}
