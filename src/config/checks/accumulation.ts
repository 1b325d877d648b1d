import type { Fix } from '../diagnostic';
import type { Finding, Report } from '../report';
import { snakeCase } from '../suggest';
import { entryOf, valueOf, type Entry, type MapTree } from '../tree';

const PER_DEVICE = ['per_device_train_batch_size', 'per_gpu_train_batch_size', 'per_device_batch_size'];
const ACCUMULATION = ['gradient_accumulation_steps', 'gradient_accumulation', 'accumulate_grad_batches'];

/**
 * Other trainers give rows per forward pass and steps of accumulation; ours gives their product, `batch_size`, and
 * bounds memory by `micro_batch_size`. The fix multiplies where both numbers are there.
 */
export function accumulationFinding(
  map: MapTree,
  entry: Entry,
  path: readonly string[],
  report: Report,
): Finding | undefined {
  const name = snakeCase(entry.key);
  const perDevice = find(map, PER_DEVICE);
  const accumulation = find(map, ACCUMULATION);
  const rows = wholeNumber(perDevice ?? entryOf(map, 'micro_batch_size'));
  const steps = wholeNumber(accumulation);
  const hasBatch = entryOf(map, 'batch_size') !== undefined;
  const hasMicro = entryOf(map, 'micro_batch_size') !== undefined;
  const product = rows !== undefined && steps !== undefined ? rows * steps : undefined;
  const worked = product === undefined ? '' : ` Here that is ${rows} × ${steps} = ${product}.`;
  const field = `\`${path.join('.')}\``;
  const removal = report.remove(map, entry);
  const remove: Fix[] = removal ? [removal] : [];
  const whole = { start: entry.keyRange.start, end: entry.value.range.end };

  if (ACCUMULATION.includes(name)) {
    const text = `batch_size: ${product}`;
    const fixes = !hasBatch && product !== undefined ? [report.replace(whole, text, `Change to \`${text}\``)] : remove;
    return {
      code: 'other-name',
      message: `${field} does not exist here: accumulation follows from \`batch_size\`, the rows per optimizer step.`,
      hint: `Set \`batch_size\` to rows per forward pass × accumulation steps.${worked} \`micro_batch_size\` only bounds memory.`,
      path,
      fixes,
    };
  }
  if (!PER_DEVICE.includes(name)) return undefined;
  const rename = (ours: string) => report.replace(entry.keyRange, ours, `Change to \`${ours}\``);
  const fixes: Fix[] = [];
  if (!hasBatch && accumulation === undefined) fixes.push(rename('batch_size'));
  if (!hasMicro) fixes.push(rename('micro_batch_size'));
  return {
    code: 'other-name',
    message: `${field} is called \`micro_batch_size\` here; \`batch_size\` is the rows per optimizer step.`,
    hint: `Set \`batch_size\` to rows per forward pass × accumulation steps.${worked} \`micro_batch_size\` only bounds memory.`,
    path,
    fixes: fixes.length > 0 ? fixes : remove,
  };
}

function find(map: MapTree, names: readonly string[]): Entry | undefined {
  return map.entries.find((entry) => names.includes(snakeCase(entry.key)));
}

function wholeNumber(entry: Entry | undefined): number | undefined {
  const value = entry && Number(valueOf(entry.value));
  return value !== undefined && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
