/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokenizers: any vocabulary, any text. The input: u16 length of the text, the text, a GGUF file.
 */
#include "engine/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
check_decoding (const PldTokenizer *tokenizer, const GArray *tokens)
{
  for (gboolean special = FALSE; special <= TRUE; special++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      PldDecoder decoder;

      pld_decoder_init (&decoder, tokenizer, special);
      for (guint i = 0; i < tokens->len; i++)
        {
          gsize old = out->len;

          pld_decoder_push (&decoder, g_array_index (tokens, guint32, i), out);
          for (const char *p = out->str + old; p < out->str + out->len; p++)
            if (*p != '\0' && !g_utf8_validate_len (p, strnlen (p, (gsize) (out->str + out->len - p)), &p))
              g_error ("half a character comes out");
        }
      pld_decoder_end (&decoder, out);
    }
}

static void
check_encoding (const PldTokenizer *tokenizer, const char *text, gsize n)
{
  for (PldEncodeFlags flags = 0; flags <= (PLD_ENCODE_ADD_SPECIAL | PLD_ENCODE_PARSE_SPECIAL); flags++)
    {
      g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (guint32));
      GError *error = NULL;
      gboolean ok = pld_tokenizer_encode (tokenizer, text, n, flags, tokens, &error);

      fuzz_check_error (ok, &error);
      for (guint i = 0; i < tokens->len; i++)
        if (g_array_index (tokens, guint32, i) >= pld_tokenizer_size (tokenizer))
          g_error ("a token out of range");
      check_decoding (tokenizer, tokens);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  gsize n_text = size >= 2 ? MIN ((gsize) data[0] | (gsize) data[1] << 8, size - 2) : 0;
  gsize n_file = size >= 2 ? size - 2 - n_text : 0;
  int fd = memfd_create ("vocabulary", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (PldWeights) weights = NULL;
  GError *error = NULL;

  if (fd < 0 || (n_file > 0 && write (fd, data + size - n_file, n_file) != (gssize) n_file))
    g_error ("no memory file");
  weights = pld_weights_open (path, &error);
  fuzz_check_error (weights != NULL, &error);
  if (weights != NULL)
    {
      PldBudget *budget = pld_budget_new (0);
      PldTokenizer *tokenizer = pld_tokenizer_new (weights, budget, &error);

      fuzz_check_error (tokenizer != NULL, &error);
      if (pld_budget_get_peak (budget) > pld_tokenizer_bytes (weights))
        g_error ("more memory than was said");
      if (tokenizer != NULL)
        check_encoding (tokenizer, (const char *) data + 2, n_text);
      g_clear_pointer (&tokenizer, pld_tokenizer_free);
      if (pld_budget_get_used (budget) != 0)
        g_error ("memory left charged");
      g_clear_pointer (&budget, pld_budget_free);
    }
  close (fd);
  return 0;
}
