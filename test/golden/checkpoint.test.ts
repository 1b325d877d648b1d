import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ChatTemplate } from '../../src/models/chat';
import { type Checkpoint, openCheckpoint } from '../../src/models/checkpoint';
import { parameterCount } from '../../src/models/hf-config';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from '../../src/models/llama';
import { loadTokenizer } from '../../src/models/tokenizer';
import { ModelWeights } from '../../src/models/weights';
import { Graph } from '../../src/tensor/graph';
import { Program } from '../../src/tensor/program';
import { openRuntime } from '../../src/tensor/runtime';
import { GOLDEN_FOLDER, goldenTensors, relativeDistance } from './load';
import { folderHashes, writeGoldenCheckpoint } from './written-checkpoint';

/** What transformers made of the folder that our writer had written (check_checkpoint.py). */
const recorded = z
  .object({
    files: z.record(z.string(), z.string()),
    texts: z.array(z.object({ text: z.string(), ids: z.array(z.number()) })),
    messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.string() })),
    chat: z.string(),
    chat_ids: z.array(z.number()),
    stop_ids: z.array(z.number()),
    parameters: z.number(),
  })
  .parse(JSON.parse(readFileSync(join(GOLDEN_FOLDER, 'checkpoint.json'), 'utf8')));

let folder = '';
let checkpoint: Checkpoint;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
  writeGoldenCheckpoint(folder, join(GOLDEN_FOLDER, 'tokenizer'));
  checkpoint = openCheckpoint(folder);
});
afterAll(() => {
  checkpoint.close();
  rmSync(folder, { recursive: true, force: true });
});

it('the folder that we write is, byte for byte, the one that transformers opened', () => {
  expect(folderHashes(folder)).toEqual(recorded.files);
});

it('its tokenizer and chat template give the ids that AutoTokenizer gave', () => {
  const tokenizer = loadTokenizer(folder);
  for (const { text, ids } of recorded.texts) {
    expect([...tokenizer.encode(text)], text).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  }
  const chat = ChatTemplate.load(folder).render(recorded.messages, { addGenerationPrompt: true });
  expect(chat).toBe(recorded.chat);
  expect([...tokenizer.encode(chat)]).toEqual(recorded.chat_ids);
  expect(tokenizer.eosIds).toEqual(recorded.stop_ids);
});

it('its weights give the logits that AutoModelForCausalLM gave', () => {
  const { config } = checkpoint;
  expect(parameterCount(config)).toBe(recorded.parameters);
  const runtime = openRuntime({ threads: 1 });
  try {
    const length = recorded.chat_ids.length;
    const weights = ModelWeights.load(runtime, config, length, (name) => checkpoint.read(name));
    const graph = new Graph();
    const w = declareWeights(graph, config, length);
    const logits = llamaLogits(config, w, llamaHidden(config, w, declareBatch(graph)));
    const program = Program.compile(runtime, 'logits', { logits });
    const row = (data: Int32Array) => runtime.hostTensor('int32', [1, length], data);
    const out = runtime.hostTensor('float32', [length, config.vocabSize]);
    program
      .prepare(
        {
          ...weights.inputs,
          ids: row(Int32Array.from(recorded.chat_ids)),
          positions: row(Int32Array.from({ length }, (_, i) => i)),
          segments: row(new Int32Array(length)),
        },
        { logits: out },
      )
      .run();
    const expected = goldenTensors('checkpoint').float('logits').data;
    expect(relativeDistance(out.data instanceof Float32Array ? out.data : [], expected)).toBeLessThan(1e-5);
    weights.release();
  } finally {
    runtime.close();
  }
});
