import { PLACES, type Clipped, type Part, type Place, type ShownPair, type Verdict } from '../../src/protocol/labeling';
import { button, element, icon } from '../controls';
import { differences } from './differences';
import { isWhole, LETTERS, textOf, type Model } from './model';
import { marked, prose } from './prose';
import { keycap } from './words';
import { visibleText } from '../../src/protocol/visible-text';

export interface PairHooks {
  onWhole(part: Part): void;
  onVerdict(place: Place, verdict: Verdict): void;
  onEdit(place: Place): void;
  onTyped(text: string): void;
  onEdited(keep: boolean): void;
  onTakeEditBack(): void;
  onChoose(place: Place): void;
}

const KEYCAPS: Readonly<Record<Place, string>> = { first: '1', second: '2' };

/** The prompt and its two answers. Rebuilt for each pair; choices and verdicts only mark what stands there. */
export class PairView {
  readonly prompt = element('section', 'prompt');
  readonly answers = element('div', 'answers');
  private built: readonly unknown[] = [];

  constructor(private readonly hooks: PairHooks) {
    this.prompt.setAttribute('aria-label', 'Prompt');
  }

  render(model: Model): void {
    const pair = model.pairs[0];
    const { whole, differences: marks, editing, draft } = model;
    const inputs = [pair, whole, marks, editing?.place, draft.edit];
    if (inputs.some((input, i) => input !== this.built[i]) || this.built.length === 0) {
      this.built = inputs;
      this.prompt.replaceChildren(...(pair ? this.turns(model, pair) : []));
      this.answers.replaceChildren(...(pair ? this.bothAnswers(model, pair) : []));
    }
    for (const place of PLACES) this.mark(model, place);
  }

  /** Puts the caret into the editor of an answer, where one is open. */
  focusEditor(): void {
    this.answers.querySelector('textarea')?.focus();
  }

  private mark({ waiting, draft }: Model, place: Place): void {
    const made = this.answers.querySelector(`[data-place=${place}]`);
    if (!made) return;
    made.classList.toggle('chosen', waiting?.type === 'judge' && waiting.judgement.choice === place);
    const verdict = draft.verdicts[place];
    for (const pressed of made.querySelectorAll<HTMLElement>('[data-verdict]'))
      pressed.setAttribute('aria-pressed', String(pressed.dataset['verdict'] === verdict));
    const notes = made.querySelector('.notes');
    const words = [verdict ? `${verdict}ed` : '', draft.edit?.place === place ? 'edited' : ''];
    if (notes) notes.textContent = words.filter(Boolean).join(' · ');
  }

  private turns(model: Model, pair: ShownPair): HTMLElement[] {
    return pair.prompt.map((turn, index) => {
      const made = element('div', 'turn');
      made.append(element('div', 'role', turn.role), this.body(model, index, turn));
      return made;
    });
  }

  private bothAnswers(model: Model, pair: ShownPair): HTMLElement[] {
    const apart = model.differences
      ? differences(visibleText(answerText(model, 'first')), visibleText(answerText(model, 'second')))
      : undefined;
    return PLACES.map((place) => {
      const made = element('section', 'answer');
      made.dataset['place'] = place;
      made.setAttribute('aria-label', `Answer ${LETTERS[place]}`);
      made.append(this.head(model, place));
      if (model.editing?.place === place) made.append(this.editor(model, place));
      else if (apart) made.append(marked(apart[place]), ...this.rest(model, place, pair[place]));
      else if (model.draft.edit?.place === place) made.append(content(model.draft.edit.text));
      else made.append(this.body(model, place, pair[place]));
      return made;
    });
  }

  private head(model: Model, place: Place): HTMLElement {
    const letter = LETTERS[place];
    const head = element('header');
    const actions = element('span', 'actions');
    if (model.draft.edit?.place === place)
      actions.append(this.action(`Take the edit of ${letter} back`, 'discard', '', () => this.hooks.onTakeEditBack()));
    const shift = place === 'second' ? 'Shift+' : '';
    const verdict = (name: Verdict, label: string, picture: string, key: string): HTMLElement => {
      const made = this.action(label, picture, `${shift}${key}`, () => this.hooks.onVerdict(place, name));
      made.dataset['verdict'] = name;
      return made;
    };
    actions.append(
      verdict('accept', `Accept ${letter} as it is`, 'check', 'A'),
      verdict('reject', `Reject ${letter}`, 'close', 'X'),
      this.action(`Edit ${letter}`, 'edit', `${shift}E`, () => this.hooks.onEdit(place)),
    );
    head.append(keycap(KEYCAPS[place]), element('h2', '', letter), element('span', 'notes'), actions);
    head.addEventListener('dblclick', () => this.hooks.onChoose(place));
    return head;
  }

  private action(label: string, picture: string, key: string, onClick: () => void): HTMLElement {
    const made = button({ label, icon: picture, quiet: true, onClick });
    if (key) made.title = `${label} (${key})`;
    // Two clicks on it are no choice of the answer.
    made.addEventListener('dblclick', (event) => event.stopPropagation());
    return made;
  }

  private body(model: Model, part: Part, sent: Clipped): HTMLElement {
    const made = content(textOf(model, part));
    made.append(...this.rest(model, part, sent));
    return made;
  }

  /** The way to the rest of a text that was cut. */
  private rest(model: Model, part: Part, sent: Clipped): HTMLElement[] {
    const missing = sent.length - textOf(model, part).length;
    if (missing <= 0 || model.whole.has(part)) return [];
    const label = `Show all (${missing.toLocaleString('en-US')} more characters)`;
    return [button({ label, onClick: () => this.hooks.onWhole(part) })];
  }

  private editor(model: Model, place: Place): HTMLElement {
    const made = element('div', 'editor');
    const field = element('textarea');
    field.value = model.editing?.text ?? '';
    field.disabled = !isWhole(model, place);
    field.rows = Math.min(16, 2 + Math.ceil(field.value.length / 48));
    field.spellcheck = false;
    field.dir = 'auto';
    field.setAttribute('aria-label', `Text of answer ${LETTERS[place]}`);
    field.addEventListener('input', () => this.hooks.onTyped(field.value));
    field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      this.hooks.onEdited(true);
    });
    const buttons = element('div', 'buttons');
    const keep = button({ label: 'Keep the edit', primary: true, onClick: () => this.hooks.onEdited(true) });
    keep.title = 'Escape or Ctrl+Enter';
    buttons.append(keep, button({ label: 'Discard', onClick: () => this.hooks.onEdited(false) }));
    made.append(field, buttons);
    return made;
  }
}

/** The answer with the annotator's edit, where there is one. */
function answerText(model: Model, place: Place): string {
  return model.draft.edit?.place === place ? model.draft.edit.text : textOf(model, place);
}

function content(text: string): HTMLElement {
  const made = element('div', 'content');
  if (text.trim() === '') {
    const note = element('p', 'nothing', 'No text');
    note.prepend(icon('circle-slash'), ' ');
    made.append(note);
  } else {
    made.append(prose(text));
  }
  return made;
}
