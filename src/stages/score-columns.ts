import { basename, extname } from 'node:path';
import { UserError } from '../config/errors';
import type { RewardSource } from '../config/experiment';
import type { PromptRow } from './prompts';
import { type Answer, ruleRow } from './respondent';
import { RuleScorer } from './rule-scorer';

/** The name of a weighted sum of scores. */
const TOTAL = 'total';

interface Column {
  name: string;
  /** In the sum of all; null: no part of it. */
  weight: number | null;
  rule: RuleScorer;
}

/** The scores of answers by name: each term of `reward`, their weighted sum where there are several, and the judge. */
export class ScoreColumns {
  /** The score that decides between two answers; null where nothing scores. */
  readonly judge: string | null;

  private constructor(
    private readonly columns: readonly Column[],
    judge: string | null,
  ) {
    this.judge = judge ?? (this.summed ? TOTAL : (columns[0]?.name ?? null));
  }

  static async open(terms: readonly RewardSource[], judge: RewardSource | null): Promise<ScoreColumns> {
    const columns: Column[] = [];
    const add = async (source: RewardSource, weight: number | null): Promise<string> => {
      if (source.kind === 'model')
        throw new UserError('Reward models do not score in this build.', { hint: 'Score by a rule.' });
      const plain = basename(source.path, extname(source.path));
      const taken = new Set([TOTAL, ...columns.map(({ name }) => name)]);
      let name = plain;
      for (let i = 2; taken.has(name); i++) name = `${plain}_${i}`;
      columns.push({ name, weight, rule: await RuleScorer.open(source.path) });
      return name;
    };
    try {
      for (const term of terms) await add(term, term.weight);
      if (judge === null) return new ScoreColumns(columns, null);
      const same = terms.findIndex((term) => sameScore(term, judge));
      return new ScoreColumns(columns, same < 0 ? await add(judge, null) : columns[same].name);
    } catch (error) {
      for (const { rule } of columns) rule.release();
      throw error;
    }
  }

  get names(): string[] {
    return [...this.columns.map(({ name }) => name), ...(this.summed ? [TOTAL] : [])];
  }

  /** The scores of each answer; null where a rule failed on it. */
  async score(answers: readonly { prompt: PromptRow; answer: Answer }[]): Promise<Record<string, number | null>[]> {
    const rows: Record<string, number | null>[] = [];
    for (const { prompt, answer } of answers) {
      const input = { prompt: prompt.prompt, answer: answer.text, row: ruleRow(prompt, answer) };
      const scores: Record<string, number | null> = {};
      let total: number | null = 0;
      for (const { name, weight, rule } of this.columns) {
        const score = (scores[name] = await rule.score(input));
        if (weight !== null) total = total === null || score === null ? null : total + weight * score;
      }
      if (this.summed) scores[TOTAL] = total;
      rows.push(scores);
    }
    return rows;
  }

  /** How often each rule failed, and of what first. */
  failures(): { name: string; count: number; first: UserError }[] {
    return this.columns.flatMap(({ name, rule: { failures, first } }) =>
      first ? [{ name, count: failures, first }] : [],
    );
  }

  release(): void {
    for (const { rule } of this.columns) rule.release();
  }

  private get summed(): boolean {
    return this.columns.filter(({ weight }) => weight !== null).length > 1;
  }
}

function sameScore(one: RewardSource, other: RewardSource): boolean {
  return JSON.stringify({ ...one, weight: 1 }) === JSON.stringify({ ...other, weight: 1 });
}
