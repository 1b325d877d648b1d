/** Prompts without answers: for preferences and reinforcement (seen), and for the held-out score. */
import { GOLD } from './answers.js';
import { fill } from './phrasings.js';
import { QuestionSource } from './questions.js';

/** `count` different prompts that name nothing held out. */
export function trainingPrompts(world, count) {
  return distinct(new QuestionSource(world, 'seen', 'prompts'), count).map(({ question, category }) => ({
    prompt: [{ role: 'user', content: question }],
    tags: [category],
  }));
}

/**
 * `count` different held-out prompts. `completion` is the reference answer, so that the file also serves as a
 * held-out split for the loss; the oracle needs nothing of it.
 */
export function heldOutPrompts(world, count) {
  return distinct(new QuestionSource(world, 'heldOut', 'prompts'), count).map((asked) => ({
    prompt: [{ role: 'user', content: asked.question }],
    completion: [{ role: 'assistant', content: fill(GOLD[asked.category][0], asked.slots) }],
    category: asked.category,
    tags: [asked.category],
    new_phrasing: asked.newPhrasing,
    new_entity: asked.newEntity,
  }));
}

function distinct(source, count) {
  const rows = new Map();
  for (let tries = 0; rows.size < count; tries++) {
    if (tries > 100 * count) throw new Error(`the world has no ${count} different prompts: ${rows.size} found`);
    const asked = source.next();
    if (!rows.has(asked.question)) rows.set(asked.question, asked);
  }
  return [...rows.values()];
}
