import { UserError } from '../../config/errors';
import type { Random } from '../../data/random';
import { Generator, type Head } from '../../models/generate';
import { Scorer } from '../../models/scorer';
import type { Tokenizer } from '../../models/tokenizer';
import type { ModelWeights } from '../../models/weights';
import type { Runtime } from '../../tensor/runtime';
import { microBatchTokens } from '../training/memory';
import { answerText, type PromptRow } from '../answers/prompts';

/** An answer as what scores it sees it. */
export interface Answer {
  prompt: PromptRow;
  /** The answer's tokens, with the one that ended it. */
  ids: readonly number[];
  text: string;
  finish: 'stop' | 'length';
}
/** A score of an answer; `total` is not finite where the answer could not be scored. */
export interface Score {
  total: number;
  /** By the name of what scored: a stage, a rule. */
  parts: Readonly<Record<string, number>>;
  /** Standard deviation over the members of an ensemble. */
  std?: number;
  /** Why it could not be scored. */
  fault?: string;
}
/** What scores answers. */
export interface AnswerScorer {
  score(answers: readonly Answer[]): Promise<readonly Score[]>;
  /** What reward models say of answers on the way: see `Rewards.scorePrefixes`. */
  scorePrefixes?(
    answers: readonly Answer[],
    ends: readonly (readonly number[])[],
  ): Promise<readonly Readonly<Record<string, readonly number[]>>[]>;
  release(): void;
}

/** An answer with all that is known of it before any update; arrays are [answer tokens]. */
export interface Rollout extends Answer {
  /** Place of its prompt in the batch: answers to one prompt are a group. */
  group: number;
  /** log π of each token at the temperature that it was sampled at. */
  logProbs: readonly number[];
  /** V before each token; empty without a value head. */
  values: ArrayLike<number>;
  /** log π_ref of each token at that temperature. */
  reference: Float32Array;
  score: Score;
}

export interface Collected {
  /** Answers with a finite score. */
  rollouts: Rollout[];
  /** Answers without: nothing can be learnt from them. */
  unscored: Rollout[];
  /** Milliseconds. */
  time: { generate: number; score: number };
}

export interface RolloutSettings {
  runtime: Runtime;
  policy: ModelWeights;
  reference: ModelWeights;
  tokenizer: Tokenizer;
  scorer: AnswerScorer;
  temperature: number;
  topP: number | null;
  topK: number | null;
  maxNewTokens: number;
  /** The longest prompt in tokens: caches begin at the size they need, so that a resumed run has the same. */
  longestPrompt: number;
  /** Most answers at a time. */
  rows: number;
  head?: Head;
}

/** Bytes that the caches of keys and values may take. */
const CACHE_BYTES = 1 << 29;
const LEAST_ROWS = 8;

/** Writes answers to prompts and finds out what is known of them: log-probabilities, values, scores. */
export class RolloutWriter {
  private readonly generator: Generator;
  private readonly referee: Scorer;

  constructor(private readonly settings: RolloutSettings) {
    const { runtime, policy, reference, temperature, maxNewTokens, longestPrompt, head } = settings;
    const length = Math.min(policy.positions, longestPrompt + maxNewTokens);
    const { layers, kvHeads, headDim } = policy.config;
    const most = Math.max(LEAST_ROWS, Math.floor(CACHE_BYTES / (8 * layers * kvHeads * headDim * length)));
    this.generator = new Generator(runtime, policy, { rows: Math.min(settings.rows, most), length, head });
    this.referee = new Scorer(runtime, reference, { temperature });
  }

  /**
   * `answers` answers to each prompt: y ~ π(·|x), log π and V from the pass that samples, log π_ref from one pass of the
   * reference, and the score. `stream` gives the random numbers of an answer by its place.
   */
  async write(prompts: readonly PromptRow[], answers: number, stream: (place: number) => Random): Promise<Collected> {
    const { tokenizer, scorer, temperature, topP, topK, maxNewTokens } = this.settings;
    const asked = prompts.flatMap((prompt, group) => Array.from({ length: answers }, () => ({ prompt, group })));
    const began = performance.now();
    const written = await this.generator.generate(
      asked.map(({ prompt: { ids } }, place) => ({ ids, random: stream(place) })),
      { maxNewTokens, temperature, topP: topP ?? undefined, topK: topK ?? undefined, stopIds: tokenizer.eosIds },
    );
    const generated = performance.now();
    const candidates = written.map((answer, i) => {
      const { prompt } = asked[i].prompt;
      return { ...asked[i], ...answer, text: answerText(prompt, answer.ids, tokenizer) };
    });
    const reference = await this.reference(candidates);
    const scores = await scorer.score(candidates);
    const scored = performance.now();
    const rollouts = candidates.map((answer, i): Rollout => ({ ...answer, reference: reference[i], score: scores[i] }));
    const isScored = ({ score }: Rollout): boolean => Number.isFinite(score.total);
    return {
      rollouts: rollouts.filter(isScored),
      unscored: rollouts.filter((rollout) => !isScored(rollout)),
      time: { generate: generated - began, score: scored - generated },
    };
  }

  /** log π_ref of the answers, in passes that fit into memory. */
  private async reference(answers: readonly Answer[]): Promise<Float32Array[]> {
    const { reference, runtime } = this.settings;
    const rows = answers.map(({ prompt, ids }) => ({ ids: [...prompt.ids, ...ids], from: prompt.ids.length }));
    const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
    const budget = microBatchTokens(reference.config, longest, runtime.device);
    const results: Float32Array[] = [];
    for (let at = 0; at < rows.length;) {
      let end = at;
      for (let tokens = 0; end < rows.length && (end === at || tokens + rows[end].ids.length <= budget); end++)
        tokens += rows[end].ids.length;
      results.push(...(await this.referee.score(rows.slice(at, end))));
      at = end;
    }
    return results;
  }

  release(): void {
    this.generator.release();
    this.referee.release();
  }
}

/** Where an answer without a finite score comes from, and why it has none. */
export const faultOf = ({ prompt, score }: Rollout): string =>
  `${prompt.file}:${prompt.line}: ${score.fault ?? `the score is ${score.total}`}`;

/** The end of a batch in which no answer got a finite score. */
export function nothingScored(unscored: readonly Rollout[]): UserError {
  const [{ prompt, score }] = unscored;
  const why = score.fault ?? `the first is ${score.total}`;
  return new UserError(`None of ${unscored.length} answers got a finite score: ${why}`, {
    file: prompt.file,
    line: prompt.line,
    hint: 'Mend what `reward:` names; no answer of this batch could be learnt from.',
    code: 'reward',
  });
}
