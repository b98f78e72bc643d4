/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * top-k, top-p and min-p each keep a beginning of the tokens in falling order, so together they are one bound: the last
 * token that stays. It is found by partitions (Hoare's find), without sorting. Then the tokens down to the bound are
 * taken out of the logits in the order of ids, so that what is drawn does not depend on how they were partitioned.
 */
#include "engine/text/sampler.h"

#include "engine/base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* top-k gathers candidates in a room of this times k before it forgets those that cannot stay. */
#define TOP_K_ROOM 4u
/* A repeated token that has had its penalties in this pass. */
#define PENALISED 0x8000u

typedef struct
{
  float value; /* a logit, or a weight */
  guint32 id;
} Candidate;

struct _PldSampler
{
  PldGenerateOptions options;
  guint n_vocab;
  guint64 seed;
  PldRandom draws, pivots;
  PldBuffer buffer;
  Candidate *candidates; /* [n_vocab] */
  guint32 *window;       /* [PLD_SAMPLER_WINDOW_MAX]: a ring of the last tokens */
  guint16 *counts;       /* [n_vocab]: of each token in the window */
  guint n_window, next;
};

/* ---- options -------------------------------------------------------------------------------- */

static gboolean
check_range (const char *name, double value, double from, double to, GError **error)
{
  if (value >= from && value <= to)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s is %g: it must be from %g to %g", name, value, from, to);
  return FALSE;
}

static gboolean
check_biases (const PldGenerateOptions *options, guint n_vocab, GError **error)
{
  for (guint i = 0; i < options->n_biases; i++)
    {
      const PldLogitBias *bias = &options->biases[i];

      if (bias->token >= n_vocab)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                       "the logit bias of token %u: the model's vocabulary ends at token %u", bias->token, n_vocab - 1);
          return FALSE;
        }
      if (isnan (bias->bias))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "the logit bias of token %u is not a number",
                       bias->token);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
pld_sampler_check (const PldGenerateOptions *options, guint n_vocab, GError **error)
{
  return check_range ("temperature", options->temperature, -FLT_MAX, FLT_MAX, error)
         && check_range ("top-p", options->top_p, 0, 1, error) && check_range ("min-p", options->min_p, 0, 1, error)
         && check_range ("repeat penalty", options->repeat_penalty, FLT_MIN, FLT_MAX, error)
         && check_range ("presence penalty", options->presence_penalty, -FLT_MAX, FLT_MAX, error)
         && check_range ("frequency penalty", options->frequency_penalty, -FLT_MAX, FLT_MAX, error)
         && check_range ("penalty window", options->penalty_window, 0, PLD_SAMPLER_WINDOW_MAX, error)
         && check_biases (options, n_vocab, error);
}

/* ---- life ----------------------------------------------------------------------------------- */

guint64
pld_sampler_bytes (guint n_vocab)
{
  return pld_buffer_cost ((guint64) n_vocab * (sizeof (Candidate) + sizeof (guint16))
                          + PLD_SAMPLER_WINDOW_MAX * sizeof (guint32));
}

PldSampler *
pld_sampler_new (const PldGenerateOptions *options, guint n_vocab, PldBudget *budget, GError **error)
{
  g_autofree PldSampler *sampler = g_new0 (PldSampler, 1);

  g_return_val_if_fail (n_vocab > 0, NULL);
  if (!pld_sampler_check (options, n_vocab, error)
      || !pld_buffer_init (&sampler->buffer, budget, pld_sampler_bytes (n_vocab), "the sampler", error))
    return NULL;
  sampler->options = *options;
  if (options->temperature < 0)
    sampler->options.temperature = PLD_SAMPLER_TEMPERATURE;
  sampler->n_vocab = n_vocab;
  sampler->seed = options->seed != -1 ? (guint64) options->seed : (guint64) g_random_int () << 32 | g_random_int ();
  sampler->candidates = (Candidate *) sampler->buffer.data;
  sampler->window = (guint32 *) (sampler->candidates + n_vocab);
  sampler->counts = (guint16 *) (sampler->window + PLD_SAMPLER_WINDOW_MAX);
  pld_sampler_reset (sampler);
  return g_steal_pointer (&sampler);
}

void
pld_sampler_free (PldSampler *sampler)
{
  if (sampler == NULL)
    return;
  pld_buffer_clear (&sampler->buffer);
  g_free (sampler);
}

void
pld_sampler_reset (PldSampler *sampler)
{
  memset (sampler->counts, 0, sampler->n_vocab * sizeof *sampler->counts);
  sampler->n_window = sampler->next = 0;
  pld_random_init (&sampler->draws, sampler->seed, NULL);
  pld_random_init (&sampler->pivots, sampler->seed, "pivots");
}

void
pld_sampler_accept (PldSampler *sampler, guint32 token)
{
  guint size = sampler->options.penalty_window;

  if (size == 0 || token >= sampler->n_vocab)
    return;
  if (sampler->n_window == size)
    sampler->counts[sampler->window[sampler->next]]--;
  else
    sampler->n_window++;
  sampler->window[sampler->next] = token;
  sampler->counts[token]++;
  sampler->next = (sampler->next + 1) % size;
}

/* ---- logits --------------------------------------------------------------------------------- */

static float
penalize (const PldGenerateOptions *options, float logit, guint count)
{
  logit = logit > 0 ? logit / options->repeat_penalty : logit * options->repeat_penalty;
  return logit - (float) count * options->frequency_penalty - options->presence_penalty;
}

static void
apply_penalties (PldSampler *sampler, float *logits)
{
  const PldGenerateOptions *options = &sampler->options;

  if (options->repeat_penalty == 1 && options->frequency_penalty == 0 && options->presence_penalty == 0)
    return;
  for (guint i = 0; i < sampler->n_window; i++)
    {
      guint32 token = sampler->window[i];

      if ((sampler->counts[token] & PENALISED) == 0)
        logits[token] = penalize (options, logits[token], sampler->counts[token]);
      sampler->counts[token] |= PENALISED;
    }
  for (guint i = 0; i < sampler->n_window; i++)
    sampler->counts[sampler->window[i]] &= ~PENALISED;
}

/* Bias, penalties; then every logit is finite, or −∞ and out. Returns: the likeliest token, 0 if all are out */
static guint32
prepare (PldSampler *sampler, float *logits)
{
  const PldGenerateOptions *options = &sampler->options;
  float most = -INFINITY;
  guint32 best = 0;

  for (guint i = 0; i < options->n_biases; i++)
    logits[options->biases[i].token] += options->biases[i].bias;
  apply_penalties (sampler, logits);
  for (guint i = 0; i < sampler->n_vocab; i++)
    {
      float value = logits[i] >= -FLT_MAX ? MIN (logits[i], FLT_MAX) : -INFINITY;

      logits[i] = value;
      if (value > most)
        {
          most = value;
          best = i;
        }
    }
  return best;
}

/* ---- the bound ------------------------------------------------------------------------------ */

/* Whether @a precedes @b: the likelier one does, and of two equally likely ones the lower id. */
static inline gboolean
before (Candidate a, Candidate b)
{
  return a.value > b.value || (a.value == b.value && a.id < b.id);
}

/* Brings those of @c [n] that stand before a random one of them, the pivot, to the front, then the pivot. Returns: its
 * place */
static guint
partition (PldRandom *random, Candidate *c, guint n)
{
  guint at = (guint) (pld_random_next (random) % n), front = 0;
  Candidate pivot = c[at];

  c[at] = c[n - 1];
  for (guint i = 0; i < n - 1; i++)
    {
      Candidate candidate = c[i];

      c[i] = c[front];
      c[front] = candidate;
      front += before (candidate, pivot);
    }
  c[n - 1] = c[front];
  c[front] = pivot;
  return front;
}

/* Brings the first @k of @c [n] to the front, the last of them to c[k − 1]. 1 ≤ k ≤ n */
static void
select_count (PldRandom *random, Candidate *c, guint n, guint k)
{
  while (n > 0)
    {
      guint front = partition (random, c, n);

      if (front == k - 1)
        break;
      if (front >= k)
        n = front;
      else
        {
          c += front + 1;
          n -= front + 1;
          k -= front + 1;
        }
    }
}

/* Brings to the front as few of @c [n], whose values are weights, as weigh @mass together; all of them if they weigh
 * less. Returns: how many, at least one */
static guint
select_mass (PldRandom *random, Candidate *c, guint n, double mass)
{
  guint kept = 0;

  while (n > 0)
    {
      guint front = partition (random, c + kept, n);
      double sum = 0;

      for (guint i = 0; i < front; i++)
        sum += c[kept + i].value;
      if (front > 0 && sum >= mass)
        n = front;
      else
        {
          mass -= sum + c[kept + front].value;
          kept += front + 1;
          n = mass > 0 ? n - front - 1 : 0;
        }
    }
  return kept;
}

/* Gathers the candidates that top-k leaves. Returns: how many */
static guint
gather (PldSampler *sampler, const float *logits)
{
  guint k = sampler->options.top_k, room = sampler->n_vocab, n = 0;
  float least = -INFINITY;

  if (k > 0 && k < room / TOP_K_ROOM)
    room = k * TOP_K_ROOM;
  for (guint i = 0; i < sampler->n_vocab; i++)
    if (logits[i] > least)
      {
        if (n == room)
          {
            select_count (&sampler->pivots, sampler->candidates, n, k);
            n = k;
            least = sampler->candidates[k - 1].value;
          }
        sampler->candidates[n++] = (Candidate) { logits[i], i };
      }
  if (k > 0 && k < n)
    {
      select_count (&sampler->pivots, sampler->candidates, n, k);
      n = k;
    }
  return n;
}

/* Of the candidates [n], whose values become weights: those that min-p leaves and top-p may leave, at the front.
 * Returns: how many */
static guint
weigh (PldSampler *sampler, guint n, float most, double *total)
{
  Candidate *c = sampler->candidates;
  float least = sampler->options.min_p;
  guint kept = 0;

  *total = 0;
  for (guint i = 0; i < n; i++)
    {
      c[i].value = expf (c[i].value - most);
      *total += c[i].value;
    }
  /* All tokens below the share (1 − p) / n together have less than 1 − p, so none of them stays; half of it, for
   * rounding. */
  least = MAX (least, (float) ((1 - sampler->options.top_p) * *total / n / 2));
  for (guint i = 0; i < n; i++)
    if (c[i].value >= least)
      c[kept++] = c[i];
  return kept;
}

/* The last token that stays, with its logit. @best: the first */
static Candidate
find_bound (PldSampler *sampler, const float *logits, guint32 best)
{
  const PldGenerateOptions *options = &sampler->options;
  guint n = gather (sampler, logits);
  Candidate bound = { INFINITY, 0 };
  double total;

  if (options->top_p < 1 || options->min_p > 0)
    {
      n = weigh (sampler, n, logits[best], &total);
      if (options->top_p < 1)
        n = select_mass (&sampler->pivots, sampler->candidates, n, options->top_p * total);
    }
  for (guint i = 0; i < n; i++)
    {
      guint32 id = sampler->candidates[i].id;
      Candidate candidate = { logits[id], id };

      if (before (bound, candidate))
        bound = candidate;
    }
  return bound;
}

/* ---- the draw ------------------------------------------------------------------------------- */

/* Takes the tokens down to @bound out of @logits, with weights at the temperature, by id. Returns: how many */
static guint
take (PldSampler *sampler, const float *logits, Candidate bound, float most, double *total)
{
  float temperature = sampler->options.temperature;
  guint n = 0;

  *total = 0;
  for (guint i = 0; i < sampler->n_vocab; i++)
    if (logits[i] > bound.value || (logits[i] == bound.value && i <= bound.id))
      {
        float weight = expf ((logits[i] - most) / temperature);

        *total += weight;
        sampler->candidates[n++] = (Candidate) { weight, i };
      }
  return n;
}

guint32
pld_sampler_sample (PldSampler *sampler, float *logits)
{
  guint32 token = prepare (sampler, logits);
  Candidate bound;
  double total, left;
  guint n;

  if (sampler->options.temperature == 0 || logits[token] == -INFINITY)
    return token;
  bound = find_bound (sampler, logits, token);
  n = take (sampler, logits, bound, logits[token], &total);
  left = pld_random_double (&sampler->draws) * total;
  for (guint i = 0; i < n && left >= 0; i++)
    {
      /* Rounding errors at the end go to the last candidate with a positive probability. */
      if (sampler->candidates[i].value > 0)
        token = sampler->candidates[i].id;
      left -= sampler->candidates[i].value;
    }
  return token;
}
