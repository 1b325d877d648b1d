import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { SHAPE_NAMES } from '../shapes';
import { measureGemm } from './gemm';
import { measureGeneration } from './generate';
import { measureHeldOut } from './held-out';
import { measureAgreement, measureLabelingSession } from './labels';
import { measureStage } from './stage';
import { measureStep } from './step';

const shape = z.enum(SHAPE_NAMES);
const threads = z.int().min(1).default(availableParallelism());
const count = z.int().min(1);

/** What one process measures, as its argument says. */
export const requestSchema = z.discriminatedUnion('what', [
  z.object({ what: z.literal('gemm'), threads, size: count.default(2048), runs: count.default(5) }),
  z.object({ what: z.literal('step'), threads, shape, warmup: count, steps: z.int().min(2), gemmSize: count }),
  z.object({
    what: z.literal('generate'),
    threads,
    shape,
    batches: z.array(count),
    newTokens: count,
    cacheLengths: z.array(count),
    warmup: count,
    runs: count,
  }),
  z.object({ what: z.literal('held-out'), threads, model: z.string(), data: z.string(), maxLength: count }),
  z.object({ what: z.literal('stage'), threads, config: z.string(), stage: z.string() }),
  z.object({ what: z.literal('labeling-session'), threads, folder: z.string(), stage: z.string() }),
  z.object({ what: z.literal('agreement'), threads, folder: z.string(), stage: z.string() }),
]);
export type Request = z.input<typeof requestSchema>;
export type Parsed<W extends Request['what']> = Extract<z.output<typeof requestSchema>, { what: W }>;

function measure(request: z.output<typeof requestSchema>): Promise<unknown> {
  switch (request.what) {
    case 'gemm':
      return measureGemm(request);
    case 'step':
      return measureStep(request);
    case 'generate':
      return measureGeneration(request);
    case 'held-out':
      return measureHeldOut(request);
    case 'stage':
      return measureStage(request);
    case 'labeling-session':
      return measureLabelingSession(request);
    case 'agreement':
      return measureAgreement(request);
  }
}

// One measurement a process: the peak of its memory is then its own. The result is one line of JSON.
try {
  const result = await measure(requestSchema.parse(JSON.parse(process.argv[2] ?? 'null')));
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  // The last line is what the benchmark tells.
  console.error(error);
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
