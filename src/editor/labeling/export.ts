import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { openPlace } from '../context';
import { core } from '../loading';
import type { StageTarget } from '../runs/start';

type Kind = 'preferences' | 'demonstrations';

const KINDS: readonly (vscode.QuickPickItem & { readonly what: Kind; readonly reads: string })[] = [
  {
    what: 'preferences',
    label: 'Preferences',
    detail: 'prompt, chosen and rejected as TRL has them: what annotators prefer, and edits against what they mend',
    reads: 'A reward or dpo stage reads it as `data`, and so does TRL.',
  },
  {
    what: 'demonstrations',
    label: 'Demonstrations',
    detail: 'prompt and completion: edits, and answers accepted as they are',
    reads: 'An sft stage reads it as `data`.',
  },
];

/** Writes what a stage's labels say to a file of training data that the user names. Throws a UserError where it cannot. */
export async function exportLabels({ config, stage }: StageTarget): Promise<void> {
  const chosen = await vscode.window.showQuickPick(KINDS, { title: `Export the labels of ${stage}` });
  if (!chosen) return;
  const { what, reads } = chosen;
  const { demonstrationRows, preferenceRows, readLabeledPairs, replaceFile } = await core();
  const folder = dirname(config);
  const labeled = readLabeledPairs(join(folder, 'labels', stage));
  const { rows } =
    what === 'demonstrations'
      ? demonstrationRows(labeled)
      : preferenceRows(labeled, { method: 'majority', edits: true });
  const file = await vscode.window.showSaveDialog({
    title: `Export ${rows.length} ${what}`,
    defaultUri: vscode.Uri.file(join(folder, 'data', `${stage}-${what}.jsonl`)),
    filters: { 'JSON lines': ['jsonl'] },
  });
  if (!file) return;
  replaceFile(file.fsPath, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const open = 'Open';
  const said = `${rows.length} ${what} were written to ${basename(file.fsPath)}. ${reads}`;
  if ((await vscode.window.showInformationMessage(said, open)) === open) await openPlace(file.fsPath);
}
