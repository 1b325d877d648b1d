import * as vscode from 'vscode';
import { UserError } from '../../config/errors';
import { isActive } from '../../runs/format';
import { candidateName, candidatesOf, type Candidate } from './items';
import { CompareView, type CompareMemory } from './view';
import type { EditorContext } from '../context';
import { core } from '../loading';
import { pairsFileOf, type OpenReview } from '../review/documents';
import { promptsOfPairs, promptsOfSamples } from '../review/source';
import { promptText, type PlacedAnswer } from '../review/text';
import { configFileOf } from '../runs/run-library';
import { asStage } from '../runs/targets';
import { webviewPage, webviewRoot } from '../webview-page';

const COMPARE_PANEL = 'alignment-lab.compare';

/** Where the answers of a candidate are read from. */
export type CandidateSource =
  | { readonly run: string; readonly name: string }
  | { readonly pairs: { readonly config: string; readonly stage: string }; readonly name: string };

let shown: { panel: vscode.WebviewPanel; view: CompareView } | undefined;

/** The compare panel: the same prompts under several checkpoints, side by side. */
export function registerCompare(context: EditorContext): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.window.registerWebviewPanelSerializer(COMPARE_PANEL, {
      deserializeWebviewPanel: async (panel, state: unknown) => {
        const memory = memoryOf(state);
        if (memory) attach(context, panel, memory);
        else panel.dispose();
      },
    }),
    new vscode.Disposable(() => shown?.view.dispose()),
  );
}

/** Opens the panel for the candidates of a review document, at the prompt of an answer. */
export async function compare(context: EditorContext, review: OpenReview, answer: PlacedAnswer): Promise<void> {
  const options = optionsOf(context, review);
  const chosen = await choose(options, candidateName(answer));
  if (!chosen) return;
  const memory = {
    target: review.target,
    sources: chosen.map(({ source }) => source),
    blind: false,
    prompt: promptText(answer.block.prompt),
  };
  shown?.panel.dispose();
  const column = vscode.ViewColumn.Active;
  attach(context, vscode.window.createWebviewPanel(COMPARE_PANEL, 'Compare', column, { enableScripts: true }), memory);
}

function attach(context: EditorContext, panel: vscode.WebviewPanel, memory: CompareMemory): void {
  const root = webviewRoot(context.extension);
  panel.webview.options = { enableScripts: true, localResourceRoots: [root] };
  const media = (name: string) => vscode.Uri.joinPath(context.extension.extensionUri, 'media', name);
  panel.iconPath = { light: media('align-light.svg'), dark: media('align-dark.svg') };
  const view = new CompareView(context, panel.webview, memory, (source) => read(context, source));
  shown = { panel, view };
  panel.onDidDispose(() => {
    view.dispose();
    if (shown?.panel === panel) shown = undefined;
  });
  panel.webview.html = webviewPage(panel.webview, root, 'compare', 'Compare');
}

interface Option {
  readonly source: CandidateSource;
  readonly description: string;
}

/** The candidates of the document, then the last samples of the newest run of each other stage of its config. */
function optionsOf(context: EditorContext, { uri, target, built }: OpenReview): Option[] {
  const [, kind, id = ''] = uri.path.split('/');
  const own = candidatesOf(built.prompts).map(({ name, prompts }) => ({
    source: kind === 'pairs' ? { pairs: target, name } : { run: id, name },
    description: `${prompts.length} prompts of this document`,
  }));
  const stages = new Set<string>();
  const others = context.runs.all.flatMap(({ run, info, samples }): Option[] => {
    if (configFileOf(info) !== target.config || run.id === id || stages.has(run.stage)) return [];
    stages.add(run.stage);
    const last = candidatesOf(promptsOfSamples(run.id, run.stage, samples)).at(-1);
    return last ? [{ source: { run: run.id, name: last.name }, description: `last samples of ${run.id}` }] : [];
  });
  const names = new Set(own.map(({ source }) => source.name));
  return [...own, ...others.filter(({ source }) => !names.has(source.name))];
}

/** Asks which to compare where there are more than two; the answer's own and the first one are ticked. */
async function choose(options: readonly Option[], name: string): Promise<readonly Option[] | undefined> {
  if (options.length < 2)
    throw new UserError('There is only one checkpoint with answers.', {
      hint: 'Compare needs two: samples of two steps, or runs of two stages.',
    });
  if (options.length === 2) return options;
  const own = options.findIndex(({ source }) => source.name === name);
  const other = own === 0 ? 1 : 0;
  const items = options.map((option, index) => ({
    label: option.source.name,
    description: option.description,
    picked: index === own || index === other,
    option,
  }));
  const title = 'Compare which checkpoints (the first one is what the others are compared with)';
  const picked = await vscode.window.showQuickPick(items, { title, canPickMany: true });
  if (!picked) return undefined;
  if (picked.length < 2) {
    void vscode.window.showInformationMessage('Tick two or more to compare them.');
    return undefined;
  }
  return picked.map(({ option }) => option);
}

/** The answers of a candidate as they are now; undefined where they are not there, or not read yet. */
async function read(
  context: EditorContext,
  source: CandidateSource,
): Promise<{ candidate: Candidate; live: boolean } | undefined> {
  const { name } = source;
  if ('pairs' in source) {
    const { readPairs } = await core();
    const { pairs } = readPairs(pairsFileOf(source.pairs));
    const candidate = candidatesOf(promptsOfPairs(source.pairs.stage, pairs)).find((each) => each.name === name);
    return candidate && { candidate, live: false };
  }
  const known = context.runs.get(source.run);
  if (!known) return undefined;
  const prompts = promptsOfSamples(source.run, known.run.stage, known.samples);
  const candidate = candidatesOf(prompts).find((each) => each.name === name);
  return candidate && { candidate, live: isActive(known.state) };
}

function memoryOf(state: unknown): CompareMemory | undefined {
  if (typeof state !== 'object' || state === null || !('memory' in state) || typeof state.memory !== 'string') return;
  try {
    const value: unknown = JSON.parse(state.memory);
    if (typeof value !== 'object' || value === null || !('target' in value) || !('sources' in value)) return;
    const target = asStage(value.target);
    const sources = Array.isArray(value.sources) ? value.sources.flatMap(sourceOf) : [];
    const prompt = 'prompt' in value && typeof value.prompt === 'string' ? value.prompt : '';
    const blind = 'blind' in value && value.blind === true;
    return target && sources.length > 1 ? { target, sources, blind, prompt } : undefined;
  } catch {
    // Kept by another version.
    return undefined;
  }
}

function sourceOf(value: unknown): CandidateSource[] {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') return [];
  const { name } = value;
  if ('run' in value && typeof value.run === 'string') return [{ run: value.run, name }];
  const pairs = 'pairs' in value ? asStage(value.pairs) : undefined;
  return pairs ? [{ pairs, name }] : [];
}
