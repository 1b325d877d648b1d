import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../config/errors';
import type { EditorContext } from '../context';

/** Follows the runs of every folder with a config file: the open ones at once, the others when the search found them. */
export function register(context: EditorContext): vscode.Disposable {
  const { experiments, runs, log } = context;
  const follow = (): void => {
    for (const file of experiments.configFiles) runs.follow(dirname(file));
  };
  follow();
  const search = (): void =>
    void experiments.discover().catch((error: unknown) => log.warn(`Config files: ${messageOf(error)}`));
  // After activation: the search must not hold up the lenses of the open file.
  const later = setTimeout(search, 0);
  return vscode.Disposable.from(
    experiments.onFile(follow),
    vscode.workspace.onDidChangeWorkspaceFolders(search),
    new vscode.Disposable(() => clearTimeout(later)),
  );
}
