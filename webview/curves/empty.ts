import type { CurveRun } from '../../src/protocol/curves';
import { button, element } from '../controls';

/** What there is no chart of: no run, none that is shown, or none with the figures that a view needs. */
export interface Nothing {
  readonly title: string;
  readonly text: string;
  readonly next: { readonly label: string; readonly onClick: () => void };
}

/** Where there is nothing to draw: what is missing, and the next step. */
export class Empty {
  readonly root = element('div', 'empty');
  private explained = '';

  /** Undefined: there is something to draw. */
  update(nothing: Nothing | undefined): void {
    this.root.hidden = nothing === undefined;
    if (!nothing) return;
    const { title, text, next } = nothing;
    const key = `${title}\n${text}`;
    if (this.explained === key && this.root.childElementCount > 0) return;
    this.explained = key;
    this.root.replaceChildren(element('h3', '', title), element('p', '', text), button({ ...next, primary: true }));
  }
}

export interface EmptyHooks {
  onOpenConfig(): void;
  onShow(run: string): void;
  onLog(run: string): void;
}

/** What to say where no run that is shown has a metric. */
export function noMetrics(runs: readonly CurveRun[], shown: readonly CurveRun[], hooks: EmptyHooks): Nothing {
  const [latest] = runs;
  if (!latest)
    return {
      title: 'No runs yet',
      text: 'Open align.yaml and press Run over a stage: its curves appear here.',
      next: { label: 'Open align.yaml', onClick: () => hooks.onOpenConfig() },
    };
  const [run] = shown;
  if (!run)
    return {
      title: 'No run is shown',
      text: 'Tick a run in the list.',
      next: { label: 'Show the latest', onClick: () => hooks.onShow(latest.id) },
    };
  const over = ['done', 'stopped', 'failed', 'died'].includes(run.state);
  return {
    title: `${run.stage} · ${run.label}: ${run.words}`,
    text: over ? 'This run wrote no metrics. Its log says why.' : 'The first point appears after the first step.',
    next: { label: 'Open the log', onClick: () => hooks.onLog(run.id) },
  };
}

/** What to say where runs are shown that have no KL. */
export function noFrontier(onCurves: () => void): Nothing {
  return {
    title: 'No reward against KL',
    text: 'Runs of ppo, grpo and rloo log their reward and their KL to the reference. Tick one in the list.',
    next: { label: 'Show the curves', onClick: onCurves },
  };
}
