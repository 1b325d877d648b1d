/**
 * What the labeling panel and the editor say to each other. The panel is blind: it knows an answer by the place where
 * it stands, never by its model or by its side of the pair. Both sides validate what arrives with the guards below.
 */

/** Where an answer stands: the first is on the left, or on top. */
export const PLACES = ['first', 'second'] as const;
export type Place = (typeof PLACES)[number];

export const CHOICES = ['first', 'second', 'tie', 'both_bad', 'skip'] as const;
export type Choice = (typeof CHOICES)[number];

/** A text as it is sent: `text` may be the beginning only, `length` counts the characters of the whole. */
export interface Clipped {
  readonly text: string;
  readonly length: number;
}

/** A pair as the panel shows it. `key` is unique per showing: a pair that is shown again has another. */
export interface ShownPair {
  readonly key: string;
  readonly prompt: readonly (Clipped & { readonly role: string })[];
  readonly first: Clipped;
  readonly second: Clipped;
  readonly tags: readonly string[];
}

export interface Criterion {
  readonly name: string;
  readonly question: string;
  /** The words at the low and the high end of the scale. */
  readonly low: string;
  readonly high: string;
}

export interface GuidelineView {
  readonly title: string;
  readonly text: string;
  readonly criteria: readonly Criterion[];
  readonly edgeCases: readonly string[];
}

export interface Progress {
  readonly total: number;
  readonly left: number;
  /** Labels that this annotator has, and that can be taken back. */
  readonly done: number;
  /** Median seconds for a pair over the last labels; null before there are any. */
  readonly pace: number | null;
  /** Repeated pairs judged alike, out of those repeated. */
  readonly repeats: { readonly same: number; readonly of: number } | null;
}

/** Why no pair is shown, and the way on. */
export interface Emptiness {
  readonly title: string;
  readonly words: string;
  readonly action: { readonly name: PanelAction; readonly label: string } | null;
}

export interface SessionView {
  /** The folder's name is part of it only where there are several. */
  readonly stage: string;
  readonly stages: number;
  readonly annotator: string;
  readonly guideline: GuidelineView | null;
  readonly progress: Progress;
  readonly empty: Emptiness | null;
  /** Rows that could not be read, with file and line. */
  readonly warnings: readonly string[];
}

export const PANEL_ACTIONS = ['run', 'annotator', 'stage', 'guideline', 'agreement', 'config', 'quickstart'] as const;
export type PanelAction = (typeof PANEL_ACTIONS)[number];

export interface Edit {
  readonly place: Place;
  readonly text: string;
}

/** Ratings on the scale 1 to 5, by criterion, for each answer. */
export type Ratings = Readonly<Record<string, { readonly first?: number; readonly second?: number }>>;
export const SCALE = [1, 2, 3, 4, 5] as const;

export const VERDICTS = ['accept', 'reject'] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Verdicts = { readonly [P in Place]?: Verdict };

export interface Judgement {
  readonly choice: Choice;
  /** Much better: with `first` and `second` only. */
  readonly much: boolean;
  /** Milliseconds between the showing and the choice, hidden time left out. */
  readonly ms: number;
  readonly rationale: string;
  readonly ratings: Ratings;
  readonly verdicts: Verdicts;
  readonly edit: Edit | null;
}

export type ToLabeling =
  /** All anew: the session, and the pairs to show, the current one first. */
  | {
      readonly type: 'session';
      readonly session: SessionView;
      readonly pairs: readonly ShownPair[];
      /** What was drafted for the first pair, after an undo. */
      readonly draft: Draft | null;
      /** The request that this answers, if any, and what came of it in words. */
      readonly request: number | null;
      readonly said: string;
    }
  /** The label is on the disk: go on to the next pair. `more` joins the end of the pairs. */
  | {
      readonly type: 'saved';
      readonly request: number;
      readonly progress: Progress;
      readonly empty: Emptiness | null;
      readonly more: readonly ShownPair[];
    }
  /** Nothing was written; the pair stays. */
  | { readonly type: 'refused'; readonly request: number; readonly message: string; readonly hint: string }
  | { readonly type: 'whole'; readonly key: string; readonly part: Part; readonly text: string };

/** A text of a pair: an answer, or a turn of the prompt. */
export type Part = Place | number;

export type FromLabeling =
  | { readonly type: 'ready' }
  | { readonly type: 'judge'; readonly request: number; readonly key: string; readonly judgement: Judgement }
  | { readonly type: 'undo'; readonly request: number }
  | { readonly type: 'whole'; readonly key: string; readonly part: Part }
  | { readonly type: 'action'; readonly action: PanelAction };

/** What an annotator has entered for the current pair without choosing yet. */
export interface Draft {
  readonly rationale: string;
  readonly ratings: Ratings;
  readonly verdicts: Verdicts;
  readonly edit: Edit | null;
}

export const EMPTY_DRAFT: Draft = { rationale: '', ratings: {}, verdicts: {}, edit: null };

/** What the panel keeps over a reload of the window. Labels are not among it: they are on the disk. */
export interface LabelingState {
  readonly v: 1;
  readonly guideline: boolean;
  readonly differences: boolean;
  /** The draft and the pair it belongs to, by the pair's prompt and answers as shown. */
  readonly draft: { readonly key: string; readonly draft: Draft } | null;
}

export const INITIAL_STATE: LabelingState = { v: 1, guideline: false, differences: false, draft: null };

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOneOf<T extends string>(names: readonly T[], value: unknown): value is T {
  return typeof value === 'string' && names.some((name) => name === value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isList<T>(value: unknown, item: (value: unknown) => value is T): value is T[] {
  return Array.isArray(value) && value.every(item);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isFigure = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

function isClipped(value: unknown): value is Clipped {
  return isFields(value) && isText(value.text) && isCount(value.length);
}

function isTurn(value: unknown): value is Clipped & { role: string } {
  return isClipped(value) && 'role' in value && isText(value.role);
}

export function isShownPair(value: unknown): value is ShownPair {
  if (!isFields(value)) return false;
  const { key, prompt, first, second, tags } = value;
  return isText(key) && isList(prompt, isTurn) && isClipped(first) && isClipped(second) && isList(tags, isText);
}

function isCriterion(value: unknown): value is Criterion {
  return isFields(value) && [value.name, value.question, value.low, value.high].every(isText);
}

function isGuideline(value: unknown): value is GuidelineView {
  if (!isFields(value)) return false;
  const { title, text, criteria, edgeCases } = value;
  return isText(title) && isText(text) && isList(criteria, isCriterion) && isList(edgeCases, isText);
}

function isProgress(value: unknown): value is Progress {
  if (!isFields(value)) return false;
  const { total, left, done, pace, repeats } = value;
  return (
    [total, left, done].every(isCount) &&
    (pace === null || isFigure(pace)) &&
    (repeats === null || (isFields(repeats) && isCount(repeats.same) && isCount(repeats.of)))
  );
}

function isEmptiness(value: unknown): value is Emptiness {
  if (!isFields(value) || !isText(value.title) || !isText(value.words)) return false;
  const { action } = value;
  return action === null || (isFields(action) && isOneOf(PANEL_ACTIONS, action.name) && isText(action.label));
}

function isSession(value: unknown): value is SessionView {
  if (!isFields(value)) return false;
  const { stage, stages, annotator, guideline, progress, empty, warnings } = value;
  return (
    isText(stage) &&
    isCount(stages) &&
    isText(annotator) &&
    (guideline === null || isGuideline(guideline)) &&
    isProgress(progress) &&
    (empty === null || isEmptiness(empty)) &&
    isList(warnings, isText)
  );
}

function isRating(value: unknown): boolean {
  return value === undefined || SCALE.some((step) => step === value);
}

function isRatings(value: unknown): value is Ratings {
  if (!isFields(value)) return false;
  return Object.values(value).every((pair) => isFields(pair) && isRating(pair.first) && isRating(pair.second));
}

function isVerdicts(value: unknown): value is Verdicts {
  if (!isFields(value)) return false;
  return PLACES.every((place) => value[place] === undefined || isOneOf(VERDICTS, value[place]));
}

function isEdit(value: unknown): value is Edit {
  return isFields(value) && isOneOf(PLACES, value.place) && isText(value.text);
}

export function isDraft(value: unknown): value is Draft {
  if (!isFields(value)) return false;
  const { rationale, ratings, verdicts, edit } = value;
  return isText(rationale) && isRatings(ratings) && isVerdicts(verdicts) && (edit === null || isEdit(edit));
}

function isJudgement(value: unknown): value is Judgement {
  if (!isDraft(value)) return false;
  const { choice, much, ms }: Fields = { ...value };
  if (!isOneOf(CHOICES, choice) || typeof much !== 'boolean' || !isFigure(ms)) return false;
  return !much || choice === 'first' || choice === 'second';
}

function isPart(value: unknown): value is Part {
  return isCount(value) || isOneOf(PLACES, value);
}

/** Is this a message from the editor? */
export function isToLabeling(value: unknown): value is ToLabeling {
  if (!isFields(value)) return false;
  const { request } = value;
  switch (value.type) {
    case 'session':
      return (
        isSession(value.session) &&
        isList(value.pairs, isShownPair) &&
        (value.draft === null || isDraft(value.draft)) &&
        (request === null || isCount(request)) &&
        isText(value.said)
      );
    case 'saved':
      return (
        isCount(request) &&
        isProgress(value.progress) &&
        (value.empty === null || isEmptiness(value.empty)) &&
        isList(value.more, isShownPair)
      );
    case 'refused':
      return isCount(request) && isText(value.message) && isText(value.hint);
    case 'whole':
      return isText(value.key) && isPart(value.part) && isText(value.text);
    default:
      return false;
  }
}

/** Is this a message from the panel? */
export function isFromLabeling(value: unknown): value is FromLabeling {
  if (!isFields(value)) return false;
  switch (value.type) {
    case 'ready':
      return true;
    case 'judge':
      return isCount(value.request) && isText(value.key) && isJudgement(value.judgement);
    case 'undo':
      return isCount(value.request);
    case 'whole':
      return isText(value.key) && isPart(value.part);
    case 'action':
      return isOneOf(PANEL_ACTIONS, value.action);
    default:
      return false;
  }
}

/** The panel's kept state, or the initial one where what was kept is missing or of another version. */
export function labelingState(value: unknown): LabelingState {
  if (!isFields(value) || value.v !== 1) return INITIAL_STATE;
  const { guideline, differences, draft } = value;
  const kept = isFields(draft) && isText(draft.key) && isDraft(draft.draft);
  return {
    v: 1,
    guideline: guideline === true,
    differences: differences === true,
    draft: kept ? { key: String(draft.key), draft: isDraft(draft.draft) ? draft.draft : EMPTY_DRAFT } : null,
  };
}
