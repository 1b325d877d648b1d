import { Command } from 'commander';
import { formatDiagnostic, hasErrors, sortDiagnostics } from '../config/diagnostic';
import { checkFiles } from '../config/files';
import { loadExperiment } from '../config/load';
import { action, collect, examples, outputOf } from './command';
import { EXIT, type ExitCode } from './exit';

interface Options {
  set?: string[];
  json?: boolean;
}

/** `align validate CONFIG` */
export function validateCommand(): Command {
  const command = new Command('validate')
    .description('Check a config and the files that it names: everything that is wrong, with its place and the mend.')
    .argument('<config>', 'an align.yaml')
    .option('--set <key=value>', 'over the config: stages.sft.epochs=2; repeatable', collect)
    .option('--json', 'one JSON document: {file, ok, stages, diagnostics}');
  examples(command, ['align validate align.yaml']);
  command.addHelpText('after', '\nExit codes: 0 nothing wrong (there may be warnings), 2 errors.');
  return action(command, validate);
}

async function validate(file: string, options: Options): Promise<ExitCode> {
  const output = outputOf(options.json ?? false);
  const { experiment, diagnostics } = loadExperiment(file, { set: options.set });
  const found = sortDiagnostics([...diagnostics, ...(experiment ? checkFiles(experiment) : [])]);
  const wrong = hasErrors(found);
  const stages = [...(experiment?.stages.keys() ?? [])];
  if (output.json) output.document({ file, ok: !wrong, stages, diagnostics: found });
  else {
    for (const diagnostic of found) output.note(formatDiagnostic(diagnostic));
    const errors = found.filter(({ severity }) => severity === 'error').length;
    const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
    if (wrong) output.note(count(errors, 'error'));
    else output.say(`${file} is sound: ${count(stages.length, 'stage')} (${stages.join(', ')}).`);
  }
  return wrong ? EXIT.usage : EXIT.done;
}
