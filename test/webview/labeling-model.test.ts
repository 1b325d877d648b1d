import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHOICES,
  INITIAL_STATE,
  isFromLabeling,
  isToLabeling,
  labelingState,
  type FromLabeling,
  type Place,
  type ToLabeling,
} from '../../src/protocol/labeling';
import type { Command } from '../../webview/labeling/keys';
import { initialModel, stateOf, step, textOf, type Event, type Model } from '../../webview/labeling/model';
import { progress, sessionMessage, sessionView, shownPair } from './labeling-pairs';

/** Runs events one after the other and gathers what is posted. */
function run(model: Model, ...events: Event[]): { model: Model; posts: FromLabeling[] } {
  const posts: FromLabeling[] = [];
  for (const event of events) {
    const next = step(model, event);
    model = next.model;
    posts.push(...next.posts);
  }
  return { model, posts };
}

const message = (given: ToLabeling): Event => ({ type: 'message', message: given });
const command = (given: Command, ms = 1200): Event => ({ type: 'command', command: given, ms });
const first: Command = { type: 'choose', choice: 'first', much: false };
const saved = (request: number, more: readonly string[] = []): Event =>
  message({
    type: 'saved',
    request,
    progress: progress({ left: 2, done: 1, pace: 4 }),
    empty: null,
    more: more.map((name) => shownPair(name)),
  });
const started = (): Model => run(initialModel(INITIAL_STATE), message(sessionMessage())).model;

const editing = (place: Place, text: string): Event[] => [command({ type: 'edit', place }), { type: 'typed', text }];

describe('a choice', () => {
  it('is sent with all that was entered, and the next pair comes when it is on the disk', () => {
    const { model, posts } = run(
      started(),
      { type: 'rate', criterion: 'Truth', place: 'second', value: 4 },
      { type: 'rationale', text: 'shorter' },
      command({ type: 'verdict', place: 'first', verdict: 'accept' }),
      command(first),
    );
    expect(posts).toEqual([
      {
        type: 'judge',
        request: 1,
        key: 'p1:0',
        judgement: {
          choice: 'first',
          much: false,
          ms: 1200,
          rationale: 'shorter',
          ratings: { Truth: { second: 4 } },
          verdicts: { first: 'accept' },
          edit: null,
        },
      },
    ]);
    expect(isFromLabeling(JSON.parse(JSON.stringify(posts[0])))).toBe(true);
    expect(model.pairs[0]?.key).toBe('p1:0');
    const next = run(model, saved(1, ['p4'])).model;
    expect(next.pairs.map(({ key }) => key)).toEqual(['p2:0', 'p3:0', 'p4:0']);
    expect(next.draft).toEqual({ rationale: '', ratings: {}, verdicts: {}, edit: null });
    expect(next.said).toBe('A better');
    expect(next.session?.progress.done).toBe(1);
  });

  it('waits for the disk: keys in between reach no pair that was not seen', () => {
    const { model, posts } = run(started(), command(first), command(first), command({ type: 'undo' }));
    expect(posts).toHaveLength(1);
    expect(run(model, { type: 'rationale', text: 'late' }).model.draft.rationale).toBe('');
  });

  it('that cannot be saved leaves the pair and what was entered', () => {
    const refused = message({ type: 'refused', request: 1, message: 'The disk is full.', hint: 'Free some space.' });
    const { model } = run(started(), { type: 'rationale', text: 'why' }, command(first), refused);
    expect(model.pairs[0]?.key).toBe('p1:0');
    expect(model.draft.rationale).toBe('why');
    expect(model.problem?.message).toBe('The disk is full.');
    const again = run(model, command(first));
    expect(again.posts).toHaveLength(1);
    expect(again.model.problem).toBeNull();
  });

  it('drops only its own pair where the editor has sent the pairs anew meanwhile', () => {
    const { model } = run(
      started(),
      command(first),
      message(sessionMessage(['p0', 'p1', 'p2'])),
      saved(1, ['p2', 'p5']),
    );
    expect(model.pairs.map(({ key }) => key)).toEqual(['p0:0', 'p2:0', 'p5:0']);
  });

  it('is not taken from answers to other requests', () => {
    const { model } = run(started(), command(first), saved(7));
    expect(model.waiting?.request).toBe(1);
    expect(run(started(), saved(1)).model.pairs).toHaveLength(3);
  });

  it('waits while an answer is edited or the keys are shown', () => {
    expect(run(started(), command({ type: 'edit', place: 'first' }), command(first)).posts).toEqual([]);
    expect(run(started(), command({ type: 'help' }), command(first)).posts).toEqual([]);
    expect(run(started(), command({ type: 'help' }), command({ type: 'close' }), command(first)).posts).toHaveLength(1);
  });
});

describe('undo', () => {
  it('asks for one label at a time and shows its pair with what was entered', () => {
    const model = run(started(), command(first), saved(1)).model;
    const { model: waiting, posts } = run(model, command({ type: 'undo' }), command({ type: 'undo' }));
    expect(posts).toEqual([{ type: 'undo', request: 2 }]);
    const draft = { rationale: 'why', ratings: {}, verdicts: {}, edit: null };
    const back = run(
      waiting,
      message(sessionMessage(['p1', 'p2'], { draft, request: 2, said: 'Taken back: A better.' })),
    );
    expect(back.model.waiting).toBeNull();
    expect(back.model.draft).toEqual(draft);
    expect(back.model.rationale).toBe(true);
    expect(back.model.said).toBe('Taken back: A better.');
  });

  it('says so where there is nothing to take back', () => {
    const { model, posts } = run(started(), command({ type: 'undo' }));
    expect(posts).toEqual([]);
    expect(model.said).toBe('There is no label to take back.');
  });

  it('works when all pairs are done', () => {
    const done = sessionView({ progress: progress({ left: 0, done: 3 }) });
    const model = run(initialModel(INITIAL_STATE), message(sessionMessage([], { session: done }))).model;
    expect(run(model, command({ type: 'undo' })).posts).toEqual([{ type: 'undo', request: 1 }]);
    expect(run(model, command(first)).posts).toEqual([]);
  });
});

describe('an edit', () => {
  it('goes with the label, and away again where the text is the old one', () => {
    const edit = run(started(), ...editing('second', 'Better.'), { type: 'edited', keep: true });
    expect(edit.model.draft.edit).toEqual({ place: 'second', text: 'Better.' });
    const { posts } = run(edit.model, command(first));
    expect(posts[0]).toMatchObject({ judgement: { edit: { place: 'second', text: 'Better.' } } });
    const text = textOf(edit.model, 'second');
    const keep: Event = { type: 'edited', keep: true };
    expect(run(edit.model, ...editing('second', text), keep).model.draft.edit).toBeNull();
    expect(run(edit.model, ...editing('second', '  '), keep).model.draft.edit).toBeNull();
    expect(run(edit.model, { type: 'takeEditBack' }).model.draft.edit).toBeNull();
  });

  it('is kept by Escape, and thrown away only on purpose', () => {
    const typed = run(started(), ...editing('first', 'Better.')).model;
    const kept = run(typed, command({ type: 'close' })).model;
    expect([kept.editing, kept.draft.edit]).toEqual([null, { place: 'first', text: 'Better.' }]);
    const discarded = run(typed, { type: 'edited', keep: false }).model;
    expect([discarded.editing, discarded.draft.edit]).toEqual([null, null]);
    // Editing goes on from what was kept.
    expect(run(kept, command({ type: 'edit', place: 'first' })).model.editing?.text).toBe('Better.');
  });

  it('that is being typed survives an undo key, pairs that are sent anew, and a reload', () => {
    const before = run(started(), command(first), saved(1)).model;
    const { model, posts } = run(before, ...editing('first', 'Half a sen'), command({ type: 'undo' }));
    expect(posts).toEqual([]);
    const anew = run(model, message(sessionMessage(['p2', 'p3', 'p4']))).model;
    expect(anew.editing).toEqual({ place: 'first', text: 'Half a sen' });
    expect(anew.pairs[0]).toBe(model.pairs[0]);
    const again = run(initialModel(labelingState(stateOf(anew))), message(sessionMessage(['p2']))).model;
    expect(again.draft.edit).toEqual({ place: 'first', text: 'Half a sen' });
  });

  it('of the other answer is refused while there is one: a label holds one', () => {
    const edit = run(started(), ...editing('first', 'Better.'), { type: 'edited', keep: true }).model;
    const refused = run(edit, command({ type: 'edit', place: 'second' })).model;
    expect([refused.editing, refused.draft.edit?.place]).toEqual([null, 'first']);
    expect(refused.said).toContain('A is edited already');
  });

  it('of a text that was cut asks for the whole first', () => {
    const pair = shownPair('p1', { first: { text: 'The beginning', length: 5000 } });
    const model = run(initialModel(INITIAL_STATE), message(sessionMessage([], { pairs: [pair] }))).model;
    const { model: opened, posts } = run(model, command({ type: 'edit', place: 'first' }));
    expect(posts).toEqual([{ type: 'whole', key: 'p1:0', part: 'first' }]);
    const whole = run(opened, message({ type: 'whole', key: 'p1:0', part: 'first', text: 'x'.repeat(5000) })).model;
    expect(textOf(whole, 'first')).toHaveLength(5000);
    expect(whole.editing?.text).toHaveLength(5000);
    // Before it is here nothing can be typed, and nothing becomes an edit.
    expect(run(opened, command({ type: 'close' })).model.draft.edit).toBeNull();
    const stale = run(opened, message({ type: 'whole', key: 'p9:0', part: 'first', text: 'other' })).model;
    expect(textOf(stale, 'first')).toBe('The beginning');
  });
});

describe('ratings and verdicts', () => {
  it('are taken away by giving them again', () => {
    const rate: Event = { type: 'rate', criterion: 'Truth', place: 'first', value: 3 };
    expect(run(started(), rate).model.draft.ratings['Truth']?.first).toBe(3);
    expect(run(started(), rate, rate).model.draft.ratings['Truth']?.first).toBeUndefined();
    const reject = command({ type: 'verdict', place: 'first', verdict: 'reject' });
    expect(run(started(), reject, reject).model.draft.verdicts).toEqual({});
  });
});

describe('a reload of the window', () => {
  it('keeps the draft of the pair that comes again, and no other', () => {
    const model = run(started(), { type: 'rationale', text: 'half a sen' }, command({ type: 'guideline' })).model;
    const kept = labelingState(JSON.parse(JSON.stringify(stateOf(model))));
    const again = run(initialModel(kept), message(sessionMessage())).model;
    expect(again.draft.rationale).toBe('half a sen');
    expect(again.guideline).toBe(true);
    expect(run(initialModel(kept), message(sessionMessage(['p2']))).model.draft.rationale).toBe('');
  });

  it('before the editor has answered loses no draft either', () => {
    const model = run(started(), { type: 'rationale', text: 'half' }).model;
    expect(stateOf(initialModel(stateOf(model))).draft?.draft.rationale).toBe('half');
  });

  it('of a session that is sent again keeps what is being written', () => {
    const { model } = run(started(), { type: 'rationale', text: 'half' }, message(sessionMessage()));
    expect(model.draft.rationale).toBe('half');
  });
});

describe('any sequence of keys and answers', () => {
  it('judges each showing once, and only the one on the screen', () => {
    const commands: Command[] = [
      ...CHOICES.map((choice): Command => ({ type: 'choose', choice, much: false })),
      { type: 'undo' },
      { type: 'help' },
      { type: 'close' },
      { type: 'rationale' },
      { type: 'edit', place: 'first' },
      { type: 'verdict', place: 'second', verdict: 'accept' },
      { type: 'rate' },
      { type: 'guideline' },
    ];
    const events = fc.array(
      fc.oneof(fc.constantFrom(...commands.map((c) => command(c))), fc.constantFrom('ack', 'refuse')),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(events, (list) => {
        let model = run(
          initialModel(INITIAL_STATE),
          message(sessionMessage(Array.from({ length: 60 }, (_, i) => `p${i}`))),
        ).model;
        const judged: string[] = [];
        for (const event of list) {
          const before = model.pairs[0]?.key;
          if (typeof event !== 'string') {
            const next = step(model, event);
            for (const post of next.posts) if (post.type === 'judge') expect(post.key).toBe(before);
            model = next.model;
          } else if (model.waiting?.type === 'judge') {
            const { request, key } = model.waiting;
            if (event === 'ack') judged.push(key);
            const refused = message({ type: 'refused', request, message: 'no', hint: '' });
            model = run(model, event === 'ack' ? saved(request) : refused).model;
            expect(model.pairs[0]?.key === before).toBe(event === 'refuse');
          } else if (model.waiting) {
            model = run(
              model,
              message({ type: 'refused', request: model.waiting.request, message: 'no', hint: '' }),
            ).model;
          }
        }
        expect(new Set(judged).size).toBe(judged.length);
      }),
    );
  });
});

describe('messages', () => {
  it('are let in when they are whole', () => {
    expect(isToLabeling(sessionMessage())).toBe(true);
    expect(isToLabeling({ type: 'saved', request: 1, progress: progress(), empty: null, more: [shownPair('a')] })).toBe(
      true,
    );
    expect(isToLabeling({ type: 'saved', request: 1, progress: progress({ pace: NaN }), empty: null, more: [] })).toBe(
      false,
    );
    expect(isToLabeling({ ...sessionMessage(), pairs: [{ key: 'a' }] })).toBe(false);
    const judgement = { choice: 'tie', much: true, ms: 1, rationale: '', ratings: {}, verdicts: {}, edit: null };
    expect(isFromLabeling({ type: 'judge', request: 1, key: 'a', judgement })).toBe(false);
    expect(isFromLabeling({ type: 'judge', request: 1, key: 'a', judgement: { ...judgement, much: false } })).toBe(
      true,
    );
    expect(isFromLabeling({ type: 'action', action: 'delete' })).toBe(false);
    const six = { ...judgement, much: false, ratings: { Truth: { first: 6 } } };
    expect(isFromLabeling({ type: 'judge', request: 1, key: 'a', judgement: six })).toBe(false);
  });

  it('of any other shape are neither let in nor a crash', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(isToLabeling(value)).toBe(false);
        expect(isFromLabeling(value)).toBe(false);
        expect(labelingState(value)).toEqual(INITIAL_STATE);
      }),
    );
  });
});
