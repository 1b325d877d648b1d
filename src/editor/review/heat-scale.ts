import { visibleText } from '../../protocol/visible-text';
import type { Span } from './comments-anchor';
import type { ReviewPrompt } from './text';
import { tokenSpans, type TokenSpan } from './token-spans';

/** What the background of a token tells: KL to the reference, or the score of a reward model and how it moves. */
export type HeatKind = { readonly of: 'kl' } | { readonly of: 'reward' | 'gain'; readonly model: string };

/** A heat over a document: its scale is the document's own. */
export interface Heat {
  readonly kind: HeatKind;
  /** What parts the five steps, rising. */
  readonly edges: readonly [number, number, number, number];
  readonly legend: Legend;
}

/** The line that explains the colours, and where the sample of each of the five stands in it. */
export interface Legend {
  readonly text: string;
  readonly steps: readonly Span[];
}

/** Nats, of one token: its probability is 1.1, 1.3, 2.7 and 20 times the reference's. */
const KL_EDGES = [0.1, 0.3, 1, 3] as const;
/** The inner steps of a reward are this much narrower than the outer ones. */
const INNER = 1 / 5;

/** The heats that a document has figures for: KL first. */
export function kindsOf(prompts: readonly ReviewPrompt[]): HeatKind[] {
  const scored = prompts.flatMap(({ answers }) => answers.flatMap(({ tokens }) => tokens ?? []));
  if (scored.length === 0) return [];
  const models = new Set(scored.flatMap(({ prefix_rewards: rewards = {} }) => Object.keys(rewards)));
  return [
    { of: 'kl' },
    ...[...models].flatMap((model): HeatKind[] => [
      { of: 'reward', model },
      { of: 'gain', model },
    ]),
  ];
}

/** A name for a kind that tells it from all others: what the command takes. */
export function kindKey(kind: HeatKind): string {
  return kind.of === 'kl' ? 'kl' : `${kind.of} ${kind.model}`;
}

/** What a heat shows, in words. */
export function kindWords(kind: HeatKind): string {
  if (kind.of === 'kl') return 'KL of each token, nats';
  const words = kind.of === 'reward' ? 'reward after each token' : 'reward that each token adds';
  return words + modelWords(kind.model);
}

/** Which reward model is meant, where its name says more than that it is one. */
export function modelWords(model: string): string {
  const name = visibleText(model).replace(/\s+/g, ' ').slice(0, 40);
  return name === 'reward' ? '' : ` (${name})`;
}

/** The heat of a kind over a document; undefined where it has no figures for it. */
export function heatOf(prompts: readonly ReviewPrompt[], kind: HeatKind): Heat | undefined {
  const values = prompts
    .flatMap(({ answers }) => answers.flatMap(({ tokens }) => (tokens ? tokenSpans(tokens) : [])))
    .flatMap((span) => valueOf(span, kind) ?? []);
  if (values.length === 0) return undefined;
  const edges = kind.of === 'kl' ? KL_EDGES : symmetric(values);
  return { kind, edges, legend: legendOf(kindWords(kind), edges, kind.of === 'kl') };
}

/** The figure that a heat shows of a token. */
export function valueOf(span: TokenSpan, kind: HeatKind): number | undefined {
  if (kind.of === 'kl') return span.kl;
  const step = span.rewards.get(kind.model);
  return step && (kind.of === 'reward' ? step.after : step.after - step.before);
}

/** The step of a figure, from 0 to 4. */
export function stepOf({ edges }: Pick<Heat, 'edges'>, value: number): number {
  return edges.filter((edge) => value >= edge).length;
}

/** Steps around 0 such that about one in ten figures lies in the outer ones: 1, 2 or 5 times a power of ten. */
function symmetric(values: readonly number[]): Heat['edges'] {
  const sizes = values.map(Math.abs).sort((a, b) => a - b);
  const outer = roundDown(sizes[Math.floor(0.9 * (sizes.length - 1))] ?? 0) || 1;
  const inner = Number((outer * INNER).toPrecision(2));
  return [-outer, -inner, inner, outer];
}

function roundDown(size: number): number {
  if (size < 1e-6) return 0;
  const power = 10 ** Math.floor(Math.log10(size));
  const digit = [5, 2, 1].find((digit) => digit * power <= size * (1 + 1e-9)) ?? 1;
  return Number((digit * power).toPrecision(1));
}

function legendOf(words: string, edges: Heat['edges'], sequential: boolean): Legend {
  const [a, b, c, d] = edges.map(numberText);
  const labels = sequential
    ? [`< ${a}`, `≥ ${a}`, `≥ ${b}`, `≥ ${c}`, `≥ ${d}`]
    : [`< ${a}`, `< ${b}`, `${b} … ${c}`, `≥ ${c}`, `≥ ${d}`];
  // only lines of the document itself begin so
  let text = `─ heat: ${words}  `;
  const steps = labels.map((label): Span => {
    text += ' ';
    const start = text.length;
    text += ` ${label} `;
    return { start, end: text.length };
  });
  return { text, steps };
}

function numberText(value: number): string {
  return String(value).replace('-', '−');
}
