import { join } from 'node:path';
import { z } from 'zod';
import { cloneId } from '../../src/data/labels/annotator';
import { PAIRS_FILE, type PairDraft } from '../../src/data/labels/pairs';
import { writePairs } from '../../src/data/labels/pairs-writer';
import { simulateLabels } from '../../src/data/labels/simulated';
import { LabelStore } from '../../src/data/labels/store';
import { Random } from '../../src/data/random';
import type { Bench, Result } from '../bench';
import { inOwnFolder } from '../folder';
import { median } from '../statistics';
import { type Row, bytes, digits } from '../table';

const STAGE = 'collect';
const PAIRS = { whole: 10_000, quick: 200 } as const;
/** As the quickstart's three. */
const ANNOTATORS = [
  { name: 'ada', sharpness: 10, tieBand: 0.01 },
  { name: 'ben', sharpness: 5, tieBand: 0.01, noise: 0.1 },
  { name: 'cleo', sharpness: 2, lengthBias: 0.25 },
] as const;
const TAGS = ['town', 'job', 'pet', 'food', 'sum', 'compare', 'refuse', 'unknown', 'list'];

const sessionSchema = z.object({ seconds: z.number(), pairs: z.number(), peak_bytes: z.number() });
const agreementSchema = z.object({
  seconds: z.number(),
  read_seconds: z.number(),
  ratings: z.number(),
  draws: z.number(),
  alpha: z.number().nullable(),
  peak_bytes: z.number(),
});

/** Row 12: what many labels cost: the opening of the labeling panel, and the report of agreement. */
export async function measureLabels(bench: Bench): Promise<Result> {
  const count = bench.options.quickly ? PAIRS.quick : PAIRS.whole;
  return await inOwnFolder(async (folder) => {
    await writeLabels(folder, count);
    const sessions: z.output<typeof sessionSchema>[] = [];
    const reports: z.output<typeof agreementSchema>[] = [];
    for (let round = 0; round < bench.options.rounds; round++) {
      bench.say(`labels: ${round + 1} of ${bench.options.rounds}`);
      sessions.push(await bench.measure({ what: 'labeling-session', folder, stage: STAGE }, sessionSchema));
      reports.push(await bench.measure({ what: 'agreement', folder, stage: STAGE }, agreementSchema));
    }
    const labels = `${digits(count)} pairs × ${ANNOTATORS.length} annotators`;
    const line = (what: string, seconds: number, floor: number, goal: number, note: string): Row => ({
      row: 12,
      what: `${labels}: ${what}`,
      ours: `${digits(seconds)} s`,
      peer: '–',
      ratio: seconds,
      unit: 's',
      floor,
      goal,
      better: 'lower',
      limit: null,
      note,
    });
    const session = median(sessions.map(({ seconds }) => seconds));
    const report = median(reports.map(({ seconds }) => seconds));
    const [{ draws, ratings }] = reports;
    const read = median(reports.map(({ read_seconds: taken }) => taken));
    const peak = median(reports.map(({ peak_bytes: most }) => most));
    const rows = [
      line('panel open', session, 1, 0.3, "the host's side of it, in a fresh process: files read, first pairs ready"),
      line(
        'agreement report',
        report,
        10,
        2,
        `from the files to its text: ${digits(ratings)} labels, ${digits(draws)} draws; reading ${digits(read)} s; peak ${bytes(peak)}`,
      ),
    ];
    return { rows, data: { sessions, reports } };
  });
}

/** Pairs with labels of simulated annotators, through the product's own writers. */
async function writeLabels(folder: string, count: number): Promise<void> {
  const random = Random.from(42, 'labels');
  const labels = join(folder, 'labels', STAGE);
  const { pairs } = writePairs(join(labels, PAIRS_FILE), pairDrafts(count, random));
  const judged = pairs.map(({ id, a, b }) => {
    const words = (text: string): number => text.split(' ').length;
    return { id, scoreA: random.next(), scoreB: random.next(), lengthA: words(a), lengthB: words(b) };
  });
  for (const annotator of ANNOTATORS) {
    const store = LabelStore.open(labels, { annotator: annotator.name, clone: cloneId(folder) });
    await store.appendAll(simulateLabels(annotator, judged));
  }
}

/** Questions with two answers of 5 to 30 words each. */
export function pairDrafts(count: number, random: Random): PairDraft[] {
  const words = ['the', 'days', 'are', 'long', 'in', 'that', 'part', 'of', 'country', 'and', 'so', 'it', 'goes'];
  const text = (): string =>
    Array.from({ length: 5 + random.int(26) }, () => words[random.int(words.length)]).join(' ');
  return Array.from({ length: count }, (_, i) => ({
    prompt: [{ role: 'user', content: `Question ${i}: where does it end?` }],
    a: `${text()} (first).`,
    b: `${text()} (second).`,
    tags: [TAGS[i % TAGS.length]],
    provenance: { source: 'generated' },
  }));
}
