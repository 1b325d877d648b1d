import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../config/errors';
import {
  isFromLabeling,
  type Emptiness,
  type FromLabeling,
  type PanelAction,
  type SessionView,
  type ShownPair,
  type ToLabeling,
} from '../../protocol/labeling';
import type { LabelingSession } from './session';

/** Pairs that a panel holds, the one on the screen included: the next is there before the key is pressed. */
const AHEAD = 6;

/** What a panel asks of the desk that it stands at. */
export interface Desk {
  /** The session at hand; undefined where there is no stage to label for. */
  current(): Promise<LabelingSession | undefined>;
  /** How many stages there are to choose from. */
  stages(): Promise<number>;
  emptiness(session: LabelingSession | undefined): Promise<Emptiness | null>;
  act(action: PanelAction): Promise<void>;
  /** A label was written or taken back: other panels and lenses must hear of it. */
  labeled(by: LabelingView): void;
  problem(error: unknown): void;
}

/** One labeling panel, in the side bar or at full width. */
export class LabelingView {
  private ready = false;
  /** Keys of the pairs that the panel holds. */
  private sent: string[] = [];
  private readonly listener: vscode.Disposable;

  constructor(
    private readonly webview: Pick<vscode.Webview, 'postMessage' | 'onDidReceiveMessage'>,
    private readonly desk: Desk,
  ) {
    this.listener = webview.onDidReceiveMessage((message: unknown) => {
      if (isFromLabeling(message)) void this.receive(message).catch((error: unknown) => desk.problem(error));
      else desk.problem(new Error('The labeling panel sent a message that is not understood.'));
    });
  }

  dispose(): void {
    this.ready = false;
    this.listener.dispose();
  }

  /** Sends all anew. */
  async show(answer: Partial<Pick<Extract<ToLabeling, { type: 'session' }>, 'request' | 'said' | 'draft'>> = {}) {
    if (!this.ready) return;
    const session = await this.desk.current();
    const pairs = session?.ahead(AHEAD) ?? [];
    this.sent = pairs.map(({ key }) => key);
    const view: SessionView = {
      stage: session?.stage ?? '',
      stages: await this.desk.stages(),
      annotator: session?.annotator ?? '',
      guideline: session?.guideline ?? null,
      progress: session?.progress ?? NOTHING,
      empty: pairs.length > 0 ? null : await this.desk.emptiness(session),
      warnings: session?.warnings ?? [],
    };
    const { request = null, said = '', draft = null } = answer;
    this.post({ type: 'session', session: view, pairs, draft, request, said });
  }

  private async receive(message: FromLabeling): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        return this.show();
      case 'judge':
        return this.attempt(message.request, () => this.judge(message));
      case 'undo':
        return this.attempt(message.request, () => this.undo(message.request));
      case 'whole': {
        const text = (await this.desk.current())?.whole(message.key, message.part);
        if (text !== undefined) this.post({ type: 'whole', key: message.key, part: message.part, text });
        return;
      }
      case 'action':
        return this.desk.act(message.action);
    }
  }

  private async judge({ request, key, judgement }: Extract<FromLabeling, { type: 'judge' }>): Promise<void> {
    const session = await this.desk.current();
    const stored = await session?.judge(key, judgement);
    if (!session || !stored)
      return this.show({ request, said: 'This pair is done already, or gone. Nothing was saved.' });
    const ahead = session.ahead(AHEAD);
    const more = ahead.filter((pair) => !this.sent.includes(pair.key));
    this.sent = this.sent.filter((other) => other !== key);
    // What the panel holds must be what comes next, in this order; after a change on the disk it may not be.
    if (!startsWith(ahead, this.sent)) await this.show({ request, said: '' });
    else {
      this.sent.push(...more.map((pair) => pair.key));
      const empty = ahead.length > 0 ? null : await this.desk.emptiness(session);
      this.post({ type: 'saved', request, progress: session.progress, empty, more });
    }
    this.desk.labeled(this);
  }

  private async undo(request: number): Promise<void> {
    const session = await this.desk.current();
    const undone = await session?.undo();
    const said = undone ? `Taken back: ${undone.words}.` : 'There is no label to take back.';
    await this.show({ request, said, draft: undone?.draft });
    if (undone) this.desk.labeled(this);
  }

  /** What cannot be written is told in the panel, where the pair still stands. */
  private async attempt(request: number, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const mendable = error instanceof UserError;
      if (!mendable) this.desk.problem(error);
      const message = mendable ? error.message : `A fault of Alignment Lab: ${messageOf(error)}`;
      this.post({ type: 'refused', request, message, hint: (mendable && error.hint) || '' });
    }
  }

  private post(message: ToLabeling): void {
    void this.webview.postMessage(message);
  }
}

const NOTHING = { total: 0, left: 0, done: 0, pace: null, repeats: null };

function startsWith(pairs: readonly ShownPair[], keys: readonly string[]): boolean {
  return keys.every((key, i) => pairs[i]?.key === key);
}
