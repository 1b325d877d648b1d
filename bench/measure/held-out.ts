import { readRows } from '../../src/data/files';
import { unpacked } from '../../src/data/packing';
import { ChatTemplate } from '../../src/models/chat';
import { renderRow } from '../../src/models/render';
import { loadTokenizer } from '../../src/models/tokenizer';
import { Learner } from '../../src/stages/training/learner';
import { learntCount, nextTokenBatch, nextTokenObjective } from '../../src/stages/training/next-token';
import { loadWeights } from '../../src/stages/training/texts';
import { openRuntime } from '../../src/tensor/runtime';
import type { Parsed } from './main';

const ROWS = 32;
const ROW_STEP = 32;

/** Mean loss of a saved model over all assistant tokens of a file's rows. */
export async function measureHeldOut({ threads, model, data, maxLength }: Parsed<'held-out'>): Promise<unknown> {
  const runtime = openRuntime({ threads, backend: 'native' });
  const tokenizer = loadTokenizer(model);
  const template = ChatTemplate.find(tokenizer.folder);
  const weights = loadWeights(runtime, model, maxLength);
  const examples = readRows([data]).flatMap((row) => {
    const example = renderRow(row, tokenizer, template, { maxLength, overlength: 'truncate' });
    return example ? [example] : [];
  });
  const rows = unpacked(examples);
  const total = rows.reduce((sum, row) => sum + learntCount(row), 0);
  const learner = new Learner(runtime, {
    inputs: weights.inputs,
    trainable: [],
    objective: nextTokenObjective(weights),
    optimizer: { beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0, maxGradNorm: 0 },
  });
  let loss = 0;
  for (let start = 0; start < rows.length; start += ROWS) {
    const part = rows.slice(start, start + ROWS);
    const longest = part.reduce((most, { ids }) => Math.max(most, ids.length), 1);
    const width = Math.ceil(longest / ROW_STEP) * ROW_STEP;
    loss += (await learner.evaluate(nextTokenBatch(part, width, total))).loss;
  }
  learner.release();
  weights.release();
  runtime.close();
  return { held_out_loss: loss, held_out_tokens: total };
}
