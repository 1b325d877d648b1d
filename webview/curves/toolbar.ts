import { AXES, type Axis, type CurvesState } from '../../src/protocol/curves';
import { button, checkbox, dropdown, element, slider } from '../controls';

export interface ToolbarHooks {
  onChange(change: Partial<CurvesState>): void;
  onResetZoom(): void;
  onExport(): void;
}

const AXIS_WORDS: Record<Axis, string> = { step: 'Step', tokens: 'Tokens', time: 'Time' };

/** The slim row of controls over the charts. */
export function toolbar(state: CurvesState, hooks: ToolbarHooks): HTMLElement {
  const root = element('div', 'toolbar');
  root.setAttribute('role', 'toolbar');
  root.setAttribute('aria-label', 'Charts');
  const axis = element('div', 'labelled');
  axis.append(
    element('span', '', 'X axis'),
    dropdown(
      'X axis',
      AXES.map((value) => ({ value, label: AXIS_WORDS[value] })),
      state.axis,
      (value) => hooks.onChange({ axis: value }),
    ),
  );
  const reset = button({ label: 'Reset zoom', icon: 'screen-normal', quiet: true, onClick: () => hooks.onResetZoom() });
  const save = button({ label: 'Export as CSV', icon: 'export', quiet: true, onClick: () => hooks.onExport() });
  const end = element('div', 'end');
  end.append(reset, save);
  root.append(
    axis,
    slider('Smoothing', { min: 0, max: 0.99, step: 0.01 }, state.smoothing, (smoothing) =>
      hooks.onChange({ smoothing }),
    ),
    checkbox('Log', state.log, (log) => hooks.onChange({ log }), 'Logarithmic y axis').root,
    checkbox(
      'Ignore outliers',
      state.ignoreOutliers,
      (ignoreOutliers) => hooks.onChange({ ignoreOutliers }),
      'Fit the y axis to the middle 96 % of the values',
    ).root,
    checkbox('Table', state.table, (table) => hooks.onChange({ table }), 'Show the figures as tables').root,
    end,
  );
  return root;
}
