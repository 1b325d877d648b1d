import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences, type Stretch } from '../../webview/labeling/differences';
import { parseInlines, parseMarkdown, type Block, type Cell } from '../../webview/labeling/markdown';
import { visibleText } from '../../src/protocol/visible-text';

const joined = (stretches: readonly Stretch[]): string => stretches.map(({ text }) => text).join('');
const only = (stretches: readonly Stretch[]): string[] => stretches.filter((s) => s.only).map(({ text }) => text);

describe('word differences', () => {
  it('are the words that one answer has alone', () => {
    const { first, second } = differences('Ulsel lives in Fernbury.', 'Ulsel lives in old Fernbury, I think.');
    expect(only(first)).toEqual([]);
    expect(only(second).map((text) => text.trim())).toEqual(['old', ', I think']);
  });

  it('tell Chinese texts apart by their characters', () => {
    const { first, second } = differences('他住在北京', '他住在南京');
    expect(only(first)).toEqual(['北']);
    expect(only(second)).toEqual(['南']);
  });

  it('keep the texts as they are, and what is not marked is the same in both', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom('a ', 'b ', 'c', '\n')).map((w) => w.join('')),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        const { first, second } = differences(a, b);
        expect(joined(first)).toBe(a);
        expect(joined(second)).toBe(b);
        const common = (side: readonly Stretch[]): string => joined(side.filter((s) => !s.only));
        expect(common(first)).toBe(common(second));
      }),
    );
  });

  it('mark nothing in equal texts, and as few words as can be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }),
        (a, b) => {
          const { first, second } = differences(a.join(';'), b.join(';'));
          const marked = [...only(first), ...only(second)].join('').length;
          const words = (list: string[]): string[] => [...list.join(';')];
          expect(marked).toBe(words(a).length + words(b).length - 2 * longestCommon(words(a), words(b)));
        },
      ),
    );
  });

  it('of long texts without anything in common come at once', () => {
    const words = (letter: string): string => Array.from({ length: 4000 }, (_, i) => `${letter}${i}`).join(' ');
    const { first, second } = differences(words('a'), words('b'));
    expect(joined(first)).toBe(words('a'));
    expect(only(second).join('')).toContain('b17');
  });
});

/** The length of a longest common subsequence, by the table that every textbook has. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i][j] = a[i - 1] === b[j - 1] ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
  return table[a.length][b.length];
}

describe('text from models', () => {
  it('shows what cannot be seen', () => {
    expect(visibleText('a\u202eb\u001b[31mc\u0000')).toBe('a[U+202E]b␛[31mc␀');
    expect(visibleText('one\r\ntwo\rthree\u2028four\tfive')).toBe('one\ntwo\nthree\nfour\tfive');
    expect(visibleText('\ud800x')).toBe('\ufffdx');
    expect(visibleText('日本 👨‍👩‍👧 مرحبا')).toBe('日本 👨‍👩‍👧 مرحبا');
  });

  it('keeps no control or direction mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visibleText(text)).not.toMatch(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff]/u);
      }),
    );
  });
});

describe('markdown', () => {
  it('is read as far as answers use it', () => {
    const text =
      '# Title\nSome *soft* and **strong** `code`\nsecond line\n\n- one\n  - deeper\n\n1. first\n\n> said\n\n```js\nlet a = "<b>";\n```\n---';
    const kinds = parseMarkdown(text).map(({ kind }) => kind);
    expect(kinds).toEqual(['heading', 'paragraph', 'list', 'list', 'quote', 'code', 'rule']);
    expect(parseInlines('Some *soft* and **strong** `co*de*`')).toEqual([
      { kind: 'text', text: 'Some ' },
      { kind: 'emphasis', inlines: [{ kind: 'text', text: 'soft' }] },
      { kind: 'text', text: ' and ' },
      { kind: 'strong', inlines: [{ kind: 'text', text: 'strong' }] },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: 'co*de*' },
    ]);
  });

  it('reads tables, lines that go on in a list, and code within one', () => {
    const table = parseMarkdown('Sizes:\n| a | **b** |\n|---|:-:|\n| 1 | 2 |\n| 3 |\nafter | all\n\nend');
    expect(table.map(({ kind }) => kind)).toEqual(['paragraph', 'table', 'paragraph']);
    const cells = (row: readonly Cell[]): string[] => row.map((cell) => JSON.stringify(cell));
    const [, found] = table;
    if (found?.kind !== 'table') throw new Error('no table');
    expect(cells(found.head)[1]).toContain('strong');
    expect(found.rows.map((row) => row.length)).toEqual([2, 1, 2]);
    const [list, code] = parseMarkdown('- one\n  goes on\n- two\n  ```js\n    let a;\n  ```');
    if (list?.kind !== 'list') throw new Error('no list');
    expect(list.items.map(({ inlines }) => inlines)).toEqual([
      [{ kind: 'text', text: 'one\ngoes on' }],
      [{ kind: 'text', text: 'two' }],
    ]);
    expect(code).toEqual({ kind: 'code', info: 'js', text: '  let a;' });
    expect(parseMarkdown('a | b\nno dashes | here').map(({ kind }) => kind)).toEqual(['paragraph']);
  });

  it('reads marks within marks, and underscores around words', () => {
    expect(parseInlines('**`run` it**')).toEqual([
      {
        kind: 'strong',
        inlines: [
          { kind: 'code', text: 'run' },
          { kind: 'text', text: ' it' },
        ],
      },
    ]);
    expect(parseInlines('_soft_ __strong__').map(({ kind }) => kind)).toEqual(['emphasis', 'text', 'strong']);
    expect(parseInlines('snake_case_name and a__b__c')).toEqual([
      { kind: 'text', text: 'snake_case_name and a__b__c' },
    ]);
  });

  it('leaves arithmetic and lone marks alone', () => {
    expect(parseInlines('2 * 3 * 4 = 24')).toEqual([{ kind: 'text', text: '2 * 3 * 4 = 24' }]);
    expect(parseInlines('a ** b')).toEqual([{ kind: 'text', text: 'a ** b' }]);
  });

  it('has no HTML and no links that lead anywhere', () => {
    const [block] = parseMarkdown('<script>alert(1)</script> [here](javascript:alert(1)) ![x](http://a.example/x.png)');
    expect(JSON.stringify(block)).toContain('<script>alert(1)</script>');
    expect(parseInlines('[a](http://b.example)')).toEqual([{ kind: 'link', text: 'a', address: 'http://b.example' }]);
  });

  it('loses no word', () => {
    const piece = fc.constantFrom(
      'word',
      '*',
      '**',
      '`',
      '\n',
      '\n\n',
      ' ',
      '> ',
      '- ',
      '# ',
      '[',
      '](',
      ')',
      '```\n',
      '1. ',
      '  ',
      '|',
      '\n|-|\n',
      '_',
      '__',
      '~~~',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        expect(wordsIn(parseMarkdown(text))).toBe((text.match(/word/g) ?? []).length);
      }),
    );
  });

  it.each([
    '*a',
    '**',
    '***',
    '_',
    '_a ',
    '`',
    '[a](',
    '> ',
    '- '.repeat(3),
    '```\n',
    '#',
    '|',
    '|-\n',
    'a|b\n|-|\n',
    '*_',
  ])('of 200 kB of %j takes no long time', (piece) => {
    const text = piece.repeat(200_000 / piece.length);
    const begin = performance.now();
    parseMarkdown(text);
    // Quadratic time would be minutes.
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

function wordsIn(blocks: readonly Block[]): number {
  return (JSON.stringify(blocks).match(/word/g) ?? []).length;
}
