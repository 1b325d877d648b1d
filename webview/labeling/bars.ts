import type { PanelAction, SessionView } from '../../src/protocol/labeling';
import { button, element, icon } from '../controls';
import { KEY_HELP, type Command } from './keys';
import { paceWords, repeatWords } from './words';
import type { Model } from './model';

/** The slim row on top: what is labeled, by whom. */
export class Header {
  readonly root = element('header', 'top');
  private built: readonly unknown[] = [];

  constructor(private readonly onAction: (action: PanelAction) => void) {}

  render({ session }: Model): void {
    this.root.hidden = session === null;
    const inputs = [session?.stage, session?.stages, session?.annotator];
    if (!session || inputs.every((input, i) => input === this.built[i])) return;
    this.built = inputs;
    this.root.replaceChildren(this.stage(session), this.annotator(session));
  }

  private stage({ stage, stages }: SessionView): HTMLElement {
    if (stages < 2) return element('span', 'stage', stage);
    return this.textButton('stage', stage, `Stage ${stage}. Choose another`, 'stage');
  }

  private annotator({ annotator }: SessionView): HTMLElement {
    return this.textButton('account', annotator, `Annotator ${annotator}. Change`, 'annotator');
  }

  private textButton(name: string, text: string, label: string, action: PanelAction): HTMLElement {
    const made = element('button', 'text-button');
    made.type = 'button';
    made.title = label;
    made.setAttribute('aria-label', label);
    if (name === 'account') made.append(icon('account'));
    made.append(element('span', 'words', text));
    if (name === 'stage') made.append(icon('chevron-down'));
    made.addEventListener('click', () => this.onAction(action));
    return made;
  }
}

const KEYS: readonly { readonly key: string; readonly words: string; readonly command: Command }[] = [
  { key: '1', words: 'A', command: { type: 'choose', choice: 'first', much: false } },
  { key: '2', words: 'B', command: { type: 'choose', choice: 'second', much: false } },
  { key: '3', words: 'tie', command: { type: 'choose', choice: 'tie', much: false } },
  { key: '0', words: 'both bad', command: { type: 'choose', choice: 'both_bad', much: false } },
  { key: 'S', words: 'skip', command: { type: 'choose', choice: 'skip', much: false } },
  { key: 'U', words: 'undo', command: { type: 'undo' } },
  { key: '?', words: 'keys', command: { type: 'help' } },
];

/** The row at the bottom: the keys, which can be clicked, and how far the work is. */
export class Footer {
  readonly root = element('footer');
  private readonly figures = element('div', 'figures');
  private readonly said = element('div', 'said');
  private readonly bar = element('progress');
  private readonly keys: HTMLButtonElement[];

  constructor(onCommand: (command: Command) => void) {
    this.said.setAttribute('role', 'status');
    this.said.setAttribute('aria-live', 'polite');
    this.bar.setAttribute('aria-label', 'Pairs labeled');
    const row = element('div', 'keys');
    row.setAttribute('role', 'toolbar');
    row.setAttribute('aria-label', 'Keys');
    this.keys = KEYS.map(({ key, words, command }) => {
      const made = element('button', 'key');
      made.type = 'button';
      made.append(element('kbd', 'keycap', key), element('span', '', words));
      made.addEventListener('click', () => onCommand(command));
      return made;
    });
    row.append(...this.keys);
    const line = element('div', 'line');
    line.append(this.said, this.figures);
    this.root.append(this.bar, row, line);
  }

  render({ session, pairs, said, waiting }: Model): void {
    this.root.hidden = session === null || session.progress.total === 0;
    if (!session) return;
    const { progress } = session;
    KEYS.forEach(({ command }, i) => {
      const key = this.keys[i];
      if (!key) return;
      const off = command.type === 'undo' ? progress.done === 0 : command.type === 'choose' && pairs.length === 0;
      // Not `disabled`: that would throw the focus out for the moment of the writing.
      key.setAttribute('aria-disabled', String(off || (waiting !== null && command.type !== 'help')));
      key.classList.toggle('off', off);
    });
    this.bar.max = Math.max(1, progress.total);
    this.bar.value = progress.total - progress.left;
    setText(this.said, said);
    const parts = [`${progress.left} left`, paceWords(progress.pace), repeatWords(progress.repeats)].filter(Boolean);
    setText(this.figures, parts.join(' · '));
    this.figures.title = progress.repeats ? 'How often a pair that was shown again was judged the same way.' : '';
  }
}

function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** The overlay with all keys. */
export class HelpOverlay {
  readonly root = element('div', 'overlay');

  constructor(onClose: () => void) {
    this.root.hidden = true;
    const box = element('div', 'box');
    box.setAttribute('role', 'dialog');
    box.setAttribute('aria-modal', 'true');
    box.setAttribute('aria-label', 'Keys of the labeling panel');
    box.tabIndex = -1;
    const list = element('dl');
    for (const [keys, words] of KEY_HELP) {
      const term = element('dt');
      keys.split(', ').forEach((key) => term.append(element('kbd', 'keycap', key)));
      list.append(term, element('dd', '', words));
    }
    box.append(element('h2', '', 'Keys'), list, button({ label: 'Close', onClick: onClose }));
    this.root.append(box);
    this.root.addEventListener('click', (event) => {
      if (event.target === this.root) onClose();
    });
  }

  render({ help }: Model): void {
    if (this.root.hidden === !help) return;
    this.root.hidden = !help;
    if (help) this.root.querySelector<HTMLElement>('.box')?.focus();
  }
}
