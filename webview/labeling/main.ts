import './prose.css';
import './keys.css';
import './ratings.css';
import './labeling.css';
import { isToLabeling, labelingState, type FromLabeling } from '../../src/protocol/labeling';
import { defineControls } from '../controls';
import { host } from '../host';
import { LabelingPanel } from './panel';

defineControls();
const vscode = host();
const root = document.getElementById('root');
if (root) {
  const post = (message: FromLabeling): void => vscode.postMessage(message);
  const seen = {
    now: () => performance.now(),
    hidden: () => document.hidden,
    focused: () => document.hasFocus(),
  };
  const panel = new LabelingPanel(
    root,
    labelingState(vscode.getState()),
    post,
    (state) => vscode.setState(state),
    seen,
  );
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (isToLabeling(event.data)) panel.receive(event.data);
  });
  window.addEventListener('keydown', (event) => panel.key(event));
  window.addEventListener('focus', () => panel.focus());
  window.addEventListener('blur', () => panel.focus());
  document.addEventListener('visibilitychange', () => panel.visibility());
  post({ type: 'ready' });
}
