import { basename, dirname, relative, sep } from 'node:path';
import type { ModelSource, ResolvedStage } from '../../config/experiment';
import type { JsonObject } from '../../data/jsonl';
import { Random } from '../../data/random';
import { openCheckpoint } from '../../models/checkpoint';
import { Generator } from '../../models/generate';
import { loadTokenizer, type Tokenizer } from '../../models/tokenizer';
import type { ModelWeights } from '../../models/weights';
import { RUN_ID } from '../../runs/format';
import { answerText, type PromptRow, readPrompts } from './prompts';
import type { StageContext } from '../context';
import { loadWeights, positionsFor, templateOf } from '../training/texts';

/** Answers that are written at a time, where the memory of their keys and values allows it. */
const MOST_ROWS = 128;
const CACHE_BYTES = 1 << 30;

/** How answers are drawn; temperature 0 takes the likeliest tokens. */
export interface Sampling {
  temperature: number;
  top_p: number | null;
  top_k: number | null;
  max_new_tokens: number;
}

/** What of a config says how answers are drawn, as it is recorded beside them. */
export const samplingOf = ({ max_new_tokens, temperature, top_p, top_k }: Sampling): Sampling => ({
  max_new_tokens,
  temperature,
  top_p,
  top_k,
});

export interface Answer {
  /** Without control tokens; where the prompt is a conversation, without blanks around it. */
  text: string;
  /** With the one that ended it. */
  tokens: number;
  finish: 'stop' | 'length';
}

/** A model that answers a stage's prompts. Its weights are in memory from the first answer to `release`. */
export class Respondent {
  /** As the config names it: a stage, or a folder relative to the config file's. */
  readonly name: string;
  /** The run whose result or checkpoint it is, and the checkpoint's step; undefined for other folders. */
  readonly run: string | undefined;
  readonly step: number | undefined;
  private loaded: { weights: ModelWeights; generator: Generator } | undefined;
  private readonly tokenizer: Tokenizer;

  constructor(
    private readonly stage: ResolvedStage,
    source: ModelSource,
    readonly folder: string,
    private readonly context: StageContext,
  ) {
    this.name = source.kind === 'stage' ? source.name : relative(stage.folder, folder).split(sep).join('/') || '.';
    const origin = originOf(folder);
    this.run = origin.run;
    this.step = origin.step;
    this.tokenizer = loadTokenizer(folder);
  }

  /** The stage's prompts as this model reads them (see `readPrompts`). */
  prompts(maxNewTokens: number, warn: (message: string) => void): PromptRow[] {
    const { stage, tokenizer } = this;
    return readPrompts(stage, {
      tokenizer,
      template: templateOf(stage.config, stage.inputs.chatTemplate, tokenizer),
      maxNewTokens,
      positions: positionsIn(this.folder, stage.config.max_length),
      warn,
    });
  }

  /**
   * `count` answers to each prompt, in the order of the prompts. Answer `i` of row `r` has the random stream of seed,
   * stage, step 0, r and `first` + i, whatever else is answered beside it.
   */
  async answer(
    prompts: readonly PromptRow[],
    { count, first = 0, sampling }: { count: number; first?: number; sampling: Sampling },
  ): Promise<Answer[][]> {
    const { seed, name: stage } = this.stage;
    const asked = prompts.flatMap(({ ids, row }) =>
      Array.from({ length: count }, (_, i) => ({ ids, random: Random.from(seed, stage, 0, row, first + i) })),
    );
    const given = await this.generator.generate(asked, {
      maxNewTokens: sampling.max_new_tokens,
      temperature: sampling.temperature,
      topP: sampling.top_p ?? undefined,
      topK: sampling.top_k ?? undefined,
      stopIds: this.tokenizer.eosIds,
      logProbs: false,
    });
    return prompts.map(({ prompt }, p) =>
      given.slice(p * count, (p + 1) * count).map(({ ids, finish }): Answer => {
        return { text: answerText(prompt, ids, this.tokenizer), tokens: ids.length, finish };
      }),
    );
  }

  private get generator(): Generator {
    if (this.loaded) return this.loaded.generator;
    const { runtime } = this.context;
    const weights = loadWeights(runtime, this.folder, this.stage.config.max_length);
    const generator = new Generator(runtime, weights, { rows: rowsFor(weights), fixed: true });
    this.loaded = { weights, generator };
    return generator;
  }

  release(): void {
    this.loaded?.generator.release();
    this.loaded?.weights.release();
    this.loaded = undefined;
  }
}

/** Whose weights a folder holds: `<run>/model`, or a checkpoint `<run>/checkpoints/step-000400`. */
function originOf(folder: string): { run?: string; step?: number } {
  const parent = dirname(folder);
  const step = basename(parent) === 'checkpoints' ? /^step-(\d+)$/.exec(basename(folder))?.[1] : undefined;
  const run = basename(step === undefined ? parent : dirname(parent));
  if (!RUN_ID.test(run)) return {};
  return step === undefined ? { run } : { run, step: Number(step) };
}

function rowsFor({ config, positions }: ModelWeights): number {
  const bytes = 2 * 4 * config.layers * config.kvHeads * config.headDim * positions;
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(CACHE_BYTES / bytes)));
}

function positionsIn(folder: string, maxLength: number): number {
  const checkpoint = openCheckpoint(folder);
  try {
    return positionsFor(maxLength, checkpoint.config.maxPositions);
  } finally {
    checkpoint.close();
  }
}

/** What a rule is told of an answer beside its text: the prompt's row, and whether the answer came to its end. */
export function ruleRow({ source }: Pick<PromptRow, 'source'>, { finish }: Pick<Answer, 'finish'>): JsonObject {
  return { ...source, finished: finish === 'stop' };
}

/** Prompts that every model has room for, as each of them reads them: one list a model, alike in order. */
export function commonPrompts(
  respondents: readonly Respondent[],
  maxNewTokens: number,
  warn: (message: string) => void,
): PromptRow[][] {
  const told = new Set<string>();
  const lists = respondents.map((respondent) =>
    respondent.prompts(maxNewTokens, (message) => {
      if (!told.has(message)) warn(message);
      told.add(message);
    }),
  );
  const counts = new Map<number, number>();
  for (const { row } of lists.flat()) counts.set(row, (counts.get(row) ?? 0) + 1);
  return lists.map((list) => list.filter(({ row }) => counts.get(row) === respondents.length));
}
