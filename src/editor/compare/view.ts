import { dirname } from 'node:path';
import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../config/errors';
import {
  isFromCompare,
  type CutText,
  type FromCompare,
  type ShownComparison,
  type ToCompare,
  type Vote,
} from '../../protocol/compare';
import type { CandidateSource } from './compare';
import type { Candidate } from './items';
import type { CompareItem, CompareSession } from './session';
import { showError, type EditorContext } from '../context';
import { annotatorOf } from '../labeling/annotator';
import { core } from '../loading';
import { figuresOf, promptText } from '../review/text';
import type { StageTarget } from '../runs/start';

/** Characters of a text that are sent. */
const MOST_SENT = 20_000;

/** What a panel is opened with, and comes back with after a reload of the window. */
export interface CompareMemory {
  readonly target: StageTarget;
  readonly sources: readonly CandidateSource[];
  readonly blind: boolean;
  /** The prompt at hand. */
  readonly prompt: string;
}

type Read = (source: CandidateSource) => Promise<{ candidate: Candidate; live: boolean } | undefined>;

/** One compare panel: the comparison at hand, its votes, and how the candidates do. */
export class CompareView {
  private session: CompareSession | undefined;
  private at = 0;
  private blind: boolean;
  private ready = false;
  /** When the comparison at hand was shown, for how long its vote took. */
  private since = 0;
  private turn: Promise<void> = Promise.resolve();
  private readonly handles: { dispose(): void }[];

  constructor(
    private readonly context: EditorContext,
    private readonly webview: Pick<vscode.Webview, 'postMessage' | 'onDidReceiveMessage'>,
    private readonly memory: CompareMemory,
    private readonly read: Read,
  ) {
    this.blind = memory.blind;
    const runs = new Set(memory.sources.flatMap((source) => ('run' in source ? [source.run] : [])));
    this.handles = [
      ...[...runs].map((run) => context.runs.want(run)),
      webview.onDidReceiveMessage((message: unknown) => {
        if (isFromCompare(message)) this.inTurn(() => this.receive(message));
        else context.log.warn('The compare panel sent a message that is not understood.');
      }),
      // After a reload of the window its runs are read later than the panel.
      context.runs.onRows(({ run }) => {
        if (runs.has(run.run.id) && !this.session) this.inTurn(() => this.open());
      }),
      context.runs.onRuns(() => {
        if (this.session) return;
        for (const run of runs) this.handles.push(context.runs.want(run));
        this.inTurn(() => this.open());
      }),
    ];
  }

  dispose(): void {
    this.ready = false;
    for (const handle of this.handles) handle.dispose();
  }

  private inTurn(action: () => Promise<void>): void {
    this.turn = this.turn.then(action).catch((error: unknown) => this.refuse(error));
  }

  private async receive(message: FromCompare): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        return this.session ? this.show() : this.open();
      case 'vote':
        return this.vote(message.key, message.vote);
      case 'undo': {
        const at = await this.session?.undo();
        if (typeof at === 'number') this.at = at;
        return this.show(typeof at === 'number' ? 'Vote taken back.' : 'There is no vote to take back.');
      }
      case 'move':
        this.at = this.within(this.at + message.by);
        return this.show();
      case 'blind':
        this.blind = message.on;
        return this.show();
    }
  }

  private async open(): Promise<void> {
    if (!this.ready || this.session) return;
    const { target, sources, prompt } = this.memory;
    const found = await Promise.all(sources.map((source) => this.read(source)));
    const candidates = found.flatMap((each) => (each ? [each.candidate] : []));
    if (candidates.length === sources.length) {
      const { CompareSession } = await core();
      const folder = dirname(target.config);
      const annotator = await annotatorOf(folder);
      this.session = new CompareSession({ folder, stage: target.stage, annotator, candidates });
      this.at = Math.max(
        0,
        this.session.items.findIndex((item) => promptText(item.prompt) === prompt),
      );
    }
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
    await session.vote(item, given, order, Date.now() - this.since);
    this.at = this.nextAfter(session);
    await this.show();
    await this.context.labels.refresh();
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
    const { session, memory } = this;
    const item = session?.items[this.at];
    const total = session?.items.length ?? 0;
    const voted = session?.voted ?? 0;
    this.since = Date.now();
    const remembered = { ...memory, blind: this.blind, prompt: item ? promptText(item.prompt) : memory.prompt };
    this.post({
      type: 'view',
      said,
      view: {
        names: session?.names ?? memory.sources.map(({ name }) => name),
        annotator: session?.annotator ?? '',
        labels: `labels/${memory.target.stage}`,
        blind: this.blind,
        at: this.at,
        total,
        voted,
        leftOut: session?.leftOut ?? 0,
        tallies: session && (!this.blind || voted === total) ? session.tallies() : null,
        item: session && item ? this.shown(session, item) : null,
        empty: item ? '' : this.emptyWords(),
        memory: JSON.stringify(remembered),
      },
    });
  }

  private emptyWords(): string {
    if (!this.session)
      return this.context.runs.allLoaded ? 'The answers to compare are not there any more.' : 'Reading …';
    return 'These checkpoints have no prompt in common to which their answers differ.';
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
