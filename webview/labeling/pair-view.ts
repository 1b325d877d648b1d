import { PLACES, type Clipped, type Part, type Place, type ShownPair, type Verdict } from '../../src/protocol/labeling';
import { button, element, icon } from '../controls';
import { differences } from './differences';
import type { Model } from './model';
import { textOf } from './model';
import { marked, prose } from './prose';
import { visibleText } from '../../src/protocol/visible-text';

export interface PairHooks {
  onWhole(part: Part): void;
  onVerdict(place: Place, verdict: Verdict): void;
  onEdit(place: Place): void;
  onEdited(text: string): void;
  onCancel(): void;
  onChoose(place: Place): void;
}

export const LETTERS: Record<Place, string> = { first: 'A', second: 'B' };

/** The prompt and its two answers. Rebuilt for each pair; a choice only marks what stands there. */
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
    const inputs = [pair, whole, marks, editing, draft.edit, draft.verdicts];
    if (inputs.some((input, i) => input !== this.built[i]) || this.built.length === 0) {
      this.built = inputs;
      this.prompt.replaceChildren(...(pair ? this.turns(model, pair) : []));
      this.answers.replaceChildren(...(pair ? this.bothAnswers(model, pair) : []));
    }
    const chosen = model.waiting?.type === 'judge' ? model.waiting.judgement.choice : undefined;
    for (const place of PLACES) {
      this.answers.querySelector(`[data-place=${place}]`)?.classList.toggle('chosen', chosen === place);
    }
  }

  /** Puts the caret into the editor of an answer, where one is open. */
  focusEditor(): void {
    this.answers.querySelector('textarea')?.focus();
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
      if (model.editing === place) made.append(this.editor(model, pair, place));
      else if (apart) made.append(marked(apart[place]), ...this.rest(model, place, pair[place]));
      else if (model.draft.edit?.place === place) made.append(content(model.draft.edit.text));
      else made.append(this.body(model, place, pair[place]));
      return made;
    });
  }

  private head(model: Model, place: Place): HTMLElement {
    const letter = LETTERS[place];
    const head = element('header');
    const cap = element('kbd', 'keycap', place === 'first' ? '1' : '2');
    cap.setAttribute('aria-hidden', 'true');
    const title = element('h2', '', letter);
    const notes = element('span', 'notes');
    const verdict = model.draft.verdicts[place];
    const words = [
      verdict === 'accept' ? 'accepted' : verdict === 'reject' ? 'rejected' : '',
      model.draft.edit?.place === place ? 'edited' : '',
    ].filter(Boolean);
    notes.textContent = words.join(' · ');
    const actions = element('span', 'actions');
    actions.append(
      this.verdict(place, 'accept', `Accept ${letter} as it is`, 'check', verdict),
      this.verdict(place, 'reject', `Reject ${letter}`, 'close', verdict),
      button({ label: `Edit ${letter}`, icon: 'edit', quiet: true, onClick: () => this.hooks.onEdit(place) }),
    );
    head.append(cap, title, notes, actions);
    head.addEventListener('dblclick', () => this.hooks.onChoose(place));
    return head;
  }

  private verdict(place: Place, verdict: Verdict, label: string, name: string, now: Verdict | undefined): HTMLElement {
    const made = button({ label, icon: name, quiet: true, onClick: () => this.hooks.onVerdict(place, verdict) });
    made.setAttribute('aria-pressed', String(now === verdict));
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

  private editor(model: Model, pair: ShownPair, place: Place): HTMLElement {
    const made = element('div', 'editor');
    const field = element('textarea');
    const here = model.whole.has(place) || pair[place].text.length === pair[place].length;
    field.value = answerText(model, place);
    field.disabled = !here;
    field.rows = Math.min(16, 2 + Math.ceil(field.value.length / 48));
    field.spellcheck = false;
    field.dir = 'auto';
    field.setAttribute('aria-label', `Text of answer ${LETTERS[place]}`);
    const done = (): void => {
      if (!field.disabled) this.hooks.onEdited(field.value);
    };
    field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      done();
    });
    const buttons = element('div', 'buttons');
    buttons.append(
      button({ label: 'Keep the edit', primary: true, onClick: done }),
      button({ label: 'Cancel', onClick: () => this.hooks.onCancel() }),
    );
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
