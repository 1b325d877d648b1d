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
  post({ type: 'ready' });
}
