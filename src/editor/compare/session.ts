import { join } from 'node:path';
import { shareOf } from '../../data/agreement/shares';
import { cloneId } from '../../data/labels/annotator';
import { readLabels, standingLabels, type Label, type LabelValue } from '../../data/labels/labels';
import { PAIRS_FILE, pairId, readPairs } from '../../data/labels/pairs';
import { writePairs } from '../../data/labels/pairs-writer';
import { LabelStore, type LabelDraft } from '../../data/labels/store';
import { Random } from '../../data/random';
import type { Tally, Vote } from '../../protocol/compare';
import { comparisonsOf, differ, type Candidate, type Comparison } from './items';
import { pairOf, promptToStore } from '../review/judge';

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
    this.count();
  }

  get voted(): number {
    return this.items.filter((item) => this.voteOf(item) !== null).length;
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
   * candidates, `shown` the order on the screen. Rejects with a UserError where it cannot be written.
   */
  async vote(item: CompareItem, vote: Vote, shown: readonly number[], ms: number): Promise<void> {
    const matches =
      vote.kind === 'better' ? item.matches.filter(({ a, b }) => a === vote.place || b === vote.place) : item.matches;
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

  /** Wins, ties and losses of each other candidate against the first one. */
  tallies(): Tally[] {
    return this.names.slice(1).map((name, index) => {
      const tally = { name, win: 0, tie: 0, loss: 0 };
      for (const { matches } of this.items) {
        for (const { id, a, b } of matches) {
          const value = this.labels.get(id)?.value;
          if (Math.min(a, b) !== 0 || Math.max(a, b) !== index + 1 || typeof value !== 'number') continue;
          const winner = value === 0 ? null : winsA(value) ? a : b;
          tally[winner === null ? 'tie' : winner === 0 ? 'loss' : 'win']++;
        }
      }
      const { value, low, high } = shareOf(tally.win + tally.tie / 2, tally.win + tally.tie + tally.loss);
      return { ...tally, rate: value === null || low === null || high === null ? null : { value, low, high } };
    });
  }

  /** Reads what other windows wrote; true where there is something new. */
  refresh(): boolean {
    if (!this.store.refresh()) return false;
    this.count();
    return true;
  }

  private count(): void {
    const own = new Set(this.store.rows().map(({ id }) => id));
    const others = readLabels(this.labelsFolder).rows.filter(({ id }) => !own.has(id));
    this.labels = new Map();
    for (const label of standingLabels([...others, ...this.store.rows()]))
      if (label.annotator === this.annotator) this.labels.set(label.pair, label);
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
