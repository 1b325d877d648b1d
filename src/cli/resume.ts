import { Command } from 'commander';
import { UserError } from '../config/errors';
import { request } from '../runs/control';
import { action, examples, outputOf } from './command';
import { EXIT, type ExitCode } from './exit';
import { follow } from './follow';
import { FOLDER_OPTION, runOf } from './place';
import { launch } from './start';

interface Options {
  folder?: string;
  detach?: boolean;
  json?: boolean;
}

/** `align resume RUN` */
export function resumeCommand(): Command {
  const command = new Command('resume')
    .description('Go on with a run that is paused, stopped, failed or dead, exactly where its last checkpoint is.')
    .argument('<run>', 'an id, the beginning of one, a folder, or STAGE@latest')
    .option(...FOLDER_OPTION)
    .option('--detach', 'do not follow it')
    .option('--json', 'JSON lines: what the run writes, as it comes');
  examples(command, ['align resume sft@latest', 'align resume sft-20260101-120000-1a2b --detach']);
  return action(command, resume);
}

async function resume(reference: string, options: Options): Promise<ExitCode> {
  const output = outputOf(options.json ?? false);
  const { dir, id, state } = runOf(reference, options);
  if (state === 'done')
    throw new UserError(`${id} is done: there is nothing to go on with.`, {
      hint: `\`align branch ${id} --step N --set …\` starts a new run from one of its checkpoints.`,
    });
  if (state === 'paused') request(dir, 'resume');
  else if (state === 'stopped' || state === 'died' || state === 'failed') await launch(dir);
  else output.note(`${id} is ${state} already.`);
  if (!options.detach) return await follow(dir, output);
  if (output.json) output.line({ type: 'run', run: id, folder: dir.path, stage: dir.readRun().stage });
  else output.say(id);
  return EXIT.done;
}
