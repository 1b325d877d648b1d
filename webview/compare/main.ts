import '../labeling/prose.css';
import '../labeling/keys.css';
import './compare.css';
import { isToCompare, type FromCompare } from '../../src/protocol/compare';
import { defineControls } from '../controls';
import { host } from '../host';
import { ComparePanel } from './panel';

defineControls();
const vscode = host();
const root = document.getElementById('root');
if (root) {
  const post = (message: FromCompare): void => vscode.postMessage(message);
  const panel = new ComparePanel(root, post, (memory) => vscode.setState({ memory }));
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (isToCompare(event.data)) panel.receive(event.data);
  });
  window.addEventListener('keydown', (event) => panel.key(event));
  const away = (): void => void root.classList.toggle('away', !document.hasFocus());
  for (const change of ['focus', 'blur']) window.addEventListener(change, away);
  away();
  post({ type: 'ready' });
}
