import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic, toUserError } from '../../src/config/diagnostic';
import { UserError } from '../../src/config/errors';
import { resolveStage } from '../../src/config/load';
import { parseExperiment, type ParseOptions } from '../../src/config/parse';
import { CONFIG_TEMPLATE } from '../../src/config/template';
import { applied } from './edits';
import { MALFORMED } from './malformed';
import { readFileSync } from 'node:fs';

const FILE = path.resolve('somewhere', 'align.yaml');
const parse = (text: string, options?: ParseOptions) => parseExperiment(text, FILE, options);
const sft = (lines: string) => `model: ./model\nstages:\n  sft:\n    type: sft\n    data: d.jsonl\n${lines}`;

function good(text: string, options?: ParseOptions) {
  const { experiment, diagnostics } = parse(text, options);
  if (!experiment) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return experiment;
}

function sftConfig(lines: string) {
  const config = good(sft(lines)).stages.get('sft');
  if (config?.type !== 'sft') throw new Error('no sft');
  return config;
}

describe('a good file', () => {
  test('the template of init passes without a word', () => {
    expect(parse(CONFIG_TEMPLATE).diagnostics).toEqual([]);
  });

  test('the commented stage of the template passes once its comment signs are gone', () => {
    const lines = CONFIG_TEMPLATE.split('\n');
    const from = lines.findIndex((line) => line === '  # pretrain:');
    const text = lines.map((line, i) =>
      i >= from && /^ {2}# /.test(line) && i < from + 7 ? `  ${line.slice(4)}` : line,
    );
    expect([...good(text.join('\n')).stages.keys()]).toEqual(['pretrain', 'sft']);
  });

  test('fills in every default', () => {
    expect(sftConfig('')).toEqual({
      type: 'sft',
      model: null,
      data: ['d.jsonl'],
      learning_rate: 2e-5,
      epochs: 3,
      steps: null,
      batch_size: 8,
      micro_batch_size: null,
      schedule: 'linear',
      warmup: 0,
      weight_decay: 0,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      max_grad_norm: 1,
      max_length: 1024,
      overlength: 'truncate',
      freeze: [],
      packing: true,
      held_out: 0.05,
      evaluate_every: 0.1,
      sample_every: 0.1,
      checkpoint_every: 0.1,
      keep_checkpoints: 2,
      sample_prompts: 8,
      early_stopping: null,
      shuffle: true,
      loss_on: null,
      chat_template: null,
    });
    expect(good(sft(''))).toMatchObject({ device: 'cpu', threads: null, seed: 42, folder: path.dirname(FILE) });
  });

  test.each(['2.0e-5', '2e-5', '2E-5', '0.00002', '.00002', '+2e-5'])('%s is a number', (number) => {
    expect(sftConfig(`    learning_rate: ${number}\n`).learning_rate).toBe(2e-5);
  });

  test('a null written out stands for the default where there is none', () => {
    expect(sftConfig('    steps: null\n    early_stopping: ~\n')).toMatchObject({ steps: null, early_stopping: null });
  });

  test('Windows line ends and a byte order mark change nothing but offsets', () => {
    const text = `\uFEFF${CONFIG_TEMPLATE.replace(/\n/g, '\r\n')}`;
    expect([...good(text).stages]).toEqual([...good(CONFIG_TEMPLATE).stages]);
  });

  test('anchors and aliases of values work', () => {
    expect(sftConfig('    evaluate_every: &n 50\n    checkpoint_every: *n\n')).toMatchObject({ checkpoint_every: 50 });
  });

  test('a resolved config passes as a config again', () => {
    const config = sftConfig('    freeze: embeddings\n');
    const again = parse(JSON.stringify({ model: './m', stages: { sft: config } })).experiment;
    expect(again?.stages.get('sft')).toEqual(config);
  });
});

describe('references', () => {
  const two = (model: string) =>
    `stages:\n  base:\n    type: pretrain\n    architecture: ./a.json\n    tokenizer: ./t\n    data: d.txt\n  sft:\n    type: sft\n    model: ${model}\n    data: d.jsonl\n`;
  const model = (written: string, options?: ParseOptions) => resolveStage(good(two(written), options), 'sft').model;
  const folder = (name: string) => ({ kind: 'folder', path: path.join(path.dirname(FILE), name) });

  test('a bare name is a stage, a name with a slash a folder', () => {
    expect(model('base')).toEqual({ kind: 'stage', name: 'base' });
    expect(model('./base')).toEqual(folder('base'));
    expect(model('models/base')).toEqual(folder('models/base'));
  });

  test('a bare name that is no stage may be a folder', () => {
    expect(model('weights', { isFolder: (name) => name === 'weights' })).toEqual(folder('weights'));
    expect(parse(two('weights')).diagnostics[0]).toMatchObject({
      code: 'unknown-stage',
      range: { start: { line: 9 } },
    });
  });

  test('pretraining with an architecture starts from nothing, whatever the file says', () => {
    const experiment = good(`model: ./m\n${two('base')}`);
    expect(resolveStage(experiment, 'base')).toMatchObject({
      model: null,
      inputs: { architecture: folder('a.json').path },
    });
  });

  test('paths are relative to the file, and only paths are files', () => {
    const text = sft('    held_out: h.jsonl\n    chat_template: "{{ messages }}"\n    sample_prompts: [Hello]\n');
    const stage = resolveStage(good(text), 'sft');
    expect(stage.files).toEqual(['d.jsonl', 'h.jsonl'].map((name) => path.join(path.dirname(FILE), name)));
    expect(stage.inputs).toMatchObject({ chatTemplate: null, samplePrompts: null, tokenizer: null });
  });

  test('an unknown stage is an error with a proposal', () => {
    const experiment = good(sft(''));
    expect(() => resolveStage(experiment, 'stf')).toThrow(UserError);
    expect(() => resolveStage(experiment, 'stf')).toThrow(/no stage stf/);
  });
});

describe('settings of the command line', () => {
  const value = (set: string[], stage?: string) => good(sft('    epochs: 2\n'), { set, stage }).stages.get('sft');

  test('overwrite and add keys', () => {
    expect(value(['stages.sft.epochs=5', 'stages.sft.steps=10'])).toMatchObject({ epochs: 5, steps: 10 });
    expect(value(['learning_rate=1e-4', 'freeze=[embeddings]'], 'sft')).toMatchObject({
      learning_rate: 1e-4,
      freeze: ['embeddings'],
    });
    expect(value(['sft.packing=false'])).toMatchObject({ packing: false });
    expect(value(['model=./other'], 'sft')).toMatchObject({ model: './other' });
    expect(good(sft(''), { set: ['seed=7', 'device=webgpu'] })).toMatchObject({ seed: 7, device: 'webgpu' });
  });

  test.each([
    ['stages.sft.learning_rate=fast', 'wrong-type'],
    ['stages.sft.learning_rat=1', 'unknown-key'],
    ['stages.dpo.beta=1', 'bad-setting'],
    ['learning_rate=1e-4', 'bad-setting'],
    ['nonsense', 'bad-setting'],
    ['stages.sft.epochs=[1', 'bad-setting'],
    ['device=cuda', 'not-yet'],
  ])('%s is answered with %s, at the setting', (setting, code) => {
    const { diagnostics } = parse(sft(''), { set: [setting] });
    expect(diagnostics.find((diagnostic) => diagnostic.code === code)).toMatchObject({ file: `--set ${setting}` });
  });
});

describe('a broken file', () => {
  test('gives all its errors at once, in the order of the file', () => {
    const text = sft(
      '    epochs: no\n    bogus_key_q: 1\n  two:\n    type: stf\n  three:\n    type: sft\n    model: fuor\n    data: 3\n',
    );
    const { diagnostics, experiment, outline } = parse(text);
    expect(experiment).toBeUndefined();
    expect(diagnostics.map(({ range, code }) => [range.start.line, code])).toEqual([
      [6, 'wrong-type'],
      [7, 'unknown-key'],
      [9, 'unknown-type'],
      [12, 'unknown-stage'],
      [13, 'wrong-type'],
    ]);
    expect(outline.map(({ name, type, range }) => [name, type, range.start.line])).toEqual([
      ['sft', 'sft', 3],
      ['two', 'stf', 8],
      ['three', 'sft', 10],
    ]);
  });

  test('errors beside a syntax error are still found', () => {
    const { diagnostics } = parse(sft('    epochs: 0\n    x: [1\n'));
    expect(diagnostics.map(({ code }) => code)).toEqual(['out-of-range', 'syntax']);
  });

  test('the first error can be thrown with its place', () => {
    const error = toUserError(parse(sft('    epochs: 0\n    batch_size: 0\n')).diagnostics);
    expect(error).toMatchObject({ file: FILE, line: 6, column: 13, code: 'out-of-range' });
    expect(error?.message).toMatch(/epochs.*and 1 more/);
  });

  test('a warning does not stop it', () => {
    const { experiment, diagnostics } = parse(sft('    learning_rate: 0.5\n    steps: 10\n    epochs: 2\n'));
    expect(experiment).toBeDefined();
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([
      ['warning', 'unusual-value'],
      ['warning', 'conflict'],
    ]);
  });
});

describe('fixes', () => {
  test('of accumulation multiply', () => {
    const text = sft('    per_device_train_batch_size: 4\n    gradient_accumulation_steps: 8\n');
    const fixed = parse(text).diagnostics.reduceRight((result, { fixes }) => applied(result, fixes[0]), text);
    expect(good(fixed).stages.get('sft')).toMatchObject({ micro_batch_size: 4, batch_size: 32 });
  });

  test.each([
    ['learning_rate: "2e-5"', { learning_rate: 2e-5 }],
    ['learning_rate: 0,001', { learning_rate: 0.001 }],
    ['steps: 1_000', { steps: 1000 }],
    ['steps: 2k', { steps: 2000 }],
    ['held_out: 5%', { held_out: 0.05 }],
    ['held_out: "0.1"', { held_out: 0.1 }],
    ['held_out: none', { held_out: false }],
    ['packing: off', { packing: false }],
    ['steps: None', { steps: null }],
    ['schedule: Cosine', { schedule: 'cosine' }],
    ['schedule: linaer', { schedule: 'linear' }],
    ['lr_scheduler_type: cosine', { schedule: 'cosine' }],
    ['train_on_inputs: true', { loss_on: 'all' }],
    ['batch-size: 4', { batch_size: 4 }],
    ['seed: 3', { epochs: 3 }],
    ['epochs:', { epochs: 3 }],
  ])('%s', (line, expected) => {
    const text = sft(`    ${line}\n`);
    const [diagnostic] = parse(text).diagnostics;
    expect(good(applied(text, diagnostic.fixes[0])).stages.get('sft')).toMatchObject(expected);
  });

  test('of the whole corpus take away what they are for, and never make the file worse', () => {
    let count = 0;
    for (const { name } of MALFORMED) {
      const file = path.join(import.meta.dirname, 'malformed', `${name}.yaml`);
      const text = readFileSync(file, 'utf8');
      const before = parseExperiment(text, file).diagnostics;
      for (const diagnostic of before) {
        for (const fix of diagnostic.fixes) {
          count++;
          const after = parseExperiment(applied(text, fix), file).diagnostics;
          const same = after.filter(
            ({ code, path, message }) =>
              code === diagnostic.code && path.join() === diagnostic.path.join() && message === diagnostic.message,
          );
          const was = before.filter(
            ({ code, path, message }) =>
              code === diagnostic.code && path.join() === diagnostic.path.join() && message === diagnostic.message,
          );
          expect(same.length, `${name}: ${fix.title}\n${after.map(formatDiagnostic).join('\n')}`).toBeLessThan(
            was.length,
          );
          expect(after.filter(({ code }) => code === 'syntax').length, `${name}: ${fix.title}`).toBeLessThanOrEqual(
            before.filter(({ code }) => code === 'syntax').length,
          );
        }
      }
    }
    expect(count).toBeGreaterThan(30);
  });
});

test('any JSON value as a config is answered and never throws', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { experiment, diagnostics } = parse(text);
      expect(experiment === undefined).toBe(diagnostics.some(({ severity }) => severity === 'error'));
    }),
    { numRuns: 300 },
  );
});

test('any value at any key is taken, or answered at its line', () => {
  const keys = Object.keys(sftConfig('')).filter((key) => key !== 'type' && key !== 'data');
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 2 }), (key, value) => {
      const { diagnostics } = parse(sft(`    ${key}: ${JSON.stringify(value)}\n`));
      for (const { range, message, hint } of diagnostics) {
        expect(range.start.line).toBeGreaterThanOrEqual(key === 'model' ? 3 : 6);
        expect(message).toContain(key);
        expect(hint).not.toBe('');
      }
    }),
    { numRuns: 1000 },
  );
});
