import type { PanelAction, SessionView } from '../../src/protocol/labeling';
import { button, element, icon } from '../controls';
import { KEY_HELP, type Command } from './keys';
import { keycap, paceWords, repeatWords } from './words';
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

interface KeyButton {
  readonly key: string;
  readonly words: string;
  readonly title?: string;
  readonly command: Command;
  /** Only where there is room for it; its key works all the same. */
  readonly wide?: true;
  /** Is what it switches on? Undefined where it switches nothing. */
  readonly on?: (model: Model) => boolean;
  readonly off: (model: Model) => boolean;
}

const noPair = ({ pairs }: Model): boolean => pairs.length === 0;
const always = (): boolean => false;

const KEYS: readonly KeyButton[] = [
  {
    key: '1',
    words: 'A',
    title: 'A is better; with Shift much better',
    command: { type: 'choose', choice: 'first', much: false },
    off: noPair,
  },
  {
    key: '2',
    words: 'B',
    title: 'B is better; with Shift much better',
    command: { type: 'choose', choice: 'second', much: false },
    off: noPair,
  },
  { key: '3', words: 'tie', command: { type: 'choose', choice: 'tie', much: false }, off: noPair },
  { key: '0', words: 'both bad', command: { type: 'choose', choice: 'both_bad', much: false }, off: noPair },
  { key: 'S', words: 'skip', command: { type: 'choose', choice: 'skip', much: false }, off: noPair },
  {
    key: 'U',
    words: 'undo',
    title: 'Take back the last label, as often as needed',
    command: { type: 'undo' },
    off: ({ session }) => (session?.progress.done ?? 0) === 0,
  },
  { key: 'R', words: 'rationale', command: { type: 'rationale' }, wide: true, on: (m) => m.rationale, off: noPair },
  {
    key: 'L',
    words: 'rate',
    title: 'Rate by criterion of the guideline',
    command: { type: 'rate' },
    wide: true,
    off: (model) => noPair(model) || (model.session?.guideline?.criteria.length ?? 0) === 0,
  },
  {
    key: 'D',
    words: 'differences',
    command: { type: 'differences' },
    wide: true,
    on: (m) => m.differences,
    off: noPair,
  },
  { key: 'G', words: 'guideline', command: { type: 'guideline' }, wide: true, on: (m) => m.guideline, off: always },
  { key: '?', words: 'keys', command: { type: 'help' }, off: always },
];

/** The row at the bottom: the keys, which can be clicked, and how far the work is. */
export class Footer {
  readonly root = element('footer');
  private readonly figures = element('div', 'figures');
  private readonly said = element('div', 'said');
  private readonly bar = element('progress');
  private readonly keys: readonly HTMLButtonElement[];

  constructor(onCommand: (command: Command) => void) {
    this.said.setAttribute('role', 'status');
    this.said.setAttribute('aria-live', 'polite');
    this.bar.setAttribute('aria-label', 'Pairs labeled');
    const row = element('div', 'keys');
    row.setAttribute('role', 'toolbar');
    row.setAttribute('aria-label', 'Keys');
    this.keys = KEYS.map(({ key, words, title = '', command, wide }) => {
      const made = element('button', wide ? 'key wide' : 'key');
      made.type = 'button';
      made.title = title;
      made.append(keycap(key), element('span', '', words));
      made.addEventListener('click', ({ shiftKey }) => onCommand(withShift(command, shiftKey)));
      return made;
    });
    row.append(...this.keys);
    const line = element('div', 'line');
    line.append(element('div', 'hint', 'Click here to use the keys'), this.said, this.figures);
    this.root.append(this.bar, row, line);
  }

  render(model: Model): void {
    const { session, said, waiting } = model;
    this.root.hidden = session === null || session.progress.total === 0;
    if (!session) return;
    const { progress } = session;
    KEYS.forEach(({ on, off, command }, i) => {
      const key = this.keys[i];
      if (!key) return;
      // Not `disabled`: that would throw the focus out for the moment of the writing.
      key.setAttribute('aria-disabled', String(off(model) || (waiting !== null && command.type !== 'help')));
      key.classList.toggle('off', off(model));
      if (on) key.setAttribute('aria-pressed', String(on(model)));
    });
    this.bar.max = Math.max(1, progress.total);
    this.bar.value = progress.total - progress.left;
    setText(this.said, said);
    const parts = [`${progress.left} left`, paceWords(progress.pace), repeatWords(progress.repeats)].filter(Boolean);
    setText(this.figures, parts.join(' · '));
    const { total, left, repeats } = progress;
    const again = repeats
      ? ` Of ${repeats.of} pairs that were shown again, ${repeats.same} were judged as before.`
      : '';
    this.figures.title = `${total - left} of ${total} pairs are labeled.${again}`;
  }
}

/** A click with Shift says what the key with Shift says. */
function withShift(command: Command, shift: boolean): Command {
  if (command.type !== 'choose' || (command.choice !== 'first' && command.choice !== 'second')) return command;
  return { ...command, much: shift };
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
    const head = element('header');
    head.append(element('h2', '', 'Keys'), button({ label: 'Close', icon: 'close', quiet: true, onClick: onClose }));
    box.append(head, list);
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
