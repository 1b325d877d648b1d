import type { z } from 'zod';
import type { Fix } from '../diagnostic';
import type { Report } from '../report';
import { FOREIGN_VALUES } from '../schema/foreign';
import type { KeySpec } from '../schema/meta';
import { nearest } from '../suggest';
import { valueOf, type Entry, type ScalarTree, type Tree } from '../tree';

/** The value with defaults filled in, or undefined with a diagnostic in the report. */
export function checkValue(spec: KeySpec, entry: Entry, path: readonly string[], report: Report): unknown {
  const tree = entry.value;
  const field = `\`${path.join('.')}\``;
  if (tree.kind === 'scalar' && tree.empty) {
    const example = exampleOf(spec);
    const newText = example.includes('\n') ? '' : ` ${example}`;
    report.addAtKey(entry, {
      code: 'missing-value',
      message: `${field} has no value.`,
      hint: `Write ${spec.expects}${spec.required ? '' : `, or remove the line for the default, ${defaultText(spec)}`}.`,
      path,
      fixes: [report.replace({ start: tree.range.start, end: tree.range.start }, newText, `Write \`${example}\``)],
    });
    return undefined;
  }
  const parsed = spec.schema.safeParse(valueOf(tree));
  if (parsed.success && !isValueAsText(spec, tree)) {
    warnIfUnusual(spec, tree, parsed.data, path, report);
    return parsed.data;
  }
  const item = parsed.success ? undefined : wrongItem(spec, tree);
  if (item) reportWrong(spec, item.tree, [...path, String(item.number)], parsed.error, report);
  else reportWrong(spec, tree, path, parsed.error, report);
  return undefined;
}

/** The first item that fails in a list that may have several, with its number from 1. */
function wrongItem(spec: KeySpec, tree: Tree): { tree: Tree; number: number } | undefined {
  if (tree.kind !== 'list' || tree.items.length < 2) return undefined;
  const fails = tree.items.map((item) => !spec.schema.safeParse([valueOf(item)]).success);
  const index = fails.indexOf(true);
  // Where all fail, no list is allowed at all.
  return index === -1 || !fails.includes(false) ? undefined : { tree: tree.items[index], number: index + 1 };
}

/** `held_out: 5%` or `"0.05"`: text that would pass as the name of a file and certainly is none. */
function isValueAsText(spec: KeySpec, tree: Tree): boolean {
  return spec.role?.endsWith('-or-value') === true && tree.kind === 'scalar' && mend(spec, tree) !== undefined;
}

function reportWrong(
  spec: KeySpec,
  tree: Tree,
  path: readonly string[],
  error: z.ZodError | undefined,
  report: Report,
): void {
  const field = `\`${path.join('.')}\``;
  const value = valueOf(tree);
  const wrong = { message: `${field} must be ${spec.expects}, but is ${describe(tree)}.`, path };
  const mended = tree.kind === 'scalar' ? mend(spec, tree) : undefined;
  if (mended !== undefined) {
    const quoted = tree.kind === 'scalar' && tree.quoted && mended === String(value).trim();
    const hint = quoted ? `Remove the quotes: ${mended}` : `Write ${mended}`;
    const word = spec.values.includes(mended) && mended !== 'true' && mended !== 'false';
    const code = word && !quoted ? 'unknown-value' : 'wrong-type';
    report.add(tree, { ...wrong, code, hint, fixes: [report.replace(tree.range, mended, hint)] });
    return;
  }
  if (typeof value === 'string' && spec.values.length > 1 && tree.kind === 'scalar') {
    const near = nearest(value, spec.values);
    const fixes: Fix[] = near ? [report.replace(tree.range, near, `Change to \`${near}\``)] : [];
    const hint = near ? `Did you mean \`${near}\`?` : `Write one of ${spec.values.join(', ')}.`;
    report.add(tree, { ...wrong, code: 'unknown-value', hint, fixes });
    return;
  }
  const outOfRange =
    typeof value === 'number' && Number.isFinite(value) && error !== undefined && numberIssue(error) === 'range';
  const hint = `For example \`${spec.name}: ${exampleOf(spec)}\`${spec.required ? '' : `; left out, it is ${defaultText(spec)}`}.`;
  report.add(tree, { ...wrong, code: outOfRange ? 'out-of-range' : 'wrong-type', hint });
}

/** Whether a number failed by its type (no number is allowed, or only whole ones) or by its size. */
function numberIssue(error: z.ZodError): string {
  const codes = (issues: readonly z.core.$ZodIssue[]): string[] =>
    issues.flatMap((issue) => (issue.code === 'invalid_union' ? issue.errors.flatMap(codes) : [issue.code]));
  const all = codes(error.issues);
  return all.some((code) => code === 'too_small' || code === 'too_big') ? 'range' : all.join(' ');
}

/** The text of a value that the schema takes and that is certainly meant: `"2e-5"`, `5%`, `1_000`, `yes`, `None`. */
function mend(spec: KeySpec, tree: ScalarTree): string | undefined {
  const { value } = tree;
  const takes = (candidate: unknown) => spec.schema.safeParse(candidate).success;
  if (typeof value === 'number' && !Number.isInteger(value) && Number.isFinite(value)) {
    const whole = Math.max(1, Math.round(value));
    return takes(whole) && Math.abs(whole - value) < 0.5 && value > 1 ? String(whole) : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const foreign = FOREIGN_VALUES.get(spec.name)?.get(text.toLowerCase());
  if (foreign !== undefined && takes(foreign)) return foreign;
  if (spec.role === undefined && takes(text.toLowerCase())) return text.toLowerCase();
  const number = numberFrom(text);
  if (number !== undefined && takes(Number(number))) return number;
  const word = text.toLowerCase();
  if (['yes', 'on', 'true'].includes(word) && takes(true)) return 'true';
  if (['no', 'off', 'false', 'none', 'never'].includes(word) && takes(false)) return 'false';
  if (['none', 'null', 'nil', '~', 'auto', 'default'].includes(word) && takes(null)) return 'null';
  return undefined;
}

function numberFrom(text: string): string | undefined {
  // `0,001` has a decimal comma; `1,000` and `1_000` are thousands.
  const grouped = /^[-+]?0,/.test(text) ? text : text.replace(/(?<=\d)[_ ,](?=\d{3}(\D|$))/g, '');
  const bare = grouped.replace(/(?<=\d),(?=\d)/, '.');
  const percent = /^([-+]?[\d.]+) ?%$/.exec(bare);
  if (percent) return String(Number(percent[1]) / 100);
  const thousands = /^([-+]?[\d.]+) ?[kK]$/.exec(bare);
  if (thousands) return String(Number(thousands[1]) * 1000);
  return bare !== '' && Number.isFinite(Number(bare)) ? bare : undefined;
}

function warnIfUnusual(spec: KeySpec, tree: Tree, value: unknown, path: readonly string[], report: Report): void {
  if (!spec.usual || typeof value !== 'number' || tree.kind !== 'scalar') return;
  const [low, high] = spec.usual;
  if (value >= low && value <= high) return;
  const wrong = value < low ? 'small' : 'large';
  report.add(tree, {
    severity: 'warning',
    code: 'unusual-value',
    message: `\`${path.join('.')}\` is unusually ${wrong}: ${value}.`,
    hint: `Common values lie between ${low} and ${high}; the default is ${defaultText(spec)}.`,
    path,
  });
}

export function describe(tree: Tree): string {
  if (tree.kind === 'map') return 'a map';
  if (tree.kind === 'list') return tree.items.length === 0 ? 'an empty list' : 'a list';
  const { value } = tree;
  if (value === null) return 'null';
  if (typeof value === 'string') return value === '' ? 'empty text' : `the text ${JSON.stringify(shorten(value))}`;
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** A value to show or to write for a key. */
export function exampleOf(spec: KeySpec): string {
  if (spec.example !== undefined) return spec.example;
  if (typeof spec.default === 'number') return numberText(spec.default);
  if (spec.default !== null && spec.default !== undefined && typeof spec.default !== 'object')
    return JSON.stringify(spec.default).replace(/^"(.*)"$/, '$1');
  return spec.values[0] ?? '…';
}

/** `2.0e-5` rather than `0.00002`. */
export function numberText(value: number): string {
  if (value === 0 || Math.abs(value) >= 1e-2) return String(value);
  const [digits, exponent] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}e${exponent}`;
}

export function defaultText(spec: KeySpec): string {
  if (spec.defaultText !== undefined) return spec.defaultText;
  if (typeof spec.default === 'number') return numberText(spec.default);
  return spec.default === null || spec.default === undefined ? 'none' : JSON.stringify(spec.default).replace(/"/g, '');
}
