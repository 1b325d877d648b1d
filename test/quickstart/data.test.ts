import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { demonstrations, exported, heldOutPrompts, prompts, QUICKSTART } from './world';

const COMMITTED = ['data/demonstrations.jsonl', 'data/prompts.jsonl', 'data/held-out.jsonl', 'oracle.js'];
const wordsOf = (text: string) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

describe('the generator', () => {
  const folders: string[] = [];
  const make = () => {
    const folder = mkdtempSync(join(tmpdir(), 'quickstart-'));
    folders.push(folder);
    execFileSync(process.execPath, [join(QUICKSTART, 'make.js'), '--pretrain', '--documents', '2000', '--out', folder]);
    return folder;
  };
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  it('writes the committed files, byte for byte', () => {
    const folder = make();
    for (const name of COMMITTED)
      expect(readFileSync(join(folder, name), 'utf8') === readFileSync(join(QUICKSTART, name), 'utf8'), name).toBe(
        true,
      );
  });

  it('writes the same pre-training text twice', () => {
    const [first, second] = [make(), make()].map((folder) =>
      readFileSync(join(folder, 'data', 'pretrain.jsonl'), 'utf8'),
    );
    expect(first.length).toBeGreaterThan(100_000);
    expect(first === second).toBe(true);
  });

  it('keeps the committed data below 2.5 MB', () => {
    const folder = join(QUICKSTART, 'data');
    const names = readdirSync(folder).filter((name) => name !== 'pretrain.jsonl');
    expect(names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(2.5e6);
  });
});

describe('the split', () => {
  const training = [
    ...demonstrations().map((row) => row.messages.map((message) => message.content)),
    ...prompts().map((row) => row.prompt.map((message) => message.content)),
  ];
  const asked = training.map(([question]) => question);
  const heldOut = heldOutPrompts();
  let world: z.infer<typeof worldSchema>;
  let skeleton: (text: string) => string;

  const entity = z.instanceof(Set).transform((names) => new Set(z.array(z.string()).parse([...names])));
  const worldSchema = z.object({
    heldOut: z.object({
      person: entity,
      town: entity,
      sum: entity,
      pair: entity,
      thing: entity,
      opposite: entity,
      object: entity,
    }),
  });
  beforeAll(async () => {
    const [buildWorld, mask] = await Promise.all([
      exported('world/world.js', 'buildWorld'),
      exported('world/mask.js', 'mask'),
    ]);
    const built = buildWorld(7);
    world = worldSchema.parse(built);
    skeleton = (text) => z.string().parse(mask(built, text));
  });

  it('has no held-out prompt among prompts or demonstrations, and none twice', () => {
    const seen = new Set(asked);
    const questions = heldOut.map((row) => row.prompt[0].content);
    expect(questions.filter((question) => seen.has(question))).toEqual([]);
    expect(new Set(questions).size).toBe(questions.length);
    expect(questions.length).toBeGreaterThanOrEqual(600);
    expect(new Set(prompts().map((row) => row.prompt[0].content)).size).toBe(prompts().length);
  });

  it('names no held-out person, town, thing, opposite or object in questions or answers', () => {
    const { person, town, thing, opposite, object } = world.heldOut;
    // Answers may name a held-out town or opposite only as a value, never ask about it.
    const forbidden = new Set([...person, ...thing, ...object].map((name) => name.toLowerCase()));
    for (const texts of training) expect(wordsOf(texts.join(' ')).filter((word) => forbidden.has(word))).toEqual([]);
    const subjects = new Set([...town, ...opposite].map((name) => name.toLowerCase()));
    for (const question of asked) expect(wordsOf(question).filter((word) => subjects.has(word))).toEqual([]);
  });

  it('asks no held-out sum or comparison', () => {
    const { sum, pair } = world.heldOut;
    const pairs = [...pair].map((name) => name.split('<'));
    const animals = new Set(pairs.flat());
    const named = (question: string) => {
      const words = wordsOf(question);
      const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
      const sorted = numbers.sort((a, b) => a - b).join('+');
      return { sorted, animals: words.filter((word) => animals.has(word)) };
    };
    let compared = 0;
    for (const question of asked) {
      const { sorted, animals } = named(question);
      expect(sum.has(sorted), question).toBe(false);
      if (animals.length < 2) continue;
      compared++;
      expect(pair.has(animals.join('<')) || pair.has(animals.reverse().join('<')), question).toBe(false);
    }
    expect(compared).toBeGreaterThan(300);
  });

  it('asks held-out prompts of each kind: new phrasing, new entity, both', () => {
    const share = (keep: (row: (typeof heldOut)[number]) => boolean) => heldOut.filter(keep).length / heldOut.length;
    expect(share((row) => row.new_entity)).toBeGreaterThan(0.85);
    expect(share((row) => row.new_phrasing)).toBeGreaterThan(0.3);
    expect(share((row) => row.new_phrasing && row.new_entity)).toBeGreaterThan(0.25);
  });

  it('uses no held-out phrasing in training, and every new phrasing is new', () => {
    const seen = new Set(asked.map((question) => skeleton(question)));
    for (const row of heldOut) {
      const known = seen.has(skeleton(row.prompt[0].content));
      expect(known, row.prompt[0].content).toBe(!row.new_phrasing);
    }
  });

  it('says in the pre-training text all that demonstrations say, the names aside', async () => {
    const pretrainDocuments = await exported('world/pretrain-text.js', 'pretrainDocuments');
    const buildWorld = await exported('world/world.js', 'buildWorld');
    const hedge = /^(i think that|it may be that|it seems that|i believe that) /;
    // A hedge and what it hedges are two phrases: not every pair of them has to occur.
    const phrases = (text: string) =>
      (text.match(/[^.!?]+[.!?]?/g) ?? [])
        .map((sentence) => skeleton(sentence))
        .flatMap((sentence) => [sentence.replace(hedge, ''), hedge.exec(sentence)?.[1] ?? ''])
        .filter((phrase) => phrase !== '');
    const said = new Set<string>();
    const documents = z.custom<Iterable<string>>((value) => Symbol.iterator in Object(value));
    for (const text of documents.parse(pretrainDocuments(buildWorld(7), 20_000)))
      for (const phrase of phrases(text.replace(/<\|\w+\|>/g, '.'))) said.add(phrase);
    const answers = demonstrations().map((row) => row.messages[1].content);
    const missing = new Set(answers.flatMap(phrases).filter((phrase) => !said.has(phrase)));
    expect([...missing]).toEqual([]);
  });
});
