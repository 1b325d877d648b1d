/** The facts: who lives where, what is bigger, which entities the demonstrations never mention. */
import { Random } from './random.js';
import * as words from './words.js';

const PEOPLE = 180;
const HIGHEST_ADDEND = 10;
const HELD_OUT_SHARE = 0.25;
const HELD_OUT_OBJECTS = 3;

/**
 * Builds the world of a seed. Keys of `heldOut` are kinds of entities; the sets hold those that occur in the
 * pre-training text but in no demonstration and no training prompt. Lists and greetings are not split.
 */
export function buildWorld(seed) {
  const draw = (...path) => new Random(seed, 'world', ...path);
  const names = words.NAME_STARTS.flatMap((start) => words.NAME_ENDS.map((end) => start + end));
  const spread = (list, n, rng) =>
    rng.shuffle(Array.from({ length: Math.ceil(n / list.length) }, () => list).flat()).slice(0, n);

  const column = (list, name) => spread(list, PEOPLE, draw('people', name));
  const [homes, jobs, pets, foods] = [
    column(words.TOWNS, 'town'),
    column(words.JOBS, 'job'),
    column(words.PETS, 'pet'),
    column(words.FOODS, 'food'),
  ];
  const people = draw('names')
    .shuffle(names)
    .slice(0, PEOPLE)
    .map((name, i) => ({ name, town: homes[i], job: jobs[i], pet: pets[i], food: foods[i] }));

  const lands = spread(words.LANDS, words.TOWNS.length, draw('lands'));
  const goods = spread(words.GOODS, words.TOWNS.length, draw('goods'));
  const towns = words.TOWNS.map((name, i) => ({ name, land: lands[i], known: goods[i] }));

  const sums = [];
  for (let a = 1; a <= HIGHEST_ADDEND; a++) for (let b = a; b <= HIGHEST_ADDEND; b++) sums.push(`${a}+${b}`);
  const pairs = [];
  for (let a = 0; a < words.ANIMALS.length; a++)
    for (let b = a + 1; b < words.ANIMALS.length; b++) pairs.push(`${words.ANIMALS[a]}<${words.ANIMALS[b]}`);
  const colours = Object.entries(words.COLOURS).flatMap(([colour, things]) =>
    things.map((thing) => ({ name: thing, colour })),
  );
  const opposites = words.OPPOSITES.map(([a, b]) => ({ a, b }));

  const hold = (list, name, n = Math.round(list.length * HELD_OUT_SHARE)) =>
    new Set(draw('held-out', name).shuffle(list).slice(0, n));
  const heldOut = {
    person: hold(
      people.map((p) => p.name),
      'person',
    ),
    town: hold(words.TOWNS, 'town'),
    sum: hold(sums, 'sum'),
    pair: hold(pairs, 'pair'),
    thing: hold(
      colours.map((c) => c.name),
      'thing',
    ),
    opposite: hold(
      opposites.map(({ a }) => a),
      'opposite',
    ),
    object: hold(words.OBJECTS, 'object', HELD_OUT_OBJECTS),
  };
  for (const { a, b } of opposites) if (heldOut.opposite.has(a)) heldOut.opposite.add(b);

  return { seed, people, towns, sums, pairs, colours, opposites, heldOut, ...words };
}

/** "3+4" for 3 and 4 in either order: a sum is held out in both. */
export const sumKey = (a, b) => (a < b ? `${a}+${b}` : `${b}+${a}`);

/** "mouse<horse": the smaller animal first. */
export const pairKey = (a, b) => (words.ANIMALS.indexOf(a) < words.ANIMALS.indexOf(b) ? `${a}<${b}` : `${b}<${a}`);
