import { basename, extname } from 'node:path';
import { messageOf, UserError } from '../../config/errors';
import type { RewardSource } from '../../config/experiment';
import type { JsonObject } from '../../data/jsonl';
import type { Message } from '../../data/rows';
import { RewardModel } from '../../models/reward-model';
import type { StageContext } from '../context';
import { renderAnswer, type RenderedAnswer } from '../preferences/preference-pairs';
import { prefixPlaces } from './prefix-places';
import { spread } from './reward-metrics';
import { RuleScorer } from './rule-scorer';

/** An answer to be scored, and where its prompt stands. */
export interface AnswerToScore {
  prompt: string | Message[];
  text: string;
  /** What a rule is told beside prompt and answer. */
  row: JsonObject;
  file: string;
  line: number;
}

/** What one term says of an answer. */
export interface TermScore {
  /** Null where it could not be scored. */
  value: number | null;
  /** Standard deviation over the members of an ensemble; 0 where there is one, or a rule. */
  std: number;
  /** Why it could not be scored. */
  fault?: string;
}

/** One term of a reward. */
export interface RewardTerm {
  readonly name: string;
  readonly weight: number;
  /** Each answer's score. A failure costs its own answer its score, never the others theirs. */
  score(answers: readonly AnswerToScore[]): Promise<TermScore[]>;
  /** What a model says of an answer on the way: see `Rewards.scorePrefixes`. A rule reads whole answers only. */
  scorePrefixes?(answers: readonly AnswerToScore[], ends: AnswerEnds): Promise<(number[] | undefined)[]>;
  release(): void;
}

/** Of each answer places in its text, in UTF-16 units, the last its end. */
export type AnswerEnds = readonly (readonly number[])[];

/** The score of an answer: the weighted sum of all terms. */
export interface Reward {
  /** NaN where a term could not score it. */
  total: number;
  /** By the name of each term. */
  parts: Record<string, number>;
  /** Of the sum, as if the terms erred independently. */
  std: number;
  fault?: string;
}

/** What a reward needs of its stage. */
export type RewardContext = Pick<StageContext, 'runtime' | 'folderOf' | 'warn'>;

/** What scores a stage's answers: reward models, ensembles and rules, summed with their weights. */
export class Rewards {
  private constructor(readonly terms: readonly RewardTerm[]) {}

  static async open(sources: readonly RewardSource[], context: RewardContext): Promise<Rewards> {
    const terms: RewardTerm[] = [];
    try {
      for (const source of sources)
        terms.push(
          await openTerm(
            source,
            context,
            terms.map(({ name }) => name),
          ),
        );
      return new Rewards(terms);
    } catch (error) {
      for (const term of terms) term.release();
      throw error;
    }
  }

  async score(answers: readonly AnswerToScore[]): Promise<Reward[]> {
    const scores: TermScore[][] = [];
    for (const term of this.terms) scores.push(await term.score(answers));
    return answers.map((_, i): Reward => {
      const parts: Record<string, number> = {};
      let total = 0;
      let variance = 0;
      this.terms.forEach(({ name, weight }, t) => {
        const { value, std } = scores[t][i];
        parts[name] = value ?? NaN;
        total += weight * parts[name];
        variance += (weight * std) ** 2;
      });
      const fault = scores.map((column) => column[i].fault).find((why) => why !== undefined);
      return { total, parts, std: Math.sqrt(variance), ...(fault === undefined ? {} : { fault }) };
    });
  }

  /**
   * What reward models say of answers on the way, by their names: of the prompt alone, of the answer up to each of its
   * `ends`, and at the last of the whole answer, so one number more than ends. Answers without a score have none.
   */
  async scorePrefixes(answers: readonly AnswerToScore[], ends: AnswerEnds): Promise<Record<string, number[]>[]> {
    const along = answers.map((): Record<string, number[]> => ({}));
    for (const term of this.terms) {
      const scores = (await term.scorePrefixes?.(answers, ends)) ?? [];
      scores.forEach((own, i) => {
        if (own) along[i][term.name] = own;
      });
    }
    return along;
  }

  release(): void {
    for (const term of this.terms) term.release();
  }
}

/** Opens one term. `taken` are names that others have; the folder of a model is recorded in run.json by the term's name. */
export async function openTerm(
  source: RewardSource,
  context: RewardContext,
  taken: readonly string[] = [],
): Promise<RewardTerm> {
  const name = nameOf(source, taken);
  if (source.kind === 'rule') return ruleTerm(name, source.weight, await RuleScorer.open(source.path));
  const folder = context.folderOf(`reward.${name}`, source.model);
  return modelTerm(name, source, RewardModel.load(context.runtime, folder), context.warn);
}

function nameOf(source: RewardSource, taken: readonly string[]): string {
  const plain =
    source.kind === 'rule'
      ? basename(source.path, extname(source.path))
      : source.model.kind === 'stage'
        ? source.model.name
        : basename(source.model.path);
  let name = plain;
  for (let i = 2; taken.includes(name); i++) name = `${plain}_${i}`;
  return name;
}

function ruleTerm(name: string, weight: number, rule: RuleScorer): RewardTerm {
  return {
    name,
    weight,
    async score(answers) {
      const scores: TermScore[] = [];
      for (const { prompt, text, row } of answers) {
        const value = await rule.score({ prompt, answer: text, row });
        const fault = value === null ? { fault: messageOf(rule.last).split('\n')[0] } : {};
        scores.push({ value, std: 0, ...fault });
      }
      return scores;
    },
    release: () => rule.release(),
  };
}

/**
 * A reward model as a term. It reads the text by its own template and tokenizer, whatever the policy's are, with the end
 * of the turn behind every answer, as it was trained; its scores are normalised.
 */
function modelTerm(
  name: string,
  source: Extract<RewardSource, { kind: 'model' }>,
  model: RewardModel,
  warn: (message: string) => void,
): RewardTerm {
  if (source.use !== 'mean' && model.members === 1)
    warn(`${name} has one member only, which cannot disagree: \`use: ${source.use}\` is its plain score.`);
  return {
    name,
    weight: source.weight,
    async score(answers) {
      const rendered = answers.map((answer, index) => render(model, answer, index));
      const sound = rendered.filter((one): one is Int32Array => typeof one !== 'string');
      const members = await model.scoreNormalised(sound);
      let next = 0;
      return rendered.map((one): TermScore => {
        if (typeof one === 'string') return { value: null, std: 0, fault: `${name}: ${one}` };
        const scores = members[next++];
        const value = combined(scores, source);
        if (!Number.isFinite(value)) return { value: null, std: 0, fault: `${name}: its score is ${value}` };
        return { value, std: spread(scores) };
      });
    },
    async scorePrefixes(answers, ends) {
      const read = answers.map((answer, i) => {
        const rendered = renderedAnswer(model, answer, i);
        if (typeof rendered === 'string') return undefined;
        const places = prefixPlaces(rendered, { text: answer.text, ends: ends[i] }, model.tokenizer);
        return places && { ids: rendered.ids, places };
      });
      const sound = read.filter((one) => one !== undefined);
      const members = await model.scoreNormalisedAt(
        sound.map(({ ids }) => ids),
        sound.map(({ places }) => places),
      );
      let next = 0;
      return read.map((one) => {
        const scores = one && members[next++].map((own) => combined(own, source));
        return scores?.every(Number.isFinite) ? scores : undefined;
      });
    },
    release: () => model.release(),
  };
}

/** The tokens that a reward model reads, or why it cannot. */
export function render(model: RewardModel, answer: AnswerToScore, index: number): Int32Array | string {
  const rendered = renderedAnswer(model, answer, index);
  return typeof rendered === 'string' ? rendered : rendered.ids;
}

function renderedAnswer(model: RewardModel, answer: AnswerToScore, index: number): RenderedAnswer | string {
  const { prompt: question, text, file, line } = answer;
  try {
    const row = { question, answer: text, file, line, index };
    const rendered = renderAnswer(row, model.tokenizer, model.template);
    const { length } = rendered.ids;
    if (length <= model.positions) return rendered;
    return `prompt and answer have ${length} tokens, the reward model takes ${model.positions}`;
  } catch (error) {
    if (error instanceof UserError) return messageOf(error);
    throw error;
  }
}

/** An ensemble's score of an answer: the mean, the mean less k deviations (UWO), or the least (WCO; Coste et al. 2023). */
export function combined(
  members: ArrayLike<number>,
  { use, k }: { use: 'mean' | 'lower_bound' | 'worst'; k: number },
): number {
  const scores = Array.from(members);
  if (use === 'worst') return scores.reduce((least, score) => Math.min(least, score), Infinity);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return use === 'mean' ? mean : mean - k * spread(scores);
}
