/** A text with each entity replaced by its kind: two questions of one phrasing become equal. */
const tables = new WeakMap();

export function mask(world, text) {
  if (!tables.has(world)) tables.set(world, kinds(world));
  const table = tables.get(world);
  return (text.toLowerCase().match(/[a-z0-9]+/g) ?? [])
    .map((word) => table.get(word) ?? (/^\d+$/.test(word) ? '<number>' : word))
    .join(' ');
}

function kinds(world) {
  const table = new Map();
  const learn = (kind, list) => {
    for (const word of list) {
      const known = table.get(word.toLowerCase());
      if (known && known !== `<${kind}>`) throw new Error(`"${word}" is a ${kind} and ${known}: no word may be both`);
      table.set(word.toLowerCase(), `<${kind}>`);
    }
  };
  learn(
    'person',
    world.people.map((person) => person.name),
  );
  learn('town', world.TOWNS);
  learn('land', world.LANDS);
  learn('job', world.JOBS);
  learn('pet', world.PETS);
  learn('food', world.FOODS);
  learn('good', world.GOODS);
  learn('animal', world.ANIMALS);
  learn('colour', Object.keys(world.COLOURS));
  learn('thing', Object.values(world.COLOURS).flat());
  learn('opposite', world.OPPOSITES.flat());
  learn('list', Object.keys(world.LISTS));
  learn('member', Object.values(world.LISTS).flat());
  learn('count', Object.keys(world.COUNTS));
  learn('object', world.OBJECTS);
  return table;
}
