import { basename } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../config/errors';
import type { Fix } from '../../config/diagnostic';
import { alarmsOf, type Alarm } from '../../runs/alarms';
import { labelStageOf, raiseLeash, strongerLeash, useLowerBound } from './fixes';
import { alarmsText } from './text';
import { latestBySignal, stageWarning } from './words';
import { registerCommand, type EditorContext } from '../context';
import { toRange } from '../align-file/diagnostics';
import { ALIGN_SELECTOR, type KnownExperiment } from '../align-file/experiments';
import { core } from '../loading';
import { reveal } from '../runs/run';
import { configFileOf, type KnownRun } from '../runs/run-library';
import { requireTrust } from '../trust';
import { clockText } from '../words';

export const ALARMS_SCHEME = 'align-alarms';

/** At most so often are the warnings made anew. */
const REFRESH_MS = 300;

/** An alarm of the latest run of a stage, on the stage in its config file. */
interface Warning {
  readonly alarm: Alarm;
  readonly run: KnownRun;
  readonly stage: string;
  readonly diagnostic: vscode.Diagnostic;
}

/**
 * Alarms of the monitors: warnings on their stages with mends as quick fixes, and a document of what was seen. A
 * stage is warned of by its latest run alone: the next run starts with a clean slate.
 */
export function register(context: EditorContext): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection('align-alarms');
  const changed = new vscode.EventEmitter<vscode.Uri>();
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const known of context.experiments.all) collection.set(known.document.uri, diagnosticsOf(context, known));
      for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === ALARMS_SCHEME) changed.fire(uri);
    }, REFRESH_MS);
  };
  return vscode.Disposable.from(
    collection,
    changed,
    context.experiments.onChange(soon),
    context.experiments.onClose((uri) => collection.delete(uri)),
    context.runs.onRuns(soon),
    context.runs.onRows(soon),
    new vscode.Disposable(() => clearTimeout(timer)),
    vscode.languages.registerCodeActionsProvider(
      ALIGN_SELECTOR,
      { provideCodeActions: (document, range) => actionsAt(context, document, range) },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
    vscode.workspace.registerTextDocumentContentProvider(ALARMS_SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: async (uri) => {
        const run = context.runs.get(uri.path.split('/')[1] ?? '');
        return run ? alarmsText(run.run.stage, run.run.id, await alarmsOfRun(context, run)) : 'Reading …\n';
      },
    }),
    registerCommand(context, 'openAlarm', async (id) => openAlarms(context.runs.get(String(id)))),
    registerCommand(context, 'rollBack', async (id, signal) => rollBack(context, ...alarmBy(context, id, signal))),
    registerCommand(context, 'sendToLabeling', async (id, signal) => send(context, ...alarmBy(context, id, signal))),
  );
}

function warningsOf(context: EditorContext, known: KnownExperiment): Warning[] {
  const file = known.document.uri.fsPath;
  const now = Date.now();
  return known.outline.flatMap(({ name, range }) => {
    const [run] = context.runs.of(file, name);
    if (!run) return [];
    const title = `${name} of ${clockText(Date.parse(run.run.started ?? run.run.created), now)}`;
    return latestBySignal(alarmsOf(run.events)).map((alarm) => {
      const place = toRange(known.document, range);
      const diagnostic = new vscode.Diagnostic(place, stageWarning(alarm, title), vscode.DiagnosticSeverity.Warning);
      diagnostic.source = 'align';
      diagnostic.code = `alarm: ${alarm.signal}`;
      return { alarm, run, stage: name, diagnostic };
    });
  });
}

function diagnosticsOf(context: EditorContext, known: KnownExperiment): vscode.Diagnostic[] {
  return warningsOf(context, known).map(({ diagnostic }) => diagnostic);
}

async function actionsAt(
  context: EditorContext,
  document: vscode.TextDocument,
  at: vscode.Range,
): Promise<vscode.CodeAction[]> {
  const known = await context.experiments.current(document);
  return warningsOf(context, known)
    .filter(({ diagnostic }) => diagnostic.range.intersection(at) !== undefined)
    .flatMap((warning) => actionsFor(known, warning));
}

function actionsFor({ document, parsed }: KnownExperiment, warning: Warning): vscode.CodeAction[] {
  const { alarm, run, stage, diagnostic } = warning;
  const made = (title: string): vscode.CodeAction => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.diagnostics = [diagnostic];
    return action;
  };
  const edit = (fix: Fix | undefined): vscode.CodeAction[] => {
    if (!fix) return [];
    const action = made(fix.title);
    action.edit = new vscode.WorkspaceEdit();
    for (const { range, newText } of fix.edits) action.edit.replace(document.uri, toRange(document, range), newText);
    return [action];
  };
  const call = (title: string, command: string): vscode.CodeAction => {
    const action = made(title);
    action.command = { command: `alignment-lab.${command}`, title, arguments: [run.run.id, alarm.signal] };
    return action;
  };
  const { experiment } = parsed;
  const text = document.getText();
  const labels = experiment && labelStageOf(experiment, stage);
  const actions = {
    raise_kl: () => edit(experiment && raiseLeash(text, experiment, stage)),
    lower_bound: () => edit(experiment && useLowerBound(text, experiment, stage)),
    roll_back: () => [call(`Branch from the checkpoint before step ${alarm.since ?? alarm.step} …`, 'rollBack')],
    label: () => (labels === undefined ? [] : [call(`Send its answers to labeling (\`${labels}\`)`, 'sendToLabeling')]),
  };
  return [...alarm.advice.flatMap((advice) => actions[advice]()), call('Show what was seen', 'openAlarm')];
}

/** The run of an id and its last alarm of a signal; without a signal its last alarm. */
function alarmBy(context: EditorContext, id: unknown, signal: unknown): [KnownRun, Alarm] {
  const run = context.runs.get(String(id));
  const alarm = run && alarmsOf(run.events).findLast((found) => signal === undefined || found.signal === signal);
  if (!run || !alarm) throw new UserError('This alarm is gone.', { hint: 'Its run was deleted, or began again.' });
  return [run, alarm];
}

/** The rows of a run that is not the latest of its stage are read for the moment. */
async function alarmsOfRun(context: EditorContext, run: KnownRun): Promise<Alarm[]> {
  if (run.events.length > 0) return alarmsOf(run.events);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(late);
      rows.dispose();
      handle.dispose();
      resolve(alarmsOf(run.events));
    };
    const rows = context.runs.onRows((change) => change.run === run && run.events.length > 0 && done());
    const handle = context.runs.want(run.run.id);
    const late = setTimeout(done, 2000);
  });
}

async function openAlarms(run: KnownRun | undefined): Promise<void> {
  if (!run) throw new UserError('This run is gone.');
  const uri = vscode.Uri.from({ scheme: ALARMS_SCHEME, path: `/${run.run.id}/${run.run.stage} alarms.md` });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

/** Starts a branch at the newest checkpoint from before the alarm, with a stronger leash as the proposed change. */
async function rollBack(context: EditorContext, run: KnownRun, alarm: Alarm): Promise<void> {
  requireTrust('Branching from a run');
  const { branchRun, launch } = await core();
  const known = context.experiments.all.find(({ document }) => document.uri.fsPath === configFileOf(run.info));
  const leash = known?.parsed.experiment && strongerLeash(known.parsed.experiment, run.run.stage);
  const before = alarm.since ?? alarm.step;
  const dir = await branchRun(run, undefined, { before, settings: leash ? `${leash.key}=${leash.to}` : '' });
  if (!dir) return;
  reveal(context, dir);
  await context.runs.refresh();
  await launch(context, dir);
}

async function send(context: EditorContext, run: KnownRun, alarm: Alarm): Promise<void> {
  const config = configFileOf(run.info);
  const known = context.experiments.all.find(({ document }) => document.uri.fsPath === config);
  const stage = known?.parsed.experiment && labelStageOf(known.parsed.experiment, run.run.stage);
  if (stage === undefined)
    throw new UserError(`${basename(config)} has no generate stage whose pairs these answers could join.`, {
      hint: 'Add a stage of type generate, or mend the errors in the file.',
    });
  const { sendToLabeling } = await core();
  const { id } = run.run;
  const written = sendToLabeling(alarm, { id, stage: run.run.stage, samples: run.samples }, run.info.dir.folder, stage);
  const label = 'Label';
  const words = `${written.added} ${written.added === 1 ? 'pair' : 'pairs'} added to labels/${stage}.`;
  if ((await vscode.window.showInformationMessage(words, label)) !== label) return;
  await vscode.commands.executeCommand('alignment-lab.label', { config, stage });
}
