/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts an event to the structure of its message, with its JSON.
 */
#include "gst/events/message.h"

#include "pipeload/pipeload.h"
#include "gst/common/meta.h"

static const char *
kind_name (PldVisitKind kind)
{
  static const char *const names[] = {
    [PLD_VISIT_ENTER] = "enter", [PLD_VISIT_UPDATE] = "update", [PLD_VISIT_LEAVE] = "leave", [PLD_VISIT_CROSS] = "cross"
  };

  return names[kind];
}

static const char *
direction_name (int direction)
{
  return direction > 0 ? "left-to-right" : direction < 0 ? "right-to-left" : NULL;
}

static char *
event_to_json (const PldVisitEvent *event, const GstPipeloadEventsPlace *place, const char *const *zones)
{
  const PldVisitor *visitor = &event->visitor;
  const PldEvent what = {
    .event = kind_name (event->kind),
    .zone = event->zone,
    .id = visitor->id,
    .label = visitor->label,
    .direction = direction_name (event->direction),
    .start = event->start,
    .end = event->kind == PLD_VISIT_LEAVE ? event->end : G_MAXUINT64,
    .confidence = event->confidence,
    .best_confidence = event->best,
  };
  const PldFrame frame = {
    .timestamp = event->time,
    .system_time = place->system_time,
    .camera = place->camera,
    .number = -1,
    .width = place->width,
    .height = place->height,
    .event = &what,
  };
  const GstPipeloadObject seen = {
    .label_id = visitor->label_id, .label = visitor->label, .confidence = visitor->confidence, .box = visitor->box
  };
  const PldObject object = gst_pipeload_object_to_pld (&seen);
  const PldIdentity identity = { visitor->id, zones };

  return pld_frame_to_json (&frame, &object, &identity, 1);
}

GstStructure *
gst_pipeload_event_to_structure (const PldVisitEvent *event, const GstPipeloadEventsPlace *place,
                                 const char *const *zones)
{
  g_autofree char *json = event_to_json (event, place, zones);
  GstStructure *structure = gst_structure_new (
      GST_PIPELOAD_EVENT_MESSAGE, "event", G_TYPE_STRING, kind_name (event->kind), "id", G_TYPE_UINT64,
      event->visitor.id, "label", G_TYPE_STRING, event->visitor.label, "zone", G_TYPE_STRING, event->zone, "confidence",
      G_TYPE_DOUBLE, event->confidence, "timestamp", G_TYPE_UINT64, event->time, "start", G_TYPE_UINT64, event->start,
      "json", G_TYPE_STRING, json, NULL);

  if (event->kind == PLD_VISIT_LEAVE)
    gst_structure_set (structure, "end", G_TYPE_UINT64, event->end, "duration", G_TYPE_UINT64,
                       event->end - event->start, NULL);
  if (event->direction != 0)
    gst_structure_set (structure, "direction", G_TYPE_STRING, direction_name (event->direction), NULL);
  return structure;
}
