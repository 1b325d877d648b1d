import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ContentHashes } from '../../src/config/contents';
import { formatDiagnostic } from '../../src/config/diagnostic';
import { checkFiles } from '../../src/config/files';
import { staleness, stageHash, topologicalOrder, upstream } from '../../src/config/graph';
import { loadExperiment } from '../../src/config/load';
import { parseExperiment } from '../../src/config/parse';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'align-config-'));
  for (const name of ['model', 'data']) mkdirSync(path.join(folder, name));
  write('model/config.json', '{}');
  write('model/model.safetensors', 'weights');
  write('data/a.jsonl', '{"text":"a"}\n');
  write('data/b.jsonl', '{"text":"b"}\n');
  write('architecture.json', '{}');
  write('align.yaml', CONFIG);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CONFIG = `stages:
  again:
    type: sft
    model: sft
    data: data/b.jsonl
  sft:
    type: sft
    model: pretrain
    data: data/a.jsonl
  pretrain:
    type: pretrain
    architecture: ./architecture.json
    tokenizer: { train: bpe, vocab_size: 300 }
    data: data/a.jsonl
  other:
    type: sft
    model: ./model
    data: data/b.jsonl
`;

function write(name: string, text: string): void {
  writeFileSync(path.join(folder, name), text);
}

function load(edit: (text: string) => string = (text) => text) {
  write('align.yaml', edit(CONFIG));
  const { experiment, diagnostics } = loadExperiment(path.join(folder, 'align.yaml'));
  if (!experiment) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return experiment;
}

async function doneNow(): Promise<Map<string, { hash: string }>> {
  const experiment = load();
  const done = new Map<string, { hash: string }>();
  for (const name of experiment.stages.keys()) done.set(name, { hash: await stageHash(experiment, name) });
  return done;
}

async function reasons(done: ReadonlyMap<string, { hash: string }>, edit?: (text: string) => string) {
  const result = await staleness(load(edit), done);
  return Object.fromEntries([...result].filter(([, { stale }]) => stale).map(([name, { reasons }]) => [name, reasons]));
}

describe('the graph', () => {
  test('runs inputs first', () => {
    const experiment = load();
    expect(upstream(experiment, 'again')).toEqual(['pretrain', 'sft']);
    expect(upstream(experiment, 'other')).toEqual([]);
    expect(topologicalOrder(experiment)).toEqual(['pretrain', 'sft', 'again', 'other']);
  });

  test('in any forest of stages, each stands behind its input, and no stage is lost', () => {
    const forest = fc
      .array(fc.nat(), { minLength: 1, maxLength: 12 })
      .chain((picks) =>
        fc.tuple(fc.constant(picks), fc.shuffledSubarray([...picks.keys()], { minLength: picks.length })),
      );
    fc.assert(
      fc.property(forest, ([picks, order]) => {
        const model = (i: number) => (i === 0 || picks[i] % 3 === 0 ? './m' : `s${picks[i] % i}`);
        const stages = Object.fromEntries(order.map((i) => [`s${i}`, { type: 'sft', data: 'd', model: model(i) }]));
        const { experiment } = parseExperiment(JSON.stringify({ stages }), 'align.yaml');
        if (!experiment) throw new Error('refused');
        const sorted = topologicalOrder(experiment);
        expect([...sorted].sort()).toEqual(Object.keys(stages).sort());
        for (const i of order) {
          if (model(i) !== './m') expect(sorted.indexOf(model(i))).toBeLessThan(sorted.indexOf(`s${i}`));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('staleness', () => {
  test('nothing ran: everything is stale; all ran: nothing is', async () => {
    expect(await reasons(new Map())).toEqual({
      pretrain: ['never ran'],
      sft: ['never ran'],
      again: ['never ran'],
      other: ['never ran'],
    });
    expect(await reasons(await doneNow())).toEqual({});
  });

  test('a changed key makes its stage and all below stale', async () => {
    const done = await doneNow();
    const edit = (text: string) => text.replace('model: pretrain\n', 'model: pretrain\n    epochs: 7\n');
    expect(await reasons(done, edit)).toEqual({ sft: ['config'], again: ['upstream'] });
  });

  test('changed data, a changed architecture and a changed model folder count', async () => {
    const done = await doneNow();
    write('data/b.jsonl', '{"text":"c"}\n');
    write('model/model.safetensors', 'other weights');
    expect(await reasons(done)).toEqual({ again: ['data'], other: ['data', 'model'] });
    write('architecture.json', '{"hidden_size": 1}');
    expect(await reasons(done)).toMatchObject({ pretrain: ['data'], sft: ['upstream'], again: ['data', 'upstream'] });
  });

  test('a changed seed makes all stale', async () => {
    const done = await doneNow();
    expect(Object.keys(await reasons(done, (text) => `seed: 1\n${text}`))).toHaveLength(4);
  });

  test('device, threads, pace, comments, order of keys and names of files do not count', async () => {
    const done = await doneNow();
    write('data/moved.jsonl', '{"text":"b"}\n');
    const edit = (text: string) =>
      `device: webgpu\nthreads: 3\n# a comment\n${text}`
        .replaceAll('data/b.jsonl', 'data/moved.jsonl')
        .replace(
          '    type: sft\n    model: ./model\n',
          '    model: model/\n    keep_checkpoints: 9\n    micro_batch_size: 1\n    type: sft\n',
        );
    expect(await reasons(done, edit)).toEqual({});
  });

  test('an input that never ran makes the stages below stale', async () => {
    const done = await doneNow();
    done.delete('pretrain');
    expect(await reasons(done)).toEqual({ pretrain: ['never ran'], sft: ['upstream'], again: ['upstream'] });
  });

  test('a folder is never an upstream, whoever made it', async () => {
    expect(upstream(load(), 'other')).toEqual([]);
    const done = await doneNow();
    done.delete('pretrain');
    expect(await reasons(done)).not.toHaveProperty('other');
  });

  test('a hash of another version counts as a changed config', async () => {
    const done = await doneNow();
    done.set('other', { hash: 'v0-nonsense' });
    expect(await reasons(done)).toEqual({ other: ['config'] });
  });

  test('a hash is kept while the file stays, and taken anew when it changes', async () => {
    const file = path.join(folder, 'data/a.jsonl');
    const old = new Date(Date.now() - 60_000);
    utimesSync(file, old, old);
    const hashes = new ContentHashes();
    const first = await hashes.file(file);
    expect(await hashes.file(file)).toBe(first);
    write('data/a.jsonl', '{"text":"z"}\n');
    expect(await hashes.file(file)).not.toBe(first);
    expect(await hashes.file(path.join(folder, 'nowhere'))).toBe('missing');
  });
});

describe('the check of files', () => {
  test('finds nothing where all is there', () => {
    expect(checkFiles(load())).toEqual([]);
  });

  test('names line and column, proposes a name that is near, and looks at one stage when asked to', () => {
    const experiment = load((text) => text.replace('model: ./model', 'model: ./modle').replaceAll('data/b', 'data/bb'));
    const found = checkFiles(experiment);
    expect(found.map(({ code, range, hint }) => [code, range.start.line, range.start.column, hint])).toEqual([
      ['missing-file', 5, 11, 'Did you mean data/b.jsonl?'],
      ['missing-file', 17, 12, 'Did you mean ./model?'],
      ['missing-file', 18, 11, 'Did you mean data/b.jsonl?'],
    ]);
    expect(found[0].fixes[0].edits[0].newText).toBe('data/b.jsonl');
    expect(checkFiles(experiment, 'pretrain')).toEqual([]);
  });

  test('warns of a file that git ignores, and refuses to run its stage without it', () => {
    write('.gitignore', '/data/corpus.jsonl\n');
    const experiment = load((text) => text.replace('data/b.jsonl', 'data/corpus.jsonl'));
    const severities = (stage?: string) =>
      checkFiles(experiment, stage).map(({ severity, message }) => [severity, message]);
    const message = expect.stringContaining('data/corpus.jsonl has not been made yet') as string;
    expect(severities()).toEqual([['warning', message]]);
    const name = [...experiment.stages].find(
      ([, config]) => 'data' in config && config.data?.includes('data/corpus.jsonl'),
    )?.[0];
    expect(severities(name)).toEqual([['error', message]]);
  });
});

describe('loading', () => {
  const codes = (file: string) => loadExperiment(file).diagnostics.map(({ code }) => code);

  test('no file, a folder, a file of fifty megabytes', () => {
    expect(codes(path.join(folder, 'none.yaml'))).toEqual(['missing-file']);
    expect(codes(folder)).toEqual(['wrong-file']);
    write('big.yaml', 'a: 1\n'.repeat(10_000_000));
    expect(codes(path.join(folder, 'big.yaml'))).toEqual(['too-large']);
  });

  test('a bare name that is a folder beside the config is one', () => {
    const experiment = load((text) => text.replace('model: ./model', 'model: model'));
    expect(checkFiles(experiment)).toEqual([]);
  });

  test('a device given on the command line wins', () => {
    const file = path.join(folder, 'align.yaml');
    expect(loadExperiment(file, { device: 'webgpu' }).experiment?.device).toBe('webgpu');
    expect(loadExperiment(file, { device: 'cuda' }).diagnostics[0]).toMatchObject({ code: 'not-yet' });
  });
});
