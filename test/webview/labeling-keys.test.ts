import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandOf, KEY_HELP, type Stroke } from '../../webview/labeling/keys';

function stroke(key: string, code: string, more: Partial<Stroke> = {}): Stroke {
  const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, repeat: false, isComposing: false };
  return { key, code, ...none, ...more };
}

const choose = (choice: string, much = false): unknown => ({ type: 'choose', choice, much });

describe('keys', () => {
  it.each([
    ['1', stroke('1', 'Digit1'), choose('first')],
    ['2 on the number pad', stroke('2', 'Numpad2'), choose('second')],
    ['Shift+1', stroke('!', 'Digit1', { shiftKey: true }), choose('first', true)],
    ['Shift+2', stroke('@', 'Digit2', { shiftKey: true }), choose('second', true)],
    ['1 of a French keyboard', stroke('&', 'Digit1'), choose('first')],
    ['3', stroke('3', 'Digit3'), choose('tie')],
    ['0', stroke('0', 'Digit0'), choose('both_bad')],
    ['S', stroke('s', 'KeyS'), choose('skip')],
    ['U', stroke('u', 'KeyU'), { type: 'undo' }],
    ['R', stroke('r', 'KeyR'), { type: 'rationale' }],
    ['L', stroke('l', 'KeyL'), { type: 'rate' }],
    ['G', stroke('g', 'KeyG'), { type: 'guideline' }],
    ['D', stroke('d', 'KeyD'), { type: 'differences' }],
    ['E', stroke('e', 'KeyE'), { type: 'edit', place: 'first' }],
    ['Shift+E', stroke('E', 'KeyE', { shiftKey: true }), { type: 'edit', place: 'second' }],
    ['A', stroke('a', 'KeyA'), { type: 'verdict', place: 'first', verdict: 'accept' }],
    ['Shift+A', stroke('A', 'KeyA', { shiftKey: true }), { type: 'verdict', place: 'second', verdict: 'accept' }],
    ['X', stroke('x', 'KeyX'), { type: 'verdict', place: 'first', verdict: 'reject' }],
    ['Shift+X', stroke('X', 'KeyX', { shiftKey: true }), { type: 'verdict', place: 'second', verdict: 'reject' }],
    ['?', stroke('?', 'Slash', { shiftKey: true }), { type: 'help' }],
    ['? of a German keyboard', stroke('?', 'Minus', { shiftKey: true }), { type: 'help' }],
    ['S of a Russian keyboard', stroke('ы', 'KeyS'), choose('skip')],
    ['the letter U where another keyboard has F', stroke('u', 'KeyF'), { type: 'undo' }],
    ['Escape', stroke('Escape', 'Escape'), { type: 'close' }],
  ])('%s', (_name, key, command) => {
    expect(commandOf(key, false)).toEqual(command);
  });

  it('do nothing with Ctrl, Cmd or Alt, while an input method composes, or where they mean nothing', () => {
    for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }])
      expect(commandOf(stroke('1', 'Digit1', more), false)).toBeUndefined();
    for (const key of ['4', '9', 'y', 'Enter', ' ', 'Tab', 'Dead', 'F1', 'ArrowUp', 'Shift'])
      expect(commandOf(stroke(key, ''), false)).toBeUndefined();
    expect(commandOf(stroke(')', 'Digit0', { shiftKey: true }), false)).toBeUndefined();
    expect(commandOf(stroke('#', 'Digit3', { shiftKey: true }), false)).toBeUndefined();
  });

  it('label one pair however long they are held down', () => {
    expect(commandOf(stroke('1', 'Digit1', { repeat: true }), false)).toBeUndefined();
  });

  it('go into a text field that has the focus, but for Escape', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.boolean(), (key, code, shiftKey) => {
        const command = commandOf(stroke(key, code, { shiftKey }), true);
        expect(command).toBeUndefined();
      }),
    );
    expect(commandOf(stroke('Escape', 'Escape'), true)).toEqual({ type: 'close' });
  });

  it('are all in the overlay', () => {
    const shown = KEY_HELP.map(([keys]) => keys).join(' ');
    for (const key of ['1', '2', '3', '0', 'S', 'U', 'R', 'L', 'A', 'X', 'E', 'D', 'G', '?'])
      expect(shown).toContain(key);
  });
});
