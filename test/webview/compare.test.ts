// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import {
  isFromCompare,
  isToCompare,
  type CompareView,
  type FromCompare,
  type ToCompare,
  type Vote,
} from '../../src/protocol/compare';
import { commandOf, keyHelp } from '../../webview/compare/keys';
import { ComparePanel } from '../../webview/compare/panel';
import { verdict } from '../../webview/compare/tallies';

const view = (more: Partial<CompareView> = {}): CompareView => ({
  names: ['sft @ 400', 'ppo @ 1200'],
  against: 0,
  annotator: 'Ann',
  labels: 'labels/ppo',
  blind: false,
  at: 0,
  total: 2,
  voted: 1,
  undecided: 0,
  leftOut: 0,
  tallies: [{ name: 'ppo @ 1200', win: 1, tie: 0, loss: 0, rate: { value: 1, low: 0.21, high: 1 } }],
  item: {
    key: 'k',
    prompt: { text: 'Where does Ulsel live?', length: 22 },
    tags: ['facts'],
    answers: [
      { text: '<img src=x onerror=alert(1)>', length: 28, name: 'sft @ 400', figures: ['4 words'] },
      { text: 'In Fernbury.\u202e', length: 13, name: 'ppo @ 1200', figures: ['reward 2.81', '2 words'] },
    ],
    vote: null,
  },
  empty: null,
  memory: '{}',
  ...more,
});

const stroke = (key: string, more: object = {}) => ({
  ...{ key, code: /\d/.test(key) ? `Digit${key}` : '', shiftKey: false, ctrlKey: false, metaKey: false, altKey: false },
  repeat: false,
  ...more,
});

describe('keys', () => {
  it('vote for as many answers as there are', () => {
    expect(commandOf(stroke('2'), 2, false)).toEqual({ type: 'vote', vote: { kind: 'better', place: 1, much: false } });
    expect(commandOf(stroke('!', { code: 'Digit1', shiftKey: true }), 2, false)).toMatchObject({
      vote: { much: true },
    });
    expect(commandOf(stroke('3'), 2, false)).toEqual({ type: 'vote', vote: { kind: 'tie' } });
    expect(commandOf(stroke('3'), 3, false)).toMatchObject({ vote: { kind: 'better', place: 2 } });
    expect(commandOf(stroke('4'), 3, false)).toBeUndefined();
    expect(commandOf(stroke('0'), 2, false)).toMatchObject({ vote: { kind: 'both_bad' } });
    expect(commandOf(stroke('t'), 3, false)).toMatchObject({ vote: { kind: 'tie' } });
    // Where there is nothing to compare there is nothing to vote on.
    for (const key of ['0', '1', '3', 's', 't']) expect(commandOf(stroke(key), 0, false)).toBeUndefined();
  });

  it('are all that the overlay names, on keyboards of other scripts too', () => {
    for (const answers of [2, 3]) {
      for (const key of keyHelp(answers).flatMap(([keys]) => keys.split(', '))) {
        const shiftKey = key.startsWith('Shift+');
        const name = { '←': 'ArrowLeft', '→': 'ArrowRight' }[key] ?? key.replace('Shift+', '');
        expect(commandOf(stroke(name, { shiftKey: shiftKey || name === '?' }), answers, false), key).toBeDefined();
      }
    }
    expect(commandOf(stroke('г', { code: 'KeyU' }), 2, false)).toEqual({ type: 'undo' });
  });

  it('that are held down, or belong to the window, do not', () => {
    expect(commandOf(stroke('1', { repeat: true }), 2, false)).toBeUndefined();
    expect(commandOf(stroke('1', { ctrlKey: true }), 2, false)).toBeUndefined();
    expect(commandOf(stroke('b'), 2, true)).toEqual({ type: 'blind', on: false });
  });
});

describe('the panel', () => {
  let root: HTMLElement;
  let posted: FromCompare[];
  let panel: ComparePanel;
  const receive = (message: ToCompare): void => {
    expect(isToCompare(message)).toBe(true);
    panel.receive(message);
  };
  const press = (key: string): void => panel.key(new KeyboardEvent('keydown', { key, code: `Digit${key}` }));

  beforeEach(() => {
    root = document.createElement('div');
    document.body.replaceChildren(root);
    posted = [];
    panel = new ComparePanel(
      root,
      (message) => posted.push(message),
      () => undefined,
    );
  });

  it('shows answers as text, whatever they hold', () => {
    receive({ type: 'view', view: view(), said: '' });
    expect(root.querySelectorAll('img')).toHaveLength(0);
    expect(root.querySelector('.answers')?.textContent).toContain('<img src=x onerror=alert(1)>');
    expect(root.querySelector('.answers')?.textContent).toContain('[U+202E]');
    expect(root.querySelector('.tallies')?.textContent).toContain('100 %21 % to 100 %');
    const item = view().item;
    receive({ type: 'view', view: view({ item: item && { ...item, tags: ['a\u202eb'] } }), said: 'x\u001b[31m' });
    expect(root.querySelector('.tags')?.textContent).toBe('a[U+202E]b');
    expect(root.querySelector('.live')?.textContent).toBe('x␛[31m');
  });

  it('says of an interval what it tells', () => {
    expect(verdict({ value: 0.7, low: 0.51, high: 0.85 })).toBe('better');
    expect(verdict({ value: 0.3, low: 0.15, high: 0.49 })).toBe('worse');
    expect(verdict({ value: 0.6, low: 0.45, high: 0.7 })).toBe('unclear');
    expect(verdict(null)).toBe('no votes yet');
  });

  it('marks the vote that stands in words, not by colour alone', () => {
    const item = view().item;
    const voted = (vote: Vote) => receive({ type: 'view', view: view({ item: item && { ...item, vote } }), said: '' });
    voted({ kind: 'better', place: 1, much: true });
    expect([...root.querySelectorAll('.answer')].map((card) => card.querySelector('.given')?.textContent)).toEqual([
      undefined,
      'much better',
    ]);
    expect(root.querySelectorAll('[aria-pressed=true]')).toHaveLength(1);
    voted({ kind: 'tie' });
    expect(root.querySelector('.keys [aria-pressed=true]')?.textContent).toBe('3tie');
  });

  it('marks the words that only one answer has on demand', () => {
    receive({ type: 'view', view: view(), said: '' });
    panel.key(new KeyboardEvent('keydown', { key: 'd', code: 'KeyD' }));
    expect(root.querySelectorAll('ins').length).toBeGreaterThan(0);
    expect(root.querySelectorAll('img')).toHaveLength(0);
    expect(root.querySelector('.answers')?.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  it('judges nothing under the overlay with the keys', () => {
    receive({ type: 'view', view: view(), said: '' });
    panel.key(new KeyboardEvent('keydown', { key: '?' }));
    expect(root.querySelector('.overlay .box')).not.toBeNull();
    press('1');
    expect(posted).toEqual([]);
    panel.key(new KeyboardEvent('keydown', { key: 'Escape' }));
    press('1');
    expect(posted).toHaveLength(1);
  });

  it('says what is missing where there is nothing to compare, and asks for others', () => {
    const empty = { title: 'Nothing to compare', words: 'No prompt in common.', choose: true };
    receive({ type: 'view', view: view({ item: null, total: 0, voted: 0, empty }), said: '' });
    expect(root.textContent).toContain('No prompt in common.');
    root.querySelector<HTMLElement>('main vscode-button')?.click();
    expect(posted).toEqual([{ type: 'choose' }]);
  });

  it('posts one vote and waits until it is stored', () => {
    receive({ type: 'view', view: view(), said: '' });
    press('1');
    press('2');
    expect(posted).toEqual([{ type: 'vote', key: 'k', vote: { kind: 'better', place: 0, much: false } }]);
    expect(posted.every(isFromCompare)).toBe(true);
    receive({ type: 'refused', message: 'The disk is full.', hint: 'Free some space.' });
    expect(root.querySelector('.problem')?.textContent).toContain('The disk is full.Free some space.');
    press('3');
    expect(posted).toHaveLength(2);
  });

  it('tells nothing of who answered while it is blind', () => {
    const item = view().item;
    const answers = (item?.answers ?? []).map((answer) => ({ ...answer, name: null, figures: [] }));
    receive({ type: 'view', view: view({ blind: true, tallies: null, item: item && { ...item, answers } }), said: '' });
    expect(root.querySelector('main')?.textContent).not.toContain('ppo @');
    expect(root.querySelector('.tallies')).toBeNull();
    expect([...root.querySelectorAll('h2')].map((title) => title.textContent)).toEqual(['A', 'B']);
  });
});
