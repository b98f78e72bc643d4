/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Layer Profiler of PIPELOAD (arXiv 2409.04249), storage: the bandwidth at which a weight file is read, by size of
 * request and number of requests in flight. Reads are spread over the whole file and made as loaders make them: direct
 * where the file system supports it, so that the page cache does not matter. Of buffered reads (@direct is FALSE), some
 * may come from the page cache.
 */
#pragma once

#include <gio/gio.h>

#include "engine/stream/file.h"

/* Of requests: 256 KiB, 1, 4, 8 MiB, none above the file's size; in flight: 1, 2, 4, 8. */
#define PLD_PROFILE_SIZES 4
#define PLD_PROFILE_DEPTHS 4
/* The most memory that measuring takes. */
#define PLD_PROFILE_MEMORY ((guint64) 64 << 20)

typedef struct
{
  gboolean direct;
  guint64 memory; /* that measuring could take */
  guint n_sizes;
  guint64 request_bytes[PLD_PROFILE_SIZES]; /* [n_sizes], rising */
  double bandwidth[PLD_PROFILE_SIZES]
                  [PLD_PROFILE_DEPTHS]; /* bytes/s; [i][j]: 1 << j requests of request_bytes[i] in flight */
} PldProfile;

/**
 * pld_profile_measure:
 * @budget: charged what measuring takes: all that it leaves, PLD_PROFILE_MEMORY at most
 * @duration: microseconds that it should take in all; storage on which one request takes longer needs longer
 *
 * Combinations for which memory or time did not suffice get the value of the nearest one that was measured. Errors:
 * those of reading; LIMIT, MEMORY, CANCELLED. Returns: (transfer full): free with g_free()
 */
PldProfile *pld_profile_measure (PldFile *file, PldBudget *budget, gint64 duration, GCancellable *cancellable,
                                 GError **error);

/**
 * pld_profile_load:
 * @path: of a weight file
 * @direct: as for pld_file_open()
 *
 * Measures nothing. Thread-safe. Returns: (transfer full) (nullable): what pld_profile_save() kept of the same state of
 * the same file
 */
PldProfile *pld_profile_load (const char *path, gboolean direct);
void pld_profile_save (const PldProfile *profile, const char *path, gboolean direct);

/* The identity under which a profile is kept: @name is the file's path, @key its state: device, inode, size, time of
 * change. Returns: FALSE when the file does not exist */
gboolean pld_profile_identity (const char *path, gboolean direct, char **name, char **key);

/* Bytes/s with @depth requests of @request_bytes in flight; between what was measured, in proportion to the logarithms.
 */
double pld_profile_bandwidth (const PldProfile *profile, guint64 request_bytes, guint depth);

/* The smallest number of requests in flight, of those measured, within 3 % of the best bandwidth at this size. */
guint pld_profile_loaders (const PldProfile *profile, guint64 request_bytes);
