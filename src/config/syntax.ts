import { isScalar, LineCounter, parseDocument, type Document, type YAMLError } from 'yaml';
import { START, type Diagnostic, type DiagnosticCode, type Fix, type Range } from './diagnostic';
import { scan, type Unclosed } from './scan';
import { LIMITS, rangeOf, TreeLimitError, treeOf, type Tree } from './tree';

/** Longest text that is read, in UTF-16 code units. */
export const MAX_TEXT = 1 << 20;
const MAX_SYNTAX_ERRORS = 20;
const MOVE_DATA = 'A config is a few kilobytes. Put data in a file of its own and name that file with `data:`.';

export interface SyntaxResult {
  /** Undefined where the text is refused or holds nothing. */
  readonly tree: Tree | undefined;
  readonly lines: LineCounter;
  readonly diagnostics: Diagnostic[];
}

/** Text to a tree with places, and all that is wrong with it as YAML. Never throws. */
export function readYaml(text: string, file: string): SyntaxResult {
  const lines = new LineCounter();
  const refuse = (code: DiagnosticCode, message: string, hint: string, range: Range): SyntaxResult => ({
    tree: undefined,
    lines,
    diagnostics: [{ severity: 'error', code, message, hint, file, range, path: [], fixes: [] }],
  });
  const at = (offset: number): Range => {
    countLines(text, lines, offset);
    return rangeOf(lines, offset, offset + 1);
  };

  if (text.length > MAX_TEXT) {
    const size = (text.length / 1e6).toFixed(1);
    return refuse('too-large', `The config is ${size} MB long; at most 1 MB is read.`, MOVE_DATA, at(0));
  }
  // eslint-disable-next-line no-control-regex
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/.exec(text);
  if (control) {
    const name = `U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    const hint = 'Save the file as UTF-8 text, or name the right file.';
    return refuse(
      'binary',
      `The config holds the character ${name}: this is not a text file.`,
      hint,
      at(control.index),
    );
  }
  const { past, unclosed } = scan(text);
  if (past?.limit === 'depth') {
    const hint = 'A config needs four levels: stages, a stage, a key, its parts.';
    return refuse('too-deep', `The config is nested more than ${LIMITS.depth} levels deep.`, hint, at(past.offset));
  }
  if (past) return refuse('too-large', 'The config holds too many values to be one.', MOVE_DATA, at(past.offset));

  let doc: Document;
  try {
    doc = parseDocument(text, {
      lineCounter: lines,
      keepSourceTokens: true,
      prettyErrors: false,
      // Quadratic in the library; ours is in the check of keys.
      uniqueKeys: false,
      stringKeys: true,
      version: '1.2',
      schema: 'core',
    });
  } catch (error) {
    // The parser is recursive: what slips past the check of nesting ends here.
    const detail = error instanceof RangeError ? 'it is nested too deeply' : 'it is too tangled';
    return refuse('syntax', `The config cannot be read as YAML: ${detail}.`, 'Simplify the file.', at(0));
  }

  const diagnostics = syntaxDiagnostics(doc, unclosed, text, file, lines);
  if (!hasContent(doc)) {
    if (diagnostics.length > 0) return { tree: undefined, lines, diagnostics };
    const hint = 'Write a `stages:` map, or let `align init` write a file to start from.';
    return refuse('empty', 'The config is empty.', hint, { start: START, end: START });
  }
  try {
    return { tree: treeOf(doc, lines, text.length), lines, diagnostics };
  } catch (error) {
    if (!(error instanceof TreeLimitError)) throw error;
    const range = rangeOf(lines, error.offset, error.offset + 1);
    if (error.limit === 'aliases') {
      const message = `The config expands more than ${LIMITS.aliases} aliases (\`*name\`).`;
      return refuse('too-many-aliases', message, 'Write the values out instead.', range);
    }
    if (error.limit === 'depth') {
      const hint = 'Write values out instead of aliases to what is around them; a config needs four levels.';
      return refuse('too-deep', `The config is nested more than ${LIMITS.depth} levels deep.`, hint, range);
    }
    return refuse('too-large', 'The config holds too many values to be one.', MOVE_DATA, range);
  }
}

function hasContent({ contents }: Document): boolean {
  if (contents === null) return false;
  return !(isScalar(contents) && contents.value === null && contents.range?.[0] === contents.range?.[1]);
}

/** Lines up to an offset, for texts that are refused before the parser has seen them. */
function countLines(text: string, lines: LineCounter, end: number): void {
  lines.addNewLine(0);
  for (let i = text.indexOf('\n'); i !== -1 && i < end; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
}

function onePerLine(diagnostics: Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  return diagnostics.filter(({ range }) => !seen.has(range.start.line) && seen.add(range.start.line));
}

/** What the library found, and in front of it a bracket or quote without its end, whose consequences are left out. */
function syntaxDiagnostics(
  doc: Document,
  unclosed: Unclosed | undefined,
  text: string,
  file: string,
  lines: LineCounter,
): Diagnostic[] {
  const found = doc.errors.slice(0, 1000).map((error) => syntaxDiagnostic(error, 'error', text, file, lines));
  const warned = doc.warnings.slice(0, 1000).map((error) => syntaxDiagnostic(error, 'warning', text, file, lines));
  if (!unclosed || found.length === 0) return onePerLine([...found, ...warned]).slice(0, MAX_SYNTAX_ERRORS);
  const range = rangeOf(lines, unclosed.offset, unclosed.offset + 1);
  const quote = unclosed.close === '"' || unclosed.close === "'";
  const opening: Diagnostic = {
    severity: 'error',
    code: 'syntax',
    message: `This ${quote ? 'quote' : 'bracket'} is opened and never closed.`,
    hint: `Add the closing \`${unclosed.close}\`.`,
    file,
    range,
    path: [],
    fixes: [],
  };
  const before = found.filter(({ range: { start } }) => start.line < range.start.line);
  return onePerLine([...before, opening, ...warned]).slice(0, MAX_SYNTAX_ERRORS);
}

function syntaxDiagnostic(
  error: YAMLError,
  severity: Diagnostic['severity'],
  text: string,
  file: string,
  lines: LineCounter,
): Diagnostic {
  const end = Math.min(text.length, Math.max(error.pos[1], error.pos[0] + 1));
  const start = Math.min(error.pos[0], text.length);
  const base = { severity, file, path: [], fixes: [] as Fix[], range: rangeOf(lines, start, end) };
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? '';
  if (error.code === 'TAB_AS_INDENT' || indent.includes('\t')) {
    const range = rangeOf(lines, lineStart, lineStart + indent.length);
    const fix = { title: 'Replace tabs by spaces', edits: [{ range, newText: indent.replace(/\t/g, '  ') }] };
    const message = 'This line is indented with a tab; YAML allows only spaces.';
    return { ...base, code: 'tab', message, hint: 'Indent with two spaces a level.', range, fixes: [fix] };
  }
  const colon = missingColon(error, text, start, lines);
  if (colon) return { ...base, ...colon };
  const [code, message, hint] = explain(error, text, start);
  return { ...base, code, message, hint };
}

/** `type:sft` and `epochs 3`: the two ways to forget what stands between key and value. */
function missingColon(
  error: YAMLError,
  text: string,
  start: number,
  lines: LineCounter,
): Pick<Diagnostic, 'code' | 'message' | 'hint' | 'range' | 'fixes'> | undefined {
  if (error.code !== 'BLOCK_AS_IMPLICIT_KEY' && error.code !== 'MULTILINE_IMPLICIT_KEY') return undefined;
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const line = /^( *)([a-z_]+)(:| +)([^\s:][^\n]*)/.exec(text.slice(from, from + 1000));
  if (!line) return undefined;
  const [, indent, key, between, value] = line;
  const keyEnd = from + indent.length + key.length;
  const newText = between === ':' ? ': ' : ':';
  const at = between === ':' ? rangeOf(lines, keyEnd, keyEnd + 1) : rangeOf(lines, keyEnd, keyEnd);
  const good = `${key}: ${value.trim()}`;
  const message =
    between === ':' ? `Behind the colon of \`${key}\` a blank is missing.` : `Behind \`${key}\` a colon is missing.`;
  return {
    code: 'syntax',
    message,
    hint: `Write \`${good}\`.`,
    range: rangeOf(lines, from + indent.length, keyEnd),
    fixes: [{ title: `Change to \`${good}\``, edits: [{ range: at, newText }] }],
  };
}

/** What YAML's error means to someone who does not know its grammar. */
function explain(error: YAMLError, text: string, start: number): [DiagnosticCode, string, string] {
  switch (error.code) {
    case 'BAD_INDENT':
      return [
        'indentation',
        'The indentation of this line fits none of the lines above.',
        'Indent keys of the same map alike, two spaces a level.',
      ];
    case 'MISSING_CHAR':
      return ['syntax', missing(error), 'Close what was opened, or put a blank behind the colon.'];
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return [
        'indentation',
        'This line is read as a part of the value above it, or has no colon.',
        'Write `key: value`, indented like its neighbours, and quote a value that holds a colon.',
      ];
    case 'UNEXPECTED_TOKEN':
      return [
        'syntax',
        `\`${snippet(text, start)}\` is not expected here.`,
        'Quote a value that holds special characters, and check brackets and indentation.',
      ];
    case 'BAD_SCALAR_START':
      return ['syntax', `A value cannot start with \`${text.slice(start, start + 1)}\`.`, 'Put the value in quotes.'];
    case 'BAD_ALIAS':
      return [
        'syntax',
        `${sentence(error.message)}`,
        'Define the anchor with `&name` above, or quote the value when the `*` is meant as text.',
      ];
    case 'BAD_DQ_ESCAPE':
      return [
        'syntax',
        'This escape does not exist in double quotes.',
        'Write `\\\\` for a backslash, or use single quotes, which know no escapes.',
      ];
    case 'MULTIPLE_DOCS':
      return [
        'syntax',
        'The file holds more than one YAML document.',
        'Remove the `---` line and keep one experiment a file.',
      ];
    case 'MULTIPLE_ANCHORS':
    case 'MULTIPLE_TAGS':
    case 'ALIAS_PROPS':
    case 'BAD_PROP_ORDER':
      return ['syntax', sentence(error.message), 'Keep one anchor and no tag before a value.'];
    case 'TAG_RESOLVE_FAILED':
      return [
        'syntax',
        `The tag \`${snippet(text, start)}\` is not known here.`,
        'Remove the tag: values are plain numbers, words, lists and maps.',
      ];
    case 'BAD_DIRECTIVE':
      return ['syntax', sentence(error.message), 'Remove the line that starts with `%`.'];
    case 'NON_STRING_KEY':
      return [
        'syntax',
        'A key must be a plain word.',
        'Write `key: value`; quote a value that starts with a bracket or a question mark.',
      ];
    case 'KEY_OVER_1024_CHARS':
      return ['syntax', 'This key is longer than 1,024 characters.', 'Check for a missing line break or quote above.'];
    case 'BLOCK_IN_FLOW':
      return [
        'syntax',
        'Inside brackets, `- item` and indented maps are not possible.',
        'Close the bracket above, or write `[a, b]` and `{ key: value }`.',
      ];
    case 'RESOURCE_EXHAUSTION':
      return ['too-deep', 'The config is nested too deeply.', 'A config needs four levels.'];
    default:
      return [
        'syntax',
        sentence(error.message),
        'Check quotes, brackets and indentation on this line and the one above.',
      ];
  }
}

function missing(error: YAMLError): string {
  if (/closing ["']?quote|Missing closing ['"]/.test(error.message)) return 'A quote is opened here and never closed.';
  const bracket = /end with ([\]}])|with a ([\]}])/.exec(error.message);
  if (bracket) return `The closing \`${bracket[1] ?? bracket[2]}\` is missing.`;
  return sentence(error.message);
}

function sentence(message: string): string {
  const first = message
    .split('\n')[0]
    .replace(/ at line \d+.*$/, '')
    .replace(/[.:]$/, '');
  return `${first}.`;
}

function snippet(text: string, start: number): string {
  const word = /^[^\s]{1,24}/.exec(text.slice(start, start + 25))?.[0];
  return word ?? 'end of line';
}
