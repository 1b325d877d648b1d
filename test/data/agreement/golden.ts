/** Values recorded by test/golden/agreement.py, with types. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Rating } from '../../../src/data/agreement/ratings';

const ratings = z
  .array(z.tuple([z.string(), z.string(), z.number()]))
  .transform((rows) => rows.map(([unit, annotator, value]): Rating => ({ unit, annotator, value })));
const matrix = z.array(z.array(z.number()));
const caseSchema = z.object({
  ratings,
  alpha: z.object({ nominal: z.number(), ordinal: z.number(), interval: z.number() }).optional(),
  /** Cohen's κ of every two annotators on what both rated; observed is the share of equal values. */
  pairs: z
    .array(
      z.object({
        annotators: z.tuple([z.string(), z.string()]),
        units: z.number(),
        observed: z.number(),
        kappa: z.object({ none: z.number(), linear: z.number(), quadratic: z.number() }),
      }),
    )
    .optional(),
  /** Of the units that all annotators rated. */
  fleiss: z.object({ units: z.number(), kappa: z.number() }).optional(),
  dawid_skene: z
    .object({
      classes: z.array(z.number()),
      units: z.array(z.string()),
      posterior: matrix,
      priors: z.array(z.number()),
      /** [true class][said class] */
      confusion: z.record(z.string(), matrix),
      /** Shares of votes. */
      votes: matrix,
    })
    .optional(),
});
export type GoldenCase = z.output<typeof caseSchema>;

export const golden = z
  .object({
    cases: z.record(z.string(), caseSchema),
    correlations: z.object({
      x: z.array(z.number()),
      y: z.array(z.number()),
      spearman: z.number(),
      pearson: z.number(),
      wilson: z.array(z.object({ count: z.number(), n: z.number(), interval: z.tuple([z.number(), z.number()]) })),
    }),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../golden/data/agreement.json'), 'utf8')));
