import { join } from 'node:path';
import { cloneId } from '../../data/labels/annotator';
import {
  readLabels,
  standingAnswers,
  type AnswerLabel,
  type JudgedAnswer,
  type LabelRow,
} from '../../data/labels/labels';
import { answerId, messagesOf, PAIRS_FILE, type PairDraft } from '../../data/labels/pairs';
import { writePairs } from '../../data/labels/pairs-writer';
import { LabelStore } from '../../data/labels/store';
import type { Message } from '../../data/rows';
import { promptText, type PlacedAnswer, type ReviewAnswer, type ReviewPrompt } from './text';

export type Verdict = 'accept' | 'reject';

/** What an annotator said of an answer. */
export interface Judgement {
  readonly verdict?: Verdict;
  /** A better wording. */
  readonly edit?: string;
}

export interface JudgeOptions {
  /** The folder of the config file. */
  folder: string;
  stage: string;
  annotator: string;
  /** Milliseconds since 1970, for tests. */
  now?: () => number;
}

/** One annotator's judgements of single answers of a stage, in `labels/<stage>/`. */
export class AnswerJudge {
  readonly annotator: string;
  readonly labelsFolder: string;
  private readonly store: LabelStore;
  /** By answer, in the order in which they were given: the last counts. */
  private standing = new Map<string, AnswerLabel[]>();

  constructor({ folder, stage, annotator, now }: JudgeOptions) {
    this.labelsFolder = join(folder, 'labels', stage);
    this.store = LabelStore.open(this.labelsFolder, { annotator, clone: cloneId(folder), now });
    this.annotator = this.store.annotator;
    this.count();
  }

  of(answer: PlacedAnswer): Judgement {
    const last = this.labelsOf(answer).at(-1);
    const verdict = last?.verdicts?.a;
    return { ...(verdict && { verdict }), ...(last?.edit && { edit: last.edit.text }) };
  }

  /** Stores a verdict, durably; the one that stands already is taken back. */
  async judge(answer: PlacedAnswer, verdict: Verdict): Promise<Judgement> {
    const { verdict: before, edit } = this.of(answer);
    return this.put(answer, { ...(before !== verdict && { verdict }), edit });
  }

  /** Stores a better wording, durably; the answer's own text, or none, takes it back. */
  async edit(answer: PlacedAnswer, text: string): Promise<Judgement> {
    const { verdict } = this.of(answer);
    const same = text.trim() === '' || text.trim() === answer.text.trim();
    return this.put(answer, { verdict, ...(!same && { edit: text }) });
  }

  /** Reads what other windows wrote; true where there is something new. */
  refresh(): boolean {
    if (!this.store.refresh()) return false;
    this.count();
    return true;
  }

  private async put(answer: PlacedAnswer, { verdict, edit }: Judgement): Promise<Judgement> {
    const standing = this.labelsOf(answer);
    if (verdict === undefined && edit === undefined) {
      // The last one counts, so it goes last: a kill in between changes nothing.
      for (const { id } of standing) await this.store.undoLabel(id);
    } else {
      await this.store.append({
        pair: idOf(answer),
        ms: 0,
        guideline: null,
        shown: 'ab',
        value: 'skip',
        ...(verdict && { verdicts: { a: verdict } }),
        ...(edit !== undefined && { edit: { side: 'a', text: edit } }),
        answer: judgedAnswer(answer),
      });
    }
    this.count();
    return this.of(answer);
  }

  private labelsOf(answer: PlacedAnswer): AnswerLabel[] {
    return this.standing.get(idOf(answer)) ?? [];
  }

  private count(): void {
    this.standing = new Map();
    const { annotator } = this;
    const mine = this.rows().filter((row) => row.annotator === annotator);
    for (const label of standingAnswers(mine)) {
      const known = this.standing.get(label.pair);
      if (known) known.push(label);
      else this.standing.set(label.pair, [label]);
    }
  }

  /** Rows of this annotator in files of other clones, then those of this one. */
  private rows(): LabelRow[] {
    const own = new Set(this.store.rows().map(({ id }) => id));
    return [...readLabels(this.labelsFolder).rows.filter(({ id }) => !own.has(id)), ...this.store.rows()];
  }
}

const ids = new WeakMap<PlacedAnswer, string>();

function idOf(answer: PlacedAnswer): string {
  const known = ids.get(answer);
  if (known !== undefined) return known;
  const id = answerId(promptToStore(answer.block.prompt), answer.text);
  ids.set(answer, id);
  return id;
}

/** A prompt as label files hold it. Roles that they do not know leave a text. */
export function promptToStore(prompt: ReviewPrompt['prompt']): string | Message[] {
  return typeof prompt === 'string' ? prompt : (messagesOf(prompt) ?? promptText(prompt));
}

function judgedAnswer(answer: PlacedAnswer): JudgedAnswer {
  const { text, model, run, step, sample, block } = answer;
  const prompt = block.prompt;
  return {
    prompt: typeof prompt === 'string' ? prompt : prompt.map((message) => ({ ...message })),
    text,
    ...(block.tags.length > 0 && { tags: [...block.tags] }),
    model,
    ...(run !== undefined && { run }),
    ...(step !== undefined && { step }),
    ...(sample !== undefined && { sample }),
  };
}

/** Two answers to a prompt as a pair; `source` says what made it: `sent`, `compared`. */
export function pairOf(
  prompt: ReviewPrompt['prompt'],
  tags: readonly string[],
  one: ReviewAnswer,
  other: ReviewAnswer,
  source: string,
): PairDraft {
  return {
    prompt: promptToStore(prompt),
    a: one.text,
    b: other.text,
    tags: [...tags],
    provenance: { source, a: provenanceOf(one), b: provenanceOf(other) },
  };
}

/**
 * Adds a pair of two answers to one prompt to the pairs of a stage, for people to compare. False where it was there
 * already. Throws a UserError where the file cannot be written.
 */
export function sendPair(labelsFolder: string, one: PlacedAnswer, other: PlacedAnswer): boolean {
  const draft = pairOf(one.block.prompt, one.block.tags, one, other, 'sent');
  return writePairs(join(labelsFolder, PAIRS_FILE), [draft]).added > 0;
}

function provenanceOf({ model, run, step, sample, scores }: ReviewAnswer) {
  return {
    model,
    ...(run !== undefined && { run }),
    ...(step !== undefined && { step }),
    ...(sample !== undefined && { row: sample }),
    ...(Object.keys(scores).length > 0 && { scores: { ...scores } }),
  };
}
