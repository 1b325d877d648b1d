import { PLACES, SCALE, type Criterion, type Place } from '../../src/protocol/labeling';
import { element } from '../controls';
import { LETTERS, type Model } from './model';
import { keycap } from './words';

export interface RatingHooks {
  onRate(criterion: string, place: Place, value: number): void;
  onLeave(): void;
}

/** A Likert scale for each criterion of the guideline and each answer. */
export class RatingsView {
  readonly root = element('section', 'ratings');
  private built: readonly unknown[] = [];
  private groups: HTMLElement[] = [];

  constructor(private readonly hooks: RatingHooks) {
    this.root.setAttribute('aria-label', 'Ratings by criterion');
  }

  render(model: Model): void {
    const criteria = model.session?.guideline?.criteria ?? [];
    this.root.hidden = criteria.length === 0 || model.pairs.length === 0;
    if (this.built[0] !== criteria) {
      this.built = [criteria];
      this.groups = [];
      const caption = element('div', 'caption', 'Ratings ');
      caption.append(keycap('L'));
      this.root.replaceChildren(caption, ...criteria.map((criterion) => this.row(criterion)));
    }
    for (const group of this.groups) {
      const { criterion = '', place } = group.dataset;
      const value = place === 'first' || place === 'second' ? model.draft.ratings[criterion]?.[place] : undefined;
      const radios = [...group.querySelectorAll<HTMLElement>('[role=radio]')];
      radios.forEach((radio, i) => {
        const checked = SCALE[i] === value;
        radio.setAttribute('aria-checked', String(checked));
        // One stop of the Tab key for each group.
        radio.tabIndex = checked || (value === undefined && i === 0) ? 0 : -1;
      });
    }
  }

  /** Moves into the first scale without a rating, or out of the scales. */
  focusFirst(): void {
    const open = this.groups.find((group) => !group.querySelector('[aria-checked=true]')) ?? this.groups[0];
    open?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  private row(criterion: Criterion): HTMLElement {
    const made = element('div', 'criterion');
    const name = element('div', 'name', criterion.name);
    const { low, high, question } = criterion;
    const ends = [low && `1 ${low}`, high && `${SCALE.length} ${high}`].filter(Boolean).join(' · ');
    if (ends) name.append(element('span', 'ends', ends));
    name.title = [question, ends].filter(Boolean).join('\n');
    made.append(name);
    for (const place of PLACES) made.append(this.scale(criterion, place));
    return made;
  }

  private scale(criterion: Criterion, place: Place): HTMLElement {
    const group = element('div', 'scale');
    group.setAttribute('role', 'radiogroup');
    group.setAttribute('aria-label', `${criterion.name} of answer ${LETTERS[place]}. ${criterion.question}`);
    group.dataset['criterion'] = criterion.name;
    group.dataset['place'] = place;
    group.append(element('span', 'letter', LETTERS[place]));
    for (const value of SCALE) {
      const radio = element('button', 'step', String(value));
      const words = value === 1 ? criterion.low : value === SCALE.length ? criterion.high : '';
      radio.type = 'button';
      radio.setAttribute('role', 'radio');
      radio.setAttribute('aria-label', words ? `${value}, ${words}` : String(value));
      radio.title = words;
      radio.addEventListener('click', () => this.hooks.onRate(criterion.name, place, value));
      group.append(radio);
    }
    group.addEventListener('keydown', (event) => this.key(event, group, criterion.name, place));
    this.groups.push(group);
    return group;
  }

  /** Digits rate while a scale has the focus; the panel's own keys wait. */
  private key(event: KeyboardEvent, group: HTMLElement, criterion: string, place: Place): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === 'Tab') return;
    const digit = Number(/^(?:Digit|Numpad)([1-5])$/.exec(event.code)?.[1] ?? event.key);
    const step = SCALE.find((value) => value === digit);
    const moves: Readonly<Record<string, [number, number]>> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
    };
    const move = moves[event.key];
    if (event.key === 'Enter' || event.key === ' ') return event.stopPropagation();
    event.stopPropagation();
    event.preventDefault();
    if (event.key === 'Escape') this.hooks.onLeave();
    else if (step !== undefined && !event.shiftKey && !event.repeat) {
      if (!group.querySelector(`[role=radio][aria-checked=true]:nth-of-type(${step})`)) {
        this.hooks.onRate(criterion, place, step);
      }
      const next = this.groups[this.groups.indexOf(group) + 1];
      if (next) next.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
      else this.hooks.onLeave();
    } else if (move) this.move(group, move);
  }

  private move(group: HTMLElement, [row, column]: [number, number]): void {
    const target = this.groups[this.groups.indexOf(group) + row] ?? group;
    const radios = [...group.querySelectorAll<HTMLElement>('[role=radio]')];
    const now = radios.findIndex((radio) => radio === document.activeElement);
    const next = Math.max(0, Math.min(SCALE.length - 1, now + column));
    target.querySelectorAll<HTMLElement>('[role=radio]')[next]?.focus();
  }
}
