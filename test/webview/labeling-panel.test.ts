// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INITIAL_STATE, isFromLabeling, type FromLabeling, type LabelingState } from '../../src/protocol/labeling';
import { LabelingPanel } from '../../webview/labeling/panel';
import { progress, sessionMessage, sessionView, shownPair } from './labeling-pairs';

let posts: FromLabeling[];
let kept: LabelingState;
let now: number;
let hidden: boolean;
let focused: boolean;
let panel: LabelingPanel;
const listener = (event: KeyboardEvent): void => panel.key(event);

beforeEach(() => {
  posts = [];
  now = 0;
  hidden = false;
  focused = true;
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  const post = (message: FromLabeling): void => {
    expect(isFromLabeling(message)).toBe(true);
    posts.push(message);
  };
  const seen = { now: () => now, hidden: () => hidden, focused: () => focused };
  panel = new LabelingPanel(root, INITIAL_STATE, post, (state) => (kept = state), seen);
  window.addEventListener('keydown', listener);
});
afterEach(() => window.removeEventListener('keydown', listener));

function press(key: string, more: KeyboardEventInit = {}): void {
  const code = /^\d$/.test(key) ? `Digit${key}` : /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : key;
  const target = document.activeElement ?? document.body;
  target.dispatchEvent(new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true, ...more }));
}

function find(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`nothing matches ${selector}`);
  return found;
}

const answer = (place: string): HTMLElement => find(`[data-place=${place}].answer`);
const judged = (): Extract<FromLabeling, { type: 'judge' }>[] => posts.filter((post) => post.type === 'judge');
function acknowledge(left = 2): void {
  const request = judged().at(-1)?.request ?? 0;
  panel.receive({
    type: 'saved',
    request,
    progress: progress({ left, done: 3 - left, pace: 8.6 }),
    empty: null,
    more: [],
  });
}

describe('the labeling panel', () => {
  it('shows a pair, takes a key, and goes on when the label is on the disk', () => {
    panel.receive(sessionMessage());
    expect(answer('first').textContent).toContain('First answer to p1.');
    now = 4200;
    press('1');
    expect(judged()[0]).toMatchObject({ key: 'p1:0', judgement: { choice: 'first', ms: 4200 } });
    expect(answer('first').classList.contains('chosen')).toBe(true);
    expect(answer('first').textContent).toContain('p1');
    acknowledge();
    expect(answer('first').textContent).toContain('First answer to p2.');
    expect(answer('first').classList.contains('chosen')).toBe(false);
    expect(find('footer').textContent).toContain('2 left · 8.6 s a pair');
    expect(find('[role=status]').textContent).toBe('A better');
  });

  it('counts the time that the panel was seen', () => {
    panel.receive(sessionMessage());
    now = 1000;
    hidden = true;
    panel.visibility();
    now = 61_000;
    hidden = false;
    panel.visibility();
    now = 62_000;
    press('2');
    expect(judged()[0]?.judgement.ms).toBe(2000);
    acknowledge();
    now = 62_500;
    press('2');
    expect(judged()[1]?.judgement.ms).toBe(500);
  });

  it('leaves keys to the text field that has the focus', () => {
    panel.receive(sessionMessage());
    press('r');
    const field = document.activeElement;
    if (!(field instanceof HTMLTextAreaElement)) throw new Error('the rationale has no focus');
    press('1');
    press('u');
    expect(posts).toEqual([]);
    field.value = '1 is shorter';
    field.dispatchEvent(new Event('input'));
    expect(kept.draft?.draft.rationale).toBe('1 is shorter');
    press('Escape');
    expect(document.activeElement?.tagName).toBe('MAIN');
    press('1');
    expect(judged()[0]?.judgement.rationale).toBe('1 is shorter');
    acknowledge();
    expect(find('.rationale').hidden).toBe(true);
  });

  it('goes back into a rationale that is open', () => {
    panel.receive(sessionMessage());
    press('r');
    const field = document.activeElement;
    if (!(field instanceof HTMLTextAreaElement)) throw new Error('the rationale has no focus');
    field.value = 'half';
    field.dispatchEvent(new Event('input'));
    press('Escape');
    expect(document.activeElement?.tagName).toBe('MAIN');
    press('r');
    expect(document.activeElement).toBe(field);
  });

  it('takes the focus for a new pair only where the keys are its own, and shows when they are not', () => {
    const elsewhere = document.createElement('textarea');
    document.body.append(elsewhere);
    elsewhere.focus();
    focused = false;
    panel.focus();
    panel.receive(sessionMessage());
    expect(document.activeElement).toBe(elsewhere);
    expect(find('.away')).toBeTruthy();
    focused = true;
    panel.focus();
    expect(document.querySelector('.away')).toBeNull();
    panel.receive(sessionMessage(['p4']));
    expect(document.activeElement?.tagName).toBe('MAIN');
  });

  it('rates by keys, from scale to scale, and comes back to the pair', () => {
    panel.receive(sessionMessage());
    press('l');
    expect(document.activeElement?.getAttribute('role')).toBe('radio');
    press('5');
    press('2');
    expect(document.activeElement?.tagName).toBe('MAIN');
    expect(find('.ratings').textContent).toContain('1 false · 5 all true');
    press('3');
    expect(judged()[0]?.judgement).toMatchObject({ choice: 'tie', ratings: { Truth: { first: 5, second: 2 } } });
    acknowledge();
    expect(document.querySelectorAll('[role=radio][aria-checked=true]')).toHaveLength(0);
  });

  it('edits an answer, whose keys are text', () => {
    panel.receive(sessionMessage());
    press('e', { shiftKey: true });
    const field = document.activeElement;
    if (!(field instanceof HTMLTextAreaElement)) throw new Error('the editor has no focus');
    expect(field.value).toBe('Second answer to p1, longer.');
    press('0');
    field.value = 'Shorter.';
    field.dispatchEvent(new Event('input'));
    // What is being typed outlives the window, and a list that is sent anew.
    expect(kept.draft?.draft.edit).toEqual({ place: 'second', text: 'Shorter.' });
    panel.receive(sessionMessage());
    expect(document.activeElement).toBe(field);
    expect(field.value).toBe('Shorter.');
    press('Enter', { ctrlKey: true });
    expect(document.activeElement?.tagName).toBe('MAIN');
    expect(answer('second').textContent).toContain('edited');
    expect(answer('second').textContent).toContain('Shorter.');
    press('2');
    expect(judged()[0]?.judgement.edit).toEqual({ place: 'second', text: 'Shorter.' });
  });

  it('accepts and rejects a single answer by key', () => {
    panel.receive(sessionMessage());
    press('a');
    press('x', { shiftKey: true });
    expect(answer('first').querySelector('.notes')?.textContent).toBe('accepted');
    expect(answer('second').querySelector('.notes')?.textContent).toBe('rejected');
    press('a');
    press('1');
    expect(judged()[0]?.judgement.verdicts).toEqual({ second: 'reject' });
    acknowledge();
    expect(document.querySelectorAll('[aria-pressed=true]')).toHaveLength(0);
  });

  it('offers every key as a button, with Shift for much', () => {
    panel.receive(sessionMessage());
    const keys = [...document.querySelectorAll<HTMLElement>('footer .key')];
    expect(keys.map((key) => key.querySelector('kbd')?.textContent).join('')).toBe('1230SURLDG?');
    expect(keys[5]?.getAttribute('aria-disabled')).toBe('true');
    keys[8]?.click();
    expect(keys[8]?.getAttribute('aria-pressed')).toBe('true');
    keys[1]?.dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
    expect(judged()[0]?.judgement).toMatchObject({ choice: 'second', much: true });
  });

  it('accepts and rejects a single answer by its buttons', () => {
    panel.receive(sessionMessage());
    answer('first').querySelector<HTMLElement>('[aria-label="Accept A as it is"]')?.click();
    answer('second').querySelector<HTMLElement>('[aria-label="Reject B"]')?.click();
    expect(answer('first').querySelector('[aria-pressed=true]')?.getAttribute('aria-label')).toBe('Accept A as it is');
    press('s');
    expect(judged()[0]?.judgement.verdicts).toEqual({ first: 'accept', second: 'reject' });
  });

  it('underlines on demand the words that one answer has alone', () => {
    panel.receive(sessionMessage());
    expect(document.querySelectorAll('ins')).toHaveLength(0);
    press('d');
    expect([...answer('second').querySelectorAll('ins')].map((mark) => mark.textContent?.trim())).toEqual([
      'Second',
      ', longer',
    ]);
    acknowledge();
    press('d');
    expect(document.querySelectorAll('ins')).toHaveLength(0);
  });

  it('shows the guideline and the keys, and Escape closes the topmost', () => {
    panel.receive(sessionMessage());
    press('g');
    expect(find('.guideline').hidden).toBe(false);
    expect(find('.guideline').textContent).toContain('Is it true?');
    expect(find('.guideline strong').textContent).toBe('true');
    press('?');
    expect(find('.overlay').hidden).toBe(false);
    press('1');
    expect(judged()).toEqual([]);
    press('Escape');
    expect(find('.overlay').hidden).toBe(true);
    expect(find('.guideline').hidden).toBe(false);
    press('Escape');
    expect(find('.guideline').hidden).toBe(true);
  });

  it('says what could not be saved, and keeps the pair', () => {
    panel.receive(sessionMessage());
    press('1');
    panel.receive({ type: 'refused', request: 1, message: 'The disk is full.', hint: 'Free some space.' });
    expect(find('[role=alert]').hidden).toBe(false);
    expect(find('[role=alert]').textContent).toContain('The disk is full.');
    expect(answer('first').textContent).toContain('p1');
  });

  it('names the next step where there is no pair', () => {
    const empty = {
      title: 'No pairs yet',
      words: 'Run collect.',
      action: { name: 'run', label: 'Run collect' },
    } as const;
    panel.receive(sessionMessage([], { session: sessionView({ empty, progress: progress({ total: 0, left: 0 }) }) }));
    expect(find('.empty h2').textContent).toBe('No pairs yet');
    find('.empty vscode-button').click();
    expect(posts).toEqual([{ type: 'action', action: 'run' }]);
  });
});

describe('hostile text', () => {
  const hostile =
    '<img src=x onerror="alert(1)"><script>alert(1)</script> [a](javascript:alert(1)) \u202eevil \u001b]0;title\u0007';

  it('stays text wherever it comes from', () => {
    const clipped = { text: hostile, length: hostile.length };
    const pair = shownPair('p1', {
      prompt: [{ role: hostile, ...clipped }],
      first: clipped,
      second: clipped,
      tags: [hostile],
    });
    const guideline = {
      title: hostile,
      text: hostile,
      criteria: [{ name: hostile, question: hostile, low: hostile, high: hostile }],
      edgeCases: [hostile],
    };
    const empty = { title: hostile, words: hostile, action: null };
    const session = sessionView({ stage: hostile, annotator: hostile, guideline, warnings: [hostile], empty });
    panel.receive(sessionMessage([], { session, pairs: [pair] }));
    press('g');
    for (const key of ['d', 'd']) {
      expect(document.querySelectorAll('img, script, a, iframe, [onerror], [href], [src]')).toHaveLength(0);
      expect(answer('first').textContent).toContain('<script>alert(1)</script>');
      expect(answer('first').textContent).toContain('[U+202E]');
      expect(answer('first').textContent).not.toMatch(/[\p{Cc}\u202e]/u);
      press(key);
    }
    // The check sees an element that is put in as HTML, so it can fail.
    answer('first').insertAdjacentHTML('beforeend', hostile);
    expect(document.querySelectorAll('img').length).toBeGreaterThan(0);
  });

  it('of a megabyte is cut, and shown whole when asked for', () => {
    const pair = shownPair('p1', { first: { text: 'word '.repeat(1000), length: 1_000_000 } });
    panel.receive(sessionMessage([], { pairs: [pair] }));
    const more = [...answer('first').querySelectorAll<HTMLElement>('vscode-button')].find((b) =>
      b.textContent?.includes('Show all'),
    );
    expect(more?.textContent).toContain('995,000 more characters');
    more?.click();
    expect(posts).toEqual([{ type: 'whole', key: 'p1:0', part: 'first' }]);
    panel.receive({ type: 'whole', key: 'p1:0', part: 'first', text: 'word '.repeat(200_000) });
    expect(answer('first').textContent?.length).toBeGreaterThan(1_000_000);
    expect(answer('first').textContent).not.toContain('Show all');
  });
});
