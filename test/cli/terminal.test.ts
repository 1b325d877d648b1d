import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { answersTable } from '../../src/cli/demo-table';
import { EXIT, exitCodeOf, explain } from '../../src/cli/exit';
import { amount, duration, figure } from '../../src/cli/numbers';
import { StatusLine } from '../../src/cli/status-line';
import { beginning, clip, columnsOf, guarded, plain, styled, table, terminalOf, wrap } from '../../src/cli/terminal';

const words = fc.string({ unit: 'grapheme', maxLength: 80 });

describe('texts on a terminal', () => {
  it('are wrapped to its width, and nothing but blanks and breaks is lost', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 4, max: 60 }), (text, width) => {
        const lines = wrap(text, width);
        for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(/[ \n]/g, '')).toBe(text.replaceAll(/[ \n]/g, ''));
      }),
    );
  });

  it('are clipped to its width', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 40 }), (text, width) => {
        expect(columnsOf(clip(text, width))).toBeLessThanOrEqual(width);
        if (columnsOf(text) <= width) expect(clip(text, width)).toBe(text);
      }),
    );
  });

  it('cannot steer it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex
        expect(plain(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
    expect(plain('\u001b[31mred\r\n')).toBe('\\x1b[31mred\n');
    expect(plain('\u009b2J ok\u202eevil')).toBe('\\x9b2J ok\\u202eevil');
  });

  it('cannot steer it from within a line that has our styles', () => {
    const colors = { colors: true };
    const line = `${styled(colors, 'red', 'error')}: \u001b[2J\u001b]0;x\u0007\u202e`;
    expect(guarded(colors, line)).toBe('\u001b[31merror\u001b[39m: \\x1b[2J\\x1b]0;x\\x07\\u202e');
    expect(guarded({ colors: false }, '\u001b[31mred')).toBe('\\x1b[31mred');
  });

  it('of a megabyte in one word are wrapped at once, and begin with what fits', () => {
    const long = 'x'.repeat(1_000_000);
    const began = performance.now();
    expect(wrap(long, 80)).toHaveLength(12_500);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(beginning(long, 600)).toBe(`${'x'.repeat(600)} … (999,400 more characters)`);
    expect(beginning('short', 600)).toBe('short');
  });

  it('stand in columns, wide characters counted', () => {
    expect(
      table(
        [
          ['a', '1'],
          ['字字', '23'],
        ],
        [1],
      ),
    ).toEqual(['a      1', '字字  23']);
    expect(columnsOf('é👋字')).toBe(5);
  });

  it('have colours only where a person looks and wants them', () => {
    const tty = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
    expect(styled(terminalOf(tty, {}), 'red', 'x')).toBe('\u001b[31mx\u001b[39m');
    expect(styled(terminalOf(tty, { NO_COLOR: '1' }), 'red', 'x')).toBe('x');
    expect(terminalOf(tty, { NO_COLOR: '1' }).interactive).toBe(true);
    expect(terminalOf(tty, { TERM: 'dumb' }).interactive).toBe(false);
    expect(styled(terminalOf(new PassThrough(), {}), 'red', 'x')).toBe('x');
  });

  it('write over one line on a terminal, and nothing elsewhere', () => {
    const tty = Object.assign(new PassThrough(), { isTTY: true, columns: 20 });
    const line = new StatusLine(terminalOf(tty, {}));
    line.show('sft  '.repeat(10));
    line.show('sft  '.repeat(10));
    line.clear();
    line.clear();
    const written = String(tty.read());
    expect(written.split('\r\u001b[2K')).toHaveLength(3);
    expect(columnsOf(written.split('\r\u001b[2K')[1])).toBeLessThan(20);
    const pipe = new PassThrough();
    new StatusLine(terminalOf(pipe, {})).show('x');
    expect(pipe.read()).toBeNull();
  });
});

describe('the table of answers', () => {
  const rows = [
    {
      question: 'Where does Ada live?',
      answers: [
        { answer: 'Nobody in the village was in a hurry. Many things in life are like that.', score: 0 },
        { answer: 'Ada lives in Oakham.', score: 1 },
      ],
    },
  ];
  it.each([24, 40, 80, 200])('fits %i columns and shows every word', (columns) => {
    const tty = Object.assign(new PassThrough(), { isTTY: true, columns });
    const lines = answersTable(terminalOf(tty, { NO_COLOR: '1' }), ['base', 'sft'], rows);
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
    const shown = lines.join(' ');
    for (const word of ['Oakham', 'hurry', '0.00', '1.00', 'live?']) expect(shown).toContain(word);
  });
});

describe('numbers', () => {
  it('have three digits, units and no false precision', () => {
    expect([2.0731, 0, 0.01234, 123.4, 5.83e-5, 1234, 12e6].map(figure)).toEqual([
      '2.07',
      '0',
      '0.0123',
      '123',
      '5.83e-5',
      '1234',
      '1.2e7',
    ]);
    expect([12, 850.4, 7345, 73450, 2.5e6].map(amount)).toEqual(['12', '850', '7.3k', '73k', '2.5M']);
    expect([0.2, 38, 60, 250, 3599, 7500].map(duration)).toEqual([
      '0 s',
      '38 s',
      '1 min',
      '4 min 10 s',
      '60 min',
      '2 h 5 min',
    ]);
  });
});

describe('what is thrown', () => {
  it('is 2 for the command and the config, 1 for the rest, and shows no stack trace', () => {
    const config = new UserError('wrong', { file: 'a.yaml', line: 3, column: 4, hint: 'mend it' });
    expect(exitCodeOf(config)).toBe(EXIT.usage);
    expect(explain(config, false)).toBe('a.yaml:3:4: wrong\n  mend it');
    expect(exitCodeOf(new UserError('full', { code: 'disk-full' }))).toBe(EXIT.failed);
    const quoted = new UserError('`reward` failed: \u001b]0;owned\u0007.', { file: 'rule.js' });
    expect(explain(quoted, false)).toBe('rule.js: `reward` failed: \\x1b]0;owned\\x07.');
    const bug = new TypeError('x is not a function');
    expect(exitCodeOf(bug)).toBe(EXIT.failed);
    expect(explain(bug, false)).toMatch(/^This is a fault of Alignment Lab: x is not a function\n.*ALIGN_DEBUG=1/);
    expect(explain(bug, true)).toContain('    at ');
  });
});
