import './curves.css';
import { curvesState, isToCurves, type FromCurves } from '../../src/protocol/curves';
import { defineControls } from '../controls';
import { host } from '../host';
import { onThemeChange } from '../theme';
import { CurvesPanel, type DrawnCurves } from './panel';

declare global {
  interface Window {
    /** For tests only: what the charts hold, read from the charts. */
    __curves?: () => DrawnCurves;
  }
}

defineControls();
const vscode = host();
const root = document.getElementById('root');
if (root) {
  const post = (message: FromCurves): void => vscode.postMessage(message);
  const panel = new CurvesPanel(root, curvesState(vscode.getState()), post, (state) => vscode.setState(state));
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (isToCurves(event.data)) panel.receive(event.data);
  });
  onThemeChange(() => panel.retheme());
  window.__curves = () => panel.drawn();
  post({ type: 'ready' });
  panel.watch();
}
