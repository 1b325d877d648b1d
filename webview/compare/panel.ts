import type {
  CompareView,
  CutText,
  FromCompare,
  ShownAnswer,
  Tally,
  ToCompare,
  Vote,
} from '../../src/protocol/compare';
import { button, checkbox, element, type Toggle } from '../controls';
import { prose } from '../labeling/prose';
import { commandOf, keyHelp } from './keys';

/** Prompts side by side under several checkpoints, a vote a key, and how the checkpoints do. */
export class ComparePanel {
  private view: CompareView | undefined;
  private problem = '';
  private help = false;
  /** A vote is on its way to the disk: the keys wait. */
  private waiting = false;
  private readonly main = element('main');
  private readonly top = element('div', 'top');
  private readonly bottom = element('div', 'bottom');
  private readonly trouble = element('div', 'problem');
  private readonly overlay = element('div', 'overlay');
  private readonly live = element('div', 'live');
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
    this.blind = checkbox('Blind', false, (on) => this.send({ type: 'blind', on }));
    this.blind.root.title = 'Hide who answered, and show the answers in random order (B)';
    this.top.append(
      button({
        label: 'Prompt before',
        icon: 'chevron-left',
        quiet: true,
        onClick: () => this.send({ type: 'move', by: -1 }),
      }),
      this.position,
      button({
        label: 'Next prompt',
        icon: 'chevron-right',
        quiet: true,
        onClick: () => this.send({ type: 'move', by: 1 }),
      }),
      this.blind.root,
      this.live,
      button({ label: 'Keys', icon: 'keyboard', quiet: true, onClick: () => this.toggleHelp() }),
    );
    this.trouble.hidden = true;
    this.overlay.hidden = true;
    root.replaceChildren(this.top, this.trouble, this.main, this.bottom, this.overlay);
    this.main.focus();
  }

  receive(message: ToCompare): void {
    this.waiting = false;
    if (message.type === 'refused') {
      this.problem = [message.message, message.hint].filter(Boolean).join(' ');
    } else {
      this.problem = '';
      this.view = message.view;
      this.live.textContent = message.said;
      this.keep(message.view.memory);
    }
    this.render();
  }

  key(event: KeyboardEvent): void {
    const { view } = this;
    if (!view) return;
    // A slider, a check box and a button have keys of their own.
    const control = event.target instanceof Element && event.target.closest('vscode-button, vscode-checkbox') !== null;
    if (control && /^(Enter| |Arrow\w+)$/.test(event.key)) return;
    const command = commandOf(event, view.item?.answers.length ?? 0, view.blind);
    if (!command) return;
    event.preventDefault();
    if (command.type === 'help') this.toggleHelp();
    else if (command.type === 'close') this.setHelp(false);
    else if (command.type === 'vote') this.vote(command.vote);
    else this.send(command);
  }

  private vote(vote: Vote): void {
    const item = this.view?.item;
    if (!item || this.waiting) return;
    this.waiting = true;
    this.main.setAttribute('aria-busy', 'true');
    if (vote.kind === 'better') this.main.querySelectorAll('.answer')[vote.place]?.classList.add('chosen');
    this.post({ type: 'vote', key: item.key, vote });
  }

  private send(message: FromCompare): void {
    this.post(message);
    this.main.focus();
  }

  private toggleHelp(): void {
    this.setHelp(!this.help);
  }

  private setHelp(on: boolean): void {
    this.help = on;
    this.render();
    if (!on) this.main.focus();
  }

  private render(): void {
    const { view } = this;
    this.trouble.hidden = this.problem === '';
    this.trouble.textContent = this.problem;
    if (!view) return;
    const { item, at, total, voted, leftOut, blind } = view;
    this.blind.set(blind);
    this.position.textContent = total === 0 ? '' : `${at + 1} of ${total} · ${voted} voted`;
    this.position.title =
      leftOut > 0 ? `${leftOut} prompts are left out: no two of their answers differ, or one lacks them.` : '';
    if (!item) this.main.replaceChildren(element('p', 'empty', view.empty));
    else {
      const prompt = element('section', 'prompt');
      prompt.setAttribute('aria-label', 'Prompt');
      prompt.append(...cutText(item.prompt));
      if (item.tags.length > 0) prompt.append(element('div', 'tags', item.tags.join(', ')));
      const answers = element('div', 'answers');
      answers.append(
        ...item.answers.map((answer, place) => answerCard(answer, place, item.vote, () => this.vote(better(place)))),
      );
      this.main.replaceChildren(prompt, answers);
    }
    this.main.setAttribute('aria-busy', String(this.waiting));
    this.bottom.replaceChildren(...this.figures(view));
    this.overlay.hidden = !this.help;
    this.overlay.replaceChildren(...(this.help ? [keysBox(item?.answers.length ?? 2)] : []));
  }

  private figures({ tallies, names, item, labels, annotator, voted, total }: CompareView): HTMLElement[] {
    const keys = element('div', 'keys');
    const answers = item?.answers.length ?? 0;
    const choice = (key: string, words: string, vote: Vote): HTMLElement => {
      const made = element('button', 'key');
      made.type = 'button';
      made.append(element('kbd', 'keycap', key), words);
      if (item && sameVote(item.vote, vote)) made.classList.add('set');
      made.addEventListener('click', () => {
        this.vote(vote);
        this.main.focus();
      });
      return made;
    };
    if (item) {
      keys.append(
        choice(answers > 2 ? 'T' : '3', 'tie', { kind: 'tie' }),
        choice('0', answers > 2 ? 'all bad' : 'both bad', { kind: 'both_bad' }),
        choice('S', 'skip', { kind: 'skip' }),
      );
    }
    const where = element('span', 'dimmed', `votes of ${annotator} in ${labels}`);
    keys.append(where);
    if (!tallies)
      return [
        keys,
        element('div', 'dimmed', `Blind: the result shows when all is voted, or with B. ${voted} of ${total}.`),
      ];
    return [keys, ...(voted > 0 ? [talliesTable(tallies, names[0] ?? '')] : [])];
  }
}

function better(place: number): Vote {
  return { kind: 'better', place, much: false };
}

function sameVote(one: Vote | null, other: Vote): boolean {
  return one !== null && one.kind === other.kind;
}

function cutText({ text, length }: CutText): HTMLElement[] {
  const body = element('div', 'content');
  body.append(prose(text));
  const rest = length - text.length;
  return rest > 0
    ? [body, element('p', 'dimmed', `${rest.toLocaleString('en-US')} more characters are not shown`)]
    : [body];
}

function answerCard(answer: ShownAnswer, place: number, vote: Vote | null, onVote: () => void): HTMLElement {
  const card = element('section', 'answer');
  const name = answer.name ?? String.fromCharCode(65 + place);
  card.setAttribute('aria-label', `Answer ${name}`);
  if (vote?.kind === 'better' && vote.place === place) card.classList.add('voted');
  const head = element('header');
  const cap = element('button', 'key');
  cap.type = 'button';
  cap.setAttribute('aria-label', `${name} is better`);
  cap.append(element('kbd', 'keycap', String(place + 1)));
  cap.addEventListener('click', onVote);
  head.append(cap, element('h2', '', name), element('span', 'figures', answer.figures.join('   ')));
  const body = answer.text.trim() === '' ? [element('p', 'dimmed', 'An empty answer.')] : cutText(answer);
  card.append(head, ...body);
  return card;
}

/** Wins, ties and losses against the first candidate, with the share of wins and its interval. */
function talliesTable(tallies: readonly Tally[], baseline: string): HTMLElement {
  const table = element('table', 'tallies');
  const caption = element('caption', 'dimmed', `against ${baseline}`);
  const head = element('tr');
  for (const words of ['', 'win', 'tie', 'loss', 'win rate']) head.append(element('th', '', words));
  const rows = tallies.map(({ name, win, tie, loss, rate }) => {
    const row = element('tr');
    row.append(element('td', 'name', name));
    for (const count of [win, tie, loss]) row.append(element('td', 'figures', String(count)));
    const share = element(
      'td',
      'figures',
      rate ? `${percent(rate.value)} [${percent(rate.low)}, ${percent(rate.high)}]` : '–',
    );
    share.title = '(win + tie ÷ 2) ÷ votes, with its 95 % Wilson interval';
    row.append(share, bar({ win, tie, loss }));
    return row;
  });
  table.append(caption, head, ...rows);
  return table;
}

/** The same as a strip: win, tie, loss from the left. The figures beside it say it in words. */
function bar({ win, tie, loss }: Pick<Tally, 'win' | 'tie' | 'loss'>): HTMLElement {
  const cell = element('td');
  const strip = element('div', 'strip');
  strip.setAttribute('aria-hidden', 'true');
  for (const [kind, count] of Object.entries({ win, tie, loss })) {
    const part = element('span', kind);
    part.style.flexGrow = String(count);
    strip.append(part);
  }
  cell.append(strip);
  return cell;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function keysBox(answers: number): HTMLElement {
  const box = element('div', 'box');
  const list = element('dl');
  for (const [keys, words] of keyHelp(answers)) list.append(element('dt', '', keys), element('dd', '', words));
  box.append(element('h2', '', 'Keys'), list);
  return box;
}
