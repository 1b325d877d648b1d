import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UserError } from '../../src/config/errors';
import { latestDone } from '../../src/runs/registry';
import { inOwnFolder } from '../folder';
import { describeMachine, thisMachine } from '../machine';
import type { Options } from '../options';
import { lastWords, runProcess } from '../process';
import { digits } from '../table';
import type { SeedFigures } from './figures';
import { coursesPicture, scoresPicture } from './picture';
import { SCORES, copyFor } from './project';
import { readCourse, readScores } from './read';
import { figureRows, figureTable } from './report';

const root = join(import.meta.dirname, '..', '..');
const RESULTS = join(root, 'bench', 'results');
const PICTURES = join(root, 'media', 'figures');
const LIMIT_SECONDS = 3600;

/**
 * `npm run bench -- quickstart`: the whole loop on copies of the quickstart, one a seed, by `align run` as a user does;
 * then the run directories are read. A stage that fails is told, and what needs it is not measured. The README's pictures
 * are drawn from it, unless it was only a quick look; `draw` draws them again from the newest result.
 */
export async function measureLoop(options: Options, say: (line: string) => void): Promise<number> {
  const { quickly, seeds, threads } = options;
  if (options.draw) return draw(newestResult());
  const quickstart = resolve(options.quickstart ?? join(root, 'examples', 'quickstart'));
  const machine = thisMachine();
  say(describeMachine(machine, threads));
  say('build');
  const built = await runProcess(process.execPath, ['esbuild.js', '--production'], { cwd: root, timeoutSeconds: 300 });
  if (built.code !== 0) throw new Error(`the build failed:\n${built.stderr}`);
  const figures: SeedFigures[] = [];
  const missing = new Set<string>();
  const failures: string[] = [];
  for (const seed of seeds) {
    const of = await inOwnFolder((own) => measureSeed(join(own, 'quickstart'), quickstart, { ...options, seed }, say));
    figures.push(of.figures);
    failures.push(...of.failures.map((failure) => `seed ${seed}: ${failure}`));
    for (const name of of.missing) missing.add(name);
  }
  const quick = quickly ? ' A quick look: not to be quoted.' : '';
  console.log(`\nMachine: ${describeMachine(machine, threads)}\nSeeds ${seeds.join(', ')}.${quick}\n`);
  console.log(figureTable(figures, [...missing]));
  for (const failure of failures) console.log(`\nNot measured: ${failure}`);
  const date = new Date();
  const day = date.toISOString().slice(0, 10);
  const file = join(RESULTS, `${day}-quickstart${quickly ? '-quick.local' : ''}.json`);
  const rows = figureRows(figures);
  const result = { date: date.toISOString(), machine, quickly, seeds, threads, missing: [...missing], failures, rows };
  writeFileSync(file, `${JSON.stringify({ ...result, figures }, null, 2)}\n`);
  console.log(`\n${relative(process.cwd(), file)}`);
  if (!quickly) draw(figures);
  return failures.length > 0 ? 1 : 0;
}

/** The pictures of the README. */
function draw(figures: readonly SeedFigures[]): number {
  mkdirSync(PICTURES, { recursive: true });
  for (const [name, picture] of [
    ['quickstart-scores', scoresPicture(figures)],
    ['quickstart-courses', coursesPicture(figures)],
  ] as const) {
    const file = join(PICTURES, `${name}.svg`);
    writeFileSync(file, picture);
    console.log(relative(process.cwd(), file));
  }
  return 0;
}

function newestResult(): SeedFigures[] {
  const name = readdirSync(RESULTS)
    .filter((file) => file.endsWith('-quickstart.json'))
    .sort()
    .at(-1);
  if (name === undefined)
    throw new UserError('There is no result to draw.', { hint: 'Run `npm run bench -- quickstart`.' });
  return (JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as { figures: SeedFigures[] }).figures;
}

async function measureSeed(
  folder: string,
  quickstart: string,
  options: Options & { seed: number },
  say: (line: string) => void,
): Promise<{ figures: SeedFigures; missing: string[]; failures: string[] }> {
  const { seed } = options;
  const { stages, missing } = copyFor(quickstart, folder, options);
  const figures: SeedFigures = { seed, seconds: {}, reward: null, policies: {}, courses: {} };
  const failures: string[] = [];
  for (const stage of stages) {
    say(`seed ${seed}: ${stage}`);
    const args = [join(root, 'dist', 'align.js'), 'run', 'align.yaml', stage];
    const run = await runProcess(process.execPath, args, { cwd: folder, timeoutSeconds: LIMIT_SECONDS });
    if (run.code !== 0) {
      failures.push(`${stage}: ${lastWords(run.stderr) || lastWords(run.stdout) || `ended with ${run.code}`}`);
      say(`seed ${seed}: ${failures.at(-1)}`);
      continue;
    }
    figures.seconds[stage] = run.seconds;
    say(`seed ${seed}: ${stage} took ${digits(run.seconds)} s`);
    const { dir, run: facts } = latestDone(folder, stage);
    if (stage === SCORES) Object.assign(figures, readScores(dir));
    if (facts.type !== 'ppo') continue;
    const course = readCourse(dir);
    if (course) figures.courses[stage] = course;
  }
  return { figures, missing, failures };
}
