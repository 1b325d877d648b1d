import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/data/random';
import { openCheckpoint } from '../../src/models/checkpoint';
import { Generator } from '../../src/models/generate';
import { Scorer } from '../../src/models/scorer';
import { ModelWeights } from '../../src/models/weights';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { makeWorkspace } from '../host/workspace.mjs';

let folder: string;
let runtime: Runtime;
let weights: ModelWeights;
let scorer: Scorer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'align-scorer-'));
  makeWorkspace(folder);
  const checkpoint = openCheckpoint(join(folder, 'model'));
  runtime = openRuntime({ threads: 1 });
  weights = ModelWeights.load(runtime, checkpoint.config, 128, (name) => checkpoint.read(name));
  checkpoint.close();
  scorer = new Scorer(runtime, weights);
});
afterAll(() => {
  scorer.release();
  weights.release();
  runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const prompts = [[1, 2, 3], [5], [9, 8, 7, 6, 5, 4, 3, 2, 1]];

describe('scores', () => {
  it('are the log-probabilities with which the generator drew', async () => {
    const generator = new Generator(runtime, weights, { rows: 2 });
    const drawn = await generator.generate(
      prompts.map((ids, row) => ({ ids, random: Random.from(1, row) })),
      { temperature: 1, maxNewTokens: 12, stopIds: [] },
    );
    generator.release();
    const scored = await scorer.score(
      drawn.map(({ ids }, i) => ({ ids: [...prompts[i], ...ids], from: prompts[i].length })),
    );
    drawn.forEach(({ logProbs }, i) => {
      expect(scored[i]).toHaveLength(12);
      logProbs.forEach((value, t) => expect(scored[i][t]).toBeCloseTo(value, 4));
    });
  });

  it('do not depend on the neighbours', async () => {
    const rows = prompts.map((ids) => ({ ids, from: 1 }));
    const together = await scorer.score(rows);
    for (const [i, row] of rows.entries()) {
      const [alone] = await scorer.score([row]);
      alone.forEach((value, t) => expect(together[i][t]).toBeCloseTo(value, 5));
    }
    expect(together[1]).toHaveLength(0);
  });

  it('of all next tokens sum to one', async () => {
    const { vocabSize } = weights.config;
    const rows = Array.from({ length: vocabSize }, (_, id) => ({ ids: [1, 2, id], from: 2 }));
    const scored = await scorer.score(rows);
    const total = scored.reduce((sum, [value]) => sum + Math.exp(value), 0);
    expect(total).toBeCloseTo(1, 4);
  });

  it('need a model that reaches so far', async () => {
    const ids = new Int32Array(129);
    await expect(scorer.score([{ ids, from: 1 }])).rejects.toThrow(/129 tokens, the model has 128 positions/);
  });
});
