import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RewardSource } from '../../src/config/experiment';
import type { Message } from '../../src/data/rows';
import { RewardModel } from '../../src/models/reward-model';
import { tokenEnds } from '../../src/models/token-ends';
import { loadTokenizer } from '../../src/models/tokenizer';
import type { Rollout } from '../../src/stages/policy/rollout';
import { klOfAnswer } from '../../src/stages/policy/rollout-metrics';
import { tokenScores } from '../../src/stages/policy/token-scores';
import { renderAnswer } from '../../src/stages/preferences/preference-pairs';
import { prefixPlaces } from '../../src/stages/rewards/prefix-places';
import { type AnswerToScore, combined, Rewards } from '../../src/stages/rewards/rewards';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { GOLDEN_FOLDER } from '../golden/load';
import { writeGoldenReward } from '../golden/written-checkpoint';

const tokenizer = loadTokenizer(join(GOLDEN_FOLDER, 'tokenizer'));
const TEXTS = ['Ulsel lives in Fernbury, é 東 😀.', '42', 'no'];
const QUESTION: Message[] = [{ role: 'user', content: 'Where does Ulsel live?' }];
const answerOf = (text: string): AnswerToScore => ({ prompt: QUESTION, text, row: {}, file: 'p.jsonl', line: 1 });

let folder: string;
let runtime: Runtime;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'align-token-scores-'));
  writeGoldenReward(folder, join(GOLDEN_FOLDER, 'tokenizer'));
  runtime = openRuntime({ threads: 1 });
});
afterAll(() => {
  runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const source: RewardSource = {
  kind: 'model',
  model: { kind: 'stage', name: 'judge' },
  use: 'lower_bound',
  k: 2,
  weight: 1,
};
const openRewards = () =>
  Rewards.open([source], { runtime, folderOf: () => folder, warn: (message) => expect(message).toBe('') });

describe('what a reward model says of an answer on the way', () => {
  it('is its score of the answer cut there, and at last of the whole', async () => {
    const rewards = await openRewards();
    const model = RewardModel.load(runtime, folder);
    const tokens = TEXTS.map((text) => [...tokenizer.encode(text), tokenizer.eosIds[0]]);
    const ends = TEXTS.map((text, i) => tokenEnds(tokens[i], text, tokenizer) ?? []);
    const along = await rewards.scorePrefixes(TEXTS.map(answerOf), ends);
    const whole = await rewards.score(TEXTS.map(answerOf));
    for (const [i, text] of TEXTS.entries()) {
      const { judge } = along[i];
      expect(judge).toHaveLength(tokens[i].length + 1);
      expect(Math.abs((judge.at(-1) ?? NaN) - whole[i].parts.judge)).toBeLessThan(1e-5);
      // The model reads the same tokens here, so that cutting after k of them is cutting the sequence.
      const { ids, from } = renderAnswer(
        { question: QUESTION, answer: text, file: 'p.jsonl', line: 1, index: 0 },
        model.tokenizer,
        model.template,
      );
      expect([...ids.subarray(from)]).toEqual(tokens[i].map((id, t) => (t < tokens[i].length - 1 ? id : ids.at(-1))));
      for (let k = 0; k < tokens[i].length; k++) {
        // Within a character it is read where the character begins.
        if (k > 0 && ends[i][k - 1] === (ends[i][k - 2] ?? 0)) continue;
        const [members] = await model.scoreNormalised([ids.slice(0, from + k)]);
        expect(Math.abs(judge[k] - combined(members, source)), `${text} ${k}`).toBeLessThan(1e-4);
      }
    }
    rewards.release();
    model.release();
  });

  it('is read at the last of its own tokens that lies within, whatever the policy’s tokens are', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', ' ', 'é', '東', '😀', '\n', '.'), { maxLength: 20 });
    fc.assert(
      fc.property(letters, fc.infiniteStream(fc.nat(3)), (characters, widths) => {
        const text = characters.join('').trim();
        const own = tokenizer.encode(text);
        const ids = Int32Array.of(9, 9, ...own, tokenizer.eosIds[0]);
        const ends: number[] = [];
        for (const width of widths) {
          ends.push(Math.min((ends.at(-1) ?? 0) + width, text.length));
          if (ends.at(-1) === text.length) break;
        }
        const [first, ...places] = prefixPlaces({ ids, from: 2 }, { text, ends }, tokenizer) ?? [];
        expect(first).toBe(1);
        expect(places.at(-1)).toBe(ids.length - 1);
        for (const [i, place] of places.slice(0, -1).entries()) {
          const said = (count: number): string => tokenizer.decode(own.slice(0, count)).replace(/\ufffd+$/, '');
          expect(said(place - 1).length).toBeLessThanOrEqual(ends[i]);
          // The next whole token reaches further.
          const next = own.findIndex((_, k) => said(k + 1).length > said(place - 1).length);
          if (next >= 0) expect(said(next + 1).length).toBeGreaterThan(ends[i]);
        }
      }),
    );
  });

  it('is nothing where it cannot read the answer', async () => {
    const rewards = await openRewards();
    const answers = ['42', 'word '.repeat(200)].map(answerOf);
    const along = await rewards.scorePrefixes(answers, [[1, 2], [1000]]);
    expect(along.map((own) => Object.keys(own))).toEqual([['judge'], []]);
    rewards.release();
  });
});

/** An answer as a policy would have sampled it. */
function rolloutOf(text: string, logProb: (t: number) => number, values: readonly number[] = []): Rollout {
  const ids = [...tokenizer.encode(text), tokenizer.eosIds[0]];
  return {
    prompt: { prompt: QUESTION, ids: [5], tags: [], row: 0, file: 'p.jsonl', line: 1, source: {} },
    ids,
    text,
    finish: 'stop',
    group: 0,
    logProbs: ids.map((_, t) => logProb(t)),
    reference: Float32Array.from(ids, (_, t) => -1 - (t % 3)),
    values,
    score: { total: 1, parts: {} },
  };
}

const scorer = { score: async () => [], release: () => undefined };
const settings = { tokenizer, temperature: 0.7, scorer };

describe('the token scores of a sample', () => {
  it('sum up to the KL of the answer, as far as four decimals tell', async () => {
    const rollouts = TEXTS.map((text) => rolloutOf(text, (t) => -0.1234567 * (t + 1)));
    const all = await tokenScores(rollouts, settings);
    rollouts.forEach((rollout, i) => {
      const { logp, reference, ends, temperature } = all[i] ?? { logp: [], reference: [], ends: [], temperature: NaN };
      expect(ends.at(-1)).toBe(rollout.text.length);
      expect(temperature).toBe(0.7);
      const kl = logp.reduce((sum, x, t) => sum + x - reference[t], 0);
      expect(Math.abs(kl - klOfAnswer(rollout))).toBeLessThan(1e-4 * logp.length);
    });
    expect(Object.keys(all[0] ?? {})).toEqual(['ends', 'logp', 'reference', 'temperature']);
  });

  it('have values where a head has learnt any, of its own or of the model that is asked', async () => {
    const count = tokenizer.encode('42').length + 1;
    const fresh = rolloutOf('42', () => -1, new Array<number>(count).fill(0));
    const [none] = await tokenScores([fresh], settings);
    expect(none).not.toHaveProperty('values');
    const [asked] = await tokenScores([fresh], { ...settings, values: [new Array<number>(count).fill(0.12345)] });
    expect(asked?.values).toEqual(new Array<number>(count).fill(0.1235));
  });

  it('are left out where a number is not finite, or the tokens say another text', async () => {
    const infinite = rolloutOf('42', (t) => (t === 0 ? -Infinity : -1));
    const other = { ...rolloutOf('42', () => -1), text: '43' };
    expect(await tokenScores([infinite, other, rolloutOf('42', () => -1)], settings)).toEqual([
      undefined,
      undefined,
      expect.objectContaining({ temperature: 0.7 }),
    ]);
  });
});
