/** What the oracle has to know, as compact as a file that people may open should be. */
import { FILLERS, FLATTERY, GOLD, HEDGES } from './answers.js';
import { CATEGORIES, fill, slotsOf } from './phrasings.js';

const KIND_OF_SLOT = { p: 'person', t: 'town', x: 'thing', w: 'opposite', n: 'count', k: 'list', o: 'object' };

/** @returns the source of oracle.js: the template with the world's table in place of `{}` */
export function oracleSource(template, world) {
  const table = {
    people: world.people.map((p) => [p.name, p.town, p.job, p.pet, p.food].join(' ')),
    towns: world.towns.map((t) => [t.name, t.land, t.known].join(' ')),
    animals: world.ANIMALS.join(' '),
    colours: mapValues(world.COLOURS, (things) => things.join(' ')),
    opposites: world.OPPOSITES.map((pair) => pair.join('-')).join(' '),
    lists: mapValues(world.LISTS, (members) => members.join(' ')),
    objects: world.OBJECTS.join(' '),
    phrasings: Object.fromEntries(
      Object.entries(CATEGORIES).map(([category, { seen, heldOut }]) => [
        category,
        [...seen, ...heldOut].map((form) => phrasingSkeleton(category, form)),
      ]),
    ),
    lengths: mapValues(GOLD, ([form], category) => referenceLength(form, category)),
    fillers: FILLERS,
    flattery: FLATTERY,
    hedges: HEDGES,
  };
  const lines = Object.entries(table).map(([key, value]) => `  ${key}: ${JSON.stringify(value)},`);
  const marker = 'const WORLD = {};';
  if (!template.includes(marker)) throw new Error(`oracle.template.js has no line "${marker}" to fill in`);
  return template
    .replace(marker, () => `const WORLD = {\n${lines.join('\n')}\n};`)
    .replace(
      '`make.js` fills in the table below; change world/oracle.template.js, not oracle.js.',
      'Written by make.js from world/oracle.template.js: change that file, not this one.',
    );
}

const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));

function phrasingSkeleton(category, form) {
  const kinds = {
    ...KIND_OF_SLOT,
    ...(category === 'compare' ? { a: 'animal', b: 'animal' } : { a: 'number', b: 'number' }),
  };
  const slots = Object.fromEntries(slotsOf(form).map((slot) => [slot, kinds[slot]]));
  const marked = fill(
    form.toLowerCase(),
    mapValues(slots, (kind) => `<${kind}>`),
  );
  return (marked.match(/<[a-z]+>|[a-z0-9]+/g) ?? []).join(' ');
}

/** Words of the reference; a list's value counts as its longest form, five members and "and". */
const referenceLength = (form, category) => form.split(' ').length + (category === 'list' ? 5 : 0);
