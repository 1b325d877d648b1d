import { Lexer, LineCounter, parseDocument, type Document, type YAMLError } from 'yaml';
import { START, type Diagnostic, type DiagnosticCode, type Fix, type Range } from './diagnostic';
import { LIMITS, rangeOf, TreeLimitError, treeOf, type Tree } from './tree';

/** Longest text that is read, in UTF-16 code units. */
export const MAX_TEXT = 1 << 20;
const MAX_SYNTAX_ERRORS = 20;

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
    const hint = 'A config is a few kilobytes. Put data in a file of its own and name that file with `data:`.';
    return refuse('too-large', `The config is ${size} MB long; at most 1 MB is read.`, hint, at(0));
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
  const deep = tooDeep(text);
  if (deep !== undefined) {
    const hint = 'A config needs four levels: stages, a stage, a key, its parts.';
    return refuse('too-deep', `The config is nested more than ${LIMITS.depth} levels deep.`, hint, at(deep));
  }

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

  const found = doc.errors.map((error) => ({ error, severity: 'error' as const }));
  const warned = doc.warnings.map((error) => ({ error, severity: 'warning' as const }));
  const diagnostics = onePerLine(
    [...found, ...warned]
      .slice(0, 1000)
      .map(({ error, severity }) => syntaxDiagnostic(error, severity, text, file, lines)),
  ).slice(0, MAX_SYNTAX_ERRORS);

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
    const hint = 'Put data in a file of its own and name that file with `data:`.';
    return refuse('too-large', `The config holds more than ${LIMITS.values} values.`, hint, range);
  }
}

function hasContent(doc: Document): boolean {
  const { contents } = doc;
  if (contents === null) return false;
  const range = 'range' in contents ? contents.range : undefined;
  return !(range && range[0] === range[1] && doc.toString().trim() === 'null');
}

/** Lines up to an offset, for texts that are refused before the parser has seen them. */
function countLines(text: string, lines: LineCounter, end: number): void {
  lines.addNewLine(0);
  for (let i = text.indexOf('\n'); i !== -1 && i < end; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
}

/** Where nesting passes the limit, by tokens and in linear time, because the parser itself recurses. */
function tooDeep(text: string): number | undefined {
  let flow = 0;
  let inLine = 0;
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    // The lexer's own marks: document, flow end, scalar. They stand for no text.
    if (token === '\u0002' || token === '\u0018' || token === '\u001f') continue;
    if (token === '{' || token === '[') flow++;
    else if (token === '}' || token === ']') flow = Math.max(0, flow - 1);
    else if (token === '-' || token === '?' || token === ':') inLine++;
    else if (token.includes('\n')) inLine = 0;
    else if (/^ +$/.test(token) && token.length > 1000) return offset;
    if (flow > LIMITS.depth || (flow === 0 && inLine > LIMITS.depth)) return offset;
    offset += token.length;
  }
  return undefined;
}

function onePerLine(diagnostics: Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  return diagnostics.filter(({ range }) => !seen.has(range.start.line) && seen.add(range.start.line));
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
  const [code, message, hint] = explain(error, text, start);
  return { ...base, code, message, hint };
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
