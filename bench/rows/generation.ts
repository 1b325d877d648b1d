import { z } from 'zod';
import { type Bench, type Result, ratio } from '../bench';
import { inTurn, median } from '../statistics';
import { type Row, digits } from '../table';

const oursSchema = z.object({
  results: z.array(z.object({ batch: z.number(), cache_length: z.number(), tokens_per_second: z.number() })),
});
const peerSchema = z.object({ batch: z.number(), tokens_per_second: z.number() });

const MARKS = [
  { batch: 1, floor: 10, goal: 14 },
  { batch: 32, floor: 3, goal: 4 },
  { batch: 64, floor: 2.2, goal: 3 },
] as const;
const SHORT = 130;
const LONG = 1024;
const PROMPT = 2;

/** Row 5: greedy generation by a random model, ours with two lengths of cache, against transformers' generate. */
export async function measureGenerating(bench: Bench): Promise<Result> {
  const { quickly, rounds } = bench.options;
  const newTokens = quickly ? 16 : SHORT - PROMPT;
  const runs = quickly ? 1 : 3;
  const marks = quickly ? MARKS.slice(0, 2) : MARKS;
  const contestants: Record<string, () => Promise<Record<string, number> | undefined>> = {
    ours: async () => {
      bench.say('generation: ours');
      const batches = marks.map(({ batch }) => batch);
      const { results } = await bench.measure(
        { what: 'generate', shape: '2.8m', batches, newTokens, cacheLengths: [SHORT, LONG], warmup: 1, runs },
        oursSchema,
      );
      return Object.fromEntries(results.map((r) => [`${r.batch}/${r.cache_length}`, r.tokens_per_second]));
    },
  };
  for (const { batch } of marks) {
    contestants[`transformers ${batch}`] = async () => {
      const what = `generation: transformers, batch ${batch}`;
      const args = ['--shape', '2.8m', '--batch', String(batch), '--new-tokens', String(newTokens)];
      const lengths = ['--prompt-length', String(PROMPT), '--runs', String(runs)];
      const result = await bench.peer(what, 'generate.py', [...args, ...lengths], peerSchema);
      return result && { speed: result.tokens_per_second };
    };
  }
  const results = await inTurn(rounds, contestants);
  const ours = (batch: number, cache: number): number => median(results.ours.map((r) => r[`${batch}/${cache}`]));
  const missing = bench.missing('generate.py');
  const against = marks.map(({ batch, floor, goal }): Row => {
    const measured = (results[`transformers ${batch}`] ?? []).map(({ speed }) => speed);
    const peer = measured.length ? median(measured) : undefined;
    return {
      row: 5,
      what: `generation ÷ transformers, batch ${batch}`,
      ours: `${digits(ours(batch, SHORT))} tok/s`,
      peer: peer === undefined ? '–' : `${digits(peer)} tok/s`,
      ratio: ratio(ours(batch, SHORT), peer),
      unit: '×',
      floor,
      goal,
      better: 'higher',
      limit: null,
      note: missing ? `no peer: ${missing}` : undefined,
    };
  });
  const lengths = marks.map(({ batch }): Row => ({
    row: 5,
    what: `cache of ${LONG} ÷ ${SHORT}, batch ${batch}`,
    ours: `${digits(ours(batch, LONG))} tok/s`,
    peer: `${digits(ours(batch, SHORT))} tok/s (ours)`,
    ratio: ratio(ours(batch, LONG), ours(batch, SHORT)),
    unit: '',
    floor: 0.85,
    goal: null,
    better: 'higher',
    limit: null,
  }));
  return { rows: [...against, ...lengths], data: results };
}
