import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../config/errors';
import { projectTemplate } from '../config/template';
import { action, examples, outputOf } from './command';

/** `align init [DIR]` */
export function initCommand(): Command {
  const command = new Command('init')
    .description('Write a commented align.yaml with its folders. What is there stays as it is.')
    .argument('[dir]', 'where to', '.')
    .option('--json', 'one JSON document: {folder, written, kept}');
  examples(command, ['align init', 'align init my-experiment']);
  return action(command, init);
}

async function init(folder: string, options: { json?: boolean }): Promise<void> {
  const output = outputOf(options.json ?? false);
  const { folders, files } = projectTemplate();
  const written: string[] = [];
  const kept: string[] = [];
  try {
    for (const name of folders) mkdirSync(join(folder, name), { recursive: true });
    for (const { path, text } of files) {
      const file = join(folder, path);
      if (existsSync(file)) {
        kept.push(path);
        continue;
      }
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag: 'wx' });
      written.push(path);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`The folder cannot be written: ${why}.`, { file: folder, hint: 'Name another one.', cause });
  }
  if (output.json) {
    output.document({ folder, written, kept });
    return;
  }
  for (const path of written) output.say(`wrote ${relative('', join(folder, path))}`);
  for (const path of kept) output.say(`kept  ${relative('', join(folder, path))}`);
  output.say(
    `Put a model into ${relative('', join(folder, 'model'))} and run: align run ${relative('', join(folder, 'align.yaml'))} sft`,
  );
}
