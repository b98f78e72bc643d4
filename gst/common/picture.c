/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Wraps video frames and JPEG buffers as PldImage, converting formats that the engine does not read.
 */
#include "gst/common/picture.h"

/* Converted pictures keep this many times the model's size, so that the engine's own filter has enough to
 * work on. */
#define OVERSAMPLING 2

struct _GstPipeloadPicture
{
  gboolean jpeg, follow_exif;
  guint width, height;          /* of the mapped frame, as it is shown */
  GstVideoInfo info;            /* of the buffers */
  GstVideoInfo plain;           /* of what becomes the image: @info, or what the converter writes */
  GstVideoConverter *converter; /* NULL: the format maps as it is */
  GstBuffer *scratch;           /* the converter's output */
  GstVideoFrame source, converted;
  GstMapInfo map;    /* of a JPEG */
  GstBuffer *mapped; /* whose maps are held */
  PldImage image;
};

gboolean
gst_pipeload_caps_are_jpeg (GstCaps *caps)
{
  return gst_structure_has_name (gst_caps_get_structure (caps, 0), "image/jpeg");
}

static gboolean
is_direct (const GstVideoInfo *info)
{
  const GstVideoFormatInfo *format = info->finfo;

  if (GST_VIDEO_FORMAT_INFO_IS_COMPLEX (format) || GST_VIDEO_FORMAT_INFO_IS_TILED (format)
      || GST_VIDEO_FORMAT_INFO_HAS_PALETTE (format))
    return FALSE;
  /* GStreamer 1.22's format table has its chroma the wrong way round; its converter has it right. */
  if (GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_VYUY)
    return FALSE;
  for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); i++)
    if (GST_VIDEO_FORMAT_INFO_DEPTH (format, i) != 8 || GST_VIDEO_FORMAT_INFO_SHIFT (format, i) != 0
        || GST_VIDEO_FORMAT_INFO_PSTRIDE (format, i) <= 0)
      return FALSE;
  if (GST_VIDEO_FORMAT_INFO_IS_RGB (format))
    return info->colorimetry.range != GST_VIDEO_COLOR_RANGE_16_235;
  if (GST_VIDEO_FORMAT_INFO_IS_YUV (format))
    return info->colorimetry.matrix != GST_VIDEO_COLOR_MATRIX_RGB;
  return GST_VIDEO_FORMAT_INFO_IS_GRAY (format);
}

static GstVideoFormat
plain_format (const GstVideoInfo *info)
{
  const GstVideoFormatInfo *format = info->finfo;

  if (GST_VIDEO_FORMAT_INFO_IS_GRAY (format))
    return GST_VIDEO_FORMAT_GRAY8;
  if (GST_VIDEO_FORMAT_INFO_IS_YUV (format) && info->colorimetry.matrix != GST_VIDEO_COLOR_MATRIX_RGB)
    return GST_VIDEO_FORMAT_INFO_W_SUB (format, 1) == 0 ? GST_VIDEO_FORMAT_Y444 : GST_VIDEO_FORMAT_I420;
  return GST_VIDEO_FORMAT_RGB;
}

static gboolean
make_converter (GstPipeloadPicture *picture, guint min_width, guint min_height)
{
  GstVideoInfo *info = &picture->info, *plain = &picture->plain;
  guint width = info->width, height = info->height, times = 1;

  if (min_width > 0 && min_height > 0)
    times = MAX (1, MIN (width / (OVERSAMPLING * min_width), height / (OVERSAMPLING * min_height)));
  if (!gst_video_info_set_interlaced_format (plain, plain_format (info), info->interlace_mode, width / times,
                                             height / times))
    return FALSE;
  plain->fps_n = info->fps_n;
  plain->fps_d = info->fps_d;
  if (GST_VIDEO_INFO_IS_YUV (plain))
    plain->colorimetry = info->colorimetry;
  picture->converter = gst_video_converter_new (
      info, plain,
      gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
                         GST_VIDEO_DITHER_NONE, GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
                         GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_LINEAR, NULL));
  if (picture->converter == NULL)
    return FALSE;
  picture->scratch = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (plain), NULL);
  return picture->scratch != NULL;
}

static PldYuvMatrix
yuv_matrix (const GstVideoInfo *info)
{
  switch (info->colorimetry.matrix)
    {
    case GST_VIDEO_COLOR_MATRIX_BT709:
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return PLD_YUV_BT709;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return PLD_YUV_BT2020;
    default:
      return PLD_YUV_BT601;
    }
}

GstPipeloadPicture *
gst_pipeload_picture_new (GstCaps *caps, guint min_width, guint min_height, gboolean follow_exif)
{
  g_autoptr (GstPipeloadPicture) picture = g_new0 (GstPipeloadPicture, 1);
  PldImage *image = &picture->image;

  gst_video_info_init (&picture->info);
  gst_video_info_init (&picture->plain);
  picture->jpeg = gst_pipeload_caps_are_jpeg (caps);
  picture->follow_exif = follow_exif;
  image->kind = PLD_IMAGE_JPEG;
  if (picture->jpeg)
    return g_steal_pointer (&picture);
  if (!gst_video_info_from_caps (&picture->info, caps))
    return NULL;
  picture->plain = picture->info;
  if (!is_direct (&picture->info) && !make_converter (picture, min_width, min_height))
    return NULL;
  if (GST_VIDEO_INFO_IS_RGB (&picture->plain))
    image->kind = PLD_IMAGE_RGB;
  else
    image->kind = GST_VIDEO_INFO_IS_GRAY (&picture->plain) ? PLD_IMAGE_GRAY : PLD_IMAGE_YUV;
  image->width = picture->plain.width;
  image->height = picture->plain.height;
  image->matrix = yuv_matrix (&picture->plain);
  image->full_range = picture->plain.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  return g_steal_pointer (&picture);
}

void
gst_pipeload_picture_free (GstPipeloadPicture *picture)
{
  if (picture == NULL)
    return;
  g_clear_pointer (&picture->converter, gst_video_converter_free);
  gst_clear_buffer (&picture->scratch);
  g_free (picture);
}

static gboolean
map_jpeg (GstPipeloadPicture *picture, GstBuffer *buffer)
{
  guint width, height, orientation;
  gboolean turned;

  if (!gst_buffer_map (buffer, &picture->map, GST_MAP_READ))
    return FALSE;
  picture->image.data = picture->map.data;
  picture->image.size = picture->map.size;
  picture->image.kind = picture->follow_exif ? PLD_IMAGE_JPEG : PLD_IMAGE_JPEG_AS_STORED;
  pld_jpeg_read_header (picture->map.data, picture->map.size, &width, &height, &orientation);
  turned = picture->follow_exif && orientation >= 5;
  picture->width = turned ? height : width;
  picture->height = turned ? width : height;
  return TRUE;
}

static gboolean
map_raw (GstPipeloadPicture *picture, GstBuffer *buffer)
{
  const GstVideoFrame *frame = &picture->source;
  PldImage *image = &picture->image;

  if (!gst_video_frame_map (&picture->source, &picture->info, buffer, GST_MAP_READ))
    return FALSE;
  /* A GstVideoMeta may contradict the caps. */
  if (GST_VIDEO_FRAME_FORMAT (&picture->source) != GST_VIDEO_INFO_FORMAT (&picture->info)
      || GST_VIDEO_FRAME_WIDTH (&picture->source) != picture->info.width
      || GST_VIDEO_FRAME_HEIGHT (&picture->source) != picture->info.height)
    goto unmap;
  if (picture->converter != NULL)
    {
      if (!gst_video_frame_map (&picture->converted, &picture->plain, picture->scratch, GST_MAP_READWRITE))
        goto unmap;
      gst_video_converter_frame (picture->converter, &picture->source, &picture->converted);
      frame = &picture->converted;
    }
  for (guint i = 0; i < (image->kind == PLD_IMAGE_GRAY ? 1 : 3); i++)
    {
      PldPlane *plane = pld_image_plane (image, i);

      plane->data = GST_VIDEO_FRAME_COMP_DATA (frame, i);
      plane->stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, i);
      plane->pixel_stride = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, i);
      plane->width = GST_VIDEO_FRAME_COMP_WIDTH (frame, i);
      plane->height = GST_VIDEO_FRAME_COMP_HEIGHT (frame, i);
    }
  picture->width = picture->info.width;
  picture->height = picture->info.height;
  return TRUE;

unmap:
  gst_video_frame_unmap (&picture->source);
  return FALSE;
}

const PldImage *
gst_pipeload_picture_map (GstPipeloadPicture *picture, GstBuffer *buffer, GError **error)
{
  if (!(picture->jpeg ? map_jpeg (picture, buffer) : map_raw (picture, buffer)))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "a buffer of %" G_GSIZE_FORMAT " bytes holds no whole picture of the negotiated format",
                   gst_buffer_get_size (buffer));
      return NULL;
    }
  picture->mapped = buffer;
  return &picture->image;
}

void
gst_pipeload_picture_unmap (GstPipeloadPicture *picture)
{
  if (picture->mapped == NULL)
    return;
  if (picture->jpeg)
    gst_buffer_unmap (picture->mapped, &picture->map);
  else
    gst_video_frame_unmap (&picture->source);
  if (picture->converter != NULL)
    gst_video_frame_unmap (&picture->converted);
  picture->mapped = NULL;
}

void
gst_pipeload_picture_get_size (GstPipeloadPicture *picture, guint *width, guint *height)
{
  *width = picture->width;
  *height = picture->height;
}

void
gst_pipeload_picture_crop (GstPipeloadPicture *picture, const GstPipeloadRegion *region, PldImage *image)
{
  const GstVideoFormatInfo *format = picture->plain.finfo;
  const PldImage *whole = &picture->image;
  guint x_step = 0, y_step = 0, x, y;

  for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); i++)
    {
      x_step = MAX (x_step, GST_VIDEO_FORMAT_INFO_W_SUB (format, i));
      y_step = MAX (y_step, GST_VIDEO_FORMAT_INFO_H_SUB (format, i));
    }
  /* From the frame's pixels to the converted picture's, which may be smaller. */
  x = (guint) ((guint64) region->x * whole->width / picture->width) >> x_step << x_step;
  y = (guint) ((guint64) region->y * whole->height / picture->height) >> y_step << y_step;
  *image = *whole;
  image->width = (guint) ((guint64) (region->x + region->width) * whole->width / picture->width);
  image->height = (guint) ((guint64) (region->y + region->height) * whole->height / picture->height);
  image->width = MAX (image->width, x + 1) - x;
  image->height = MAX (image->height, y + 1) - y;
  for (guint i = 0; i < (whole->kind == PLD_IMAGE_GRAY ? 1 : 3); i++)
    {
      PldPlane *plane = pld_image_plane (image, i);

      plane->data += (gssize) (y >> GST_VIDEO_FORMAT_INFO_H_SUB (format, i)) * plane->stride
                     + (gssize) (x >> GST_VIDEO_FORMAT_INFO_W_SUB (format, i)) * plane->pixel_stride;
      plane->width = GST_VIDEO_SUB_SCALE (GST_VIDEO_FORMAT_INFO_W_SUB (format, i), image->width);
      plane->height = GST_VIDEO_SUB_SCALE (GST_VIDEO_FORMAT_INFO_H_SUB (format, i), image->height);
    }
}
