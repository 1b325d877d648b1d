import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shareOf } from '../../data/agreement/shares';
import { cloneId } from '../../data/labels/annotator';
import { COMMENTS_FILE } from '../../data/labels/comments';
import { readLabels, standingLabels, type Label, type LabelRow, type LabelValue } from '../../data/labels/labels';
import { PAIRS_FILE, pairId, readPairs } from '../../data/labels/pairs';
import { writePairs } from '../../data/labels/pairs-writer';
import { LabelStore, type LabelDraft } from '../../data/labels/store';
import { Random } from '../../data/random';
import type { Tally, Vote } from '../../protocol/compare';
import { pairOf, promptToStore } from '../review/judge';
import { comparisonsOf, differ, type Candidate, type Comparison } from './items';

export interface CompareOptions {
  /** The folder of the config file. */
  folder: string;
  /** Whose `labels/<stage>/` takes the votes. */
  stage: string;
  annotator: string;
  candidates: readonly Candidate[];
  /** Milliseconds since 1970, for tests. */
  now?: () => number;
}

/** Two answers of a comparison as a pair of the label files; `a` and `b` are places among the candidates. */
interface Match {
  readonly id: string;
  readonly a: number;
  readonly b: number;
}

export interface CompareItem extends Comparison {
  readonly key: string;
  /** The order in which a blind panel shows the answers: places among the candidates. */
  readonly order: readonly number[];
  readonly matches: readonly Match[];
}

/** One annotator's votes between candidates on the same prompts, as labels of pairs in `labels/<stage>/`. */
export class CompareSession {
  readonly annotator: string;
  readonly names: readonly string[];
  readonly items: readonly CompareItem[];
  readonly leftOut: number;
  private readonly labelsFolder: string;
  private readonly store: LabelStore;
  private readonly now: () => number;
  /** Rows of this annotator in files of other clones. */
  private elsewhere: LabelRow[] = [];
  private signature = '';
  /** The label that counts, by pair. */
  private labels = new Map<string, Label>();

  constructor({ folder, stage, annotator, candidates, now = Date.now }: CompareOptions) {
    this.now = now;
    this.labelsFolder = join(folder, 'labels', stage);
    this.store = LabelStore.open(this.labelsFolder, { annotator, clone: cloneId(folder), now });
    this.annotator = this.store.annotator;
    this.names = candidates.map(({ name }) => name);
    const { items, leftOut } = comparisonsOf(candidates);
    // A pair that is there the other way round stays as it is.
    const known = new Set(readPairs(join(this.labelsFolder, PAIRS_FILE)).pairs.map(({ id }) => id));
    this.items = items.map((item) => itemOf(item, this.annotator, known));
    this.leftOut = leftOut;
    this.read();
  }

  /** How many comparisons have a vote, and how many of these do not say who is better: all bad, or skipped. */
  get progress(): { readonly voted: number; readonly undecided: number } {
    const votes = this.items.flatMap((item) => this.voteOf(item) ?? []);
    return {
      voted: votes.length,
      undecided: votes.filter(({ kind }) => kind === 'both_bad' || kind === 'skip').length,
    };
  }

  /** The vote on an item, with `place` among the candidates; null where there is none. */
  voteOf({ matches, answers }: CompareItem): Vote | null {
    const given = matches.flatMap((match) => {
      const label = this.labels.get(match.id);
      return label ? [{ ...match, value: label.value }] : [];
    });
    const [first] = given;
    if (!first) return null;
    if (first.value === 'both_bad' || first.value === 'skip') return { kind: first.value };
    const decided = given.filter(({ value }) => typeof value === 'number' && value !== 0);
    if (decided.length === 0) return { kind: 'tie' };
    const wins = answers.map(
      (_, place) => decided.filter(({ a, b, value }) => place === (winsA(value) ? a : b)).length,
    );
    const place = wins.indexOf(Math.max(...wins));
    return { kind: 'better', place, much: decided.some(({ value }) => Math.abs(Number(value)) === 2) };
  }

  /**
   * Stores a vote, durably: the best answer against each other one, or all against all. `place` is among the
   * candidates, `shown` the order on the screen. What an earlier vote on the item said of pairs that this one says
   * nothing of is taken back. Rejects with a UserError where it cannot be written.
   */
  async vote(item: CompareItem, vote: Vote, shown: readonly number[], ms: number): Promise<void> {
    const asked =
      vote.kind === 'better' ? item.matches.filter(({ a, b }) => [a, b].includes(vote.place)) : item.matches;
    // Two candidates that answered the same are in one pair with a third.
    const matches = [...new Map(asked.map((match) => [match.id, match])).values()];
    if (matches.length === 0) return;
    const drafts = matches.map(({ a, b }) =>
      pairOf(item.prompt, item.tags, item.answers[a], item.answers[b], 'compared'),
    );
    writePairs(join(this.labelsFolder, PAIRS_FILE), drafts);
    // One time for the votes of one key: that is how they are taken back together.
    const time = this.now();
    const labels = matches.map(({ id, a, b }): LabelDraft => ({
      pair: id,
      time,
      ms,
      guideline: null,
      shown: shown.indexOf(a) < shown.indexOf(b) ? 'ab' : 'ba',
      value: valueOf(vote, a),
    }));
    await this.store.appendAll(labels);
    const silent = item.matches.filter(({ id }) => !matches.some((match) => match.id === id));
    for (const { id } of silent.flatMap((match) => this.labels.get(match.id) ?? [])) await this.store.undoLabel(id);
    this.count();
  }

  /** Takes the last vote on one of the items back; that item's place, null where there is none. */
  async undo(): Promise<number | null> {
    const itemOfPair = new Map(this.items.flatMap(({ matches }, at) => matches.map(({ id }) => [id, at] as const)));
    const mine = standingLabels(this.store.rows()).filter(
      ({ annotator, pair }) => annotator === this.annotator && itemOfPair.has(pair),
    );
    const last = mine.at(-1);
    if (!last) return null;
    const at = itemOfPair.get(last.pair) ?? null;
    const together = mine.filter(({ pair, time }) => time === last.time && itemOfPair.get(pair) === at);
    for (const { id } of together) await this.store.undoLabel(id);
    this.count();
    return at;
  }

  /** Wins, ties and losses of each other candidate against one of them. */
  tallies(against = 0): Tally[] {
    return this.names.flatMap((name, place) => (place === against ? [] : [this.tally(name, place, against)]));
  }

  /** Reads what other windows and clones wrote; true where there is something new. */
  refresh(): boolean {
    const grown = this.store.refresh();
    if (this.signature !== this.diskSignature()) this.read();
    else if (grown) this.count();
    else return false;
    return true;
  }

  private tally(name: string, place: number, against: number): Tally {
    const tally = { name, win: 0, tie: 0, loss: 0 };
    for (const { matches } of this.items) {
      const match = matches.find(({ a, b }) => (a === place && b === against) || (b === place && a === against));
      const value = match && this.labels.get(match.id)?.value;
      if (!match || typeof value !== 'number') continue;
      const winner = winsA(value) ? match.a : match.b;
      tally[value === 0 ? 'tie' : winner === place ? 'win' : 'loss']++;
    }
    const { value, low, high } = shareOf(tally.win + tally.tie / 2, tally.win + tally.tie + tally.loss);
    return { ...tally, rate: value === null || low === null || high === null ? null : { value, low, high } };
  }

  private read(): void {
    this.signature = this.diskSignature();
    const own = new Set(this.store.rows().map(({ id }) => id));
    this.elsewhere = readLabels(this.labelsFolder).rows.filter(
      ({ annotator, id }) => annotator === this.annotator && !own.has(id),
    );
    this.count();
  }

  private count(): void {
    this.labels = new Map();
    for (const label of standingLabels([...this.elsewhere, ...this.store.rows()]))
      if (label.annotator === this.annotator) this.labels.set(label.pair, label);
  }

  /** Sizes and times of the label files but this annotator's own, which the store follows by itself. */
  private diskSignature(): string {
    try {
      return readdirSync(this.labelsFolder)
        .filter((name) => name.endsWith('.jsonl') && name !== PAIRS_FILE && name !== COMMENTS_FILE)
        .map((name) => join(this.labelsFolder, name))
        .filter((file) => file !== this.store.file)
        .map((file) => {
          const { size, mtimeMs } = statSync(file);
          return `${file} ${size} ${mtimeMs}`;
        })
        .join('\n');
    } catch {
      // No folder yet: no labels.
      return '';
    }
  }
}

function itemOf(item: Comparison, annotator: string, known: ReadonlySet<string>): CompareItem {
  const prompt = promptToStore(item.prompt);
  const matches = item.answers.flatMap((one, a) =>
    item.answers.slice(a + 1).flatMap((other, offset): Match[] => {
      if (!differ(one, other)) return [];
      const b = a + 1 + offset;
      const turned = pairId(prompt, other.text, one.text);
      return known.has(turned) ? [{ id: turned, a: b, b: a }] : [{ id: pairId(prompt, one.text, other.text), a, b }];
    }),
  );
  const key = pairId(prompt, item.answers.map(({ key: name }) => name).join('\n'), item.answers[0].text);
  const random = Random.from(42, 'compare', annotator, key);
  const drawn = item.answers.map((_, place) => ({ place, at: random.next() }));
  return { ...item, key, matches, order: drawn.sort((x, y) => x.at - y.at).map(({ place }) => place) };
}

function valueOf(vote: Vote, a: number): LabelValue {
  if (vote.kind === 'tie') return 0;
  if (vote.kind !== 'better') return vote.kind;
  const size = vote.much ? 2 : 1;
  return vote.place === a ? (size === 2 ? -2 : -1) : size;
}

function winsA(value: LabelValue): boolean {
  return typeof value === 'number' && value < 0;
}
