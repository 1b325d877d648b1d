// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import {
  isFromCompare,
  isToCompare,
  type CompareView,
  type FromCompare,
  type ToCompare,
} from '../../src/protocol/compare';
import { commandOf } from '../../webview/compare/keys';
import { ComparePanel } from '../../webview/compare/panel';

const view = (more: Partial<CompareView> = {}): CompareView => ({
  names: ['sft @ 400', 'ppo @ 1200'],
  annotator: 'Ann',
  labels: 'labels/ppo',
  blind: false,
  at: 0,
  total: 2,
  voted: 1,
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
  empty: '',
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
    expect(root.querySelector('.tallies')?.textContent).toContain('100 % [21 %, 100 %]');
  });

  it('posts one vote and waits until it is stored', () => {
    receive({ type: 'view', view: view(), said: '' });
    press('1');
    press('2');
    expect(posted).toEqual([{ type: 'vote', key: 'k', vote: { kind: 'better', place: 0, much: false } }]);
    expect(posted.every(isFromCompare)).toBe(true);
    receive({ type: 'refused', message: 'The disk is full.', hint: 'Free some space.' });
    expect(root.querySelector('.problem')?.textContent).toBe('The disk is full. Free some space.');
    press('3');
    expect(posted).toHaveLength(2);
  });

  it('tells nothing of who answered while it is blind', () => {
    const item = view().item;
    const answers = (item?.answers ?? []).map((answer) => ({ ...answer, name: null, figures: [] }));
    receive({ type: 'view', view: view({ blind: true, tallies: null, item: item && { ...item, answers } }), said: '' });
    expect(root.textContent).not.toContain('ppo @');
    expect([...root.querySelectorAll('h2')].map((title) => title.textContent)).toEqual(['A', 'B']);
  });
});
