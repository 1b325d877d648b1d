import * as vscode from 'vscode';
import type { Emptiness, PanelAction } from '../../protocol/labeling';
import { openPlace, showError, type EditorContext } from '../context';
import { changeAnnotator } from './annotator';
import { keyOf } from './board';
import { exportLabels } from './export';
import type { LabelingSession } from './session';
import { LabelingView, type Desk } from './view';
import { core } from '../loading';
import type { StageTarget } from '../runs/start';
import { asStage } from '../runs/targets';
import { webviewPage, webviewRoot } from '../webview-page';

export const LABELING_VIEW = 'alignment-lab.labeling';
export const LABELING_PANEL = 'alignment-lab.labelingWide';
const TARGET = 'labeling.target';
/** File events are missed in some remotes; a panel that is seen looks for itself. */
const LOOK_MS = 2000;

/** The labeling panel in the side bar, and the same at full width. */
export function register(context: EditorContext): vscode.Disposable {
  const desk = new LabelingDesk(context);
  return vscode.Disposable.from(
    desk,
    vscode.window.registerWebviewViewProvider(LABELING_VIEW, {
      resolveWebviewView: (view) => desk.attach(view.webview, view, () => view.visible),
    }),
    vscode.window.registerWebviewPanelSerializer(LABELING_PANEL, {
      deserializeWebviewPanel: async (panel) => desk.attachPanel(panel),
    }),
    vscode.commands.registerCommand('alignment-lab.label', (argument: unknown) => desk.label(asStage(argument), false)),
    vscode.commands.registerCommand('alignment-lab.labelWide', (argument: unknown) =>
      desk.label(asStage(argument), true),
    ),
    vscode.commands.registerCommand('alignment-lab.changeAnnotator', () => desk.act('annotator')),
    vscode.commands.registerCommand('alignment-lab.exportLabels', (argument: unknown) =>
      desk.exportLabels(asStage(argument)),
    ),
  );
}

class LabelingDesk implements Desk, vscode.Disposable {
  private readonly views = new Map<LabelingView, () => boolean>();
  private readonly subscriptions: vscode.Disposable[];
  private target: StageTarget | undefined;
  private panel: vscode.WebviewPanel | undefined;

  constructor(private readonly context: EditorContext) {
    this.target = asStage(context.extension.workspaceState.get(TARGET));
    const look = setInterval(() => {
      if ([...this.views.values()].some((visible) => visible())) void context.labels.refresh().catch(this.problem);
    }, LOOK_MS);
    this.subscriptions = [
      { dispose: () => clearInterval(look) },
      context.labels.onChange((changed) => {
        if (!this.target || keyOf(changed) === keyOf(this.target)) this.showAll();
      }),
      context.experiments.onFile(() => this.showAll()),
    ];
  }

  readonly problem = (error: unknown): void => void showError(this.context, error);

  dispose(): void {
    for (const view of this.views.keys()) view.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** Opens the panel for a stage, or for the one at hand. */
  async label(target: StageTarget | undefined, wide: boolean): Promise<void> {
    if (target) await this.choose(target);
    if (!wide) return void (await vscode.commands.executeCommand(`${LABELING_VIEW}.focus`));
    if (this.panel) return this.panel.reveal();
    const options = { enableScripts: true };
    this.attachPanel(vscode.window.createWebviewPanel(LABELING_PANEL, 'Label', vscode.ViewColumn.Active, options));
  }

  /** Writes the labels of a stage, or of the one at hand, as training data. */
  async exportLabels(asked: StageTarget | undefined): Promise<void> {
    if (!asked) await this.current();
    const target = asked ?? this.target;
    if (target) await exportLabels(target).catch(this.problem);
    else void vscode.window.showInformationMessage('There is no stage with pairs to export labels of.');
  }

  attachPanel(panel: vscode.WebviewPanel): void {
    this.panel?.dispose();
    this.panel = panel;
    const media = (name: string) => vscode.Uri.joinPath(this.context.extension.extensionUri, 'media', name);
    panel.iconPath = { light: media('align-light.svg'), dark: media('align-dark.svg') };
    panel.onDidDispose(() => {
      if (this.panel === panel) this.panel = undefined;
    });
    this.attach(panel.webview, panel, () => panel.visible);
  }

  attach(webview: vscode.Webview, owner: { onDidDispose: vscode.Event<void> }, visible: () => boolean): void {
    const root = webviewRoot(this.context.extension);
    webview.options = { enableScripts: true, localResourceRoots: [root] };
    const view = new LabelingView(webview, this);
    this.views.set(view, visible);
    owner.onDidDispose(() => {
      view.dispose();
      this.views.delete(view);
    });
    webview.html = webviewPage(webview, root, 'labeling', 'Label');
  }

  async current(): Promise<LabelingSession | undefined> {
    const stages = await this.context.labels.stages();
    const known = this.target && stages.find((stage) => this.target && keyOf(stage) === keyOf(this.target));
    this.target = known ?? (await this.firstOf(stages));
    return this.target && this.context.labels.session(this.target);
  }

  async stages(): Promise<number> {
    return (await this.context.labels.stages()).length;
  }

  async emptiness(session: LabelingSession | undefined): Promise<Emptiness | null> {
    if (!session) {
      const config = this.context.experiments.configFiles.length > 0;
      const action = config
        ? ({ name: 'config', label: 'Open the config' } as const)
        : ({ name: 'quickstart', label: 'Open Quickstart' } as const);
      const words = config
        ? 'The config has no stage of type generate, which makes pairs of answers to compare.'
        : 'There is no align.yaml in this workspace.';
      return { title: 'Nothing to label', words, action };
    }
    const { total, left } = session.progress;
    if (total === 0) {
      const words = `${session.stage} has not written pairs of answers yet.`;
      return { title: 'No pairs yet', words, action: { name: 'run', label: `Run ${session.stage}` } };
    }
    if (left > 0) return null;
    const words = `Every pair of ${session.stage} has your label. A reward or dpo stage can learn from them.`;
    return { title: 'All done', words, action: await this.afterAll() };
  }

  /** The next step of an annotator who has labeled all. */
  private async afterAll(): Promise<Emptiness['action']> {
    if ((await this.stages()) > 1) return { name: 'stage', label: 'Label another stage' };
    const facts = this.target && this.context.labels.facts(this.target.config, this.target.stage);
    return facts && facts.alpha !== null ? { name: 'agreement', label: 'Show agreement' } : null;
  }

  async act(action: PanelAction): Promise<void> {
    const { target } = this;
    switch (action) {
      case 'run':
        return void (await vscode.commands.executeCommand('alignment-lab.run', target));
      case 'annotator': {
        const session = await this.current();
        await changeAnnotator(session?.annotator ?? '');
        return;
      }
      case 'stage':
        return this.pickStage();
      case 'agreement':
        return void (await vscode.commands.executeCommand('alignment-lab.agreement', target));
      case 'guideline':
        return target && this.openGuideline(target);
      case 'config': {
        const file = target?.config ?? this.context.experiments.configFiles[0];
        return file ? openPlace(file) : undefined;
      }
      case 'quickstart':
        return void (await vscode.commands.executeCommand('alignment-lab.openQuickstart'));
    }
  }

  labeled(by: LabelingView): void {
    if (this.target) this.context.labels.labeled(this.target);
    for (const view of this.views.keys()) if (view !== by) void view.show().catch(this.problem);
  }

  private showAll(): void {
    for (const view of this.views.keys()) void view.show().catch(this.problem);
  }

  private async choose(target: StageTarget): Promise<void> {
    this.target = target;
    await this.context.extension.workspaceState.update(TARGET, target);
    this.showAll();
  }

  /** The first stage with pairs that are not labeled, else the first. */
  private async firstOf(stages: readonly StageTarget[]): Promise<StageTarget | undefined> {
    for (const stage of stages) {
      const session = await this.context.labels.session(stage);
      if (session.progress.left > 0) return stage;
    }
    return stages[0];
  }

  private async pickStage(): Promise<void> {
    const stages = await this.context.labels.stages();
    const configs = new Set(stages.map(({ config }) => config)).size;
    const items = stages.map((target) => {
      const facts = this.context.labels.facts(target.config, target.stage);
      return {
        label: target.stage,
        description: facts ? `${facts.left} of ${facts.total} left` : 'no pairs yet',
        detail: configs > 1 ? vscode.workspace.asRelativePath(target.config) : undefined,
        target,
      };
    });
    const chosen = await vscode.window.showQuickPick(items, { title: 'Label which stage' });
    if (chosen) await this.choose(chosen.target);
  }

  private async openGuideline(target: StageTarget): Promise<void> {
    const { guidelineOf } = await core();
    const file = await guidelineOf(target.config, target.stage);
    await openPlace(file);
    this.context.labels.reopen();
  }
}
