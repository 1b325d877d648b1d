import type { ChartView } from '../../webview/curves/drawing';

/** Colours and sizes as a light theme gives them to the charts. */
export const lightTheme: ChartView['theme'] = {
  background: '#ffffff',
  foreground: '#000000',
  dimmed: '#888888',
  grid: '#dddddd',
  band: '#eeeeee',
  font: 'sans-serif',
  fontSize: 13,
  highContrast: false,
};
