import type { FromLabeling, LabelingState, PanelAction, ToLabeling } from '../../src/protocol/labeling';
import { button, element } from '../controls';
import { Footer, Header, HelpOverlay } from './bars';
import { GuidelineView } from './guideline-view';
import { commandOf, type Command } from './keys';
import { initialModel, stateOf, step, type Event, type Model } from './model';
import { PairView } from './pair-view';
import { RatingsView } from './ratings-view';
import { keycap } from './words';

/** What the panel asks of its window: how long a pair was seen, and whether keys come here. */
export interface PanelWindow {
  /** Milliseconds. */
  now(): number;
  hidden(): boolean;
  focused(): boolean;
}

/** The labeling panel: what it shows is a function of its model, and events make the next model. */
export class LabelingPanel {
  private model: Model;
  private readonly main = element('main');
  private readonly problem = element('div', 'problem');
  private readonly empty = element('div', 'empty');
  private readonly warnings = element('div', 'warnings');
  private readonly tags = element('div', 'tags');
  private readonly rationale = element('section', 'rationale');
  private readonly field = element('textarea');
  private readonly header: Header;
  private readonly footer: Footer;
  private readonly help: HelpOverlay;
  private readonly pair: PairView;
  private readonly ratings: RatingsView;
  private readonly guideline: GuidelineView;
  private seenKey: string | undefined;
  private seenMs = 0;
  private seenSince: number | undefined;

  constructor(
    private readonly root: HTMLElement,
    state: LabelingState,
    private readonly post: (message: FromLabeling) => void,
    private readonly keep: (state: LabelingState) => void,
    private readonly window: PanelWindow,
  ) {
    this.model = initialModel(state);
    const act = (action: PanelAction): void => post({ type: 'action', action });
    this.header = new Header(act);
    this.footer = new Footer((command) => this.command(command));
    this.help = new HelpOverlay(() => this.command({ type: 'close' }));
    this.pair = new PairView({
      onWhole: (part) => this.take({ type: 'whole', part }),
      onVerdict: (place, verdict) => this.command({ type: 'verdict', place, verdict }),
      onEdit: (place) => this.command({ type: 'edit', place }),
      onTyped: (text) => this.take({ type: 'typed', text }),
      onEdited: (keep) => this.take({ type: 'edited', keep }),
      onTakeEditBack: () => this.take({ type: 'takeEditBack' }),
      onChoose: (place) => this.command({ type: 'choose', choice: place, much: false }),
    });
    this.ratings = new RatingsView({
      onRate: (criterion, place, value) => this.take({ type: 'rate', criterion, place, value }),
      onLeave: () => this.command({ type: 'close' }),
    });
    this.guideline = new GuidelineView(act, () => this.command({ type: 'guideline' }));
    this.problem.setAttribute('role', 'alert');
    this.main.tabIndex = -1;
    this.main.setAttribute('aria-label', 'Pair to label');
    this.buildRationale();
    this.main.append(
      this.warnings,
      this.tags,
      this.pair.prompt,
      this.pair.answers,
      this.ratings.root,
      this.rationale,
      this.empty,
    );
    const middle = element('div', 'middle');
    middle.append(this.main, this.guideline.root);
    root.replaceChildren(this.header.root, this.problem, middle, this.footer.root, this.help.root);
    this.focus();
    this.render(undefined);
  }

  receive(message: ToLabeling): void {
    this.take({ type: 'message', message });
  }

  /** A key of the window. */
  key(event: KeyboardEvent): void {
    const command = commandOf(event, isTyping(event.target));
    if (!command) return;
    event.preventDefault();
    this.command(command);
  }

  /** The panel came into view or went out of it. */
  visibility(): void {
    this.countSeen();
    this.seenSince = this.window.hidden() ? undefined : this.window.now();
  }

  /** The keys come to this panel, or go elsewhere: it shows which. */
  focus(): void {
    this.root.classList.toggle('away', !this.window.focused());
  }

  private command(command: Command): void {
    this.countSeen();
    this.take({ type: 'command', command, ms: Math.round(this.seenMs) });
    const { rationale, rating, waiting, help } = this.model;
    if (waiting || help) return;
    // Also where it was open already, and the focus was elsewhere.
    if (command.type === 'rationale' && rationale) this.field.focus();
    if (command.type === 'rate' && rating) this.ratings.focusFirst();
  }

  private take(event: Event): void {
    const before = this.model;
    const next = step(before, event);
    if (next.model === before && next.posts.length === 0) return;
    this.model = next.model;
    for (const message of next.posts) this.post(message);
    this.render(before);
    this.keep(stateOf(this.model));
  }

  private countSeen(): void {
    const now = this.window.now();
    if (this.seenSince !== undefined) this.seenMs += now - this.seenSince;
    this.seenSince = this.window.hidden() ? undefined : now;
  }

  private render(before: Model | undefined): void {
    const { model } = this;
    const current = model.pairs[0];
    this.header.render(model);
    this.footer.render(model);
    this.help.render(model);
    this.guideline.render(model);
    this.pair.render(model);
    this.ratings.render(model);
    this.renderProblem(before);
    this.renderWarnings(before);
    this.renderEmpty(before);
    this.tags.textContent = current?.tags.join(' · ') ?? '';
    this.tags.hidden = !current || current.tags.length === 0;
    this.pair.prompt.hidden = !current;
    this.pair.answers.hidden = !current;
    this.main.setAttribute('aria-busy', String(model.waiting !== null));
    this.rationale.hidden = !current || !model.rationale;
    if (this.field.value !== model.draft.rationale) this.field.value = model.draft.rationale;
    if (current?.key !== this.seenKey) this.begin(current?.key);
    this.moveFocus(before);
  }

  /** A new pair stands there: from its top, with the clock at zero. */
  private begin(key: string | undefined): void {
    this.seenKey = key;
    this.seenMs = 0;
    this.seenSince = this.window.hidden() ? undefined : this.window.now();
    this.main.scrollTop = 0;
    // Somebody may be typing in another place of the window: new pairs must not take their keys.
    if (this.window.focused()) this.main.focus({ preventScroll: true });
  }

  private moveFocus(before: Model | undefined): void {
    const { rating, editing, help, guideline, whole } = this.model;
    if (editing && (before?.editing?.place !== editing.place || before.whole !== whole)) this.pair.focusEditor();
    else if (before && guideline && !before.guideline) this.guideline.root.focus({ preventScroll: true });
    else if (
      (before?.editing && !editing) ||
      (before?.rating && !rating) ||
      (before?.help && !help) ||
      (before?.guideline && !guideline)
    ) {
      this.main.focus({ preventScroll: true });
    }
  }

  private buildRationale(): void {
    const label = element('label', 'caption', 'Rationale ');
    label.htmlFor = 'rationale';
    label.append(keycap('R'));
    this.field.id = 'rationale';
    this.field.rows = 2;
    this.field.dir = 'auto';
    this.field.placeholder = 'Why? Escape returns to the keys';
    this.field.addEventListener('input', () => this.take({ type: 'rationale', text: this.field.value }));
    this.field.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' && !(event.key === 'Enter' && (event.ctrlKey || event.metaKey))) return;
      event.preventDefault();
      event.stopPropagation();
      this.main.focus({ preventScroll: true });
      if (this.field.value === '') this.command({ type: 'close' });
    });
    this.rationale.append(label, this.field);
  }

  private renderProblem(before: Model | undefined): void {
    const { problem } = this.model;
    this.problem.hidden = problem === null;
    if (!problem || problem === before?.problem) return;
    this.problem.replaceChildren(
      element('strong', '', problem.message),
      element('span', '', problem.hint),
      element('span', 'dimmed', 'The label was not saved; choose again.'),
    );
  }

  private renderWarnings(before: Model | undefined): void {
    const lines = this.model.session?.warnings ?? [];
    this.warnings.hidden = lines.length === 0;
    if (lines === before?.session?.warnings) return;
    const [first = '', ...rest] = lines;
    const made = element('details');
    const words = rest.length === 0 ? first : `${lines.length} lines could not be read`;
    made.append(element('summary', '', words));
    if (rest.length > 0) made.append(...lines.map((line) => element('p', '', line)));
    this.warnings.replaceChildren(rest.length === 0 ? element('p', '', words) : made);
  }

  private renderEmpty(before: Model | undefined): void {
    const { session, pairs } = this.model;
    const empty = session?.empty ?? null;
    this.empty.hidden = pairs.length > 0 || empty === null;
    if (!empty || empty === before?.session?.empty) return;
    this.empty.replaceChildren(element('h2', '', empty.title), element('p', '', empty.words));
    const { action } = empty;
    if (!action) return;
    this.empty.append(
      button({
        label: action.label,
        primary: true,
        onClick: () => this.post({ type: 'action', action: action.name }),
      }),
    );
  }
}

/** Does a text field have the focus? */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}
