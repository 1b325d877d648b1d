import { Command } from 'commander';
import { UserError } from '../config/errors';
import { readJsonl } from '../data/jsonl';
import { RewardModel } from '../models/reward-model';
import { rewardMetrics, spread } from '../stages/rewards/reward-metrics';
import { type AnswerToScore, render } from '../stages/rewards/rewards';
import { openRuntime } from '../tensor/runtime';
import { action, examples, outputOf, type Output } from './command';
import { type ModelOptions, modelFolder } from './model';
import { figure } from './numbers';
import { device, wholeNumber } from './options';
import { FOLDER_OPTION } from './place';
import { type PairToScore, answersOf, pairsOf } from './score-input';
import { table } from './terminal';

interface Options extends ModelOptions {
  data: string;
  json?: boolean;
}

/** `align score MODEL --data FILE` */
export function scoreCommand(): Command {
  const command = new Command('score')
    .description('Scores that a reward model gives to the answers or pairs of a data file.')
    .argument('<model>', 'a reward model: a folder, a run, or the name of a stage (its latest result)')
    .requiredOption('--data <file>', 'JSONL: prompt and completion (or answer), messages; or prompt, chosen, rejected')
    .option('--device <device>', 'cpu or webgpu', device)
    .option('--threads <n>', 'threads for the arithmetic', wholeNumber(1))
    .option(...FOLDER_OPTION)
    .option(
      '--json',
      'JSON lines: {row, line, tokens, reward, score, std}, of pairs one for each side; then {summary}',
    );
  examples(command, [
    'align score reward --data data/held-out.jsonl --json',
    'align score reward --data data/preferences.jsonl',
  ]);
  command.addHelpText(
    'after',
    '\n`score` is what the model gives (transformers gives the same); `reward` is it normalised, so that answers of the\n' +
      'stage that trained it have mean 0 and deviation 1. Of an ensemble both are means, and std is that of the rewards.\n' +
      'Of pairs, the summary has the accuracy and what else a reward stage tells of held-out pairs.',
  );
  return action(command, score);
}

/** One answer under the model; null where it could not be scored. */
interface Scored {
  tokens: number;
  reward: number;
  score: number;
  std: number;
  members: Float32Array;
}

async function score(reference: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const [first] = readJsonl(options.data);
  const pairs = 'chosen' in first.value ? pairsOf(options.data, output.note) : null;
  const answers = pairs ? pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]) : answersOf(options.data);
  if (answers.length === 0)
    throw new UserError('There is nothing to score.', { file: options.data, hint: 'Give rows with an answer.' });
  const runtime = openRuntime({ device: options.device, threads: options.threads, onWarning: output.note });
  try {
    const model = RewardModel.load(runtime, modelFolder(reference, options));
    try {
      const scored = await scoresOf(model, answers, output.note);
      if (pairs) tellPairs(output, pairs, scored);
      else tellAnswers(output, answers, scored);
    } finally {
      model.release();
    }
  } finally {
    runtime.close();
  }
}

async function scoresOf(
  model: RewardModel,
  answers: readonly AnswerToScore[],
  note: (line: string) => void,
): Promise<(Scored | null)[]> {
  const rendered = answers.map((answer, i) => render(model, answer, i));
  const sound = rendered.filter((ids): ids is Int32Array => typeof ids !== 'string');
  const scores = await model.score(sound);
  let next = 0;
  return rendered.map((ids, i): Scored | null => {
    if (typeof ids === 'string') {
      note(`${answers[i].file}:${answers[i].line}: not scored: ${ids}`);
      return null;
    }
    const members = scores[next++];
    const rewards = model.normalise(members);
    return { tokens: ids.length, reward: mean(rewards), score: mean(members), std: spread(rewards), members };
  });
}

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

function shown({ tokens, reward, score, std }: Scored): Record<string, number> {
  return { tokens, reward, score, std };
}

function tellAnswers(output: Output, answers: readonly AnswerToScore[], scored: readonly (Scored | null)[]): void {
  const sound = scored.filter((one) => one !== null);
  const rewards = sound.map(({ reward }) => reward);
  if (output.json) {
    scored.forEach((one, row) =>
      output.line({ row, line: answers[row].line, ...(one ? shown(one) : { reward: null }) }),
    );
    output.line({ summary: { rows: scored.length, scored: sound.length, mean_reward: mean(rewards) } });
    return;
  }
  const rows = scored.map((one, row) => [
    String(row),
    ...(one ? [String(one.tokens), figure(one.reward), figure(one.score)] : ['', 'none', '']),
  ]);
  for (const line of table([['row', 'tokens', 'reward', 'score'], ...rows], [0, 1, 2, 3])) output.say(line);
  if (sound.length > 0) output.say(`mean reward ${figure(mean(rewards))} of ${sound.length} answers`);
}

function tellPairs(output: Output, pairs: readonly PairToScore[], scored: readonly (Scored | null)[]): void {
  const both = pairs.flatMap((pair, row) => {
    const [chosen, rejected] = [scored[2 * row], scored[2 * row + 1]];
    return chosen && rejected ? [{ pair, row, chosen, rejected }] : [];
  });
  const metrics = rewardMetrics(
    both.map(({ pair, chosen, rejected }) => ({
      chosen: chosen.members,
      rejected: rejected.members,
      p: 1,
      margin: 0,
      chosenLength: chosen.tokens,
      rejectedLength: rejected.tokens,
      tags: pair.tags,
    })),
    0,
  );
  const summary = { pairs: pairs.length, scored: both.length, ...metrics };
  if (output.json) {
    for (const { pair, row, chosen, rejected } of both)
      output.line({ row, line: pair.chosen.line, chosen: shown(chosen), rejected: shown(rejected) });
    output.line({ summary });
    return;
  }
  for (const line of table(
    Object.entries(summary).map(([name, value]) => [name, figure(value)]),
    [1],
  ))
    output.say(line);
}
