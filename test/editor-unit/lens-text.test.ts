import { describe, expect, it } from 'vitest';
import { lensesOf, type StageFacts } from '../../src/editor/align-file/lens-text';
import { outlineAfterError } from '../../src/editor/align-file/outline';
import { parseExperiment } from '../../src/config/parse';
import { RUN_STATES } from '../../src/runs/format';
import { facts, NOW } from './facts';

const stage: StageFacts = {
  stage: 'sft',
  last: undefined,
  loaded: true,
  staleUpstream: 0,
  stale: false,
  broken: false,
};
const titles = (changes: Partial<StageFacts>) => lensesOf({ ...stage, ...changes }, NOW).map(({ title }) => title);

describe('the lenses of a stage', () => {
  it('before its first run', () => {
    expect(titles({})).toEqual(['$(play) Run', 'Curves', 'not run yet']);
  });

  it('are as many while the runs are read as after', () => {
    expect(titles({ loaded: false })).toHaveLength(titles({}).length);
  });

  it('with stale stages upstream', () => {
    expect(titles({ staleUpstream: 2 })).toEqual([
      '$(play) Run',
      '$(run-all) Run with upstream (2 stale)',
      'Curves',
      'not run yet',
    ]);
  });

  it('with pairs to label', () => {
    const labels = { total: 120, left: 37, alpha: null };
    expect(titles({ labels })).toEqual(['$(play) Run', 'Label (37 of 120 left)', 'not run yet']);
    const done = { total: 120, left: 0, alpha: 0.714 };
    expect(titles({ labels: done, last: facts('done') }).slice(0, 3)).toEqual([
      '$(play) Run',
      'Label (all 120 done)',
      'Agreement α 0.71',
    ]);
    for (const state of RUN_STATES)
      for (const staleUpstream of [0, 2])
        expect(titles({ labels: done, staleUpstream, last: facts(state) }).length).toBeLessThanOrEqual(5);
  });

  it('with a finished evaluation, whose report is read and not its curves', () => {
    expect(titles({ report: true, last: facts('done') }).slice(0, 2)).toEqual(['$(play) Run', 'Report']);
    const labels = { total: 120, left: 37, alpha: null };
    expect(titles({ report: true, labels, last: facts('done') }).slice(0, 3)).toEqual([
      '$(play) Run',
      'Report',
      'Label (37 of 120 left)',
    ]);
  });

  it('while it runs', () => {
    const [stop, pause, curves] = titles({ last: facts('running') });
    expect([stop, pause, curves]).toEqual(['$(debug-stop) Stop', '$(debug-pause) Pause', 'Curves']);
  });

  it('after it died', () => {
    expect(titles({ last: facts('died') })).toEqual([
      '$(debug-continue) Resume',
      '$(play) Run',
      'Curves',
      '✗ died at step 412',
    ]);
  });

  it('while it waits for its turn', () => {
    expect(titles({ last: facts('queued', { reason: 'waits for sft-1' }) })).toEqual([
      '$(debug-stop) Cancel',
      '$(play) Run now anyway',
      'Curves',
      'queued: waits for sft-1',
    ]);
  });

  it('say that a finished stage changed since', () => {
    expect(titles({ last: facts('done', { ended: '2025-03-01T11:57:00Z' }), stale: true }).at(-1)).toBe(
      '✓ done · 3 min ago · changed since',
    );
  });

  it('are at most five in every state, and the state is last', () => {
    for (const state of RUN_STATES) {
      const lenses = lensesOf({ ...stage, last: facts(state), staleUpstream: 1, stale: true }, NOW);
      expect(lenses.length).toBeLessThanOrEqual(5);
      expect(lenses.at(-1)?.on).toBe('run');
      expect(lenses.filter(({ title }) => title === 'Curves')).toHaveLength(1);
    }
  });

  it('take a failed run to the place of its error', () => {
    expect(lensesOf({ ...stage, last: facts('failed') }, NOW).at(-1)?.command).toBe('alignment-lab.openFailure');
  });
});

describe('the outline in the middle of typing', () => {
  const text = 'stages:\n  sft:\n    type: sft\n    data: a.jsonl\n\n  more:\n    type: sft\n    data: b.jsonl\n';
  const good = parseExperiment(text, 'align.yaml');

  it('is the parsed one where the text is YAML', () => {
    expect(outlineAfterError(text, good, []).map(({ name }) => name)).toEqual(['sft', 'more']);
    const fewer = parseExperiment('stages:\n  sft:\n    type: sft\n', 'align.yaml');
    expect(outlineAfterError(text, fewer, good.outline).map(({ name }) => name)).toEqual(['sft']);
  });

  it('stays the last good one on a syntax error, each stage at the line where its name stands', () => {
    const broken = `# a new line\n${text.replace('type: sft', 'type: [sft')}`;
    const parsed = parseExperiment(broken, 'align.yaml');
    const outline = outlineAfterError(broken, parsed, good.outline);
    expect(outline.map(({ name, range }) => [name, range.start.line])).toEqual([
      ['sft', 3],
      ['more', 7],
    ]);
  });
});
