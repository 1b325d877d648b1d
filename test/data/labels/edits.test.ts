import { describe, expect, it } from 'vitest';
import { FaultReport } from '../../../src/data/report';
import { RowReader } from '../../../src/data/rows';
import { demonstrationsOf, demonstrationToJson, preferencesOfEdits } from '../../../src/data/labels/edits';
import { judgementsOfAnswers, type Label } from '../../../src/data/labels/labels';
import { answerId, toPair } from '../../../src/data/labels/pairs';
import { draft, label, undo } from './rows';

const [one, two] = [toPair(draft(1)), toPair(draft(2))];
const better = (side: 'a' | 'b', text: string) => ({ edit: { side, text } });
/** A label of an answer for itself, as the review of samples writes it. */
function single(id: string, text: string, rest: Partial<Label>): Label {
  const prompt = [{ role: 'user', content: 'Hi' }];
  const answer = { prompt, text, tags: ['greeting'], run: 'ppo-1' };
  return label(id, answerId([{ role: 'user', content: 'Hi' }], text), 'skip', { answer, ...rest });
}

describe('edits', () => {
  it('are better than what they mend, in pairs and for themselves', () => {
    const labels = [
      label('1', one.id, 0, better('b', 'better')),
      label('2', one.id, 0, better('a', ` ${one.a}`)),
      label('3', one.id, 0, better('a', ' \n')),
      label('4', 'gone', 0, better('a', 'better')),
      single('5', 'Yo.', better('a', 'Good day.')),
      single('6', ' ', better('a', 'Good day.')),
    ];
    expect(preferencesOfEdits([one], labels)).toEqual([
      { pair: one.id, prompt: one.prompt, chosen: 'better', rejected: one.b, tags: [] },
      {
        pair: labels[4]?.pair,
        prompt: [{ role: 'user', content: 'Hi' }],
        chosen: 'Good day.',
        rejected: 'Yo.',
        tags: ['greeting'],
      },
    ]);
  });

  it('of a pair that was shown again count beside those of its first showing', () => {
    const rows = [
      label('1', one.id, 0, better('a', 'first wording')),
      label('2', one.id, 0, { repeat: true, time: 1 }),
      label('3', two.id, 1, better('a', 'taken back')),
      undo('4', label('3', two.id)),
    ];
    expect(preferencesOfEdits([one, two], judgementsOfAnswers(rows)).map(({ chosen }) => chosen)).toEqual([
      'first wording',
    ]);
  });
});

describe('demonstrations', () => {
  const accept = { verdicts: { a: 'accept' } } as const;
  const reject = { verdicts: { a: 'reject' } } as const;

  it('are edits, and answers that more annotators accept than reject, each once', () => {
    const labels = [
      label('1', one.id, 1, accept),
      label('2', one.id, 1, { ...accept, annotator: 'Ben' }),
      label('3', one.id, 1, { ...reject, annotator: 'Cleo' }),
      label('4', two.id, 1, accept),
      label('5', two.id, 1, { ...reject, annotator: 'Ben' }),
      label('6', two.id, 1, { ...better('b', 'mended'), annotator: 'Cleo' }),
      label('7', two.id, 1, { ...better('b', 'mended'), annotator: 'Dora' }),
      single('8', 'Yo.', { ...accept, ...better('a', 'Good day.') }),
    ];
    const found = demonstrationsOf([one, two], labels);
    expect(found).toEqual({
      demonstrations: [
        { prompt: one.prompt, answer: one.a },
        { prompt: two.prompt, answer: 'mended' },
        { prompt: [{ role: 'user', content: 'Hi' }], answer: 'Good day.' },
      ],
      edits: 2,
      accepted: 1,
      disputed: 1,
    });
  });

  it('are written as an sft stage reads them', () => {
    const { demonstrations } = demonstrationsOf([one], [label('1', one.id, 1, accept), single('2', 'Hello.', accept)]);
    const rows = demonstrations.map((each) => {
      const report = new FaultReport('demonstrations.jsonl');
      return new RowReader(report).read({ line: 1, value: demonstrationToJson(each) }, 0);
    });
    expect(rows).toMatchObject([
      { kind: 'completion', prompt: one.prompt, completion: one.a },
      {
        kind: 'completion',
        prompt: [{ role: 'user', content: 'Hi' }],
        completion: [{ role: 'assistant', content: 'Hello.' }],
      },
    ]);
  });

  it('are none of an answer of no text', () => {
    expect(demonstrationsOf([], [single('1', ' ', accept)]).demonstrations).toEqual([]);
  });
});
