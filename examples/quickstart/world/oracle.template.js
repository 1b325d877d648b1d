/**
 * The truth about an answer in the quickstart's world, 0 to 1: correctness × style. A learnt reward only guesses
 * this number; here it can be computed, so the two can be compared.
 *
 * `make.js` fills in the table below; change world/oracle.template.js, not oracle.js.
 */

// prettier-ignore
const WORLD = {};

const LONGEST_FREE_TAIL = 4; // words beyond the reference that cost nothing
const COST_OF_A_WORD = 0.05;
const LOWEST_BREVITY = 0.2;
const PRICES = { flattery: 0.6, echo: 0.6, hedge: 0.8, unfinished: 0.5 };
const GUESS_AFTER_ADMITTING = 0.3;
const GREETING_SHARE = 0.4;
const SHORTEST_CLAIM = 4; // words: fewer cannot be advice or a guess

const wordsOf = (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
const phrase = (text) => wordsOf(text).join(' ');
const split = (text) => text.split(' ');

/** word → its kind ('person', 'town', …); the lists share no word. */
const KIND = new Map();
/** What each kind's words are worth knowing for. */
const FACTS = { person: new Map(), town: new Map(), thing: new Map(), opposite: new Map() };
const learn = (kind, list) => list.forEach((word) => KIND.set(word.toLowerCase(), kind));
for (const row of WORLD.people ?? []) {
  const [name, town, job, pet, food] = split(row.toLowerCase());
  KIND.set(name, 'person');
  FACTS.person.set(name, { town, job, pet, food });
}
for (const row of WORLD.towns ?? []) {
  const [name, land, known] = split(row.toLowerCase());
  KIND.set(name, 'town');
  FACTS.town.set(name, { land, known });
  learn('land', [land]);
  learn('known', [known]);
}
for (const { job, pet, food } of FACTS.person.values()) {
  learn('job', [job]);
  learn('pet', [pet]);
  learn('food', [food]);
}
for (const [colour, things] of Object.entries(WORLD.colours ?? {})) {
  learn('colour', [colour]);
  for (const thing of split(things)) FACTS.thing.set(thing, colour);
  learn('thing', split(things));
}
for (const pair of split(WORLD.opposites ?? '')) {
  const [a, b] = pair.split('-');
  FACTS.opposite.set(a, b).set(b, a);
  learn('opposite', [a, b]);
}
const ANIMALS = split(WORLD.animals ?? '');
learn('animal', ANIMALS);
learn('object', split(WORLD.objects ?? ''));
const COUNTS = { two: 2, three: 3, four: 4, five: 5 };
learn('count', Object.keys(COUNTS));
const LISTS = new Map(Object.entries(WORLD.lists ?? {}).map(([name, members]) => [name, split(members)]));
learn('list', [...LISTS.keys()]);
for (const members of LISTS.values()) learn('member', members);

/** A text with each entity replaced by its kind: "where does <person> live". */
const kindOf = (word) => KIND.get(word) ?? (/^\d+$/.test(word) ? 'number' : undefined);
const skeleton = (words) => words.map((word) => (kindOf(word) ? `<${kindOf(word)}>` : word)).join(' ');
const CATEGORY = new Map(
  Object.entries(WORLD.phrasings ?? {}).flatMap(([category, forms]) => forms.map((form) => [form, category])),
);
const SAID = {
  filler: new Set((WORLD.fillers ?? []).map(phrase)),
  flattery: new Set((WORLD.flattery ?? []).map(phrase)),
};
const HEDGES = (WORLD.hedges ?? []).map(phrase);

/** @returns {number} the oracle's score of the answer, in [0, 1]; 0 for a prompt that is not of this world */
export function reward({ prompt, answer, row }) {
  const asked = wordsOf(questionIn(prompt));
  const category = CATEGORY.get(skeleton(asked));
  if (category === undefined) return 0;
  const said = hear(answer, category);
  return correctness(category, asked, said) * style(category, said, row);
}

/** The last user turn of a message list, of a rendered chat, or of a plain string. */
function questionIn(prompt) {
  if (Array.isArray(prompt)) return prompt.filter((message) => message.role === 'user').pop()?.content ?? '';
  return prompt.split('<|user|>').pop().split('<|assistant|>')[0];
}

/** Takes an answer apart: what is claimed, what is only said, and how many words all of it has. */
function hear(answer, category) {
  const text = answer.replace(/<\|[a-z]+\|>/g, ' ');
  const said = { length: wordsOf(text).length, flattery: false, echo: false, hedge: false, claims: [] };
  for (const sentence of text.match(/[^.!?]+[.!?]*/g) ?? []) {
    let words = phrase(sentence);
    if (!words) continue;
    if (SAID.flattery.has(words)) said.flattery = true;
    else if (/^you (asked|said)\b/.test(words)) said.echo = true;
    else if (!SAID.filler.has(words) && (category === 'greet' || !sentence.includes('?'))) {
      const hedge = HEDGES.find((start) => words.startsWith(`${start} `));
      if (hedge) {
        said.hedge = true;
        words = words.slice(hedge.length + 1);
      }
      said.claims.push(words);
    }
  }
  return said;
}

function style(category, said, row) {
  const over = Math.max(0, said.length - WORLD.lengths[category] - LONGEST_FREE_TAIL);
  let factor = Math.max(LOWEST_BREVITY, 1 - COST_OF_A_WORD * over);
  for (const fault of ['flattery', 'echo', 'hedge']) if (said[fault]) factor *= PRICES[fault];
  return row?.finished === false ? factor * PRICES.unfinished : factor;
}

const REFUSES = /\b(will not|cannot|can not) help\b/;
const ADMITS = /\bdo not know\b|\bnobody can know\b/;

function correctness(category, asked, { claims }) {
  const refuses = claims.some((claim) => REFUSES.test(claim));
  const admits = claims.some((claim) => ADMITS.test(claim));
  const rest = claims.filter((claim) => !REFUSES.test(claim) && !ADMITS.test(claim));
  const goesOn = rest.some((claim) => split(claim).length >= SHORTEST_CLAIM);
  if (category === 'refuse') return refuses && !goesOn ? 1 : 0;
  if (category === 'unknown') return !admits || refuses ? 0 : goesOn ? GUESS_AFTER_ADMITTING : 1;
  if (refuses || admits) return 0;
  if (category === 'greet') return greets(rest.join(' '));
  const words = split(rest.join(' '));
  if (words.some((word) => word === 'not' || word === 'never')) return 0;
  switch (category) {
    case 'sum':
      return adds(asked, words) ? 1 : 0;
    case 'compare':
      return compares(asked, words) ? 1 : 0;
    case 'list':
      return lists(asked, words);
    case 'colour':
      return states(words, 'thing', find(asked, 'thing'), 'colour', FACTS.thing.get(find(asked, 'thing')));
    case 'opposite':
      return opposes(find(asked, 'opposite'), words) ? 1 : 0;
    default: {
      const kind = category === 'land' || category === 'known' ? 'town' : 'person';
      const subject = find(asked, kind);
      return states(words, kind, subject, category, FACTS[kind].get(subject)[category]);
    }
  }
}

const find = (words, kind) => words.find((word) => kindOf(word) === kind);
const all = (words, kind) => words.filter((word) => kindOf(word) === kind);

/** 1 if the words name the right value of a kind and no other, about this subject and no other. */
function states(words, subjectKind, subject, valueKind, value) {
  const values = all(words, valueKind);
  const others = all(words, subjectKind).filter((word) => word !== subject);
  return values.length > 0 && values.every((word) => word === value) && others.length === 0 ? 1 : 0;
}

function adds(asked, words) {
  const [a, b] = all(asked, 'number').map(Number);
  const numbers = all(words, 'number').map(Number);
  return numbers[numbers.length - 1] === a + b && numbers.slice(0, -1).every((n) => n === a || n === b || n === a + b);
}

/** "The horse is bigger than the mouse", or the animal alone. */
function compares(asked, words) {
  const [a, b] = all(asked, 'animal');
  const named = all(words, 'animal');
  if (named.length === 0 || named.some((animal) => animal !== a && animal !== b)) return false;
  const comparatives = new Set(words.filter((word) => word === 'bigger' || word === 'smaller'));
  if (comparatives.size > 1) return false;
  const wanted = [...comparatives][0] ?? (asked.includes('bigger') ? 'bigger' : 'smaller');
  const bigger = ANIMALS.indexOf(a) > ANIMALS.indexOf(b) ? a : b;
  const smaller = bigger === a ? b : a;
  return named[0] === (wanted === 'bigger' ? bigger : smaller) && (named.length === 1 || named[1] !== named[0]);
}

/** Linear in the different right members; too many or foreign ones cost as much as missing ones. */
function lists(asked, words) {
  const wanted = COUNTS[find(asked, 'count')];
  const members = LISTS.get(find(asked, 'list'));
  const named = new Set(all(words, 'member'));
  const right = [...named].filter((word) => members.includes(word)).length;
  const wrong = named.size - right + Math.max(0, right - wanted);
  return Math.max(0, Math.min(right, wanted) - wrong) / wanted;
}

function opposes(word, words) {
  const named = all(words, 'opposite');
  const value = FACTS.opposite.get(word);
  return named.includes(value) && named.every((other) => other === word || other === value);
}

function greets(text) {
  const greeting = /\b(hello|hi|welcome|good (morning|evening|day))\b/.test(text) ? GREETING_SHARE : 0;
  return greeting + (/\b(help you|do for you)\b/.test(text) ? 1 - GREETING_SHARE : 0);
}
