import { Environment, Interpreter, Template } from '@huggingface/jinja';

/** A node of the engine's syntax tree, as far as it is looked into. */
type Node = Record<string, unknown>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

/** Compiles a template. Throws what the engine throws. */
export function compileTemplate(source: string): Template {
  const template = new Template(source);
  mendStrips(template.parsed);
  return template;
}

/**
 * The engine's strip, lstrip and rstrip take away all white space whatever characters they are given. Calls with an
 * argument are led to functions of ours, which do as Python does.
 */
function mendStrips(node: unknown): void {
  if (!isNode(node)) return;
  for (const value of Object.values(node)) mendStrips(value);
  const { type, callee, args } = node;
  if (type !== 'CallExpression' || !isNode(callee) || !Array.isArray(args) || args.length !== 1) return;
  const { object, property, computed } = callee;
  if (callee.type !== 'MemberExpression' || computed === true || !isNode(property)) return;
  if (property.value !== 'strip' && property.value !== 'lstrip' && property.value !== 'rstrip') return;
  node.callee = { type: 'Identifier', value: `__${property.value}` };
  node.args = [object, ...(args as unknown[])];
}

/** Python's str.strip(characters) at one or both ends. */
function strip(text: unknown, characters: unknown, start: boolean, end: boolean): string {
  const chars = Array.from(String(text));
  const goes = new Set(String(characters));
  let from = 0;
  let to = chars.length;
  if (start) while (from < to && goes.has(chars[from])) from++;
  if (end) while (to > from && goes.has(chars[to - 1])) to--;
  return chars.slice(from, to).join('');
}

/** As Jinja's sandbox has it. */
const MOST_RANGE = 100_000;

const GLOBALS: Record<string, unknown> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  __strip: (text: unknown, characters: unknown) => strip(text, characters, true, true),
  __lstrip: (text: unknown, characters: unknown) => strip(text, characters, true, false),
  __rstrip: (text: unknown, characters: unknown) => strip(text, characters, false, true),
  range: (...bounds: number[]) => {
    const [start, stop, step] = bounds.length > 1 ? [bounds[0], bounds[1], bounds[2] ?? 1] : [0, bounds[0], 1];
    const length = Math.max(0, Math.ceil((stop - start) / step));
    if (!(length <= MOST_RANGE)) throw new Error(`range of ${length} numbers, at most ${MOST_RANGE} are allowed`);
    return Array.from({ length }, (_, i) => start + i * step);
  },
};

/**
 * Runs a template in an environment of our own: in the engine's own one strftime_now reads the clock, and a run resumed
 * on another day would render other tokens.
 */
export function runTemplate(template: Template, variables: Record<string, unknown>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...variables })) {
    if (name !== 'namespace') environment.set(name, value);
  }
  const result: object = new Interpreter(environment).run(template.parsed);
  const text: unknown = 'value' in result ? result.value : undefined;
  if (typeof text !== 'string') throw new Error('the template gives no text');
  return text;
}
