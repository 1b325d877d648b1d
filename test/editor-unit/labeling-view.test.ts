import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/config/errors';
import type { LabelingSession } from '../../src/editor/labeling/session';
import { LabelingView, type Desk } from '../../src/editor/labeling/view';
import { isToLabeling, type FromLabeling, type Judgement, type ToLabeling } from '../../src/protocol/labeling';
import { LabelingFolder } from './labeling-folder';

let folder: LabelingFolder;
let session: LabelingSession;
beforeEach(() => {
  folder = new LabelingFolder();
  folder.writePairs(20);
  session = folder.open();
});
afterEach(() => folder.remove());

/** A webview without a window: what the host posts, and what the panel says. */
class FakeWebview {
  readonly posts: ToLabeling[] = [];
  private listener: (message: unknown) => void = () => undefined;

  readonly onDidReceiveMessage = (listener: (message: unknown) => void) => {
    this.listener = listener;
    return { dispose: () => undefined };
  };

  readonly postMessage = (message: unknown): Promise<boolean> => {
    if (!isToLabeling(message)) throw new Error('not a message for the panel');
    this.posts.push(message);
    return Promise.resolve(true);
  };

  async say(message: FromLabeling): Promise<ToLabeling> {
    const before = this.posts.length;
    this.listener(message);
    await vi.waitFor(() => expect(this.posts.length).toBeGreaterThan(before));
    return this.posts[this.posts.length - 1];
  }
}

const problems: unknown[] = [];
function deskWith(views: LabelingView[]): Desk {
  return {
    current: () => Promise.resolve(session),
    stages: () => Promise.resolve(1),
    emptiness: () => Promise.resolve({ title: 'All done', words: '', action: null }),
    act: () => Promise.resolve(),
    labeled: (by) => {
      for (const view of views) if (view !== by) void view.show();
    },
    problem: (error) => problems.push(error),
  };
}

const judgement: Judgement = {
  choice: 'first',
  much: false,
  ms: 1,
  rationale: '',
  ratings: {},
  verdicts: {},
  edit: null,
};

describe('the host of a panel', () => {
  it('holds pairs ahead, and acknowledges a label when it stands in the file', async () => {
    const webview = new FakeWebview();
    new LabelingView(webview, deskWith([]));
    const begin = await webview.say({ type: 'ready' });
    if (begin.type !== 'session') throw new Error(begin.type);
    expect(begin.pairs.length).toBeGreaterThan(3);
    const held = begin.pairs.map(({ key }) => key);
    for (let request = 1; request <= 10; request++) {
      const answer = await webview.say({ type: 'judge', request, key: held.shift() ?? '', judgement });
      if (answer.type !== 'saved') throw new Error(answer.type);
      expect(answer.request).toBe(request);
      expect(folder.rows()).toHaveLength(request);
      held.push(...answer.more.map(({ key }) => key));
      expect(held).toEqual(session.ahead(held.length).map(({ key }) => key));
      expect(held.length).toBe(begin.pairs.length);
    }
  });

  it('sends all anew after an undo, with what was entered', async () => {
    const webview = new FakeWebview();
    new LabelingView(webview, deskWith([]));
    const begin = await webview.say({ type: 'ready' });
    if (begin.type !== 'session') throw new Error(begin.type);
    const key = begin.pairs[0]?.key ?? '';
    await webview.say({ type: 'judge', request: 1, key, judgement: { ...judgement, rationale: 'why' } });
    const undone = await webview.say({ type: 'undo', request: 2 });
    expect(undone).toMatchObject({
      type: 'session',
      request: 2,
      draft: { rationale: 'why' },
      said: 'Taken back: A better.',
    });
    if (undone.type !== 'session') throw new Error(undone.type);
    expect(undone.pairs[0]?.first).toEqual(begin.pairs[0]?.first);
    expect(undone.pairs[0]?.key).not.toBe(key);
    expect(await webview.say({ type: 'undo', request: 3 })).toMatchObject({ said: 'There is no label to take back.' });
  });

  it('tells the other panels', async () => {
    const views: LabelingView[] = [];
    const [one, two] = [new FakeWebview(), new FakeWebview()];
    const desk = deskWith(views);
    views.push(new LabelingView(one, desk), new LabelingView(two, desk));
    const begin = await one.say({ type: 'ready' });
    await two.say({ type: 'ready' });
    if (begin.type !== 'session') throw new Error(begin.type);
    const key = begin.pairs[0]?.key ?? '';
    await one.say({ type: 'judge', request: 1, key, judgement });
    await vi.waitFor(() => expect(two.posts).toHaveLength(2));
    const after = two.posts[1];
    expect(after.type === 'session' && after.pairs[0]?.key).toBe(begin.pairs[1]?.key);
    // A key in the other panel at the same moment: the pair is done, and nothing is written.
    expect(await two.say({ type: 'judge', request: 1, key, judgement })).toMatchObject({ type: 'session', request: 1 });
    expect(folder.rows()).toHaveLength(1);
  });

  it('sends anew where what comes next is not what the panel holds', async () => {
    const webview = new FakeWebview();
    new LabelingView(webview, deskWith([]));
    const begin = await webview.say({ type: 'ready' });
    if (begin.type !== 'session') throw new Error(begin.type);
    // Another window labels the pair behind the current one.
    const other = folder.open();
    await other.judge(other.ahead(2)[1]?.key ?? '', judgement);
    const answer = await webview.say({ type: 'judge', request: 1, key: begin.pairs[0]?.key ?? '', judgement });
    expect(answer).toMatchObject({ type: 'session', request: 1 });
    if (answer.type !== 'session') throw new Error(answer.type);
    expect(answer.pairs[0]?.key).toBe(begin.pairs[2]?.key);
    expect(folder.rows()).toHaveLength(2);
  });

  it('refuses what cannot be written, with the mend, and takes the same key again', async () => {
    const webview = new FakeWebview();
    new LabelingView(webview, deskWith([]));
    const begin = await webview.say({ type: 'ready' });
    if (begin.type !== 'session') throw new Error(begin.type);
    const key = begin.pairs[0]?.key ?? '';
    const full = new UserError('The disk is full.', { hint: 'Free some space.' });
    vi.spyOn(session, 'judge').mockRejectedValueOnce(full);
    const answer = await webview.say({ type: 'judge', request: 1, key, judgement });
    expect(answer).toEqual({ type: 'refused', request: 1, message: 'The disk is full.', hint: 'Free some space.' });
    expect(await webview.say({ type: 'judge', request: 2, key, judgement })).toMatchObject({
      type: 'saved',
      request: 2,
    });
  });
});
