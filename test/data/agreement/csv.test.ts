import { describe, expect, it } from 'vitest';
import { ratingsOfCsv } from '../../../src/data/agreement/csv';
import { UserError } from '../../../src/config/errors';

function refused(text: string): UserError {
  try {
    ratingsOfCsv(text, 'ratings.csv');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('CSV', () => {
  it('is read with quotes, other separators, other columns, a byte order mark and CRLF', () => {
    const text = '\ufeffTask;note;Worker;Label\r\n"a;1";"two\nlines";"O""Hara";1\r\nb;;y;-2.5\r\n';
    expect(ratingsOfCsv(text, 'ratings.csv')).toEqual([
      { unit: 'a;1', annotator: 'O"Hara', value: 1, repeat: false },
      { unit: 'b', annotator: 'y', value: -2.5, repeat: false },
    ]);
  });

  it('takes empty, NA, * and skip for missing, and a second rating for a repetition', () => {
    const ratings = ratingsOfCsv('unit,annotator,value\np,x,\np,y,NA\np,z,*\nq,x,both_bad\nq,x,2\n', 'ratings.csv');
    expect(ratings.map(({ value, missing, repeat }) => [value, missing, repeat])).toEqual([
      [null, 'skip', false],
      [null, 'skip', false],
      [null, 'skip', false],
      [null, 'both_bad', false],
      [2, undefined, true],
    ]);
  });

  it.each([
    ['a torn last row', 'unit,annotator,value\np,x,1\nq,y', 3, 'the row has 2 fields, the header has 3'],
    ['a torn quote', 'unit,annotator,value\np,x,1\n"q,y,1\nr,y,1\n', 3, 'never closed'],
    ['a quote within', 'unit,annotator,value\np"p,x,1\n', 2, 'quote'],
    ['an unknown value', 'unit,annotator,value\np,x,good\n', 2, 'the value "good" is no number'],
    ['no number', 'unit,annotator,value\np,x,Infinity\n', 2, 'is no number'],
    ['no header', 'p,x,1\nq,x,2\n', 1, 'no column unit and no column annotator and no column value'],
    ['one column short', 'unit,value\np,1\n', 1, 'names no column annotator'],
    ['an empty unit', 'unit,annotator,value\n,x,1\n', 2, 'the unit is empty'],
    ['no rows', 'unit,annotator,value\n', 1, 'no rows'],
    ['nothing at all', '', 1, 'no column'],
  ])('with %s is refused at its line', (_, text, line, message) => {
    const error = refused(text);
    expect(error).toMatchObject({ file: 'ratings.csv', line });
    expect(error.message).toContain(message);
    expect(error.hint).toBeTruthy();
  });

  it('lists several faults at once, and refuses measurements', () => {
    expect(refused('unit,annotator,value\np,x,good\nq,x,bad\n').message).toContain('ratings.csv:3:');
    const rows = Array.from({ length: 102 }, (_, i) => `u${i},x,${i / 7}`).join('\n');
    expect(refused(`unit,annotator,value\n${rows}\n`).message).toContain('102 different values');
  });
});
