import fc from 'fast-check';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendComment, readComments, type AnswerComment, type CommentDraft } from '../../src/data/labels/comments';
import { anchorOf, placeIn, positionIn } from '../../src/editor/review/comments-anchor';
import { quotedAt, taggedText, threadsOf, writtenText } from '../../src/editor/review/comments-threads';
import { promptsOfSamples } from '../../src/editor/review/source';
import { reviewText } from '../../src/editor/review/text';

const words = fc.array(fc.constantFrom('the', 'river', 'is', 'in', 'Fernbury', '\n'), { maxLength: 20 });
const textOf = (parts: readonly string[]): string => parts.join(' ');

describe('the anchor of a comment', () => {
  it('is the quote itself where nothing changed', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), fc.nat(), fc.nat(), (text, from, length) => {
        const start = from % text.length;
        const quote = text.slice(start, start + 1 + (length % text.length));
        expect(anchorOf(text, quote, start)).toEqual({ start, end: start + quote.length });
      }),
    );
  });

  it('keeps to the quote when text is inserted elsewhere', () => {
    fc.assert(
      fc.property(words, words, words, fc.boolean(), (before, after, inserted, ahead) => {
        const quote = 'Where Ulsel lives';
        const [left, right, more] = [textOf(before), textOf(after), textOf(inserted)];
        const start = left.length;
        const changed = ahead ? `${more}${left}${quote}${right}` : `${left}${quote}${right}${more}`;
        const at = start + (ahead ? more.length : 0);
        expect(anchorOf(changed, quote, start)).toEqual({ start: at, end: at + quote.length });
      }),
    );
  });

  it('takes the occurrence nearest to where it began', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 8 }), fc.nat(120), (gaps, start) => {
        const text = gaps.map((gap) => `${'.'.repeat(gap)}lie`).join('');
        const places = [...text.matchAll(/lie/g)].map(({ index }) => index);
        const nearest = Math.min(...places.map((place) => Math.abs(place - start)));
        const found = anchorOf(text, 'lie', start);
        expect(Math.abs((found?.start ?? NaN) - start)).toBe(nearest);
      }),
    );
  });

  it('is lost with its quote', () => {
    expect(anchorOf('Ulsel lives in Fernbury.', 'Oakton', 3)).toBeUndefined();
    expect(anchorOf('Ulsel', '', 0)).toBeUndefined();
  });

  it('has places that lead back', () => {
    fc.assert(
      fc.property(words.map(textOf), fc.nat(), (text, at) => {
        const place = at % (text.length + 1);
        const { line, character } = positionIn(text, place);
        expect(placeIn(text, line, character)).toBe(place);
      }),
    );
  });
});

describe('threads of a document', () => {
  const rows = ['Ulsel lives in Fernbury.\nIt is a town.', 'No.'].map((answer, step) => ({
    ...{ v: 1, time: 0, prompt: 'Where?', row: 1 },
    answer,
    step,
  }));
  const built = reviewText(promptsOfSamples('sft-1', 'sft', rows));
  const comment = (more: Partial<AnswerComment>): AnswerComment => ({
    ...{ v: 1, id: 'a', target: { run: 'sft-1', sample: 0 }, quote: 'town', start: 33, tag: null, text: 'Which?' },
    ...{ resolved: false, annotator: 'Ann', time: 1 },
    ...more,
  });

  it('stand at their quotes, several comments on one span together', () => {
    const threads = threadsOf(built, [
      comment({}),
      comment({ id: 'b', text: 'Yes.' }),
      comment({ target: { run: 'x', sample: 0 } }),
    ]);
    expect(threads).toHaveLength(1);
    expect(threads[0]).toMatchObject({
      found: true,
      start: { line: 5, character: 8 },
      end: { line: 5, character: 12 },
    });
    expect(threads[0].comments.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('stand at the head of the answer that lost the quote', () => {
    const [thread] = threadsOf(built, [comment({ quote: 'village' })]);
    expect(thread).toMatchObject({ found: false, start: { line: built.answers[0].head, character: 0 } });
  });

  it('come back to the span that was selected', () => {
    const { first } = built.answers[0];
    const quoted = quotedAt(built, { line: first, character: 5 }, { line: first + 1, character: 3 });
    expect(quoted).toMatchObject({ quote: 'lives in Fernbury.\nIt', start: 6, target: { run: 'sft-1', sample: 0 } });
    const line = quotedAt(built, { line: first, character: 4 }, { line: first, character: 4 });
    expect(line?.quote).toBe('Ulsel lives in Fernbury.');
    const [thread] = threadsOf(built, [comment({ ...quoted })]);
    expect(thread.start).toEqual({ line: first, character: 6 });
  });

  it('have a tag where one is written first', () => {
    expect(taggedText('#false The river.')).toEqual({ tag: 'false', text: 'The river.' });
    expect(taggedText('The #river.')).toEqual({ tag: null, text: 'The #river.' });
    expect(taggedText('# heading')).toEqual({ tag: null, text: '# heading' });
    expect(writtenText(taggedText('#zu-lang  Kürzer.'))).toBe('#zu-lang Kürzer.');
  });
});

describe('the file of comments', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'alignment-lab-comments-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const draft: CommentDraft = {
    target: { pair: 'p', side: 'a' },
    quote: 'river',
    start: 4,
    tag: 'false',
    text: 'It is a lake.',
    resolved: false,
    annotator: 'Ann',
  };
  const file = () => join(folder, 'labels', 'comments.jsonl');
  const add = (more: Partial<CommentDraft> = {}) => appendComment(join(folder, 'labels'), { ...draft, ...more });

  it('is only ever appended to; the last row with an id counts', () => {
    const first = add();
    const second = add({ text: 'And a deep one.' });
    add({ ...first, resolved: true });
    expect(readFileSync(file(), 'utf8').trim().split('\n')).toHaveLength(3);
    expect(readComments(file()).comments).toEqual([{ ...first, resolved: true }, second]);
    add({ ...second, deleted: true });
    expect(readComments(file()).comments).toEqual([{ ...first, resolved: true }]);
  });

  it('is read past torn lines, merge markers and rows that are none', () => {
    const first = add();
    appendFileSync(file(), '<<<<<<< HEAD\n{"v": 1, "id": "x"}\n{"v": 9, "id": "y"}\n{"v": 1, "id": "torn');
    const second = add();
    const { comments, faults } = readComments(file());
    expect(comments).toEqual([first, second]);
    expect(faults.map(({ line, kind }) => [line, kind])).toEqual([
      [2, 'merge-marker'],
      [3, 'row'],
      [4, 'version'],
      [5, 'json'],
    ]);
  });

  it('that is missing has no comments', () => {
    expect(readComments(file())).toEqual({ comments: [], faults: [] });
  });
});
