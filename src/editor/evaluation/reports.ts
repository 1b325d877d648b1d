import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as vscode from 'vscode';
import type { Palette } from '../../data/evaluation/plot';
import { registerCommand, type EditorContext } from '../context';
import { core } from '../loading';
import { REVIEW_SCHEME, type ReviewDocuments } from '../review/documents';
import { configFileOf, type KnownRun } from '../runs/run-library';
import { asStage } from '../runs/targets';
import type { ToldStage } from './stages-text';

/**
 * What evaluations found, as documents in a Markdown preview: the report of one, and the table of all stages. Their addresses
 * have the scheme of review documents, since links of a preview lead to documents of its own scheme alone.
 */
export function registerReports(context: EditorContext, reviews: ReviewDocuments): vscode.Disposable {
  const refresh = (kind: string): void => {
    for (const { uri } of vscode.workspace.textDocuments)
      if (uri.scheme === REVIEW_SCHEME && uri.path.startsWith(`/${kind}/`)) reviews.changed(uri);
  };
  reviews.guide('report', async (uri) => {
    const id = uri.path.split('/')[2] ?? '';
    const known = context.runs.get(id);
    if (!known) return `# Report\n\n${context.runs.allLoaded ? 'This run is gone.' : 'Reading …'}\n`;
    const { reportText } = await core();
    return reportText(known.info.dir, known.run.stage, palette());
  });
  reviews.guide('stages', async (uri) => {
    const config = Buffer.from(uri.path.split('/')[2] ?? '', 'base64url').toString();
    const { stagesText } = await core();
    return stagesText(config, await stagesOf(context, config), palette(), Date.now());
  });
  let told = '';
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveColorTheme(() => ['report', 'stages'].forEach(refresh)),
    context.runs.onRuns(() => {
      const now = context.runs.all.map(({ run, state }) => `${run.id} ${state}`).join('\n');
      if (now === told) return;
      told = now;
      ['report', 'stages'].forEach(refresh);
    }),
    registerCommand(context, 'openStages', async (argument) => {
      const config = asStage(argument)?.config ?? (await pickConfig(context));
      if (config) await vscode.commands.executeCommand('markdown.showPreview', stagesUri(config));
    }),
  );
}

/** Opens the report of a finished evaluation. */
export async function showReport({ run }: KnownRun): Promise<void> {
  const { reportName } = await core();
  const path = `/report/${run.id}/${reportName(run.stage)}`;
  await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.from({ scheme: REVIEW_SCHEME, path }));
}

function stagesUri(config: string): vscode.Uri {
  const path = `/stages/${Buffer.from(config).toString('base64url')}/All stages.md`;
  return vscode.Uri.from({ scheme: REVIEW_SCHEME, path });
}

/** The config of the file in front, else the only one, else the chosen one. */
async function pickConfig(context: EditorContext): Promise<string | undefined> {
  const front = vscode.window.activeTextEditor?.document;
  if (front && context.experiments.get(front.uri)) return front.uri.fsPath;
  const { configFiles } = context.experiments;
  if (configFiles.length === 0) await vscode.window.showInformationMessage('There is no align.yaml in this workspace.');
  if (configFiles.length < 2) return configFiles[0];
  const items = configFiles.map((config) => ({ label: vscode.workspace.asRelativePath(config), config }));
  return (await vscode.window.showQuickPick(items, { title: 'All stages of' }))?.config;
}

/** The stages in the order of the config; those that it does not name any more stand behind them. */
async function stagesOf(context: EditorContext, config: string): Promise<ToldStage[]> {
  const { parseExperiment } = await core();
  const open = (await context.experiments.read()).find(({ document }) => document.uri.fsPath === config);
  const { outline } = open ?? parseExperiment(await readFile(config, 'utf8'), config);
  const stages = new Map(outline.map(({ name, type = '' }) => [name, type]));
  for (const { run, info } of context.runs.all)
    if (configFileOf(info) === resolve(config) && !stages.has(run.stage)) stages.set(run.stage, run.type);
  return [...stages].map(([name, type]) => ({ name, type, runs: context.runs.of(config, name) }));
}

/** Ink and colours that stand out in the theme. */
function palette(): Palette {
  const { kind } = vscode.window.activeColorTheme;
  switch (kind) {
    case vscode.ColorThemeKind.Light:
      return { ink: '#585858', sampled: '#1a6fb5', greedy: '#b3560b' };
    case vscode.ColorThemeKind.Dark:
      return { ink: '#a8a8a8', sampled: '#56b4e9', greedy: '#e69f00' };
    case vscode.ColorThemeKind.HighContrast:
      return { ink: '#ffffff', sampled: '#7cc7f2', greedy: '#ffc04d' };
    case vscode.ColorThemeKind.HighContrastLight:
      return { ink: '#000000', sampled: '#0f4a85', greedy: '#8a3d00' };
  }
}
