import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../config/errors';

/** The file in an evaluation's run directory that holds its report. */
export const REPORT_FILE = 'report.json';

/** The version of report.json. Readers accept every version up to it and any key they do not know. */
export const REPORT_VERSION = 1;

const figure = z.number().nullable();
const estimate = z.object({ value: figure, low: figure, high: figure });
const share = estimate.extend({ count: z.number(), n: z.number() });

const winRateSchema = estimate.extend({
  wins: z.number(),
  ties: z.number(),
  losses: z.number(),
  /** How the interval was found: Wilson's, where each prompt has one outcome and none is a tie, or a bootstrap over prompts. */
  method: z.enum(['wilson', 'bootstrap']),
  /** Of the sign test over prompts: a prompt with several answers counts as what most of them are. */
  p: z.number(),
});

/** Answers of one model that were drawn in one way. Intervals are of 95 %. */
const answersSchema = z.object({
  answers: z.number(),
  /** In tokens, the one that ended the answer included. */
  mean_length: estimate,
  eos_rate: share,
  scores: z.record(z.string(), estimate),
  /** Mean differences to the baseline's scores on the same prompts; empty for the baseline. */
  gains: z.record(z.string(), estimate),
  /** Answers without one of the scores, because a rule failed. They are left out of its mean. */
  unscored: z.number(),
  /** Null for the baseline, and where nobody judges. */
  win_rate: winRateSchema.nullable(),
});

/** An answer of a model beside the baseline's to the same prompt. */
const exampleSchema = z.object({
  model: z.string(),
  prompt: z.string(),
  answer: z.string(),
  baseline: z.string(),
  /** Which way the judge decided. */
  won: z.boolean(),
  /** A score of both answers; null where nothing scores. */
  score: z.object({ name: z.string(), answer: figure, baseline: figure }).nullable(),
  /** Where both stand in samples.jsonl, in lines from 1. */
  lines: z.object({ answer: z.int().min(1), baseline: z.int().min(1) }),
});

const reportSchema = z.object({
  v: z.int().min(1).max(REPORT_VERSION),
  stage: z.string(),
  seed: z.number(),
  baseline: z.string(),
  judge: z.string().nullable(),
  prompts: z.number(),
  sampling: z.record(z.string(), z.number().nullable()),
  scores: z.array(z.string()).readonly(),
  models: z.array(
    z.object({
      model: z.string(),
      run: z.string().nullable(),
      baseline: z.boolean(),
      sampled: answersSchema,
      greedy: answersSchema.nullable(),
    }),
  ),
  tags: z.array(
    z.object({
      tag: z.string(),
      prompts: z.number(),
      /** By model, sampled answers. */
      models: z.record(z.string(), answersSchema.pick({ scores: true, win_rate: true })),
    }),
  ),
  /** Pairs that people were asked to compare, and how many of them have. */
  people: z.object({ pairs: z.number(), labeled: z.number() }).nullable(),
  /** What was decided most clearly. */
  examples: z.array(exampleSchema).default([]),
});

export type WinRate = z.output<typeof winRateSchema>;
export type AnswersReport = z.output<typeof answersSchema>;
export type ComparedAnswers = z.output<typeof exampleSchema>;
/** What an evaluation found: report.json of its run. */
export type EvaluationReport = z.output<typeof reportSchema>;

/** Throws a UserError where the file is missing, damaged, or of a newer version. */
export function readReport(file: string): EvaluationReport {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UserError(`There is no report: ${file} cannot be read.`, {
      hint: 'An evaluation writes it when it ends. Run the stage again.',
      file,
      code: 'no-report',
    });
  }
  const json = parseJson(text);
  const parsed = reportSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : '';
  const what = json === undefined ? 'it is not JSON' : (issue?.message ?? 'it is no report');
  throw new UserError(`The report ${file} cannot be read${where}: ${what}.`, {
    hint: 'It is damaged, or a newer Alignment Lab wrote it. Run the stage again, or update.',
    file,
    code: 'damaged-report',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
