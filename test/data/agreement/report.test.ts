import { describe, expect, it } from 'vitest';
import type { UnitFacts } from '../../../src/data/agreement/annotators';
import { reportMarkdown } from '../../../src/data/agreement/markdown';
import { escapeMarkdown } from '../../../src/data/markdown';
import type { Rating } from '../../../src/data/agreement/ratings';
import { agreementReport, faultOf } from '../../../src/data/agreement/report';
import { headline } from '../../../src/data/agreement/wording';
import { Random } from '../../../src/data/random';
import { golden } from './golden';

const draws = 200;

/** Three annotators who agree on `facts` and guess on `refuse`; the third prefers the longer answer. */
function world(): { ratings: Rating[]; facts: Map<string, UnitFacts> } {
  const random = Random.from(9, 'world');
  const facts = new Map<string, UnitFacts>();
  const ratings: Rating[] = [];
  for (let i = 0; i < 150; i++) {
    const unit = `p${i}`;
    const tag = i % 3 ? 'facts' : 'refuse';
    const lengths = { lengthA: 1 + random.int(40), lengthB: 1 + random.int(40) };
    facts.set(unit, { tags: i === 0 ? [] : [tag], ...lengths });
    const truth = random.normal();
    for (const annotator of ['ada', 'ben', 'cleo']) {
      const taste = annotator === 'cleo' ? (lengths.lengthB - lengths.lengthA) / 12 : 0;
      const seen = tag === 'facts' ? 1.5 * truth + taste + random.normal() / 3 : 1.2 * random.normal();
      const shown = random.next() < 0.5 ? 'ab' : 'ba';
      ratings.push({ unit, annotator, value: Math.max(-2, Math.min(2, Math.round(seen))), shown, ms: 2000 });
    }
  }
  ratings.push({ unit: 'p0', annotator: 'dora', value: null, missing: 'skip' });
  return { ratings, facts };
}

describe('the report', () => {
  const { ratings, facts } = world();
  const report = agreementReport({ ratings, facts, scale: 'preference' }, { draws });

  it('has the coefficients of the golden data, by group, pair and annotator', () => {
    const { ratings: published, alpha, pairs } = golden.cases.preferences;
    const found = agreementReport({ ratings: published, scale: 'values' }, { draws: 0 });
    expect(found.overall.alpha.ordinal.value).toBeCloseTo(alpha?.ordinal ?? NaN, 6);
    expect(found.overall.direction).toBeNull();
    expect(found.pairs.map(({ kappa }) => kappa.value)).toEqual(
      pairs?.map(({ kappa }): unknown => expect.closeTo(kappa.none, 6)),
    );
    expect(found.annotators.every(({ bias }) => bias === null)).toBe(true);
  });

  it('sees where annotators differ and who likes length', () => {
    const [factual, refusals] = report.tags;
    expect([factual.tag, refusals.tag]).toEqual(['facts', 'refuse']);
    expect(factual.compared + refusals.compared).toBe(149);
    expect(factual.alpha.ordinal.low).toBeGreaterThan(refusals.alpha.ordinal.high ?? NaN);
    const bias = Object.fromEntries(report.annotators.map(({ annotator, bias }) => [annotator, bias]));
    expect(bias.cleo?.longer.low).toBeGreaterThan(bias.ada?.longer.value ?? NaN);
    expect(report.overall.direction?.observed.value).toBeGreaterThan(report.overall.observed.value ?? NaN);
    expect(report.missing).toBe(1);
    const accuracy = Object.fromEntries(
      report.aggregation.dawidSkene.annotators.map(({ annotator, accuracy }) => [annotator, accuracy]),
    );
    expect(accuracy.ada).toBeGreaterThan(accuracy.cleo);
    expect(headline(report)).toMatch(
      /^Three annotators agree in part: α 0\.\d\d \[.*\] on 150 pairs; least on tag refuse/,
    );
  });

  it('lists disputes from the greatest, with all votes', () => {
    expect(report.disputes).toHaveLength(20);
    const sizes = report.disputes.map(({ disagreement }) => disagreement);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const [{ unit, votes }] = report.disputes;
    const given = ratings.filter((r) => r.unit === unit).map(({ annotator, value }) => ({ annotator, value }));
    expect(votes).toEqual(given);
  });

  it('is the same whatever the order of units, and plain JSON', () => {
    const byUnit = new Map<string, Rating[]>();
    for (const rating of ratings) byUnit.set(rating.unit, [...(byUnit.get(rating.unit) ?? []), rating]);
    const turned = [...byUnit.values()].reverse().flat();
    expect(agreementReport({ ratings: turned, facts, scale: 'preference' }, { draws })).toEqual(report);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('as Markdown has every part, and nothing of a name in it acts', () => {
    const hostile = '<img src=x onerror=alert(1)> | [a](command:b)\u202e\n# x';
    const renamed = ratings.map((r) => (r.annotator === 'ben' ? { ...r, annotator: hostile } : r));
    const text = reportMarkdown(agreementReport({ ratings: renamed, facts, scale: 'preference' }, { draws: 20 }), {
      unit: (unit) => `[${unit}](x:${unit})`,
    });
    for (const heading of [
      '# Agreement',
      '## By tag',
      '## Annotators among',
      '## Each annotator',
      '## Most disputed',
      '## All coefficients',
    ])
      expect(text).toContain(heading);
    expect(text).toMatch(/\| \[p\d+\]\(x:p\d+\) \|/);
    expect(text).toMatch(/\| Krippendorff's α, ordinal \| 0\.\d\d\u00a0\[0\.\d\d,\u00a00\.\d\d\] \|/);
    expect(text).not.toMatch(/<img|\u202e|^# x/m);
    const cells = new Map<string, Set<number>>();
    for (const block of text.split('\n\n').filter((part) => part.includes('| --- |')))
      cells.set(
        block,
        new Set(
          block
            .trim()
            .split('\n')
            .slice(block.startsWith('#') ? 2 : 0)
            .map((l) => l.replace(/\\\|/g, '').split('|').length),
        ),
      );
    for (const [block, widths] of cells) expect(widths.size, block).toBe(1);
    expect(escapeMarkdown('a*b|c')).toBe('a\\*b\\|c');
    expect(escapeMarkdown('https://a.b, www.c.d, e@f.g; 0.5.')).toBe('https\\:\\//a\\.b, www\\.c\\.d, e\\@f\\.g; 0.5.');
  });
});

describe('nothing to say', () => {
  const rating = (annotator: string, unit: string, value: number | null): Rating => ({ annotator, unit, value });
  const fault = (...ratings: Rating[]): string => {
    const report = agreementReport({ ratings, scale: 'preference' }, { draws: 10 });
    expect(() => reportMarkdown(report)).not.toThrow();
    return faultOf(report)?.message ?? '';
  };

  it('is said with its reason', () => {
    expect(fault()).toContain('no rating');
    expect(fault(rating('x', 'p', null))).toContain('no rating');
    expect(fault(rating('x', 'p', 1), rating('x', 'q', 1), rating('y', 'q', null))).toContain('one annotator (x)');
    expect(fault(rating('x', 'p', 1), rating('y', 'q', 1))).toContain('no unit was rated by two');
    expect(fault(rating('x', 'p', 1), rating('y', 'p', 1))).toBe('');
  });

  it('is undefined, not perfect, where all values are the same', () => {
    const report = agreementReport({ ratings: [rating('x', 'p', 1), rating('y', 'p', 1)], scale: 'preference' });
    expect(report.overall.alpha.ordinal).toEqual({ value: null, low: null, high: null });
    expect(headline(report)).toContain('α is undefined, all values are the same');
  });
});
