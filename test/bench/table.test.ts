import { describe, expect, it } from 'vitest';
import { aligned, digits, table, verdict, type Row } from '../../bench/table';

const row = (values: Partial<Row>): Row => ({
  row: 1,
  what: 'speed',
  ours: '12',
  peer: '10',
  ratio: 1.2,
  unit: '',
  floor: 1.15,
  goal: 1.35,
  better: 'higher',
  limit: null,
  ...values,
});

describe('verdict', () => {
  it('says which mark was reached, the mark itself included', () => {
    expect(verdict(row({ ratio: 1.35 }))).toBe('goal');
    expect(verdict(row({ ratio: 1.34 }))).toBe('floor');
    expect(verdict(row({ ratio: 1.15 }))).toBe('floor');
    expect(verdict(row({ ratio: 1.14 }))).toBe('below');
  });

  it('knows where less is better', () => {
    const lower = { better: 'lower', floor: 0.7, goal: 0.5 } as const;
    expect(verdict(row({ ...lower, ratio: 0.5 }))).toBe('goal');
    expect(verdict(row({ ...lower, ratio: 0.6 }))).toBe('floor');
    expect(verdict(row({ ...lower, ratio: 0.71 }))).toBe('below');
  });

  it('says nothing where a side is missing or no mark is set', () => {
    expect(verdict(row({ ratio: null }))).toBe('–');
    expect(verdict(row({ ratio: NaN }))).toBe('–');
    expect(verdict(row({ floor: null, goal: null }))).toBe('–');
  });

  it('is content with the floor where there is no goal', () => {
    expect(verdict(row({ goal: null, ratio: 9 }))).toBe('floor');
  });
});

describe('digits', () => {
  it('keeps three that count', () => {
    expect([0.8, 9.994, 12.34, 99.94, 100, 1234.5, 19876543].map(digits)).toEqual([
      '0.80',
      '9.99',
      '12.3',
      '99.9',
      '100',
      '1,235',
      '19,876,543',
    ]);
  });

  it('writes no number for what is none', () => {
    expect(digits(NaN)).toBe('–');
  });
});

describe('table', () => {
  it('lines its columns up and escapes what would end a cell', () => {
    const lines = aligned([
      ['a', 'long header'],
      ['x|y', '1'],
    ]).split('\n');
    expect(lines).toEqual(['| a    | long header |', '| ---- | ----------- |', '| x\\|y | 1           |']);
  });

  it('shows marks with the way that is better, units, and notes below', () => {
    const text = table([
      row({ note: 'two runs', limit: 1.5 }),
      row({ row: 6, what: 'click', ratio: 0.75, unit: 's', better: 'lower', floor: 2, goal: 1 }),
      row({ row: 2, what: 'alone', peer: '–', ratio: null }),
    ]);
    const [, , first, second, third, blank, note] = text.split('\n');
    expect(first.split('|').map((cell) => cell.trim())).toEqual([
      '',
      '1',
      'speed',
      '12',
      '10',
      '1.20',
      '≥ 1.15',
      '≥ 1.35',
      '1.50',
      'floor',
      '',
    ]);
    expect(second).toContain('| 0.75 s ');
    expect(second).toContain('| ≤ 2.00 s | ≤ 1.00 s |');
    expect(second).toMatch(/goal\s+\|$/);
    expect(third).toMatch(/–\s+\|$/);
    expect(blank).toBe('');
    expect(note).toBe('1, speed: two runs');
    expect(
      new Set(
        text
          .split('\n')
          .slice(0, 5)
          .map((line) => line.length),
      ).size,
    ).toBe(1);
  });
});
