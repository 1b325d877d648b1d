import type { Pair } from '../../data/labels/pairs';
import type { SampleRow } from '../../runs/format';
import { tokenScoresOf } from '../../runs/token-scores';
import { promptText, type ReviewAnswer, type ReviewPrompt } from './text';

interface Group {
  name: string;
  prompt: ReviewPrompt['prompt'];
  tags: string[];
  answers: ReviewAnswer[];
}

/**
 * A run's samples as prompts with their answers, in the order of the file: of a training run the steps of one prompt
 * stand below each other, of an evaluation the models.
 *
 * @param step only this step's samples, where given
 */
export function promptsOfSamples(
  run: string,
  stage: string,
  rows: readonly SampleRow[],
  step?: number,
): ReviewPrompt[] {
  const groups = new Map<string, Group>();
  rows.forEach((row, sample) => {
    if (step !== undefined && row.step !== step) return;
    const key = `${row.row ?? ''}\n${promptText(row.prompt)}`;
    const group: Group = groups.get(key) ?? {
      name: String(row.row ?? groups.size + 1),
      prompt: row.prompt,
      tags: tagsOf(row),
      answers: [],
    };
    groups.set(key, group);
    const tokens = tokenScoresOf(row);
    const model = typeof row['model'] === 'string' ? row['model'] : undefined;
    group.answers.push({
      key: `sample ${sample}`,
      text: row.answer,
      model: model ?? stage,
      // Of several models the step says only where the job stood.
      ...(model === undefined && { step: row.step }),
      scores: row.scores ?? {},
      ...(tokens && { tokens }),
      ...alarmsOf(row),
      run,
      sample,
    });
  });
  return [...groups.values()].map(numbered);
}

/** The pairs of a stage as prompts with their answers: each answer once, in the order in which pairs name it. */
export function promptsOfPairs(stage: string, pairs: readonly Pair[]): ReviewPrompt[] {
  const groups = new Map<string, Group>();
  for (const pair of pairs) {
    const key = promptText(pair.prompt);
    const group: Group = groups.get(key) ?? {
      name: String(groups.size + 1),
      prompt: pair.prompt,
      tags: [],
      answers: [],
    };
    groups.set(key, group);
    for (const tag of pair.tags) if (!group.tags.includes(tag)) group.tags.push(tag);
    for (const side of ['a', 'b'] as const) {
      const text = pair[side];
      const known = group.answers.findIndex((answer) => answer.text === text);
      if (known >= 0) {
        const { sides = [], ...answer } = group.answers[known];
        group.answers[known] = { ...answer, sides: [...sides, { pair: pair.id, side }] };
        continue;
      }
      const { model = stage, run, step } = pair.provenance[side] ?? {};
      group.answers.push({
        key: `pair ${pair.id} ${side}`,
        text,
        model,
        ...(step !== undefined && { step }),
        scores: scoresOf(pair.provenance[side]?.['scores']),
        ...(run !== undefined && { run }),
        sides: [{ pair: pair.id, side }],
      });
    }
  }
  return [...groups.values()].map(numbered);
}

/** Answers that would have the same name get numbers. */
function numbered(group: Group): ReviewPrompt {
  const nameOf = ({ model, step }: ReviewAnswer): string => `${model}\n${step ?? ''}`;
  const totals = new Map<string, number>();
  for (const answer of group.answers) totals.set(nameOf(answer), (totals.get(nameOf(answer)) ?? 0) + 1);
  const seen = new Map<string, number>();
  const answers = group.answers.map((answer) => {
    const name = nameOf(answer);
    if ((totals.get(name) ?? 0) < 2) return answer;
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    return { ...answer, number };
  });
  return { ...group, answers };
}

function tagsOf(row: SampleRow): string[] {
  const tags = row['tags'] ?? row['tag'];
  if (typeof tags === 'string') return [tags];
  return strings(tags);
}

function alarmsOf(row: SampleRow): Pick<ReviewAnswer, 'alarms'> {
  const alarms = strings(row['alarms']);
  return alarms.length > 0 ? { alarms } : {};
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function scoresOf(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
