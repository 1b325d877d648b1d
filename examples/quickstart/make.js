/**
 * Writes the quickstart's data from a seed: `node make.js` the committed files, `node make.js --pretrain` the
 * pre-training text as well (some 25 MB, not committed). Same seed, same bytes.
 *
 *   --out DIR        where to write (default: this folder)
 *   --documents N    length of the pre-training text
 */
import { mkdirSync, openSync, writeSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demonstrations } from './world/demonstrations.js';
import { pretrainDocuments } from './world/pretrain-text.js';
import { heldOutPrompts, trainingPrompts } from './world/prompts.js';
import { oracleSource } from './world/tables.js';
import { buildWorld } from './world/world.js';

const SEED = 7;
const DEMONSTRATIONS = 6000;
const PROMPTS = 3000;
const HELD_OUT = 600;
const DOCUMENTS = 90000;
const DOCUMENTS_A_WRITE = 1000;

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: here },
    pretrain: { type: 'boolean', default: false },
    documents: { type: 'string', default: String(DOCUMENTS) },
  },
});

const world = buildWorld(SEED);
const data = join(options.out, 'data');
mkdirSync(data, { recursive: true });

const rows = (list) => list.map((row) => `${JSON.stringify(row)}\n`).join('');
function write(name, list) {
  writeFileSync(join(data, name), rows(list));
  console.log(`${String(list.length).padStart(7)}  data/${name}`);
}

write('demonstrations.jsonl', demonstrations(world, DEMONSTRATIONS));
write('prompts.jsonl', trainingPrompts(world, PROMPTS));
write('held-out.jsonl', heldOutPrompts(world, HELD_OUT));

const template = readFileSync(join(here, 'world', 'oracle.template.js'), 'utf8').replaceAll('\r\n', '\n');
writeFileSync(join(options.out, 'oracle.js'), oracleSource(template, world));
console.log('         oracle.js');

if (options.pretrain) {
  const file = openSync(join(data, 'pretrain.jsonl'), 'w');
  let batch = [];
  let count = 0;
  for (const text of pretrainDocuments(world, Number(options.documents))) {
    batch.push({ text });
    count++;
    if (batch.length === DOCUMENTS_A_WRITE) {
      writeSync(file, rows(batch));
      batch = [];
    }
  }
  writeSync(file, rows(batch));
  closeSync(file);
  console.log(`${String(count).padStart(7)}  data/pretrain.jsonl`);
}
