/** Draws a question with its truth: category, phrasing, slots, reference answer. */
import { Random } from './random.js';
import { CATEGORIES, fill, slotsOf } from './phrasings.js';
import { GOLD } from './answers.js';
import { pairKey, sumKey } from './world.js';

const SHARE_OF_HELD_OUT_PHRASINGS = 0.35;

/**
 * split 'seen': neither held-out phrasings nor held-out entities. 'heldOut': each entity of the question is held
 * out, and a third of the phrasings; where a category has no entities to hold out (lists), all phrasings are.
 * 'all' (the pre-training text): every entity, seen phrasings only.
 */
export class QuestionSource {
  constructor(world, split, ...path) {
    this.world = world;
    this.split = split;
    this.random = new Random(world.seed, 'questions', split, ...path);
    const keep = (kind) => (name) => split === 'all' || world.heldOut[kind].has(name) === (split === 'heldOut');
    const one = (list) => list.filter((entity) => entity !== undefined);
    this.people = one(world.people.filter((p) => keep('person')(p.name)));
    this.towns = one(world.towns.filter((t) => keep('town')(t.name)));
    this.things = one(world.colours.filter((c) => keep('thing')(c.name)));
    this.opposites = world.opposites
      .filter((o) => keep('opposite')(o.a))
      .flatMap(({ a, b }) => [
        { a, b },
        { a: b, b: a },
      ]);
    this.sums = world.sums.filter(keep('sum'));
    this.pairs = world.pairs.filter(keep('pair'));
    this.objects = world.OBJECTS.filter(keep('object'));
    this.weights = Object.entries(CATEGORIES).map(([name, { weight }]) => [name, weight]);
  }

  /** The next question, of one category if given. */
  next(category = this.random.weighted(this.weights)) {
    const { seen, heldOut } = CATEGORIES[category];
    const onlyPhrasingIsNew = this.split === 'heldOut' && category === 'list';
    const newPhrasing =
      this.split === 'heldOut' && (onlyPhrasingIsNew || this.random.chance(SHARE_OF_HELD_OUT_PHRASINGS));
    let phrasing = this.random.pick(newPhrasing ? heldOut : seen);
    // A held-out greeting without a name would be the training prompt itself.
    if (this.split === 'heldOut' && category === 'greet' && !phrasing.includes('{p}'))
      phrasing = this.random.pick(seen.filter((text) => text.includes('{p}')));
    const slots = this.#slots(category, phrasing);
    const newEntity = this.split === 'heldOut' && !onlyPhrasingIsNew && slotsOf(phrasing).length > 0;
    return { category, phrasing, question: fill(phrasing, slots), slots, newPhrasing, newEntity };
  }

  #slots(category, phrasing) {
    const { random, world } = this;
    const needs = new Set(slotsOf(phrasing));
    const slots = {};
    const person = random.pick(this.people);
    const town = random.pick(this.towns);
    if (needs.has('p')) slots.p = person.name;
    if (needs.has('t')) slots.t = town.name;
    if (needs.has('o')) slots.o = random.pick(this.objects);
    switch (category) {
      case 'town':
      case 'job':
      case 'pet':
      case 'food':
        return { ...slots, value: person[category] };
      case 'land':
      case 'known':
        return { ...slots, value: town[category] };
      case 'sum': {
        const [a, b] = random.shuffle(random.pick(this.sums).split('+').map(Number));
        return { a, b, value: a + b };
      }
      case 'compare':
        return compareSlots(random.shuffle(random.pick(this.pairs).split('<')), phrasing, world);
      case 'colour': {
        const thing = random.pick(this.things);
        return { x: thing.name, value: thing.colour };
      }
      case 'opposite': {
        const { a, b } = random.pick(this.opposites);
        return { w: a, value: b };
      }
      case 'list': {
        const n = random.pick(Object.keys(world.COUNTS));
        const k = random.pick(Object.keys(world.LISTS));
        return { n, k, value: enumerate(random.sample(world.LISTS[k], world.COUNTS[n])) };
      }
      default:
        return slots;
    }
  }

  /** A right and short answer. The first form is twice as likely as each of the others. */
  gold({ category, slots }) {
    const forms = GOLD[category];
    return fill(this.random.pick([forms[0], ...forms]), slots);
  }
}

function compareSlots([a, b], phrasing, world) {
  const comparative = phrasing.includes('bigger') ? 'bigger' : 'smaller';
  const aIsBigger = world.ANIMALS.indexOf(a) > world.ANIMALS.indexOf(b);
  const [first, second] = aIsBigger === (comparative === 'bigger') ? [a, b] : [b, a];
  return { a, b, first, second, comparative };
}

/** "apples, pears and plums" */
export const enumerate = (list) =>
  list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list[list.length - 1]}`;

/** The held-out entities a question names, as [kind, key] pairs: what the tests look for. */
export function entitiesOf({ category, slots }) {
  const out = [];
  if (slots.p) out.push(['person', slots.p]);
  if (slots.t) out.push(['town', slots.t]);
  if (slots.o) out.push(['object', slots.o]);
  if (category === 'sum') out.push(['sum', sumKey(slots.a, slots.b)]);
  if (category === 'compare') out.push(['pair', pairKey(slots.a, slots.b)]);
  if (category === 'colour') out.push(['thing', slots.x]);
  if (category === 'opposite') out.push(['opposite', slots.w]);
  return out;
}
