import { AXES, type Axis, type CurvesState, type CurvesViewName } from '../../src/protocol/curves';
import { button, checkbox, dropdown, element, slider, type Choice } from '../controls';
import { measureOf, type Measure } from './frontier';

export interface ToolbarHooks {
  onChange(change: Partial<CurvesState>): void;
  onResetZoom(): void;
  onExport(): void;
}

const VIEW_CHOICES: readonly Choice<CurvesViewName>[] = [
  { value: 'curves', label: 'Over steps' },
  { value: 'frontier', label: 'Reward against KL' },
];
const AXIS_WORDS: Record<Axis, string> = { step: 'Step', tokens: 'Tokens', time: 'Time' };

/** The slim row of controls over the charts: those of the view that is shown. */
export class Toolbar {
  readonly root = element('div', 'toolbar');
  private readonly view: HTMLElement;
  private readonly ofCurves: readonly HTMLElement[];
  private readonly ofFrontier: readonly HTMLElement[];
  private readonly reward = element('div', 'labelled wide');
  private offered = '';

  constructor(
    state: CurvesState,
    private readonly hooks: ToolbarHooks,
  ) {
    const { root } = this;
    root.setAttribute('role', 'toolbar');
    root.setAttribute('aria-label', 'Charts');
    this.view = dropdown('View', VIEW_CHOICES, state.view, (view) => hooks.onChange({ view }));
    const axes = AXES.map((value) => ({ value, label: AXIS_WORDS[value] }));
    const axis = labelled(
      'X axis',
      dropdown('X axis', axes, state.axis, (value) => hooks.onChange({ axis: value })),
    );
    const log = checkbox('Log', state.log, (value) => hooks.onChange({ log: value }), 'Logarithmic y axis').root;
    const rootKl = checkbox(
      '√KL',
      state.rootKl,
      (value) => hooks.onChange({ rootKl: value }),
      'Square root of KL',
    ).root;
    this.ofCurves = [axis, log];
    this.ofFrontier = [this.reward, rootKl];
    const end = element('div', 'end');
    end.append(
      button({ label: 'Reset zoom', icon: 'screen-normal', quiet: true, onClick: () => hooks.onResetZoom() }),
      button({ label: 'Export as CSV', icon: 'export', quiet: true, onClick: () => hooks.onExport() }),
    );
    root.append(
      labelled('View', this.view, 'labelled wide'),
      axis,
      this.reward,
      slider('Smoothing', { min: 0, max: 0.99, step: 0.01 }, state.smoothing, (smoothing) =>
        hooks.onChange({ smoothing }),
      ),
      rootKl,
      log,
      checkbox(
        'Ignore outliers',
        state.ignoreOutliers,
        (ignoreOutliers) => hooks.onChange({ ignoreOutliers }),
        'Fit the axes to the middle 96 % of the values',
      ).root,
      checkbox('Table', state.table, (table) => hooks.onChange({ table }), 'Show the figures as tables').root,
      end,
    );
  }

  /** Shows the controls of the state's view; of the frontier the rewards that the runs have. */
  update({ view, reward }: CurvesState, measures: readonly Measure[]): void {
    // The panel changes it too, from where there is no frontier.
    if (Reflect.get(this.view, 'value') !== view) Reflect.set(this.view, 'value', view);
    for (const control of this.ofCurves) control.hidden = view !== 'curves';
    for (const control of this.ofFrontier) control.hidden = view !== 'frontier' || measures.length === 0;
    const chosen = measureOf(measures, reward)?.key ?? '';
    const offered = JSON.stringify(measures.map(({ key }) => key));
    // The list stays while its choices do: it may have the focus.
    if (offered === this.offered) return;
    this.offered = offered;
    const choices = measures.map(({ key, label }) => ({ value: key, label }));
    const focused = this.reward.contains(document.activeElement);
    const made = dropdown('Reward', choices, chosen, (value) => this.hooks.onChange({ reward: value }));
    this.reward.replaceChildren(element('span', '', 'Reward'), made);
    if (focused) made.focus();
  }
}

function labelled(words: string, control: HTMLElement, className = 'labelled'): HTMLElement {
  const root = element('div', className);
  root.append(element('span', '', words), control);
  return root;
}
