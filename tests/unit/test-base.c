/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/base: sizes, budget, buffer, reader.
 */
#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/reader.h"
#include "engine/base/size.h"

static void
test_size_parse (void)
{
  static const struct
  {
    const char *text;
    guint64 bytes;
  } good[] = { { "0", 0 },
               { "4096", 4096 },
               { "64MB", 64000000 },
               { "2.1GB", 2100000000 },
               { "512MiB", 536870912 },
               { "1 kB", 1000 },
               { "1.5KiB", 1536 },
               { "3gb", 3000000000 },
               { "7M", 7000000 },
               { " 8 MB ", 8000000 },
               { "1TiB", 1099511627776 } };
  static const char *const bad[] = { "", "MB", "-1", "-1MB", "12 parsecs", "1e30GB", "nan", "inf", "64MBs", "1,5GB" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 1;

      g_assert_true (pld_size_parse (good[i].text, &bytes, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (bytes, ==, good[i].bytes);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 77;

      g_assert_false (pld_size_parse (bad[i], &bytes, &error));
      g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
      g_assert_cmpuint (bytes, ==, 77);
    }
}

static void
test_limit_parse (void)
{
  guint64 limit = 0;

  g_assert_true (pld_limit_parse ("Auto", &limit, NULL));
  g_assert_cmpuint (limit, ==, PLD_LIMIT_AUTO);
  g_assert_true (pld_limit_parse ("64MB", &limit, NULL));
  g_assert_cmpuint (limit, ==, 64000000);
  g_assert_false (pld_limit_parse ("automatic", &limit, NULL));
  g_assert_cmpuint (limit, ==, 64000000);
}

static void
test_size_format (void)
{
  static const struct
  {
    guint64 bytes;
    const char *text;
  } cases[]
      = { { 0, "0 B" }, { 9999, "9999 B" }, { 12345, "12.3 kB" }, { 64000000, "64.0 MB" }, { 2100000000, "2.10 GB" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = pld_size_format (cases[i].bytes);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_size_checked (void)
{
  guint64 r = 5;

  g_assert_true (pld_size_mul (1ull << 31, 1ull << 32, &r));
  g_assert_cmpuint (r, ==, 1ull << 63);
  g_assert_false (pld_size_mul (1ull << 32, 1ull << 32, &r));
  g_assert_cmpuint (r, ==, 1ull << 63);
  g_assert_true (pld_size_add (G_MAXUINT64 - 1, 1, &r));
  g_assert_cmpuint (r, ==, G_MAXUINT64);
  g_assert_false (pld_size_add (G_MAXUINT64, 1, &r));
  g_assert_cmpuint (pld_size_round_up (4097, 4096), ==, 8192);
  g_assert_cmpuint (pld_size_round_up (4096, 4096), ==, 4096);
}

static void
test_budget (void)
{
  PldBudget *budget = pld_budget_new (100);
  g_autoptr (GError) error = NULL;

  g_assert_true (pld_budget_charge (budget, 60, "a", &error));
  g_assert_false (pld_budget_charge (budget, 41, "the ring", &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "the ring"));
  g_clear_error (&error);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 60);
  g_assert_true (pld_budget_charge (budget, 40, "b", &error));
  pld_budget_release (budget, 60);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 40);
  g_assert_cmpuint (pld_budget_get_peak (budget), ==, 100);
  /* A limit below what is held: nothing more until it is given back. */
  pld_budget_set_limit (budget, 30);
  g_assert_false (pld_budget_charge (budget, 1, "c", NULL));
  pld_budget_set_limit (budget, 0);
  g_assert_true (pld_budget_charge (budget, 1ull << 40, "d", &error));
  g_assert_false (pld_budget_charge (budget, G_MAXUINT64, "e", NULL));
  pld_budget_release (budget, (1ull << 40) + 40);
  g_clear_pointer (&budget, pld_budget_free);
  g_assert_null (budget);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_buffer (void)
{
  PldBudget *budget = pld_budget_new (3 * PLD_PAGE);
  PldBuffer a = { 0 }, b = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (pld_buffer_init (&a, budget, PLD_PAGE + 1, "a", &error));
  g_assert_cmpuint ((guintptr) a.data % PLD_PAGE, ==, 0);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 2 * PLD_PAGE);
  for (gsize i = 0; i < 2 * PLD_PAGE; i++)
    g_assert_cmpuint (a.data[i], ==, 0);
  g_assert_false (pld_buffer_init (&b, budget, PLD_PAGE + 1, "b", &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_clear_error (&error);
  pld_buffer_clear (&a);
  pld_buffer_clear (&a);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_assert_true (pld_buffer_init (&b, budget, 0, "nothing", &error));
  g_assert_null (b.data);
  pld_buffer_clear (&b);
  pld_budget_set_limit (budget, 0);
  g_assert_false (pld_buffer_init (&b, budget, G_MAXUINT64, "everything", &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_MEMORY);
  g_clear_error (&error);
  g_assert_false (pld_buffer_init (&b, budget, 1ull << 60, "too much", &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_MEMORY);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_reader (void)
{
  static const guint8 bytes[]
      = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10 };
  g_autoptr (GError) error = NULL;
  const guint8 *view;
  PldReader reader;
  guint8 u8;
  guint16 u16;
  guint32 u32;
  guint64 u64 = 42;

  pld_reader_init (&reader, bytes, sizeof bytes);
  g_assert_true (pld_reader_u8 (&reader, &u8, "a", &error) && u8 == 0x01);
  g_assert_true (pld_reader_u16 (&reader, &u16, "b", &error) && u16 == 0x0302);
  g_assert_true (pld_reader_u32 (&reader, &u32, "c", &error) && u32 == 0x07060504);
  g_assert_true (pld_reader_bytes (&reader, 2, &view, "d", &error) && view == bytes + 7);
  g_assert_cmpuint (pld_reader_remaining (&reader), ==, 7);
  g_assert_false (pld_reader_u64 (&reader, &u64, "the count", &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "the count"));
  g_assert_cmpuint (u64, ==, 42);
  g_assert_cmpuint (reader.pos, ==, 9);
  g_assert_false (pld_reader_bytes (&reader, G_MAXUINT64, &view, "e", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/size/parse", test_size_parse);
  g_test_add_func ("/base/limit/parse", test_limit_parse);
  g_test_add_func ("/base/size/format", test_size_format);
  g_test_add_func ("/base/size/checked", test_size_checked);
  g_test_add_func ("/base/budget", test_budget);
  g_test_add_func ("/base/buffer", test_buffer);
  g_test_add_func ("/base/reader", test_reader);
  return g_test_run ();
}
