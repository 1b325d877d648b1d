import * as vscode from 'vscode';
import { UserError } from '../../config/errors';
import { showError, type EditorContext } from '../context';
import type { OpenReview } from '../review/documents';
import { promptText, type PlacedAnswer } from '../review/text';
import { configFileOf } from '../runs/run-library';
import { asStage } from '../runs/targets';
import { webviewPage, webviewRoot } from '../webview-page';
import { asSource, optionsOf } from './candidates';
import { candidateName } from './items';
import { comparableWith, naturalRival, sameOrigin, type Option, type Origin } from './options';
import { CompareView, type CompareMemory } from './view';

const COMPARE_PANEL = 'alignment-lab.compare';
/** As many as there are digits to vote with. */
const MOST_CANDIDATES = 9;
/** File events are missed in some remotes; a panel that is seen looks for itself. */
const LOOK_MS = 2000;

let shown: { panel: vscode.WebviewPanel; view: CompareView } | undefined;

/** The compare panel: the same prompts under several checkpoints, side by side. */
export function registerCompare(context: EditorContext): vscode.Disposable {
  const look = setInterval(() => shown?.panel.visible && shown.view.look(), LOOK_MS);
  return vscode.Disposable.from(
    vscode.window.registerWebviewPanelSerializer(COMPARE_PANEL, {
      deserializeWebviewPanel: async (panel, state: unknown) => {
        const memory = memoryOf(state);
        if (memory) attach(context, panel, memory);
        else panel.dispose();
      },
    }),
    vscode.window.onDidChangeWindowState(({ focused }) => focused && shown?.view.look()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('alignment-lab.annotator')) shown?.view.reopen();
    }),
    new vscode.Disposable(() => {
      clearInterval(look);
      shown?.view.dispose();
    }),
  );
}

/** Opens the panel at the prompt of an answer of a review document; without one, for the newest run with samples. */
export async function compare(
  context: EditorContext,
  from: { review: OpenReview; answer: PlacedAnswer } | undefined,
): Promise<void> {
  const place = from ? placeOf(from.review.uri, from.review) : newestRun(context);
  const options = await optionsOf(context, place.target.config, place.origin);
  const name = from && candidateName(from.answer);
  const own = options.filter(({ source }) => sameOrigin(source, place.origin));
  const one = own.find(({ source }) => source.name === name) ?? own.at(-1);
  const chosen = one && (await choose(comparableWith(options, one), one, false));
  if (!chosen) return;
  open(context, {
    target: place.target,
    sources: chosen.map(({ source }) => source),
    blind: false,
    against: 0,
    prompt: from ? promptText(from.answer.block.prompt) : '',
  });
}

function open(context: EditorContext, memory: CompareMemory): void {
  const column = shown?.panel.viewColumn ?? vscode.ViewColumn.Active;
  shown?.panel.dispose();
  attach(context, vscode.window.createWebviewPanel(COMPARE_PANEL, 'Compare', column, { enableScripts: true }), memory);
}

function attach(context: EditorContext, panel: vscode.WebviewPanel, memory: CompareMemory): void {
  const root = webviewRoot(context.extension);
  panel.webview.options = { enableScripts: true, localResourceRoots: [root] };
  const media = (name: string) => vscode.Uri.joinPath(context.extension.extensionUri, 'media', name);
  panel.iconPath = { light: media('align-light.svg'), dark: media('align-dark.svg') };
  const view = new CompareView(context, panel.webview, memory, () => void chooseOthers(context, view.memory));
  shown = { panel, view };
  panel.onDidDispose(() => {
    view.dispose();
    if (shown?.panel === panel) shown = undefined;
  });
  panel.webview.html = webviewPage(panel.webview, root, 'compare', 'Compare');
}

/** Asks anew what the panel compares. */
async function chooseOthers(context: EditorContext, memory: CompareMemory): Promise<void> {
  try {
    const { config } = memory.target;
    const last = memory.sources.at(-1);
    let options = last ? await optionsOf(context, config, last) : [];
    let one = options.find(({ source }) => last && sameOrigin(source, last) && source.name === last.name);
    if (!one) {
      // What was compared is gone.
      options = await optionsOf(context, config, newestRun(context).origin);
      one = options.at(-1);
    }
    const chosen = one && (await choose(comparableWith(options, one), one, true));
    if (chosen) open(context, { ...memory, against: 0, sources: chosen.map(({ source }) => source) });
  } catch (error) {
    void showError(context, error);
  }
}

/** Asks which to compare where there are more than two, or `always`; the answer's own and its rival are ticked. */
async function choose(
  options: readonly Option[],
  one: Option,
  always: boolean,
): Promise<readonly Option[] | undefined> {
  const rival = naturalRival(options, one);
  if (!rival)
    throw new UserError(`There is nothing to compare ${one.candidate.name} with.`, {
      hint: 'Compare needs two checkpoints that answered the same prompts differently: samples of two steps, or runs of two stages.',
    });
  if (options.length === 2 && !always) return options;
  const items = options.map((option) => {
    const prompts = option.candidate.prompts.length;
    return {
      label: option.candidate.name,
      description: `${prompts} ${prompts === 1 ? 'prompt' : 'prompts'} · ${option.description}`,
      picked: option === one || option === rival,
      option,
    };
  });
  const title = 'Compare which checkpoints';
  const placeHolder = 'The first that is ticked is what the others are compared with';
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder, canPickMany: true });
  if (!picked) return undefined;
  if (picked.length >= 2 && picked.length <= MOST_CANDIDATES) return picked.map(({ option }) => option);
  void vscode.window.showInformationMessage(`Tick two to ${MOST_CANDIDATES} to compare them.`);
  return undefined;
}

interface Place {
  readonly target: CompareMemory['target'];
  readonly origin: Origin;
}

function placeOf({ path }: vscode.Uri, { target }: Pick<OpenReview, 'target'>): Place {
  const [, kind, id = ''] = path.split('/');
  return { target, origin: kind === 'pairs' ? { pairs: target } : { run: id } };
}

function newestRun({ runs }: EditorContext): Place {
  const newest = runs.all.find(({ samples }) => samples.length > 0);
  if (!newest)
    throw new UserError('There are no answers to compare yet.', {
      hint: 'Run a stage that writes samples, such as sft or ppo.',
    });
  const target = { config: configFileOf(newest.info), stage: newest.run.stage };
  return { target, origin: { run: newest.run.id } };
}

function memoryOf(state: unknown): CompareMemory | undefined {
  if (typeof state !== 'object' || state === null || !('memory' in state) || typeof state.memory !== 'string') return;
  try {
    const value: unknown = JSON.parse(state.memory);
    if (typeof value !== 'object' || value === null || !('target' in value) || !('sources' in value)) return;
    const target = asStage(value.target);
    const sources = Array.isArray(value.sources) ? value.sources.map(asSource) : [];
    const known = sources.filter((source) => source !== undefined);
    if (!target || known.length < 2 || known.length < sources.length) return undefined;
    const prompt = 'prompt' in value && typeof value.prompt === 'string' ? value.prompt : '';
    const blind = 'blind' in value && value.blind === true;
    const against = 'against' in value && typeof value.against === 'number' ? value.against : 0;
    return { target, sources: known, blind, prompt, against: known[against] ? against : 0 };
  } catch {
    // Kept by another version.
    return undefined;
  }
}
