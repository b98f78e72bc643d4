/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A LLaMA as its files declare it: declare.c fills this in, llama.c computes with it.
 */
#pragma once

#include "models/architectures/arch.h"
#include "models/architectures/decoder/rope.h"

#define PLD_LLAMA_MAX_EXPERTS 256

/* The differences between the architectures. */
typedef struct
{
  const char *name;
  gboolean neox;     /* order of the pairs that positions rotate */
  gboolean qkv_bias; /* its files are written with biases; all may have them */
  gboolean qk_norm;
} PldLlamaVariant;

typedef struct
{
  const PldMatrix *gate, *up;             /* [d_ff, d] */
  const PldMatrix *down;                  /* [d, d_ff] */
  float *gate_bias, *up_bias, *down_bias; /* [d_ff], [d_ff], [d]; NULL: none */
} PldLlamaMlp;

typedef struct
{
  float *attn_norm, *ffn_norm;              /* [d] */
  const PldMatrix *q, *k, *v;               /* [n_heads * d_head, d]; k, v: n_kv_heads */
  const PldMatrix *o;                       /* [d, n_heads * d_head] */
  float *q_bias, *k_bias, *v_bias, *o_bias; /* NULL: none */
  float *q_norm, *k_norm;                   /* [d_head]; NULL: none */
  const PldMatrix *router;                  /* [n_experts, d]; NULL: one MLP */
  PldLlamaMlp *mlps;                        /* [max (1, n_experts)] */
} PldLlamaBlock;

typedef struct
{
  PldTextNet base;
  const PldLlamaVariant *variant;
  guint d, n_blocks, n_heads, n_kv_heads, d_head, d_ff;
  PldBlocks part;          /* the blocks that are declared */
  guint n_experts, n_used; /* 0: no experts */
  float eps;
  PldRope rope;
  float *rope_factors;        /* [n_pairs]; NULL: none */
  const PldTable *embeddings; /* [n_vocab, d] */
  float *norm;                /* [d] */
  const PldMatrix *head;      /* [n_vocab, d] */
  gboolean tied;              /* the head is the embeddings' tensor */
  PldLlamaMlp *mlps;          /* [n_blocks * max (1, n_experts)] */
  PldLlamaBlock blocks[];
} PldLlama;

/* See PldArch. Returns: (transfer full) */
PldNet *pld_llama_declare (PldParams *params, const PldConfig *config, const PldLlamaVariant *variant, PldBlocks blocks,
                           GError **error);
void pld_llama_release (PldNet *net);

extern const PldMix pld_llama_mixes[];
void pld_llama_mix (const PldNet *net, const PldMix *mix, PldTensor *tensor, guint64 n_cols);
void pld_llama_write_keys (const PldNet *net, PldKeys keys);
