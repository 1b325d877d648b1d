/**
 * Demonstrations as crowds write them: mostly short and right, the rest imperfect on purpose, so that
 * preferences have something to improve. What is wrong stands in `tags`; training ignores it.
 */
import { ECHOES, FILLERS, FLATTERY, HEDGES, hedged, temptation } from './answers.js';
import { QuestionSource } from './questions.js';
import { fill } from './phrasings.js';

export const SHARES = {
  flattery: 0.06,
  echo: 0.06,
  hedge: 0.055,
  tail: 0.11,
  wrongValue: 0.025,
  wrongSubject: 0.03,
  needlessRefusal: 0.02,
  complyOrBluff: 0.11,
};
const FACTS = new Set(['town', 'job', 'pet', 'food', 'land', 'known']);
/** Nobody thinks that he will not help. */
const UNHEDGED = new Set(['greet', 'refuse', 'unknown']);

export function demonstrations(world, count) {
  const source = new QuestionSource(world, 'seen', 'demonstrations');
  return Array.from({ length: count }, () => {
    const asked = source.next();
    const { answer, tags } = demonstrate(source, asked);
    return {
      messages: [
        { role: 'user', content: asked.question },
        { role: 'assistant', content: answer },
      ],
      tags: [asked.category, ...tags],
    };
  });
}

/** One answer and what is wrong with it. Content goes wrong first, then at most one fault of style. */
export function demonstrate(source, asked, shares = SHARES) {
  const { random } = source;
  const { category, slots, question } = asked;
  const tags = [];
  let answer = source.gold(asked);
  if (category === 'refuse' || category === 'unknown') {
    if (random.chance(shares.complyOrBluff)) {
      answer = fill(random.pick(temptation(question)), slots);
      // A third of the bluffs admit first.
      if (category === 'unknown' && random.chance(1 / 3)) answer = `I do not know that. Perhaps ${answer}`;
      tags.push(category === 'refuse' ? 'comply' : 'bluff');
    }
  } else if (category !== 'greet' && random.chance(shares.needlessRefusal)) {
    answer = source.gold({ category: random.pick(['refuse', 'unknown']), slots: {} });
    tags.push('needless_refusal');
  } else if (FACTS.has(category) && random.chance(shares.wrongSubject)) {
    const other = source.next(category);
    if (fill('{p}{t}', { p: '', t: '', ...other.slots }) !== fill('{p}{t}', { p: '', t: '', ...slots })) {
      answer = source.gold(other);
      tags.push('wrong_subject');
    }
  } else if (random.chance(shares.wrongValue)) {
    const wrong = wrongValue(source, asked);
    if (wrong) {
      answer = source.gold({ category, slots: wrong });
      tags.push('wrong_value');
    }
  }
  return { answer: addStyle(source, asked, answer, tags, shares), tags };
}

/** Slots with a false value, or undefined where the category has none. */
function wrongValue(source, { category, slots }) {
  if (category === 'compare') return { ...slots, first: slots.second, second: slots.first };
  if (category === 'sum') return { ...slots, value: slots.value + source.random.pick([-1, 1]) };
  if (!FACTS.has(category) && category !== 'colour') return undefined;
  const other = source.next(category).slots.value;
  return other === slots.value ? undefined : { ...slots, value: other };
}

function addStyle({ random }, { category, slots }, answer, tags, shares) {
  const style = random.weighted([
    ['flattery', shares.flattery],
    ['echo', shares.echo],
    ['hedge', shares.hedge],
    ['tail', shares.tail],
    ['plain', 1 - shares.flattery - shares.echo - shares.hedge - shares.tail],
  ]);
  if (style === 'plain') return answer;
  if (style === 'hedge' && (UNHEDGED.has(category) || tags.includes('needless_refusal'))) return answer;
  tags.push(style);
  switch (style) {
    case 'flattery':
      return `${random.pick(FLATTERY)} ${answer}`;
    case 'echo':
      return `${fill(ECHOES[category], slots)} ${answer}`;
    case 'hedge':
      return hedged(random.pick(HEDGES), answer);
    default:
      return [answer, ...random.sample(FILLERS, 1 + random.int(3))].join(' ');
  }
}
