/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The function that libFuzzer calls; without it, driver.c replays the seeds through the same function.
 */
#pragma once

#include "pipeload/pipeload.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Whatever the input: a result and no error, or no result and an error of our domain with a text. Clears
 * @error. */
static inline void
fuzz_check_error (gboolean ok, GError **error)
{
  if (ok ? *error != NULL : *error == NULL || (*error)->domain != PLD_ERROR || *(*error)->message == '\0')
    g_error ("the result and the error contradict each other");
  if (!ok && !g_utf8_validate ((*error)->message, -1, NULL))
    g_error ("the error's text is not UTF-8");
  g_clear_error (error);
}
