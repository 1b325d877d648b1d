import { join } from 'node:path';
import { Command } from 'commander';
import { branchedConfig } from '../config/branch';
import { createRun } from '../runs/create';
import { action, collect, examples, outputOf } from './command';
import { EXIT, type ExitCode } from './exit';
import { follow } from './follow';
import { wholeNumber } from './options';
import { FOLDER_OPTION, runOf } from './place';
import { launch } from './start';

interface Options {
  step: number;
  set?: string[];
  folder?: string;
  detach?: boolean;
  json?: boolean;
}

/** `align branch RUN --step N` */
export function branchCommand(): Command {
  const command = new Command('branch')
    .description('Start a new run from a checkpoint of another, with other settings. Its curve joins there.')
    .argument('<run>', 'an id, the beginning of one, a folder, or STAGE@latest')
    .requiredOption('--step <n>', 'the step of the checkpoint; `align show RUN` lists them', wholeNumber(1))
    .option('--set <key=value>', 'a key of the stage: learning_rate=1e-4; repeatable', collect)
    .option(...FOLDER_OPTION)
    .option('--detach', 'start the run, print its id and leave it to itself')
    .option('--json', 'JSON lines: what the run writes, as it comes');
  examples(command, ['align branch sft@latest --step 400 --set learning_rate=1e-4']);
  return action(command, branch);
}

async function branch(reference: string, options: Options): Promise<ExitCode> {
  const output = outputOf(options.json ?? false);
  const { dir: parent, run, id } = runOf(reference, options);
  const dir = createRun({
    configFile: join(parent.folder, run.config_file),
    folder: parent.folder,
    stage: run.stage,
    type: run.type,
    config: branchedConfig(parent.readConfig(), options.set ?? []),
    parent: { run: id, step: options.step },
    device: run.device ?? null,
  });
  await launch(dir);
  if (!options.detach) return await follow(dir, output);
  if (output.json) output.line({ type: 'run', run: dir.id, folder: dir.path, stage: run.stage });
  else output.say(dir.id);
  return EXIT.done;
}
