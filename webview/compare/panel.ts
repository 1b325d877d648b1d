import type { CompareView, FromCompare, ToCompare, Vote } from '../../src/protocol/compare';
import { visibleText } from '../../src/protocol/visible-text';
import { button, checkbox, element, icon, type Toggle } from '../controls';
import { answerCards, promptSection } from './answers';
import { commandOf, keyHelp, tieKey, type Command } from './keys';
import { talliesTable } from './tallies';

/** Prompts side by side under several checkpoints, a vote a key, and how the checkpoints do. */
export class ComparePanel {
  private view: CompareView | undefined;
  private problem: { readonly message: string; readonly hint: string } | null = null;
  private help = false;
  private differences = false;
  /** A vote is on its way to the disk: the keys wait. */
  private waiting = false;
  private readonly main = element('main');
  private readonly top = element('header', 'top');
  private readonly bottom = element('footer', 'bottom');
  private readonly trouble = element('div', 'problem');
  private readonly overlay = element('div', 'overlay');
  private readonly live = element('span', 'live');
  private readonly position = element('span', 'figures');
  private readonly blind: Toggle;

  constructor(
    root: HTMLElement,
    private readonly post: (message: FromCompare) => void,
    private readonly keep: (memory: string) => void,
  ) {
    this.main.tabIndex = 0;
    this.main.setAttribute('aria-label', 'Answers side by side');
    this.live.setAttribute('role', 'status');
    this.trouble.setAttribute('role', 'alert');
    this.blind = checkbox('Blind', false, (on) => this.command({ type: 'blind', on }));
    this.blind.root.title = 'Hide who answered, and show the answers in random order (B)';
    const quiet = (label: string, name: string, command: Command): HTMLElement =>
      button({ label, icon: name, quiet: true, onClick: () => this.command(command) });
    this.top.append(
      quiet('Prompt before (←)', 'chevron-left', { type: 'move', by: -1 }),
      this.position,
      quiet('Next prompt (→)', 'chevron-right', { type: 'move', by: 1 }),
      this.blind.root,
      this.live,
      quiet('Mark differences (D)', 'diff', { type: 'differences' }),
      quiet('Compare other checkpoints (O)', 'git-compare', { type: 'choose' }),
      quiet('Keys (?)', 'keyboard', { type: 'help' }),
    );
    for (const part of [this.top, this.bottom, this.trouble, this.overlay]) part.hidden = true;
    this.overlay.addEventListener('click', (event) => {
      if (event.target === this.overlay) this.command({ type: 'close' });
    });
    root.replaceChildren(this.top, this.trouble, this.main, this.bottom, this.overlay);
    this.main.focus();
  }

  receive(message: ToCompare): void {
    this.waiting = false;
    if (message.type === 'refused') {
      this.problem = message;
    } else {
      const before = this.view?.item?.key;
      this.problem = null;
      this.view = message.view;
      this.keep(message.view.memory);
      if (message.said) this.live.textContent = visibleText(message.said);
      if (before !== message.view.item?.key) this.main.scrollTop = 0;
    }
    this.render();
  }

  key(event: KeyboardEvent): void {
    const { view } = this;
    if (!view) return;
    // A check box and a button have keys of their own.
    const control = event.target instanceof Element && event.target.closest('vscode-button, vscode-checkbox, button');
    if (control && /^(Enter| )$/.test(event.key)) return;
    const command = commandOf(event, view.item?.answers.length ?? 0, view.blind);
    if (!command) return;
    event.preventDefault();
    this.command(command);
  }

  private command(command: Command): void {
    if (command.type === 'help' || command.type === 'close') {
      if (command.type === 'close' && !this.help) this.problem = null;
      this.help = command.type === 'help' && !this.help;
      this.render();
      if (this.help) this.overlay.querySelector<HTMLElement>('.box')?.focus();
      else this.main.focus({ preventScroll: true });
      return;
    }
    // Under the overlay nothing is seen, so nothing is judged.
    if (this.help) return;
    if (command.type === 'vote') this.vote(command.vote);
    else if (command.type === 'differences') {
      this.differences = !this.differences;
      this.render();
    } else this.post(command);
  }

  private vote(vote: Vote): void {
    const item = this.view?.item;
    if (!item || this.waiting) return;
    this.waiting = true;
    this.main.setAttribute('aria-busy', 'true');
    if (vote.kind === 'better') this.main.querySelectorAll('.answer')[vote.place]?.classList.add('chosen');
    this.post({ type: 'vote', key: item.key, vote });
  }

  private render(): void {
    const { view, problem } = this;
    this.trouble.hidden = problem === null;
    if (problem) {
      this.trouble.replaceChildren(
        element('strong', '', visibleText(problem.message)),
        element('span', '', visibleText(problem.hint)),
        element('span', 'dimmed', 'The vote was not stored; choose again.'),
      );
    }
    if (!view) return;
    const focused = document.activeElement;
    const inside = focused !== this.main && (this.main.contains(focused) || this.bottom.contains(focused));
    const { item, at, total, voted, leftOut } = view;
    this.top.hidden = this.bottom.hidden = item === null;
    this.blind.set(view.blind);
    this.position.textContent = `${at + 1} of ${total} · ${voted} voted`;
    this.position.title =
      leftOut > 0 ? `${leftOut} answers are left out: they are equal or empty, or one checkpoint has none.` : '';
    this.main.replaceChildren(...(item ? this.comparison(view) : this.emptiness(view)));
    this.main.setAttribute('aria-busy', String(this.waiting));
    this.bottom.replaceChildren(...(item ? [this.keys(view), this.result(view)] : []));
    if (this.overlay.hidden === this.help) {
      this.overlay.hidden = !this.help;
      this.overlay.replaceChildren(...(this.help ? [keysBox(item?.answers.length ?? 2)] : []));
    }
    // What had the focus was drawn anew.
    if (inside) this.main.focus({ preventScroll: true });
  }

  private comparison({ item }: CompareView): HTMLElement[] {
    if (!item) return [];
    const answers = element('div', 'answers');
    answers.style.setProperty('--answers', String(item.answers.length));
    const vote = (place: number): void => this.vote({ kind: 'better', place, much: false });
    answers.append(...answerCards(item, this.differences, vote));
    return [promptSection(item), answers];
  }

  private emptiness({ empty }: CompareView): HTMLElement[] {
    const made = element('div', 'empty');
    if (!empty) return [made];
    made.append(element('h2', '', empty.title), element('p', '', empty.words));
    const choose = (): void => this.command({ type: 'choose' });
    if (empty.choose) made.append(button({ label: 'Compare others', primary: true, onClick: choose }));
    return [made];
  }

  /** The keys beside those on the answers, which can be clicked, and whose votes they are. */
  private keys({ item, annotator, labels, voted }: CompareView): HTMLElement {
    const count = item?.answers.length ?? 0;
    const key = (name: string, words: string, command: Command, given: boolean, off = false): HTMLElement => {
      const made = element('button', 'key');
      made.type = 'button';
      made.append(element('kbd', 'keycap', name), words);
      if (given) made.append(icon('check'));
      if (command.type === 'vote') made.setAttribute('aria-pressed', String(given));
      made.classList.toggle('off', off);
      made.setAttribute('aria-disabled', String(off));
      made.addEventListener('click', () => this.command(command));
      return made;
    };
    const vote = (name: string, words: string, kind: 'tie' | 'both_bad' | 'skip'): HTMLElement =>
      key(name, words, { type: 'vote', vote: { kind } }, item?.vote?.kind === kind);
    const row = element('div', 'keys');
    row.setAttribute('role', 'toolbar');
    row.setAttribute('aria-label', 'Keys');
    row.append(
      vote(tieKey(count), 'tie', 'tie'),
      vote('0', count > 2 ? 'all bad' : 'both bad', 'both_bad'),
      vote('S', 'skip', 'skip'),
      key('U', 'undo', { type: 'undo' }, false, voted === 0),
      key('?', 'keys', { type: 'help' }, false),
    );
    const made = element('div');
    made.append(
      row,
      element('div', 'dimmed whose', visibleText(`Votes of ${annotator} in ${labels}`)),
      element('div', 'hint', 'Click here to use the keys'),
    );
    return made;
  }

  private result(view: CompareView): HTMLElement {
    const made = element('div', 'result');
    const table = talliesTable(view, () => this.command({ type: 'against' }));
    if (!table) {
      const names = visibleText(view.names.join(', '));
      const left = `${view.total - view.voted} to go`;
      made.append(
        element('div', '', `Blind: ${names}, in random order.`),
        element('div', 'dimmed', `The result shows when all have your vote (${left}), or with B.`),
      );
      return made;
    }
    made.append(table);
    if (view.undecided > 0)
      made.append(element('div', 'dimmed', `${view.undecided} bad or skipped, which count for none`));
    return made;
  }
}

function keysBox(answers: number): HTMLElement {
  const box = element('div', 'box');
  box.setAttribute('role', 'dialog');
  box.setAttribute('aria-modal', 'true');
  box.setAttribute('aria-label', 'Keys of the compare panel');
  box.tabIndex = -1;
  const list = element('dl');
  for (const [keys, words] of keyHelp(answers)) {
    const term = element('dt');
    term.append(...keys.split(', ').map((key) => element('kbd', 'keycap', key)));
    list.append(term, element('dd', '', words));
  }
  box.append(element('h2', '', 'Keys'), list);
  return box;
}
