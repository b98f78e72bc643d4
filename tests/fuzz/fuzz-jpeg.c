/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: JPEG pictures under a memory limit.
 */
#include "engine/image/image.h"
#include "tests/fuzz/fuzz.h"

#define WIDTH 24
#define HEIGHT 16
#define LIMIT (8u << 20)

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const PldImage image = { .kind = PLD_IMAGE_JPEG, .data = data, .size = size };
  PldBudget *budget = pld_budget_new (LIMIT);
  GError *error = NULL;
  PldScaler *scaler = pld_scaler_new (WIDTH, HEIGHT, PLD_FILTER_BILINEAR, budget, &error);
  guint8 rgb[WIDTH * HEIGHT * 3];

  g_assert_no_error (error);
  fuzz_check_error (pld_scaler_run (scaler, &image, rgb, &error), &error);
  if (pld_budget_get_peak (budget) > LIMIT)
    g_error ("more memory than the limit");
  g_clear_pointer (&scaler, pld_scaler_free);
  g_clear_pointer (&budget, pld_budget_free);
  return 0;
}
