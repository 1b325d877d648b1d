import type { CutText, ShownAnswer, ShownComparison } from '../../src/protocol/compare';
import { visibleText } from '../../src/protocol/visible-text';
import { element, icon } from '../controls';
import { differences } from '../labeling/differences';
import { marked, prose } from '../labeling/prose';

/** The prompt, with its tags. */
export function promptSection({ prompt, tags }: ShownComparison): HTMLElement {
  const made = element('section', 'prompt');
  made.setAttribute('aria-label', 'Prompt');
  made.append(content(prompt.text), ...rest(prompt));
  if (tags.length > 0) made.append(element('div', 'tags', visibleText(tags.join(' · '))));
  return made;
}

/** The answers beside each other; where `apart`, with the words marked that not both have. */
export function answerCards(
  { answers, vote }: ShownComparison,
  apart: boolean,
  onVote: (place: number) => void,
): HTMLElement[] {
  const bodies = apart ? markedBodies(answers) : answers.map(({ text }) => content(text));
  return answers.map((answer, place) => {
    const chosen = vote?.kind === 'better' && vote.place === place ? vote : undefined;
    const card = element('section', 'answer');
    const name = visibleText(answer.name ?? letterOf(place));
    card.setAttribute('aria-label', `Answer ${name}`);
    if (chosen) card.classList.add('voted');
    const cap = element('button', 'key');
    cap.type = 'button';
    cap.setAttribute('aria-label', `${name} is ${answers.length > 2 ? 'best' : 'better'}`);
    cap.setAttribute('aria-pressed', String(chosen !== undefined));
    cap.append(element('kbd', 'keycap', String(place + 1)));
    cap.addEventListener('click', () => onVote(place));
    const head = element('header');
    head.append(cap, element('h2', '', name));
    if (chosen) head.append(given(chosen.much ? 'much better' : answers.length > 2 ? 'best' : 'better'));
    card.append(head);
    if (answer.figures.length > 0) card.append(element('div', 'figures', visibleText(answer.figures.join('   '))));
    card.append(bodies[place] ?? '', ...rest(answer));
    return card;
  });
}

/** The name of an answer whose maker is hidden. */
export function letterOf(place: number): string {
  return String.fromCharCode(65 + place);
}

/** The sign of a vote that stands: words, so that colour is not all that tells. */
export function given(words: string): HTMLElement {
  const made = element('span', 'given');
  made.append(icon('check'), words);
  return made;
}

/** Of two answers the words that only one has; of more, in the others the words that the first lacks. */
function markedBodies(answers: readonly ShownAnswer[]): HTMLElement[] {
  const [first, ...others] = answers.map(({ text }) => visibleText(text));
  if (first === undefined) return [];
  const pairs = others.map((other) => differences(first, other));
  const [only] = pairs;
  const head = pairs.length === 1 && only ? only.first : [{ text: first, only: false }];
  return [head, ...pairs.map(({ second }) => second)].map((stretches) => {
    const body = element('div', 'content');
    body.append(marked(stretches));
    return body;
  });
}

function content(text: string): HTMLElement {
  const body = element('div', 'content');
  if (text.trim() !== '') body.append(prose(text));
  else {
    const note = element('p', 'nothing', 'No text');
    note.prepend(icon('circle-slash'), ' ');
    body.append(note);
  }
  return body;
}

function rest({ text, length }: CutText): HTMLElement[] {
  const missing = length - text.length;
  return missing > 0
    ? [element('p', 'dimmed', `${missing.toLocaleString('en-US')} more characters are not shown`)]
    : [];
}
