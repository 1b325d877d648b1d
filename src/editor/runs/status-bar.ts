import * as vscode from 'vscode';
import { isActive } from '../../runs/format';
import type { EditorContext } from '../context';
import { stateWords } from './run-words';

const REFRESH_MS = 500;

/** An item in the status bar while something runs: the run, or how many. A click opens the curves. */
export function register(context: EditorContext): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('alignment-lab.runs', vscode.StatusBarAlignment.Left, 10);
  item.name = 'Alignment Lab runs';
  let timer: NodeJS.Timeout | undefined;
  const update = (): void => {
    timer = undefined;
    const active = context.runs.all.filter(({ state }) => isActive(state));
    const first = active.find(({ state }) => state !== 'queued') ?? active[0];
    if (!first) return item.hide();
    const now = Date.now();
    const more = active.length > 1 ? ` · ${active.length - 1} more` : '';
    const icon = first.state === 'running' ? '$(pulse)' : first.state === 'paused' ? '$(debug-pause)' : '$(clock)';
    // Padding for lenses would be a gap here.
    item.text = `${icon} ${first.run.stage} ${stateWords(first, now).replace(/\u2007/g, '')}${more}`;
    item.tooltip = active.map((run) => `${run.run.id}: ${stateWords(run, now)}`).join('\n');
    item.command = {
      command: 'alignment-lab.openCurves',
      title: 'Open curves',
      arguments: [active.map(({ run }) => run.id)],
    };
    item.accessibilityInformation = { label: `${first.run.stage}, ${stateWords(first, now)}${more}` };
    item.show();
  };
  const soon = (): void => {
    timer ??= setTimeout(update, REFRESH_MS);
  };
  soon();
  return vscode.Disposable.from(item, context.runs.onRuns(soon), context.runs.onRows(soon), {
    dispose: () => clearTimeout(timer),
  });
}
