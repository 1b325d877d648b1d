import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../config/errors';
import { runsFolderOf } from '../runs/create';
import { type RunInfo, findRun } from '../runs/registry';

/** Help for the option that says where runs lie. */
export const FOLDER_OPTION = [
  '-C, --folder <dir>',
  'where the config lies (default: this folder or the nearest above)',
] as const;

/** The folder whose runs are meant: the named one (a config file's folder), or the nearest that has runs or a config. */
export function projectFolder(named: string | undefined, start: string = process.cwd()): string {
  if (named !== undefined) {
    const path = resolve(named);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) throw new UserError(`There is no folder ${named}.`, { hint: 'Name the folder of a config file.' });
    return stats.isDirectory() ? path : dirname(path);
  }
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    if (existsSync(runsFolderOf(folder)) || configFiles(folder).length > 0) return folder;
    if (folder === dirname(folder)) return resolve(start);
  }
}

/** `align.yaml` and `*.align.yaml` of a folder. */
export function configFiles(folder: string): string[] {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return [];
  return readdirSync(folder)
    .filter((name) => /(^|\.)align\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** A run by its id, the beginning of it, its folder, or `<stage>@latest`. */
export function runOf(reference: string, options: { folder?: string }): RunInfo {
  return findRun(projectFolder(options.folder), reference);
}
