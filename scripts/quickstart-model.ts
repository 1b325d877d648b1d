/**
 * Makes the quickstart's embedded model anew: writes the pre-training text, runs the stage `pretrain` of its align.yaml
 * in a temporary copy, and puts the result into examples/quickstart/model as BF16, with the curve that led there.
 *
 *   npm run quickstart:model            about 15 minutes on two cores; the same seed and threads give the same bytes
 *   npm run quickstart:model -- RUN     from the folder of a finished run
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openCheckpoint, writeCheckpoint } from '../src/models/checkpoint';
import { RunDir } from '../src/runs/directory';
import { latestDone } from '../src/runs/registry';

const root = resolve('.');
const quickstart = join(root, 'examples', 'quickstart');
const target = join(quickstart, 'model');

function pretrain(): RunDir {
  const copy = mkdtempSync(join(tmpdir(), 'quickstart-'));
  cpSync(quickstart, copy, { recursive: true });
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}\n');
  const node = (...args: string[]): void => void execFileSync(process.execPath, args, { cwd: copy, stdio: 'inherit' });
  node('make.js', '--pretrain');
  node(join(root, 'dist', 'align.js'), 'run', 'align.yaml', 'pretrain');
  return latestDone(copy, 'pretrain').dir;
}

const given = process.argv[2];
const run = given ? new RunDir(given) : pretrain();
const checkpoint = openCheckpoint(run.modelFolder);
rmSync(target, { recursive: true, force: true });
writeCheckpoint(target, {
  config: checkpoint.config,
  tensor: (name) => checkpoint.read(name),
  tokenizerFrom: run.modelFolder,
  dtype: 'BF16',
});
checkpoint.close();

const rows = run.readMetrics();
const every = Math.ceil(rows.length / 100);
const record = {
  made_by: 'npm run quickstart:model',
  config: JSON.parse(readFileSync(run.configFile, 'utf8')) as unknown,
  evaluations: rows
    .filter((row) => 'eval_loss' in row)
    .map(({ step, eval_loss, eval_mean_token_accuracy }) => ({ step, eval_loss, eval_mean_token_accuracy })),
  curve: rows
    .filter((row) => 'loss' in row)
    .filter((_, i) => i % every === 0)
    .map(({ step, loss, num_tokens }) => ({ step, loss, num_tokens })),
};
writeFileSync(join(target, 'pretraining.json'), `${JSON.stringify(record, null, 1)}\n`);
console.log(`wrote ${target} from ${run.id}`);
