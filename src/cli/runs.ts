import { Command } from 'commander';
import { listRuns } from '../runs/registry';
import { action, examples, outputOf } from './command';
import { age } from './numbers';
import { FOLDER_OPTION, projectFolder } from './place';
import { clip, plain, styled, table } from './terminal';
import { stateInWords } from './words';

interface Options {
  folder?: string;
  stage?: string;
  json?: boolean;
}

const STATE_COLUMNS = 60;

/** `align runs` */
export function runsCommand(): Command {
  const command = new Command('runs')
    .description('List the runs of a config folder, the newest first.')
    .option(...FOLDER_OPTION)
    .option('--stage <name>', 'only those of a stage')
    .option('--json', 'one JSON document: a list of {id, state, folder, run}');
  examples(command, ['align runs', 'align runs --stage sft --json']);
  return action(command, runs);
}

async function runs(options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const folder = projectFolder(options.folder);
  const found = listRuns(folder).filter(({ run }) => options.stage === undefined || run.stage === options.stage);
  if (output.json) {
    output.document(found.map(({ id, state, dir, run }) => ({ id, state, folder: dir.path, run })));
    return;
  }
  if (found.length === 0) {
    output.note(`No runs in ${folder}. \`align run CONFIG STAGE\` makes one.`);
    return;
  }
  const rows = found.map((info) => [
    info.id,
    clip(plain(stateInWords(info)).replace(/\s+/g, ' '), STATE_COLUMNS),
    age(info.run.ended ?? info.run.created),
    info.run.parent ? `from ${info.run.parent.run} at ${info.run.parent.step}` : '',
  ]);
  const [head, ...lines] = table([['run', 'state', 'when', ''], ...rows]);
  output.say(styled(output.out, 'dim', head));
  for (const line of lines) output.say(line);
}
