import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { UserError } from '../config/errors';
import { isObject, readJsonl } from '../data/jsonl';
import { FaultReport } from '../data/report';
import { Random } from '../data/random';
import { RowReader, type Message } from '../data/rows';
import { Generator } from '../models/generate';
import { Rule } from '../stages/rewards/rule';
import { questionOf } from '../stages/training/texts';
import { latestDone } from '../runs/registry';
import { action, collect, outputOf, type Output } from './command';
import { answersTable, type DemoRow } from './demo-table';
import { EXIT, type ExitCode } from './exit';
import { follow } from './follow';
import { openModel } from './model';
import { duration } from './numbers';
import { wholeNumber } from './options';
import { promptOf } from './sampling';
import { openExperiment, startStage } from './start';
import { StatusLine } from './status-line';
import { styled } from './terminal';

interface Options {
  folder: string;
  json?: string;
  set?: string[];
  rows?: number;
}

/** A held-out prompt: what is asked, and the row that the oracle gets. */
interface Question {
  prompt: string | Message[];
  row: Record<string, unknown>;
}
interface Answer {
  answer: string;
  score: number;
}
/** What a stage made of the held-out prompts. */
interface Scores {
  oracle: number;
  oracle_greedy: number;
  /** Answers at temperature 1. */
  answers: Answer[];
}
/** The last metrics of a stage, and its scores where it answers. */
type Told = { metrics: Record<string, unknown> } & Partial<Scores>;

const QUICKSTART = fileURLToPath(new URL('../examples/quickstart', import.meta.url));
/** The loop in its order; pretrain is left out, for its result is the committed model. */
const STAGES = ['sft', 'collect', 'reward', 'dpo', 'ppo'] as const;
/** Those whose results answer. */
const ANSWERING: readonly string[] = ['sft', 'dpo', 'ppo'];
const SEED = 42;
const BATCH = 64;
const LONGEST_ANSWER = 64;
const SHOWN = 8;

/** `npm run demo`: the quickstart without an editor, in a copy, with its scores before and after. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Run the quickstart in a temporary copy, with answers and scores before and after.')
    .option('--json <file>', 'write {machine, seconds, stages} there')
    .option('--folder <dir>', 'the quickstart', QUICKSTART)
    .option('--rows <n>', 'score only so many held-out prompts', wholeNumber(1))
    .option('--set <key=value>', 'over the config, such as stages.sft.steps=50', collect);
  return action(command, demo);
}

async function demo(options: Options): Promise<ExitCode> {
  const output = outputOf(false);
  const began = performance.now();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'align-demo-')));
  try {
    cpSync(options.folder, folder, { recursive: true, filter: (path) => basename(path) !== '.align' });
    const questions = readQuestions(join(folder, 'data', 'held-out.jsonl')).slice(0, options.rows);
    const oracle = await Rule.load(join(folder, 'oracle.js'));
    const stages: Record<string, Told> = {};
    stages.base = { ...(await score(join(folder, 'model'), 'base', questions, oracle, output)), metrics: {} };

    const config = join(folder, 'align.yaml');
    const experiment = openExperiment(config, { set: options.set }, output.note);
    for (const stage of STAGES.filter((name) => experiment.stages.has(name))) {
      const code = await follow(await startStage(experiment, stage), output);
      if (code !== EXIT.done) return code;
      const { dir } = latestDone(folder, stage);
      const metrics: Record<string, unknown> = {};
      for (const row of dir.readMetrics()) Object.assign(metrics, row);
      const scores = ANSWERING.includes(stage) ? await score(dir.modelFolder, stage, questions, oracle, output) : null;
      stages[stage] = { ...scores, metrics };
    }
    oracle.release();

    const seconds = (performance.now() - began) / 1000;
    print(output, questions, stages, seconds);
    if (options.json !== undefined)
      writeFileSync(options.json, `${JSON.stringify(summary(stages, seconds), null, 2)}\n`);
    return EXIT.done;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readQuestions(file: string): Question[] {
  const report = new FaultReport(file);
  const reader = new RowReader(report);
  const questions: Question[] = [];
  for (const line of readJsonl(file, { report })) {
    const row = reader.read(line, questions.length);
    if (row && isObject(line.value)) questions.push({ prompt: questionOf(row), row: line.value });
  }
  report.throwIfAny();
  if (questions.length === 0) throw new UserError('There are no held-out prompts.', { file });
  return questions;
}

/** Lets a model answer all questions twice, drawn and greedy, and scores the answers. */
async function score(
  folder: string,
  name: string,
  questions: readonly Question[],
  oracle: Rule,
  output: Output,
): Promise<Scores> {
  const model = openModel(folder, {}, output.note);
  const generator = new Generator(model.runtime, model.weights, {
    rows: Math.min(BATCH, questions.length),
    fixed: true,
  });
  const status = new StatusLine(output.out);
  let tokens = 0;
  const answers = async (temperature: number): Promise<Answer[]> => {
    const prompts = questions.map(({ prompt }, row) => promptOf(prompt, model, Random.from(SEED, name, 0, row)));
    const found = await generator.generate(prompts, {
      temperature,
      maxNewTokens: LONGEST_ANSWER,
      stopIds: model.tokenizer.eosIds,
      onToken: () => {
        if (++tokens % 512 === 0)
          status.show(`${name}  answering ${questions.length} held-out prompts  ${tokens} tokens`);
      },
    });
    return found.map(({ ids, finish }, i) => {
      const { prompt, row } = questions[i];
      const answer = model.tokenizer.decode(ids, { skipSpecial: true }).trim();
      const score = oracle.reward({ prompt, answer, row: { ...row, finished: finish === 'stop' } });
      return { answer, score };
    });
  };
  const mean = (list: readonly Answer[]): number => list.reduce((sum, { score }) => sum + score, 0) / list.length;
  try {
    const drawn = await answers(1);
    const greedy = await answers(0);
    return { oracle: mean(drawn), oracle_greedy: mean(greedy), answers: drawn };
  } finally {
    status.clear();
    generator.release();
    model.close();
  }
}

function print(output: Output, questions: readonly Question[], stages: Record<string, Told>, seconds: number): void {
  const scored = Object.entries(stages).flatMap(([name, { answers, oracle, oracle_greedy: greedy }]) =>
    answers && oracle !== undefined && greedy !== undefined ? [{ name, answers, oracle, greedy }] : [],
  );
  const rows: DemoRow[] = spread(questions.length, SHOWN).map((i) => {
    const { prompt } = questions[i];
    const question = typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
    return { question, answers: scored.map(({ answers }) => answers[i]) };
  });
  output.say('');
  const names = scored.map(({ name }) => name);
  for (const line of answersTable(output.out, names, rows)) output.say(line);
  output.say(styled(output.out, 'dim', `oracle, mean over ${questions.length} held-out prompts (0 to 1)`));
  const width = Math.max(...names.map((name) => name.length));
  for (const { name, oracle, greedy } of scored)
    output.say(`${name.padEnd(width)}  temperature 1: ${oracle.toFixed(3)}   greedy: ${greedy.toFixed(3)}`);
  output.say(`\nall of it in ${duration(seconds)}`);
}

/** So many places out of `count`, evenly apart. */
function spread(count: number, wanted: number): number[] {
  const shown = Math.min(count, wanted);
  return Array.from({ length: shown }, (_, i) => Math.floor((i * count) / shown));
}

function summary(stages: Record<string, Told>, seconds: number): object {
  const machine = {
    platform: `${platform()} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? null,
    cores: availableParallelism(),
    memory_gb: Number((totalmem() / 2 ** 30).toFixed(1)),
    node: process.version,
  };
  const scores = Object.entries(stages).map(([name, { oracle, oracle_greedy, metrics }]) => [
    name,
    { oracle, oracle_greedy, metrics },
  ]);
  return { machine, seconds: Number(seconds.toFixed(1)), stages: Object.fromEntries(scores) as unknown };
}
