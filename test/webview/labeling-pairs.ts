import type { Criterion, Progress, SessionView, ShownPair, ToLabeling } from '../../src/protocol/labeling';

export function shownPair(name: string, changes: Partial<ShownPair> = {}): ShownPair {
  const clipped = (text: string) => ({ text, length: text.length });
  return {
    key: `${name}:0`,
    prompt: [{ role: 'user', ...clipped(`Question ${name}?`) }],
    first: clipped(`First answer to ${name}.`),
    second: clipped(`Second answer to ${name}, longer.`),
    tags: ['facts'],
    ...changes,
  };
}

export function progress(changes: Partial<Progress> = {}): Progress {
  return { total: 3, left: 3, done: 0, pace: null, repeats: null, ...changes };
}

const criterion: Criterion = { name: 'Truth', question: 'Is it true?', low: 'false', high: 'all true' };

export function sessionView(changes: Partial<SessionView> = {}): SessionView {
  const guideline = {
    title: 'Guideline',
    text: 'Prefer what is **true**.',
    criteria: [criterion],
    edgeCases: ['Both right: tie.'],
  };
  return {
    stage: 'collect',
    stages: 1,
    annotator: 'Ann',
    guideline,
    progress: progress(),
    empty: null,
    warnings: [],
    ...changes,
  };
}

export function sessionMessage(
  names: readonly string[] = ['p1', 'p2', 'p3'],
  changes: Partial<Extract<ToLabeling, { type: 'session' }>> = {},
): Extract<ToLabeling, { type: 'session' }> {
  const pairs = names.map((name) => shownPair(name));
  return { type: 'session', session: sessionView(), pairs, draft: null, request: null, said: '', ...changes };
}
