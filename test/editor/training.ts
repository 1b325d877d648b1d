import * as assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { eventually, openConfig, workspaceFolder } from './workspace';

interface RunFile {
  id: string;
  state: string;
  step: number;
  error?: { message: string } | null;
}

function isRunFile(value: unknown): value is RunFile {
  return typeof value === 'object' && value !== null && 'id' in value && 'state' in value && 'step' in value;
}

/** Every run of the workspace, oldest first. */
export function runs(): RunFile[] {
  const folder = join(workspaceFolder(), '.align', 'runs');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const file = join(folder, name, 'run.json');
      const value: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
      return isRunFile(value) ? [value] : [];
    });
}

/** The command behind the lens over `sft` whose title ends with this text. */
export async function lensCommand(text: string): Promise<vscode.Command> {
  const document = await openConfig();
  const find = async (): Promise<vscode.Command | undefined> => {
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      document.uri,
      100,
    );
    return lenses.map((lens) => lens.command).find((command) => command?.title.endsWith(text));
  };
  const command = await eventually(find, (found) => found !== undefined, `the lens "${text}"`);
  assert.ok(command);
  return command;
}

/** Starts a run in some way and waits until it is done. */
export async function trainToTheEnd(start: () => Thenable<unknown>): Promise<RunFile> {
  const before = new Set(runs().map((run) => run.id));
  await start();
  const run = await eventually(
    () => runs().find(({ id }) => !before.has(id)),
    (found) => found !== undefined && ['done', 'failed', 'stopped'].includes(found.state),
    'the end of the run',
    120_000,
  );
  assert.ok(run);
  assert.equal(run.state, 'done', run.error?.message);
  assert.ok(existsSync(join(workspaceFolder(), '.align', 'runs', run.id, 'model', 'model.safetensors')));
  return run;
}

/** Clicks Run, as far as the API can. */
export async function trainByLens(): Promise<RunFile> {
  const { command, arguments: given } = await lensCommand('Run');
  const args: unknown[] = given ?? [];
  return trainToTheEnd(() => vscode.commands.executeCommand(command, ...args));
}
