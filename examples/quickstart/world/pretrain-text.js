/**
 * The raw text of the world, one document a row: prose about every entity, held-out ones included, questions with
 * answers as a quiz book has them, and chat transcripts whose reply only rambles. The shares are the measured
 * mix: without many quizzes facts in prose do not become answers, and what demonstrations say has to occur here,
 * because SFT trains with frozen embeddings and cannot teach new words.
 */
import * as answers from './answers.js';
import { demonstrate, SHARES } from './demonstrations.js';
import { CATEGORIES, fill } from './phrasings.js';
import * as prose from './prose.js';
import { enumerate, QuestionSource } from './questions.js';
import { Random } from './random.js';

const MIX = [
  ['biography', 27],
  ['guide', 6],
  ['arithmetic', 8],
  ['comparison', 9],
  ['meaning', 4],
  ['list', 4],
  ['quiz', 31],
  ['oddment', 2],
  ['transcript', 9],
];
const SHARE_OF_STYLE_IN_QUIZZES = 0.15;
/** A quiz book is right: only the style of the demonstrations occurs in it, not their mistakes. */
const QUIZ_SHARES = { ...SHARES, wrongValue: 0, wrongSubject: 0, needlessRefusal: 0, complyOrBluff: 0 };
/** What is learnt last is asked more often. */
const QUIZ_WEIGHTS = Object.entries(CATEGORIES).map(([name, { weight }]) => [
  name,
  weight * ({ compare: 1.7, sum: 1.5 }[name] ?? 1),
]);
const SHARE_OF_LONG_RAMBLES = 0.2;

/** Yields `count` documents. */
export function* pretrainDocuments(world, count) {
  const writer = new Writer(world);
  for (let i = 0; i < count; i++) yield writer.next();
}

class Writer {
  constructor(world) {
    this.world = world;
    this.random = new Random(world.seed, 'text');
    this.quizzes = new QuestionSource(world, 'all', 'quizzes');
    this.chats = new QuestionSource(world, 'all', 'chats');
  }

  next() {
    const kind = this.random.weighted(MIX);
    if (kind === 'transcript') return this.transcript();
    // A blank in front, as in the chat template: a word is the same token wherever it stands.
    return ` ${this.#spoil(this[kind]())}`;
  }

  biography() {
    const person = this.random.pick(this.world.people);
    return this.#facts(prose.ABOUT_PERSON, { ...person, p: person.name }, 7);
  }

  guide() {
    const town = this.random.pick(this.world.towns);
    return this.#facts(prose.ABOUT_TOWN, { ...town, t: town.name }, 5);
  }

  /** `count` sentences about one subject, every fact at least once, fillers between. */
  #facts(paraphrases, slots, count) {
    const { random } = this;
    const facts = Object.keys(paraphrases);
    const chosen = random.shuffle([
      ...facts,
      ...Array.from({ length: count - facts.length }, () => random.pick(facts)),
    ]);
    return chosen.flatMap((fact) => {
      const sentence = fill(random.pick(paraphrases[fact]), slots);
      return random.chance(0.12) ? [sentence, random.pick(answers.FILLERS)] : [sentence];
    });
  }

  arithmetic() {
    const { random, world } = this;
    const pick = random.pick(world.sums).split('+').map(Number);
    return Array.from({ length: 6 }, (_, i) => {
      // Neighbours first, so that a sum can be seen to grow by one.
      const [a, b] =
        i < 3
          ? random.shuffle([pick[0], 1 + ((pick[1] + i - 1) % 10)])
          : random.shuffle(random.pick(world.sums).split('+').map(Number));
      return fill(random.pick(prose.SUMS), { a, b, c: a + b });
    });
  }

  comparison() {
    const { random, world } = this;
    if (random.chance(0.2)) {
      // A walk up or down the ladder.
      const order = random.chance(0.5) ? ['bigger', world.ANIMALS] : ['smaller', [...world.ANIMALS].reverse()];
      const ladder = random.sample(order[1], 6);
      return ladder
        .slice(1)
        .map((first, i) => fill(prose.COMPARISONS[0], { first, second: ladder[i], comparative: order[0] }));
    }
    return Array.from({ length: 2 }, () => {
      const [small, big] = random.pick(world.pairs).split('<');
      const [a, b] = random.shuffle([small, big]);
      const either = () =>
        random.chance(0.5)
          ? { first: big, second: small, comparative: 'bigger' }
          : { first: small, second: big, comparative: 'smaller' };
      const statements = Array.from({ length: 2 }, () => fill(random.pick(prose.COMPARISONS), either()));
      return [fill(random.pick(prose.TWO_ANIMALS), { a, b }), ...statements];
    }).flat();
  }

  meaning() {
    const { random, world } = this;
    return Array.from({ length: 5 }, () => {
      if (random.chance(0.5)) {
        const thing = random.pick(world.colours);
        return fill(random.pick(prose.COLOURS), { x: thing.name, value: thing.colour });
      }
      const { a, b } = random.pick(world.opposites);
      const [w, value] = random.shuffle([a, b]);
      return fill(random.pick(prose.OPPOSITES), { w, value });
    });
  }

  list() {
    const { random, world } = this;
    return Array.from({ length: 3 }, () => {
      const k = random.pick(Object.keys(world.LISTS));
      const n = random.pick(Object.keys(world.COUNTS));
      return fill(random.pick(prose.LISTS), { n, k, value: enumerate(random.sample(world.LISTS[k], world.COUNTS[n])) });
    });
  }

  quiz() {
    return Array.from({ length: 4 }, () => {
      const asked = this.quizzes.next(this.random.weighted(QUIZ_WEIGHTS));
      const styled = this.random.chance(SHARE_OF_STYLE_IN_QUIZZES);
      return `${asked.question} ${
        styled ? demonstrate(this.quizzes, asked, QUIZ_SHARES).answer : this.quizzes.gold(asked)
      }`;
    });
  }

  /** Openers, excuses, guesses and small talk: what people say beside answers. */
  oddment() {
    const { random, quizzes } = this;
    return Array.from({ length: 5 }, () => {
      const asked = quizzes.next(random.pick(['refuse', 'unknown', 'greet']));
      const guess =
        asked.category === 'greet'
          ? random.pick(answers.GOLD.greet)
          : fill(random.pick(answers.temptation(asked.question)), asked.slots);
      return random.weighted([
        [`${asked.question} ${guess}`, 3],
        [`I do not know that. Perhaps ${guess}`, asked.category === 'unknown' ? 1 : 0],
        [quizzes.gold(asked), 1],
        [`${random.pick(answers.FLATTERY)} ${quizzes.gold(asked)}`, 1],
      ]);
    });
  }

  /** A chat as the base model knows it: the reply names the subject and never answers. */
  transcript() {
    const { random, chats, world } = this;
    const { question, slots } = chats.next();
    const subject = slots.p ?? slots.t ?? slots.x ?? slots.w ?? slots.k;
    const opening = subject && random.chance(0.7) ? [fill(random.pick(answers.RAMBLES), { s: subject })] : [];
    const length = random.chance(SHARE_OF_LONG_RAMBLES) ? 7 : 2 + random.int(3);
    const fillers = random.shuffle(answers.FILLERS).slice(0, length);
    const { user, assistant, end } = world.TEMPLATE;
    return `${user} ${question}${assistant} ${[...opening, ...fillers].join(' ')}${end}`;
  }

  /** Joins sentences with the faults of raw text. */
  #spoil(sentences) {
    const { random } = this;
    let lines = sentences;
    if (random.chance(0.04)) lines = lines.flatMap((line) => (random.chance(0.3) ? [line, line] : [line]));
    if (random.chance(0.05)) lines = lines.map((line) => (random.chance(0.5) ? line.replace(/[.]$/, '') : line));
    if (random.chance(0.04)) lines = [random.pick(prose.BOILERPLATE), ...lines];
    if (random.chance(0.04)) lines = [...lines, random.pick(prose.BOILERPLATE)];
    const text = lines.join(' ');
    return random.chance(0.02) ? text.toLowerCase() : text;
  }
}
