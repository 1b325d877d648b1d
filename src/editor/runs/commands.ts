import { rm } from 'node:fs/promises';
import * as vscode from 'vscode';
import { UserError } from '../../config/errors';
import { isActive } from '../../runs/format';
import { openPlace, registerCommand, type EditorContext } from '../context';
import { openCurves } from '../curves/curves-panel';
import { showReport } from '../evaluation/reports';
import { core } from '../loading';
import { openLog } from './output';
import { openSamples } from '../review/review';
import { reveal, runOf } from './run';
import type { KnownRun } from './run-library';
import { asRunId, asStage, pickRun } from './targets';
import { requireTrust } from '../trust';

/** Commands that open, copy and delete runs, and branch from them. */
export function register(context: EditorContext): vscode.Disposable {
  const command = (name: string, run: (argument: unknown, step: unknown) => Promise<unknown>) =>
    registerCommand(context, name, run);
  return vscode.Disposable.from(
    command('openCurves', async (argument) => openCurves(context, curvesOf(context, argument), false)),
    command('openSamples', async (argument, step) => {
      const run = await runOf(context, argument, 'Open samples');
      if (run) await openSamples(run, typeof step === 'number' ? step : undefined);
    }),
    command('openLog', async (argument) => {
      const run = await runOf(context, argument, 'Open log');
      if (run) openLog(context, run);
    }),
    command('openFailure', async (argument) => {
      const run = await runOf(context, argument, 'Show why a run failed', ['failed']);
      const error = run?.run.error;
      if (!run) return;
      if (error?.file) await openPlace(error.file, error.line ?? 1);
      else openLog(context, run);
    }),
    command('openReport', async (argument) => {
      const run = await evaluationOf(context, argument);
      if (run) await showReport(run);
    }),
    command('openFolder', async (argument) => {
      const run = await runOf(context, argument, 'Open run folder');
      if (run) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(run.info.dir.path));
    }),
    command('copyId', async (argument) => {
      const run = await runOf(context, argument, 'Copy run id');
      if (run) await vscode.env.clipboard.writeText(run.run.id);
    }),
    command('refreshRuns', async () => {
      await context.experiments.discover();
      await context.runs.refresh();
    }),
    command('branch', async (argument, step) => {
      requireTrust('Branching from a run');
      const run = await runOf(context, argument, 'Branch from a run');
      const { branchRun, launch } = await core();
      const dir = run && (await branchRun(run, typeof step === 'number' ? step : undefined));
      if (!dir) return;
      reveal(context, dir);
      await context.runs.refresh();
      await launch(context, dir);
      return dir.id;
    }),
    command('deleteRun', async (argument) => {
      requireTrust('Deleting a run');
      const run = await runOf(context, argument, 'Delete run', ['done', 'stopped', 'failed', 'died']);
      if (!run) return;
      if (isActive(run.state)) throw new UserError(`${run.run.id} is ${run.state}.`, { hint: 'Stop it first.' });
      const yes = 'Delete';
      const question = `Delete ${run.run.id} with its checkpoints and metrics?`;
      const answer = await vscode.window.showWarningMessage(question, { modal: true }, yes);
      if (answer !== yes) return;
      await rm(run.info.dir.path, { recursive: true, force: true });
      await context.runs.refresh();
    }),
  );
}

/** The finished evaluation that a command is for: of a stage the newest one. */
async function evaluationOf(context: EditorContext, argument: unknown): Promise<KnownRun | undefined> {
  const fits = ({ run, state }: KnownRun): boolean => run.type === 'evaluate' && state === 'done';
  const id = asRunId(argument);
  if (id !== undefined) return context.runs.get(id);
  const stage = asStage(argument);
  if (!stage) return pickRun(context, 'Open report', fits);
  const found = context.runs.of(stage.config, stage.stage).find(fits);
  if (!found) throw new UserError(`${stage.stage} has no finished evaluation.`, { hint: 'Run it from the config.' });
  return found;
}

/** The runs to show: those of a lens's stage, a tree item, a list of ids; else what the panel shows already. */
function curvesOf(context: EditorContext, argument: unknown): string[] {
  const stage = asStage(argument);
  if (stage)
    return context.runs
      .of(stage.config, stage.stage)
      .slice(0, 3)
      .map(({ run }) => run.id);
  if (Array.isArray(argument)) return argument.filter((id) => typeof id === 'string');
  if (typeof argument === 'string') return [argument];
  if (typeof argument === 'object' && argument !== null && 'id' in argument && typeof argument.id === 'string') {
    return [argument.id];
  }
  const latest = context.runs.all[0];
  return latest ? [latest.run.id] : [];
}
