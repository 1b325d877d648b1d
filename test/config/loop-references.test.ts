import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../src/config/diagnostic';
import { topologicalOrder, upstream } from '../../src/config/graph';
import { resolveStage } from '../../src/config/load';
import { parseExperiment } from '../../src/config/parse';
import { upstreamStages } from '../../src/config/reference';
import { parseRunConfig, runConfigOf } from '../../src/config/run-config';
import { STAGE_TYPES } from '../../src/config/schema/experiment';
import { LOOP_CONFIG } from './loop-config';

const FILE = path.resolve('somewhere', 'align.yaml');
const at = (name: string) => path.join(path.dirname(FILE), name);

function good(text: string) {
  const { experiment, diagnostics } = parseExperiment(text, FILE);
  if (!experiment) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return experiment;
}

describe('references', () => {
  const experiment = good(LOOP_CONFIG);

  test('the config has every type of stage', () => {
    expect(new Set([...experiment.stages.values()].map(({ type }) => type))).toEqual(new Set(STAGE_TYPES));
  });

  test.each([
    ['pretrain', []],
    ['sft', ['pretrain']],
    ['collect', ['sft', 'pretrain']],
    ['rm', ['sft', 'collect']],
    ['dpo', ['sft', 'collect', 'pretrain']],
    ['ppo', ['sft', 'rm']],
    ['grpo', ['sft', 'rm']],
    ['rloo', ['dpo']],
    ['score', ['sft', 'dpo', 'ppo', 'grpo', 'rm', 'pretrain']],
  ])('%s takes from %j', (name, wanted) => {
    expect([...upstreamStages(experiment, name)].sort()).toEqual([...wanted].sort());
  });

  test('a judge of a monitor is an input too', () => {
    const text = LOOP_CONFIG.replace(
      'proxy_gap: { judge: { rule: ./oracle.js } }',
      'proxy_gap: { judge: rm2 }',
    ).replace('  dpo:\n', '  rm2:\n    type: reward\n    model: sft\n    data: data/pairs.jsonl\n  dpo:\n');
    expect(upstreamStages(good(text), 'ppo')).toContain('rm2');
  });

  test('all stages run before those that take from them', () => {
    expect(topologicalOrder(experiment)).toEqual([...experiment.stages.keys()]);
    expect(upstream(experiment, 'ppo')).toEqual(['pretrain', 'sft', 'collect', 'rm']);
  });

  test('sources are resolved: stages by name, all else to absolute places', () => {
    const ppo = resolveStage(experiment, 'ppo');
    expect(ppo.sources).toMatchObject({
      reward: [
        { kind: 'model', model: { kind: 'stage', name: 'rm' }, use: 'lower_bound', k: 0.5, weight: 1 },
        { kind: 'rule', path: at('brevity.js'), weight: 0.1 },
      ],
      reference: { kind: 'stage', name: 'sft' },
      monitorJudge: { kind: 'rule', path: at('oracle.js') },
      labels: null,
    });
    expect(ppo.inputs).toMatchObject({
      prompts: [at('data/prompts.jsonl')],
      phrases: at('phrases.txt'),
      rules: [at('brevity.js'), at('oracle.js')].map((file): unknown => expect.stringContaining(file)),
    });
    const score = resolveStage(experiment, 'score').sources;
    expect(score.models).toHaveLength(5);
    expect(score.models.at(-1)).toEqual({ kind: 'folder', path: at('model') });
    expect(score.baseline).toEqual({ kind: 'stage', name: 'pretrain' });
    expect(score.judge).toMatchObject({ kind: 'rule' });
  });

  test('the baseline is the first model unless another is named, and a generate stage answers with its model', () => {
    const text = LOOP_CONFIG.replace('    baseline: pretrain\n', '').replace('    models: [sft, pretrain]\n', '');
    expect(resolveStage(good(text), 'score').sources.baseline).toEqual({ kind: 'stage', name: 'sft' });
    expect(resolveStage(good(text), 'collect').sources.models).toEqual([{ kind: 'folder', path: at('model') }]);
  });

  test('labels are those of a stage, a folder or a file', () => {
    const labels = (text: string) =>
      resolveStage(good(LOOP_CONFIG.replace('labels: collect', `labels: ${text}`)), 'rm').sources.labels;
    expect(labels('collect')).toEqual({ kind: 'stage', name: 'collect', path: at('labels/collect') });
    expect(labels('./labels/other')).toEqual({ kind: 'path', path: at('labels/other') });
    expect(labels('mine.jsonl')).toEqual({ kind: 'path', path: at('mine.jsonl') });
  });

  test('a run keeps what was a stage', () => {
    for (const name of experiment.stages.keys()) {
      const stage = resolveStage(experiment, name);
      const stored: unknown = JSON.parse(JSON.stringify(runConfigOf(stage)));
      expect(parseRunConfig(stored, experiment.folder, 'config.json')).toEqual(stage);
    }
  });

  test('in any graph of references, each stage stands behind all that it takes from', () => {
    const graph = fc.array(fc.record({ start: fc.nat(), reference: fc.nat(), models: fc.array(fc.nat()) }), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(graph, fc.infiniteStream(fc.nat()), (nodes, ranks) => {
        const name = (i: number, pick: number) => (pick % (i + 1) === 0 ? './m' : `s${(pick % (i + 1)) - 1}`);
        const stages = nodes.map(({ start, reference, models }, i): [string, Record<string, unknown>] => [
          `s${i}`,
          models.length > 0 && i === nodes.length - 1
            ? { type: 'evaluate', prompts: 'p', models: models.map((pick) => name(i, pick)) }
            : { type: 'dpo', data: 'd', model: name(i, start), reference: name(i, reference) },
        ]);
        const order = stages.map((stage) => ({ stage, rank: Number(ranks.next().value) }));
        const shuffled = order.sort((a, b) => a.rank - b.rank).map(({ stage }) => stage);
        const built = good(JSON.stringify({ stages: Object.fromEntries(shuffled) }));
        const sorted = topologicalOrder(built);
        expect([...sorted].sort()).toEqual(stages.map(([stage]) => stage).sort());
        for (const stage of sorted)
          for (const input of upstreamStages(built, stage))
            expect(sorted.indexOf(input)).toBeLessThan(sorted.indexOf(stage));
      }),
      { numRuns: 100 },
    );
  });

  test('a circle through several keys is told once, with its way', () => {
    const text = LOOP_CONFIG.replace('models: [sft, pretrain]', 'models: [sft, ppo]');
    const { diagnostics } = parseExperiment(text, FILE);
    expect(diagnostics.map(({ code, path: keys }) => [code, keys.join('.')])).toEqual([['cycle', 'stages.rm.labels']]);
    expect(diagnostics[0].message).toContain('`collect` → `ppo` → `rm` → `collect`');
    const place = diagnostics[0].range.start;
    expect(text.split('\n')[place.line - 1].slice(place.column - 1)).toMatch(/^collect/);
  });

  test('the fix of a wrong kind of stage names the right one', () => {
    const { diagnostics } = parseExperiment(LOOP_CONFIG.replace('reward: rm, kl_stop', 'reward: dpo, kl_stop'), FILE);
    expect(diagnostics).toMatchObject([
      { code: 'wrong-stage', hint: 'Write `rm`, or a path such as `./dpo` for a folder.' },
    ]);
    expect(diagnostics[0].fixes[0].edits[0].newText).toBe('rm');
  });
});
