/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Version, errors, sizes and memory limits.
 *
 * Conventions of the whole API: functions that can fail take a GError ** last, return FALSE or NULL on failure and
 * leave their outputs untouched. Sizes are bytes, times nanoseconds. Strings are UTF-8.
 */
#pragma once

#include <glib.h>

#include "pipeload/version.h"

G_BEGIN_DECLS

/**
 * PLD_API:
 *
 * Marks a symbol that the library exports.
 */
#if defined(__GNUC__)
#define PLD_API __attribute__ ((visibility ("default")))
#else
#define PLD_API
#endif

/* ---- version -------------------------------------------------------------------------------- */

/**
 * pld_version:
 * @major: (out) (optional): major version
 * @minor: (out) (optional): minor version
 * @micro: (out) (optional): micro version
 *
 * Reports the version of the library that runs. Thread-safe.
 */
PLD_API void pld_version (guint *major, guint *minor, guint *micro);

/* ---- errors --------------------------------------------------------------------------------- */

/**
 * PLD_ERROR:
 *
 * The domain of all errors; codes are #PldError.
 */
#define PLD_ERROR (pld_error_quark ())

/**
 * PldError:
 * @PLD_ERROR_NOT_FOUND: a named file does not exist
 * @PLD_ERROR_IO: reading or writing failed, or a file changed while it was in use
 * @PLD_ERROR_FORMAT: a file is damaged: its content contradicts itself or its format
 * @PLD_ERROR_UNSUPPORTED: a well-formed file that this version cannot run
 * @PLD_ERROR_MEMORY: the system had no memory to give
 * @PLD_ERROR_LIMIT: the memory limit is too small; the message names the smallest that works
 * @PLD_ERROR_CANCELLED: the caller's GCancellable was cancelled
 *
 * Every message names the file, the fact and the remedy.
 */
typedef enum
{
  PLD_ERROR_NOT_FOUND,
  PLD_ERROR_IO,
  PLD_ERROR_FORMAT,
  PLD_ERROR_UNSUPPORTED,
  PLD_ERROR_MEMORY,
  PLD_ERROR_LIMIT,
  PLD_ERROR_CANCELLED,
} PldError;

/**
 * pld_error_quark:
 *
 * Identifies the errors of this library; use PLD_ERROR.
 *
 * Returns: the domain of all errors. Thread-safe.
 */
PLD_API GQuark pld_error_quark (void);

/* ---- sizes ---------------------------------------------------------------------------------- */

/**
 * pld_size_parse:
 * @text: "64MB", "2.1GB", "512MiB", "4096" or "0"; decimal units are powers of 1000, "i" units of 1024
 * @bytes: (out): the size
 *
 * Thread-safe. Fails with PLD_ERROR_FORMAT on anything else, negative and overflowing sizes included.
 */
PLD_API gboolean pld_size_parse (const char *text, guint64 *bytes, GError **error);

/**
 * pld_size_format:
 * @bytes: a size
 *
 * Thread-safe.
 *
 * Returns: (transfer full): @bytes for people, such as "64.0 MB"; free with g_free()
 */
PLD_API char *pld_size_format (guint64 bytes);

/* ---- memory --------------------------------------------------------------------------------- */

/**
 * PLD_LIMIT_AUTO:
 *
 * The memory limit that the machine, and each memory cgroup of the process, can spare; it is checked again while the
 * model runs.
 */
#define PLD_LIMIT_AUTO G_MAXUINT64

/**
 * pld_limit_parse:
 * @text: as for pld_size_parse(), or "auto" for PLD_LIMIT_AUTO
 * @limit: (out): the limit
 *
 * Thread-safe. Fails with PLD_ERROR_FORMAT on anything else.
 */
PLD_API gboolean pld_limit_parse (const char *text, guint64 *limit, GError **error);

G_END_DECLS
