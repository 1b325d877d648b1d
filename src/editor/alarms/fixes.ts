import type { Fix, Range, TextEdit } from '../../config/diagnostic';
import type { Experiment } from '../../config/experiment';
import type { RewardTerm } from '../../config/schema/source';

type Parsed = Pick<Experiment, 'stages' | 'positions'>;

/** Where there was no leash: a value that changes something and chokes nothing. */
const FIRST_PENALTY = 0.05;

/** The key that holds the policy to its reference, and twice its value. */
export function strongerLeash(
  { stages }: Parsed,
  stage: string,
): { key: string; from: number; to: number } | undefined {
  const config = stages.get(stage);
  if (!config) return undefined;
  const [key, from] =
    config.type === 'dpo'
      ? (['beta', config.beta] as const)
      : 'kl_penalty' in config
        ? (['kl_penalty', config.kl_penalty] as const)
        : [undefined, NaN];
  if (key === undefined) return undefined;
  return { key, from, to: from > 0 ? Number((2 * from).toPrecision(6)) : FIRST_PENALTY };
}

/** Writes twice the KL penalty (of a dpo stage: beta) into the stage. */
export function raiseLeash(text: string, experiment: Parsed, stage: string): Fix | undefined {
  const found = strongerLeash(experiment, stage);
  if (!found) return undefined;
  const { key, from, to } = found;
  const title = `Raise \`${key}\` from ${from} to ${to}`;
  const written = experiment.positions.get(`stages.${stage}.${key}`);
  const edit = written
    ? { range: written.value, newText: String(to) }
    : behind(text, experiment, `stages.${stage}.type`, `${key}: ${to}`);
  return edit && { title, edits: [edit] };
}

/** Lets every ensemble of the stage's reward score with its lower bound. Undefined where no reward is an ensemble. */
export function useLowerBound(text: string, experiment: Parsed, stage: string): Fix | undefined {
  const config = experiment.stages.get(stage);
  if (!config || !('reward' in config) || !config.reward) return undefined;
  const path = `stages.${stage}.reward`;
  const single = experiment.positions.get(`${path}.1`) === undefined;
  const edits = config.reward
    .map((term, i) => lowerBound(text, experiment, term, single ? path : `${path}.${i + 1}`))
    .filter((edit) => edit !== undefined);
  return edits.length > 0 ? { title: "Score with the ensemble's lower bound", edits } : undefined;
}

function lowerBound(text: string, experiment: Parsed, term: RewardTerm, path: string): TextEdit | undefined {
  const source = term.stage === null ? undefined : experiment.stages.get(term.stage);
  if (term.stage === null || term.use !== 'mean' || source?.type !== 'reward' || source.ensemble < 2) return undefined;
  const { positions } = experiment;
  const use = positions.get(`${path}.use`);
  if (use) return { range: use.value, newText: 'lower_bound' };
  if (positions.has(`${path}.stage`)) return behind(text, experiment, `${path}.stage`, 'use: lower_bound');
  const value = positions.get(path)?.value;
  return value && { range: value, newText: `{ stage: ${term.stage}, use: lower_bound }` };
}

/** A key and its value behind that of `path`: on a line of its own, or in the same braces. */
function behind(text: string, { positions }: Parsed, path: string, entry: string): TextEdit | undefined {
  const place = positions.get(path);
  if (!place) return undefined;
  const { key, value } = place;
  const lineStart = text.lastIndexOf('\n', key.start.offset - 1) + 1;
  const before = text.slice(lineStart, key.start.offset);
  if (!/^[\s-]*$/.test(before)) return { range: { start: value.end, end: value.end }, newText: `, ${entry}` };
  const newline = text.indexOf('\n', value.end.offset);
  const stop = newline === -1 ? text.length : newline;
  const offset = text[stop - 1] === '\r' ? stop - 1 : stop;
  const end = { ...value.end, column: value.end.column + offset - value.end.offset, offset };
  const at: Range = { start: end, end };
  return { range: at, newText: `${text[stop - 1] === '\r' ? '\r' : ''}\n${' '.repeat(key.start.column - 1)}${entry}` };
}

/** The generate stage whose pairs the stage's reward learnt from (of dpo: the stage itself); else any in the file. */
export function labelStageOf({ stages }: Pick<Experiment, 'stages'>, stage: string): string | undefined {
  const labelsOf = (name: string | null): string | undefined => {
    const config = name === null ? undefined : stages.get(name);
    const labels = config && 'labels' in config ? config.labels : null;
    return labels !== null && stages.get(labels)?.type === 'generate' ? labels : undefined;
  };
  const config = stages.get(stage);
  const rewards = config && 'reward' in config ? (config.reward ?? []) : [];
  return (
    labelsOf(stage) ??
    rewards.map((term) => labelsOf(term.stage)).find((name) => name !== undefined) ??
    [...stages].find(([, { type }]) => type === 'generate')?.[0]
  );
}
