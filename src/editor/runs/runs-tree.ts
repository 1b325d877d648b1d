import * as vscode from 'vscode';
import { alarmsOf, type Alarm } from '../../runs/alarms';
import { isActive, type RunState } from '../../runs/format';
import { alarmCount, signalName } from '../alarms/words';
import type { EditorContext } from '../context';
import type { KnownRun } from './run-library';
import { directionOf, keyMetric, stateWords } from './run-words';
import { clockText, durationText, metricName, metricText } from '../words';

const REFRESH_MS = 500;

/** A stage's group, a run in it, or an alarm of that run. */
export type RunNode =
  | { readonly kind: 'stage'; readonly config: string; readonly stage: string; readonly label: string }
  | { readonly kind: 'run'; readonly id: string }
  | { readonly kind: 'alarm'; readonly run: string; readonly signal: string; readonly step: number };

/** The runs by stage, the newest first, with live states. */
export function register(context: EditorContext): vscode.Disposable {
  const tree = new RunsTree(context);
  const view = vscode.window.createTreeView('alignment-lab.runs', { treeDataProvider: tree });
  const setLoaded = (): void => {
    const set = (key: string, value: boolean) =>
      void vscode.commands.executeCommand('setContext', `alignment-lab.${key}`, value);
    set('hasConfig', context.experiments.configFiles.length > 0);
    set('runsLoaded', context.runs.allLoaded);
  };
  setLoaded();
  const age = setInterval(() => tree.refreshAll(), 60_000);
  return vscode.Disposable.from(
    view,
    tree,
    context.experiments.onFile(setLoaded),
    context.runs.onRuns(() => {
      setLoaded();
      tree.refreshAll();
      const active = context.runs.all.filter(({ state }) => isActive(state)).length;
      view.badge =
        active > 0 ? { value: active, tooltip: `${active} ${active === 1 ? 'run' : 'runs'} at work` } : undefined;
    }),
    context.runs.onRows(({ run }) => tree.refresh(run.run.id)),
    { dispose: () => clearInterval(age) },
  );
}

class RunsTree implements vscode.TreeDataProvider<RunNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<RunNode | undefined>();
  private readonly nodes = new Map<string, RunNode>();
  private readonly dirty = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private structure = '';
  private all = false;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly context: EditorContext) {}

  dispose(): void {
    clearTimeout(this.timer);
    this.changed.dispose();
  }

  refresh(id: string): void {
    this.dirty.add(id);
    this.soon();
  }

  refreshAll(): void {
    this.all = true;
    this.soon();
  }

  getChildren(node?: RunNode): RunNode[] {
    if (node?.kind === 'alarm') return [];
    if (node?.kind === 'run') return this.alarmNodes(node.id);
    const { runs } = this.context;
    if (node) {
      return runs.all
        .filter((run) => groupOf(run) === `${node.config}\n${node.stage}`)
        .map(({ run }) => this.node(run.id));
    }
    const groups = new Map<string, KnownRun>();
    for (const run of runs.all) if (!groups.has(groupOf(run))) groups.set(groupOf(run), run);
    const configs = new Set([...groups.values()].map((run) => run.info.dir.folder + '\n' + run.run.config_file));
    return [...groups].map(([key, { run, info }]) => {
      const label = configs.size > 1 ? `${run.stage} (${vscode.workspace.asRelativePath(info.dir.folder)})` : run.stage;
      const made: RunNode = { kind: 'stage', config: key.split('\n')[0] ?? '', stage: run.stage, label };
      return this.kept(`stage ${key}`, made);
    });
  }

  getTreeItem(node: RunNode): vscode.TreeItem {
    if (node.kind === 'stage') {
      const item = new vscode.TreeItem(node.label, vscode.TreeItemCollapsibleState.Expanded);
      item.id = `stage ${node.config} ${node.stage}`;
      item.contextValue = 'stage';
      return item;
    }
    if (node.kind === 'alarm') return this.alarmItem(node);
    const known = this.context.runs.get(node.id);
    if (!known) return new vscode.TreeItem(node.id);
    const now = Date.now();
    const time = clockText(Date.parse(known.run.started ?? known.run.created), now);
    const alarms = alarmsOf(known.events);
    const { Collapsed, None } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(time, alarms.length > 0 ? Collapsed : None);
    item.id = node.id;
    const count = alarmCount(alarms);
    item.description = [describe(known, now), count && `⚠ ${count}`].filter(Boolean).join(' · ');
    item.iconPath = alarms.length > 0 && known.state === 'done' ? ALARMED : ICONS[known.state];
    const reported = known.run.type === 'evaluate' && known.state === 'done';
    item.contextValue = `run-${known.state}${reported ? ' report' : ''}`;
    item.tooltip = tooltipOf(known, now);
    const label = [known.run.stage, time, stateWords(known, now), count].filter(Boolean).join(', ');
    item.accessibilityInformation = { label };
    item.command = reported
      ? { command: 'alignment-lab.openReport', title: 'Open report', arguments: [node] }
      : { command: 'alignment-lab.openCurves', title: 'Open curves', arguments: [node] };
    return item;
  }

  private alarmNodes(id: string): RunNode[] {
    return alarmsOf(this.context.runs.get(id)?.events ?? []).map(({ signal, step }) =>
      this.kept(`alarm ${id} ${signal} ${step}`, { kind: 'alarm', run: id, signal, step }),
    );
  }

  private alarmItem(node: RunNode & { kind: 'alarm' }): vscode.TreeItem {
    const { run, signal, step } = node;
    const events = this.context.runs.get(run)?.events ?? [];
    const alarm: Alarm | undefined = alarmsOf(events).find((found) => found.signal === signal && found.step === step);
    const item = new vscode.TreeItem(signalName(signal), vscode.TreeItemCollapsibleState.None);
    item.id = `alarm ${run} ${signal} ${step}`;
    item.description = `step ${step}`;
    item.iconPath = ALARMED;
    item.contextValue = 'alarm';
    item.tooltip = alarm?.message;
    item.accessibilityInformation = { label: `Alarm at step ${step}: ${alarm?.message ?? signalName(signal)}` };
    item.command = { command: 'alignment-lab.openAlarm', title: 'Show what was seen', arguments: [run] };
    return item;
  }

  private node(id: string): RunNode {
    return this.kept(`run ${id}`, { kind: 'run', id });
  }

  /** The same object for the same thing, so that one node can be refreshed. */
  private kept(key: string, made: RunNode): RunNode {
    const held = this.nodes.get(key);
    if (held) return held;
    this.nodes.set(key, made);
    return made;
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const structure = this.context.runs.all.map(({ run }) => run.id).join('\n');
      if (structure !== this.structure || this.all) {
        this.structure = structure;
        this.changed.fire(undefined);
      } else {
        for (const id of this.dirty) this.changed.fire(this.node(id));
      }
      this.all = false;
      this.dirty.clear();
    }, REFRESH_MS);
  }
}

function groupOf({ info, run }: KnownRun): string {
  return `${info.dir.folder}/${run.config_file}\n${run.stage}`;
}

const icon = (name: string, color?: string) =>
  new vscode.ThemeIcon(name, color === undefined ? undefined : new vscode.ThemeColor(color));

const ALARMED = icon('warning', 'list.warningForeground');

const ICONS: Readonly<Record<RunState, vscode.ThemeIcon>> = {
  queued: icon('clock'),
  running: icon('pulse', 'charts.blue'),
  paused: icon('debug-pause'),
  stopping: icon('debug-stop'),
  done: icon('check', 'testing.iconPassed'),
  stopped: icon('debug-stop'),
  failed: icon('error', 'testing.iconFailed'),
  died: icon('warning', 'list.warningForeground'),
};

function describe(known: KnownRun, now: number): string {
  if (known.state !== 'done') return stateWords(known, now);
  const metric = keyMetric(known);
  if (!metric) return 'done';
  return [metricText(metric.value), directionOf(known.rows, metric.name)].filter(Boolean).join(' ');
}

function tooltipOf(known: KnownRun, now: number): vscode.MarkdownString {
  const { run } = known;
  const rows: [string, string][] = [['state', stateWords(known, now)]];
  const metric = keyMetric(known);
  if (metric) rows.push([metricName(metric.name), metricText(metric.value)]);
  const start = Date.parse(run.started ?? run.created);
  const end = run.ended ? Date.parse(run.ended) : now;
  if (run.started) rows.push(['took', durationText((end - start) / 1000).trim()]);
  if (run.device) rows.push(['device', run.device]);
  if (run.parent) rows.push(['branch of', `${run.parent.run} at step ${run.parent.step}`]);
  const text = new vscode.MarkdownString();
  text.appendMarkdown('**');
  text.appendText(run.id);
  text.appendMarkdown('**\n\n| | |\n|---|---|\n');
  for (const [name, value] of rows) {
    text.appendMarkdown('| ');
    text.appendText(name);
    text.appendMarkdown(' | ');
    text.appendText(value.replace(/\s+/g, ' '));
    text.appendMarkdown(' |\n');
  }
  return text;
}
