/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The common part of handles of every kind: the shared core of the model, its path, what this user requests, and how
 * options become a plan. A struct behind a public handle begins with a PldHandle.
 */
#pragma once

#include "models/core/core.h"

/* A kind of handle, as its facade describes it. */
typedef struct
{
  PldModelKind kind;
  const char *bundled; /* model that is opened if the options name none */
  gsize options_size;  /* of the options' struct, which begins with a PldEngineOptions */
  /* Completes a user's request; @data: the options. */
  PldDemandFunc measure;
  /* Size that pictures are scaled to; NULL: none. */
  PldInputSize (*input) (const PldEngineOptions *options);
} PldHandleType;

extern const PldHandleType pld_handle_vision, pld_handle_llm;

struct _PldHandle
{
  PldCore *core;
  char *path;
  GPtrArray *warnings; /* strings; NULL-terminated once the handle is open */
  GMutex user_lock;    /* held while user is read and replaced */
  PldDemand user;
};

/**
 * pld_handle_options:
 * @options: of a caller whose headers may be older: options->size bytes of it are read
 *
 * Returns: (transfer full): a copy that is as large as the library knows the struct; members that the caller does not
 * know are 0. NULL: options of another kind, or not initialized: the caller's error
 */
PldEngineOptions *pld_handle_options (const PldHandleType *type, const PldEngineOptions *options);

/* Opens the model, or joins one that is open. @handle: zeroed. On failure pld_handle_leave() must follow, as on success
 * once the handle is closed. */
gboolean pld_handle_join (PldHandle *handle, const PldHandleType *type, const PldEngineOptions *options,
                          PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error);

/* Adds a warning of the handle's own, while it is being opened. */
void pld_handle_warn (PldHandle *handle, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @destroy: frees the struct that begins with @handle, with pld_handle_clear (); called at once, or at the end of a
 * pass that still reads it. */
void pld_handle_leave (PldHandle *handle, GDestroyNotify destroy);
void pld_handle_clear (PldHandle *handle);

/* Changes the bytes that the user itself charges to the core's budget. LIMIT. */
gboolean pld_handle_set_bytes (PldHandle *handle, guint64 bytes, GError **error);

/* Plans, and with @predict measures and predicts. Returns: (transfer full): as pld_model_plan() */
PldPlanInfo *pld_handle_plan (const PldHandleType *type, const PldEngineOptions *options, gboolean predict,
                              GCancellable *cancellable, GError **error);

/* Initializes options of @size bytes in the caller's headers, of which the library knows type->options_size. */
void pld_handle_options_init (const PldHandleType *type, PldEngineOptions *options, gsize size);
