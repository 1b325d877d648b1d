import * as vscode from 'vscode';
import type { RunDir } from '../../runs/directory';
import type { ControlVerb, RunState } from '../../runs/format';
import { registerCommand, type EditorContext } from '../context';
import { openCurves } from '../curves/curves-panel';
import { core } from '../loading';
import type { KnownRun } from './run-library';
import type { StageTarget } from './start';
import { asRunId, asStage, pickRun, pickStage } from './targets';
import { requireTrust } from '../trust';

/** Commands that start runs and speak to running ones. */
export function register(context: EditorContext): vscode.Disposable {
  const command = (name: string, run: (argument: unknown) => Promise<unknown>) => registerCommand(context, name, run);
  const control = (name: string, verb: ControlVerb, title: string, states: readonly RunState[]) =>
    command(name, async (argument) => {
      requireTrust(title);
      const run = await runOf(context, argument, title, states);
      if (run) await send(context, run, verb);
    });
  return vscode.Disposable.from(
    command('run', async (argument) => {
      const target = asStage(argument) ?? (await pickStage(context, 'Run stage'));
      return target && (await runStage(context, target)).id;
    }),
    command('runWithUpstream', async (argument) => {
      const target = asStage(argument) ?? (await pickStage(context, 'Run stage with upstream'));
      return target && (await runWithUpstream(context, target)).id;
    }),
    control('stop', 'stop', 'Stop run', ['queued', 'running', 'paused']),
    control('pause', 'pause', 'Pause run', ['running']),
    control('checkpoint', 'checkpoint', 'Write a checkpoint', ['running', 'paused']),
    control('evaluate', 'evaluate', 'Evaluate now', ['running', 'paused']),
    control('startNow', 'start', 'Run now', ['queued']),
    command('resume', async (argument) => {
      requireTrust('Resuming a run');
      const run = await runOf(context, argument, 'Resume run', ['paused', 'stopped', 'died']);
      if (!run) return;
      if (run.state === 'paused') return await send(context, run, 'resume');
      reveal(context, run.info.dir);
      const { launch } = await core();
      await launch(context, run.info.dir);
    }),
  );
}

async function runStage(context: EditorContext, target: StageTarget): Promise<RunDir> {
  const { startStage } = await core();
  return await startStage(context, target, (dir) => reveal(context, dir));
}

/** Runs what is stale before the stage, one after the other, then the stage. */
async function runWithUpstream(context: EditorContext, target: StageTarget): Promise<RunDir> {
  const { staleUpstream, untilDone } = await core();
  const before = await staleUpstream(target);
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, cancellable: true, title: `Run ${target.stage} with upstream` },
    async (progress, token) => {
      for (const [index, stage] of before.entries()) {
        progress.report({ message: `${stage} (${index + 1} of ${before.length + 1})` });
        const dir = await runStage(context, { config: target.config, stage });
        await untilDone(dir, () => token.isCancellationRequested);
      }
      return await runStage(context, target);
    },
  );
}

async function send(context: EditorContext, { info }: KnownRun, verb: ControlVerb): Promise<void> {
  const { request } = await core();
  request(info.dir, verb);
  await context.runs.refresh();
}

/** Shows a run that was just started: its curves, where it trains and the user has not turned that off. */
export function reveal(context: EditorContext, dir: RunDir): void {
  const open = vscode.workspace.getConfiguration('alignment-lab').get<boolean>('curves.openOnRun', true);
  const trains = !['generate', 'evaluate'].includes(dir.readRun().type);
  if (open && trains) openCurves(context, [dir.id]);
}

/** The run that a command is for: of a lens or tree item, or the one that the user picks. */
export async function runOf(
  context: EditorContext,
  argument: unknown,
  title: string,
  states?: readonly RunState[],
): Promise<KnownRun | undefined> {
  const id = asRunId(argument);
  if (id !== undefined) {
    const known = context.runs.get(id);
    if (known) return known;
    await context.runs.refresh();
    return context.runs.get(id);
  }
  const stage = asStage(argument);
  const fits = (run: KnownRun): boolean => states === undefined || states.includes(run.state);
  if (stage) return context.runs.of(stage.config, stage.stage).find(fits);
  return await pickRun(context, title, fits);
}
