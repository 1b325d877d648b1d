import { Command } from 'commander';
import { staleUpstream } from '../runs/stage-run';
import { action, collect, examples, outputOf } from './command';
import { EXIT, type ExitCode } from './exit';
import { follow } from './follow';
import { device } from './options';
import { onlyStage, openExperiment, startStage } from './start';

interface Options {
  withUpstream?: boolean;
  device?: string;
  set?: string[];
  detach?: boolean;
  json?: boolean;
}

/** `align run CONFIG [STAGE]` */
export function runCommand(): Command {
  const command = new Command('run')
    .description('Run a stage of a config and follow it to its end.')
    .argument('<config>', 'an align.yaml')
    .argument('[stage]', 'the stage to run; may be left out where there is only one')
    .option('--with-upstream', 'first run what the stage stands on, where its result is missing or changed')
    .option('--device <device>', 'cpu or webgpu, over the config', device)
    .option('--set <key=value>', 'over the config: learning_rate=1e-4, or stages.sft.epochs=2; repeatable', collect)
    .option('--detach', 'start the run, print its id and leave it to itself')
    .option('--json', 'JSON lines: what the run writes, as it comes');
  examples(command, [
    'align run align.yaml sft',
    'align run align.yaml sft --set learning_rate=1e-4 --set epochs=1',
    'align run align.yaml sft --with-upstream --detach',
  ]);
  command.addHelpText(
    'after',
    '\nCtrl-C stops the run after its step, with a checkpoint; a second one leaves it to itself.\n' +
      'Exit codes: 0 done, 1 failed, 2 usage or config, 3 stopped on request, 130 interrupted.',
  );
  return action(command, run);
}

async function run(config: string, named: string | undefined, options: Options): Promise<ExitCode> {
  const output = outputOf(options.json ?? false);
  const note = output.note;
  const stage = named ?? onlyStage(openExperiment(config, { device: options.device }, note));
  const experiment = openExperiment(config, { stage, set: options.set, device: options.device }, note);
  const stale = await staleUpstream(experiment, stage);
  if (options.withUpstream) {
    for (const before of stale) {
      const code = await follow(await startStage(experiment, before), output);
      if (code === EXIT.done) continue;
      note(`${stage} was not started, because ${before} did not end well.`);
      return code;
    }
  }
  const dir = await startStage(experiment, stage);
  if (stale.length > 0 && !options.withUpstream)
    note(`${stale.join(', ')} changed since the last run; the old result is used. --with-upstream runs it anew.`);
  if (!options.detach) return await follow(dir, output);
  if (output.json) output.line({ type: 'run', run: dir.id, folder: dir.path, stage });
  else output.say(dir.id);
  return EXIT.done;
}
