import { describe, expect, it } from 'vitest';
import { hasErrors, type Fix } from '../../src/config/diagnostic';
import { parseExperiment } from '../../src/config/parse';
import { labelStageOf, raiseLeash, strongerLeash, useLowerBound } from '../../src/editor/alarms/fixes';

const BEFORE = `model: ./model
stages:
  collect:
    type: generate
    prompts: data/prompts.jsonl
  reward:
    type: reward
    labels: collect
    ensemble: 4
  plain:
    type: reward
    labels: collect
`;

function experimentOf(text: string) {
  const { experiment, diagnostics } = parseExperiment(text, '/nowhere/align.yaml');
  if (!experiment || hasErrors(diagnostics)) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)));
  return experiment;
}

const stageText = (stage: string): string => BEFORE + stage;
const LINES = ['  ppo:', '    type: ppo # the leash', '    prompts: data/prompts.jsonl'];
const ppo = (...more: string[]): string => stageText([...LINES, ...more, ''].join('\n'));

function apply(text: string, fix: Fix | undefined): string {
  if (!fix) throw new Error('no fix');
  const edits = [...fix.edits].sort((a, b) => b.range.start.offset - a.range.start.offset);
  let changed = text;
  for (const { range, newText } of edits) {
    // the editor goes by line and column, so they must say the same as the offset
    const lines = text.slice(0, range.start.offset).split('\n');
    expect([range.start.line, range.start.column]).toEqual([lines.length, (lines.at(-1) ?? '').length + 1]);
    changed = changed.slice(0, range.start.offset) + newText + changed.slice(range.end.offset);
  }
  return changed;
}

describe('a stronger leash', () => {
  const raised = (text: string, stage = 'ppo'): string => apply(text, raiseLeash(text, experimentOf(text), stage));

  it('doubles what is written', () => {
    const text = ppo('    reward: plain', '    kl_penalty: 0.05 # small');
    expect(raised(text)).toBe(text.replace('0.05', '0.1'));
    expect(raiseLeash(text, experimentOf(text), 'ppo')?.title).toBe('Raise `kl_penalty` from 0.05 to 0.1');
  });

  it('writes twice the default where nothing is written, behind the type', () => {
    const text = ppo('    reward: plain');
    const changed = raised(text);
    expect(changed).toContain('    type: ppo # the leash\n    kl_penalty: 0.2\n    prompts');
    expect(experimentOf(changed).stages.get('ppo')).toMatchObject({ kl_penalty: 0.2 });
  });

  it('keeps line ends of Windows, and braces', () => {
    const windows = ppo('    reward: plain').replace(/\n/g, '\r\n');
    const changed = raised(windows);
    expect(changed).toContain('# the leash\r\n    kl_penalty: 0.2\r\n    prompts');
    expect(changed.replace(/\r\n/g, '')).not.toMatch(/[\r\n]/);
    const braces = stageText('  ppo: { type: ppo, prompts: data/prompts.jsonl, reward: plain }\n');
    expect(raised(braces)).toContain('{ type: ppo, kl_penalty: 0.2, prompts');
  });

  it('is beta in a dpo stage, something where there was none, and nothing in other stages', () => {
    const dpo = stageText('  dpo:\n    type: dpo\n    labels: collect\n');
    expect(experimentOf(raised(dpo, 'dpo')).stages.get('dpo')).toMatchObject({ beta: 0.2 });
    const loose = ppo('    reward: plain', '    kl_penalty: 0');
    expect(strongerLeash(experimentOf(loose), 'ppo')).toEqual({ key: 'kl_penalty', from: 0, to: 0.05 });
    expect(raiseLeash(loose, experimentOf(loose), 'reward')).toBeUndefined();
    expect(raiseLeash(loose, experimentOf(loose), 'gone')).toBeUndefined();
  });
});

describe('the lower bound', () => {
  const bounded = (text: string) => {
    const changed = apply(text, useLowerBound(text, experimentOf(text), 'ppo'));
    const config = experimentOf(changed).stages.get('ppo');
    return config && 'reward' in config ? config.reward?.map(({ stage, use }) => [stage, use]) : undefined;
  };

  it.each([
    ['a name', ['    reward: reward']],
    ['a map in braces', ['    reward: { stage: reward, weight: 2 }']],
    ['a map on lines', ['    reward:', '      stage: reward', '      weight: 2']],
    ['a written use', ['    reward: { stage: reward, use: mean }']],
  ])('is written over %s', (_what, lines) => {
    expect(bounded(ppo(...lines))).toEqual([['reward', 'lower_bound']]);
  });

  it('is written for the ensembles of a list alone', () => {
    const list = ['    reward:', '      - plain', '      - reward', '      - stage: reward', '        weight: 0.5'];
    expect(bounded(ppo(...list))).toEqual([
      ['plain', 'mean'],
      ['reward', 'lower_bound'],
      ['reward', 'lower_bound'],
    ]);
    expect(bounded(ppo('    reward: [plain, reward]'))).toEqual([
      ['plain', 'mean'],
      ['reward', 'lower_bound'],
    ]);
  });

  it('is no mend where no reward is an ensemble, or it is there already', () => {
    for (const line of [
      '    reward: plain',
      '    reward: { stage: reward, use: worst }',
      '    reward: { rule: ./r.js }',
    ])
      expect(useLowerBound(ppo(line), experimentOf(ppo(line)), 'ppo')).toBeUndefined();
  });
});

describe('the stage whose pairs grow', () => {
  it('is the one that the reward learnt from', () => {
    const other =
      '  other:\n    type: generate\n    prompts: data/p.jsonl\n  late:\n    type: reward\n    labels: other\n';
    const text = stageText(other) + [...LINES, '    reward: late', ''].join('\n');
    expect(labelStageOf(experimentOf(text), 'ppo')).toBe('other');
    expect(labelStageOf(experimentOf(text), 'reward')).toBe('collect');
  });

  it('is any generate stage where the reward is a rule, and none where there is none', () => {
    expect(labelStageOf(experimentOf(ppo('    reward: { rule: ./r.js }')), 'ppo')).toBe('collect');
    const alone =
      'model: ./model\nstages:\n  ppo:\n    type: ppo\n    prompts: p.jsonl\n    reward: { rule: ./r.js }\n';
    expect(labelStageOf(experimentOf(alone), 'ppo')).toBeUndefined();
  });
});
