/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Decoding of UTF-8 with replacement of invalid bytes.
 */
#include "engine/text/vocab.h"

gint
pld_utf8_length (const guint8 *bytes, gsize n)
{
  guint8 low = 0x80, high = 0xbf;
  gint length, have;

  if (bytes[0] < 0x80)
    return 1;
  if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
    return -1;
  length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
  /* Overlong forms, surrogates and what is past U+10FFFF show in the second byte. */
  if (bytes[0] == 0xe0)
    low = 0xa0;
  else if (bytes[0] == 0xed)
    high = 0x9f;
  else if (bytes[0] == 0xf0)
    low = 0x90;
  else if (bytes[0] == 0xf4)
    high = 0x8f;
  for (have = 1; have < length && (gsize) have < n; have++)
    {
      if (bytes[have] < low || bytes[have] > high)
        return -have;
      low = 0x80;
      high = 0xbf;
    }
  return have == length ? length : 0;
}

GString *
pld_utf8_repair (const char *text, gsize n)
{
  const char *end = text + n, *bad = text;
  GString *repaired;

  while (!g_utf8_validate (bad, end - bad, &bad) && *bad == '\0')
    bad++;
  if (bad == end)
    return NULL;
  repaired = g_string_new_len (text, bad - text);
  while (bad < end)
    {
      gint length = pld_utf8_length ((const guint8 *) bad, (gsize) (end - bad));

      if (length > 0)
        g_string_append_len (repaired, bad, length);
      else
        g_string_append (repaired, "\xef\xbf\xbd");
      bad += length > 0 ? length : length < 0 ? -length : end - bad;
    }
  return repaired;
}
