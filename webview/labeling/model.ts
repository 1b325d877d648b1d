import {
  EMPTY_DRAFT,
  type Draft,
  type Edit,
  type FromLabeling,
  type Judgement,
  type LabelingState,
  type Part,
  type Place,
  type SessionView,
  type ShownPair,
  type ToLabeling,
  type Verdict,
} from '../../src/protocol/labeling';
import type { Command } from './keys';

export const LETTERS: Readonly<Record<Place, string>> = { first: 'A', second: 'B' };

/** The panel's state. All of what is on the screen follows from it. */
export interface Model {
  readonly session: SessionView | null;
  /** The current pair, then those sent ahead. */
  readonly pairs: readonly ShownPair[];
  readonly draft: Draft;
  /** Texts of the current pair that were asked for whole. */
  readonly whole: ReadonlyMap<Part, string>;
  /** What is being written to the disk: until the editor answers, the pair stays and keys do nothing. */
  readonly waiting: Waiting | null;
  readonly requests: number;
  readonly problem: { readonly message: string; readonly hint: string } | null;
  /** What happened last, for the eye and for screen readers. */
  readonly said: string;
  readonly guideline: boolean;
  readonly differences: boolean;
  readonly help: boolean;
  readonly rationale: boolean;
  readonly rating: boolean;
  /** The answer that is being edited, and its text as far as it is typed. */
  readonly editing: Edit | null;
  /** The kept draft of a window that was reloaded, until its pair comes. */
  readonly kept: LabelingState['draft'];
}

export type Waiting =
  | { readonly request: number; readonly type: 'judge'; readonly key: string; readonly judgement: Judgement }
  | { readonly request: number; readonly type: 'undo' };

export type Event =
  | { readonly type: 'message'; readonly message: ToLabeling }
  /** `ms`: how long the current pair has been seen. */
  | { readonly type: 'command'; readonly command: Command; readonly ms: number }
  | { readonly type: 'rationale'; readonly text: string }
  | { readonly type: 'rate'; readonly criterion: string; readonly place: Place; readonly value: number }
  /** The text of the answer that is being edited, at every stroke. */
  | { readonly type: 'typed'; readonly text: string }
  | { readonly type: 'edited'; readonly keep: boolean }
  | { readonly type: 'takeEditBack' }
  | { readonly type: 'whole'; readonly part: Part }
  | { readonly type: 'dismiss' };

export interface Step {
  readonly model: Model;
  readonly posts: readonly FromLabeling[];
}

export function initialModel(state: LabelingState): Model {
  return {
    session: null,
    pairs: [],
    draft: EMPTY_DRAFT,
    whole: new Map(),
    waiting: null,
    requests: 0,
    problem: null,
    said: '',
    guideline: state.guideline,
    differences: state.differences,
    help: false,
    rationale: false,
    rating: false,
    editing: null,
    kept: state.draft,
  };
}

/** What outlives a reload of the window, an edit that is being typed included. */
export function stateOf(model: Model): LabelingState {
  const { guideline, differences, pairs, kept } = model;
  const { draft } = keepEdit(model);
  const current = pairs[0];
  const drafted = current && draft !== EMPTY_DRAFT ? { key: current.key, draft } : null;
  return { v: 1, guideline, differences, draft: model.session ? drafted : kept };
}

/** The next state, and what to tell the editor. */
export function step(model: Model, event: Event): Step {
  switch (event.type) {
    case 'message':
      return only(receive(model, event.message));
    case 'command':
      return command(model, event.command, event.ms);
    case 'rationale':
      return only(drafted(model, { rationale: event.text }));
    case 'rate':
      return only(rated(model, event.criterion, event.place, event.value));
    case 'typed':
      return only(model.editing ? { ...model, editing: { ...model.editing, text: event.text } } : model);
    case 'edited':
      return only(event.keep ? keepEdit(model) : { ...model, editing: null });
    case 'takeEditBack':
      return only(drafted(model, { edit: null }));
    case 'whole': {
      const key = model.pairs[0]?.key;
      return { model, posts: key === undefined ? [] : [{ type: 'whole', key, part: event.part }] };
    }
    case 'dismiss':
      return only({ ...model, problem: null });
  }
}

/** The text of a part of the current pair as far as it is here. */
export function textOf(model: Model, part: Part): string {
  const pair = model.pairs[0];
  if (!pair) return '';
  const sent = typeof part === 'number' ? pair.prompt[part] : pair[part];
  return model.whole.get(part) ?? sent?.text ?? '';
}

function only(model: Model): Step {
  return { model, posts: [] };
}

function receive(model: Model, message: ToLabeling): Model {
  switch (message.type) {
    case 'session':
      return showSession(model, message);
    case 'saved':
      return saved(model, message);
    case 'refused':
      if (model.waiting?.request !== message.request) return model;
      return { ...model, waiting: null, problem: { message: message.message, hint: message.hint } };
    case 'whole':
      return model.pairs[0]?.key === message.key ? withWhole(model, message.part, message.text) : model;
  }
}

function showSession(model: Model, message: Extract<ToLabeling, { type: 'session' }>): Model {
  const { session, pairs, request } = message;
  const answered = model.waiting !== null && model.waiting.request === request;
  // A label on its way is answered on its own, and the pairs that follow are those of then.
  const waiting = answered ? null : model.waiting;
  const key = pairs[0]?.key;
  const said = message.said || model.said;
  const current = model.pairs[0];
  // The pair on the screen stays as it is: somebody may be writing in it.
  if (current && current.key === key) return { ...model, session, pairs: [current, ...pairs.slice(1)], waiting, said };
  const shown: Model = { ...model, session, pairs, waiting };
  const kept = key !== undefined && model.kept?.key === key ? model.kept.draft : null;
  const draft = message.draft ?? kept ?? EMPTY_DRAFT;
  return { ...fresh(shown), draft, said, kept: null, rationale: draft.rationale !== '' };
}

function saved(model: Model, message: Extract<ToLabeling, { type: 'saved' }>): Model {
  const { waiting, session } = model;
  if (waiting?.request !== message.request || waiting.type !== 'judge' || !session) return model;
  const next = { ...session, progress: message.progress, empty: message.empty };
  // The editor may have sent the pairs anew while the label was on its way.
  const ahead = model.pairs.filter(({ key }) => key !== waiting.key);
  const pairs = [...ahead, ...message.more.filter(({ key }) => !ahead.some((pair) => pair.key === key))];
  return { ...fresh(model), session: next, pairs, waiting: null, said: wordsOf(waiting.judgement) };
}

/** Nothing of the pair before is left over. */
function fresh(model: Model): Model {
  return {
    ...model,
    draft: EMPTY_DRAFT,
    whole: new Map(),
    problem: null,
    rationale: false,
    rating: false,
    editing: null,
  };
}

export function wordsOf({ choice, much }: Pick<Judgement, 'choice' | 'much'>): string {
  switch (choice) {
    case 'first':
      return much ? 'A much better' : 'A better';
    case 'second':
      return much ? 'B much better' : 'B better';
    case 'tie':
      return 'Tie';
    case 'both_bad':
      return 'Both bad';
    case 'skip':
      return 'Skipped';
  }
}

function command(model: Model, asked: Command, ms: number): Step {
  if (asked.type === 'close') return only(closeTop(model));
  if (asked.type === 'help') return only({ ...model, help: !model.help });
  // Under the overlay nothing is seen, so nothing is judged.
  if (model.help) return only(model);
  switch (asked.type) {
    case 'guideline':
      return only({ ...model, guideline: !model.guideline });
    case 'differences':
      return only({ ...model, differences: !model.differences });
    case 'undo':
      return undo(model);
    default:
      return model.pairs.length === 0 || model.waiting ? only(model) : onPair(model, asked, ms);
  }
}

function onPair(model: Model, asked: Command, ms: number): Step {
  switch (asked.type) {
    case 'choose':
      return choose(model, { choice: asked.choice, much: asked.much, ms, ...model.draft });
    case 'rationale':
      return only({ ...model, rationale: true });
    case 'rate':
      return only({ ...model, rating: (model.session?.guideline?.criteria.length ?? 0) > 0 });
    case 'edit':
      return edit(model, asked.place);
    case 'verdict':
      return only(judged(model, asked.place, asked.verdict));
    default:
      return only(model);
  }
}

function choose(model: Model, judgement: Judgement): Step {
  const key = model.pairs[0]?.key;
  // While an answer is being edited, the choice would be without the edit.
  if (key === undefined || model.editing) return only(model);
  const request = model.requests + 1;
  const waiting = { request, type: 'judge', key, judgement } as const;
  const next: Model = { ...model, requests: request, waiting, problem: null };
  return { model: next, posts: [{ type: 'judge', request, key, judgement }] };
}

function undo(model: Model): Step {
  // The pair that comes back would take the place of what is being written.
  if (model.waiting || !model.session || model.editing) return only(model);
  if (model.session.progress.done === 0) return only({ ...model, said: 'There is no label to take back.' });
  const request = model.requests + 1;
  const next: Model = { ...model, requests: request, waiting: { request, type: 'undo' }, problem: null };
  return { model: next, posts: [{ type: 'undo', request }] };
}

/** Escape closes the topmost thing. */
function closeTop(model: Model): Model {
  if (model.help) return { ...model, help: false };
  if (model.editing) return keepEdit(model);
  if (model.rating) return { ...model, rating: false };
  if (model.rationale) return { ...model, rationale: model.draft.rationale !== '' };
  if (model.problem) return { ...model, problem: null };
  return model.guideline ? { ...model, guideline: false } : model;
}

function drafted(model: Model, change: Partial<Draft>): Model {
  if (model.pairs.length === 0 || model.waiting) return model;
  return { ...model, draft: { ...model.draft, ...change } };
}

function judged(model: Model, place: Place, verdict: Verdict): Model {
  const { [place]: before, ...others } = model.draft.verdicts;
  return drafted(model, { verdicts: before === verdict ? others : { ...others, [place]: verdict } });
}

function rated(model: Model, criterion: string, place: Place, value: number): Model {
  const { ratings } = model.draft;
  const before = ratings[criterion] ?? {};
  // The same value again takes it away.
  const next = before[place] === value ? undefined : value;
  return drafted(model, { ratings: { ...ratings, [criterion]: { ...before, [place]: next } } });
}

/** Editing needs the whole text: what was cut off would be lost. */
function edit(model: Model, place: Place): Step {
  const pair = model.pairs[0];
  if (!pair || model.editing) return only(model);
  const { edit: before } = model.draft;
  if (before && before.place !== place) {
    const other = LETTERS[before.place];
    return only({
      ...model,
      said: `${other} is edited already, and a label holds one edit. Take that one back first.`,
    });
  }
  const text = before?.place === place ? before.text : textOf(model, place);
  const next: Model = { ...model, editing: { place, text } };
  return { model: next, posts: isWhole(model, place) ? [] : [{ type: 'whole', key: pair.key, part: place }] };
}

/** Is all of an answer's text here? */
export function isWhole(model: Model, place: Place): boolean {
  const sent = model.pairs[0]?.[place];
  return sent === undefined || model.whole.has(place) || sent.text.length === sent.length;
}

function withWhole(model: Model, part: Part, text: string): Model {
  const { editing, draft } = model;
  const waits = editing?.place === part && draft.edit?.place !== part;
  const whole = new Map(model.whole).set(part, text);
  return { ...model, whole, editing: waits ? { place: editing.place, text } : editing };
}

/** Ends editing with the text as it was typed. The answer's own text, or none, is no edit. */
function keepEdit(model: Model): Model {
  const { editing, draft } = model;
  if (!editing) return model;
  const { place, text } = editing;
  const changed = isWhole(model, place) && text !== textOf(model, place) && text.trim() !== '';
  const others = draft.edit?.place === place && isWhole(model, place) ? null : draft.edit;
  return drafted({ ...model, editing: null }, { edit: changed ? { place, text } : others });
}
