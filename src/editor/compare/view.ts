import { dirname } from 'node:path';
import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../config/errors';
import {
  isFromCompare,
  type CutText,
  type FromCompare,
  type NothingToCompare,
  type ShownComparison,
  type ToCompare,
  type Vote,
} from '../../protocol/compare';
import { showError, type EditorContext } from '../context';
import { annotatorOf } from '../labeling/annotator';
import { core } from '../loading';
import { figuresOf, promptText } from '../review/text';
import type { StageTarget } from '../runs/start';
import { readCandidate } from './candidates';
import type { CandidateSource } from './options';
import type { CompareItem, CompareSession } from './session';

/** Characters of a text that are sent. */
const MOST_SENT = 20_000;

/** What a panel is opened with, and comes back with after a reload of the window. */
export interface CompareMemory {
  readonly target: StageTarget;
  readonly sources: readonly CandidateSource[];
  readonly blind: boolean;
  /** Place among the sources of the one that the others are compared with. */
  readonly against: number;
  /** The prompt at hand. */
  readonly prompt: string;
}

/** One compare panel: the comparison at hand, its votes, and how the candidates do. */
export class CompareView {
  private session: CompareSession | undefined;
  /** How many answers of each candidate the session was opened with. */
  private stamp = '';
  private reading = true;
  private at = 0;
  private blind: boolean;
  private against: number;
  private prompt: string;
  private ready = false;
  /** Since when the comparison with this key is on the screen, for how long its vote took. */
  private seen = { key: '', since: 0 };
  private turn: Promise<void> = Promise.resolve();
  private readonly wanted = new Map<string, { dispose(): void }>();
  /** Samples of each run when they were last looked at. */
  private readonly counts = new Map<string, number>();
  private readonly handles: { dispose(): void }[];

  constructor(
    private readonly context: EditorContext,
    private readonly webview: Pick<vscode.Webview, 'postMessage' | 'onDidReceiveMessage'>,
    private readonly opened: CompareMemory,
    private readonly onChoose: () => void,
  ) {
    this.blind = opened.blind;
    this.against = opened.against;
    this.prompt = opened.prompt;
    const runs = new Set(opened.sources.flatMap((source) => ('run' in source ? [source.run] : [])));
    this.want(runs);
    this.handles = [
      webview.onDidReceiveMessage((message: unknown) => {
        if (isFromCompare(message)) this.inTurn(() => this.receive(message));
        else context.log.warn('The compare panel sent a message that is not understood.');
      }),
      // After a reload of the window its runs are read later than the panel; and a run may still write.
      context.runs.onRows(({ run: { run, samples } }) => {
        if (!runs.has(run.id) || this.counts.get(run.id) === samples.length) return;
        this.counts.set(run.id, samples.length);
        this.inTurn(() => this.load());
      }),
      context.runs.onRuns(() => {
        this.want(runs);
        if (!this.session) this.inTurn(() => this.load());
      }),
    ];
  }

  /** What is compared now, and how. */
  get memory(): CompareMemory {
    return { ...this.opened, blind: this.blind, against: this.against, prompt: this.prompt };
  }

  dispose(): void {
    this.ready = false;
    for (const handle of [...this.handles, ...this.wanted.values()]) handle.dispose();
  }

  /** Looks at the disk for votes of other windows and clones. */
  look(): void {
    this.inTurn(async () => {
      if (this.session?.refresh()) await this.show();
    });
  }

  /** Another annotator: their votes, and the order that is theirs. */
  reopen(): void {
    this.inTurn(async () => {
      this.stamp = '';
      await this.load();
    });
  }

  private want(runs: ReadonlySet<string>): void {
    for (const run of runs)
      if (!this.wanted.has(run) && this.context.runs.get(run)) this.wanted.set(run, this.context.runs.want(run));
  }

  private inTurn(action: () => Promise<void>): void {
    this.turn = this.turn.then(action).catch((error: unknown) => this.refuse(error));
  }

  private async receive(message: FromCompare): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        return this.session ? this.show() : this.load();
      case 'vote':
        return this.vote(message.key, message.vote);
      case 'undo': {
        const at = await this.session?.undo();
        if (typeof at === 'number') this.at = at;
        await this.show(typeof at === 'number' ? 'Vote taken back.' : 'There is no vote to take back.');
        return this.context.labels.refresh();
      }
      case 'move':
        this.at = this.within(this.at + message.by);
        return this.show();
      case 'blind':
        this.blind = message.on;
        return this.show(message.on ? 'Blind.' : 'Names shown.');
      case 'against':
        this.against = (this.against + 1) % this.opened.sources.length;
        return this.show();
      case 'choose':
        return this.onChoose();
    }
  }

  /** Opens the session, and opens it anew where a candidate has more answers than before. */
  private async load(): Promise<void> {
    if (!this.ready) return;
    const { target, sources } = this.opened;
    const found = await Promise.all(sources.map((source) => readCandidate(this.context, source)));
    const candidates = found.flatMap(({ candidate }) => candidate ?? []);
    this.reading = found.some(({ candidate, reading }) => !candidate && reading);
    // A run that is resumed loses rows for a moment: what is on the screen stays.
    if (candidates.length < sources.length) return this.session ? undefined : this.show();
    const stamp = candidates.map(({ prompts }) => prompts.flatMap(({ answers }) => answers).length).join(' ');
    if (stamp === this.stamp) return;
    const { CompareSession } = await core();
    const folder = dirname(target.config);
    const annotator = await annotatorOf(folder);
    this.session = new CompareSession({ folder, stage: target.stage, annotator, candidates });
    this.stamp = stamp;
    const at = this.session.items.findIndex((item) => promptText(item.prompt) === this.prompt);
    this.at = this.within(at < 0 ? this.at : at);
    return this.show();
  }

  private async vote(key: string, vote: Vote): Promise<void> {
    const { session } = this;
    const item = session?.items[this.at];
    // A key that was pressed before the panel had shown the next comparison.
    if (!session || !item || item.key !== key) return this.show();
    const order = this.orderOf(item);
    const place = vote.kind === 'better' ? order[vote.place] : undefined;
    if (vote.kind === 'better' && place === undefined) return this.show();
    const given: Vote = vote.kind === 'better' ? { ...vote, place: place ?? 0 } : vote;
    const words = this.wordsOf(vote, session, order);
    await session.vote(item, given, order, Date.now() - this.seen.since);
    const left = session.items.length - session.progress.voted;
    this.at = this.nextAfter(session);
    await this.show(left > 0 ? `${words}. U takes it back.` : `${words}. All have your vote.`);
    await this.context.labels.refresh();
  }

  private wordsOf(vote: Vote, { names }: CompareSession, order: readonly number[]): string {
    switch (vote.kind) {
      case 'better': {
        const name = this.blind ? String.fromCharCode(65 + vote.place) : names[order[vote.place]];
        return `${name} ${vote.much ? 'much better' : order.length > 2 ? 'best' : 'better'}`;
      }
      case 'tie':
        return 'Tie';
      case 'both_bad':
        return order.length > 2 ? 'All bad' : 'Both bad';
      case 'skip':
        return 'Skipped';
    }
  }

  /** The next comparison without a vote, else the next one. */
  private nextAfter(session: CompareSession): number {
    const { items } = session;
    for (let step = 1; step < items.length; step++) {
      const index = (this.at + step) % items.length;
      if (session.voteOf(items[index]) === null) return index;
    }
    return this.within(this.at + 1);
  }

  private within(at: number): number {
    return Math.max(0, Math.min((this.session?.items.length ?? 1) - 1, at));
  }

  private orderOf(item: CompareItem): readonly number[] {
    return this.blind ? item.order : item.answers.map((_, place) => place);
  }

  private async show(said = ''): Promise<void> {
    if (!this.ready) return;
    const { session, opened } = this;
    const item = session?.items[this.at];
    const total = session?.items.length ?? 0;
    const { voted, undecided } = session?.progress ?? { voted: 0, undecided: 0 };
    if (item && item.key !== this.seen.key) this.seen = { key: item.key, since: Date.now() };
    if (item) this.prompt = promptText(item.prompt);
    this.post({
      type: 'view',
      said,
      view: {
        names: session?.names ?? opened.sources.map(({ name, label }) => label ?? name),
        against: this.against,
        annotator: session?.annotator ?? '',
        labels: `labels/${opened.target.stage}`,
        blind: this.blind,
        at: this.at,
        total,
        voted,
        undecided,
        leftOut: session?.leftOut ?? 0,
        tallies: session && (!this.blind || voted === total) ? session.tallies(this.against) : null,
        item: session && item ? this.shown(session, item) : null,
        empty: item ? null : this.emptiness(),
        memory: JSON.stringify(this.memory),
      },
    });
  }

  private emptiness(): NothingToCompare {
    if (this.session) {
      const words = 'They have no prompt in common to which their answers differ.';
      return { title: 'Nothing to compare', words, choose: true };
    }
    if (this.reading) return { title: 'Reading the answers …', words: '', choose: false };
    const words = 'Their run was deleted, or went on from an earlier step and has not written them again.';
    return { title: 'The answers are gone', words, choose: true };
  }

  private shown(session: CompareSession, item: CompareItem): ShownComparison {
    const order = this.orderOf(item);
    const vote = session.voteOf(item);
    return {
      key: item.key,
      prompt: cut(promptText(item.prompt)),
      tags: item.tags,
      answers: order.map((place) => ({
        ...cut(item.answers[place].text),
        // Length and scores would tell who answered.
        name: this.blind ? null : session.names[place],
        figures: this.blind ? [] : figuresOf(item.answers[place]).map(({ label }) => label),
      })),
      vote: vote?.kind === 'better' ? { ...vote, place: order.indexOf(vote.place) } : vote,
    };
  }

  private refuse(error: unknown): void {
    const mendable = error instanceof UserError;
    if (!mendable) void showError(this.context, error);
    const message = mendable ? error.message : `A fault of Alignment Lab: ${messageOf(error)}`;
    this.post({ type: 'refused', message, hint: (mendable && error.hint) || '' });
  }

  private post(message: ToCompare): void {
    void this.webview.postMessage(message);
  }
}

function cut(text: string): CutText {
  if (text.length <= MOST_SENT) return { text, length: text.length };
  // Not in the middle of a character.
  const split = (text.charCodeAt(MOST_SENT - 1) & 0xfc00) === 0xd800;
  return { text: text.slice(0, split ? MOST_SENT - 1 : MOST_SENT), length: text.length };
}
