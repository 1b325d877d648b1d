import { cp, mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../config/errors';
import { registerCommand, type EditorContext } from './context';

const FOLDER = 'alignment-lab-quickstart';

/** Copies the quickstart to a folder of the user's choice and opens it. */
export function register(context: EditorContext): vscode.Disposable {
  return registerCommand(context, 'openQuickstart', async (argument, options) => {
    const parent = typeof argument === 'string' ? argument : await askForFolder();
    if (parent === undefined) return undefined;
    const target = await copyQuickstart(context, parent);
    const stay = typeof options === 'object' && options !== null && 'open' in options && options.open === false;
    if (!stay) await open(target);
    return target;
  });
}

async function askForFolder(): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    canSelectMany: false,
    defaultUri: vscode.Uri.file(homedir()),
    openLabel: 'Copy the quickstart here',
    title: `The quickstart becomes the folder ${FOLDER} in it`,
  });
  return chosen?.[0]?.fsPath;
}

/** Copies into a new folder under `parent`; a name that is taken gets a number. Returns the new folder. */
async function copyQuickstart(context: EditorContext, parent: string): Promise<string> {
  const source = join(context.extension.extensionPath, 'examples', 'quickstart');
  await mkdir(parent, { recursive: true });
  const taken = new Set(await readdir(parent));
  let name = FOLDER;
  for (let number = 2; taken.has(name); number++) name = `${FOLDER}-${number}`;
  const target = join(parent, name);
  try {
    await cp(source, target, { recursive: true, filter: (path) => !/[\\/]\.align([\\/]|$)/.test(path) });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new UserError(`The quickstart could not be copied to ${target}: ${detail}.`, {
      hint: 'Choose a folder that you can write to.',
    });
  }
  return target;
}

async function open(folder: string): Promise<void> {
  const uri = vscode.Uri.file(folder);
  const here = vscode.workspace.workspaceFolders === undefined;
  await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: !here });
}
