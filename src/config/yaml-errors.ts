import type { Document, LineCounter, YAMLError } from 'yaml';
import type { Diagnostic, DiagnosticCode, Fix } from './diagnostic';
import type { Unclosed } from './scan';
import { rangeOf } from './tree';

/** More than these have one cause. */
const MAX_SYNTAX_ERRORS = 20;

function onePerLine(diagnostics: Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  return diagnostics.filter(({ range }) => !seen.has(range.start.line) && seen.add(range.start.line));
}

/** What the library found, and in front of it a bracket or quote without its end, whose consequences are left out. */
export function syntaxDiagnostics(
  doc: Document,
  unclosed: Unclosed | undefined,
  text: string,
  file: string,
  lines: LineCounter,
): Diagnostic[] {
  // Warnings are about tags and directives, whose values are not what was meant either.
  const found = [...doc.errors, ...doc.warnings]
    .slice(0, 1000)
    .map((error) => syntaxDiagnostic(error, text, file, lines));
  if (!unclosed || doc.errors.length === 0) return onePerLine(found).slice(0, MAX_SYNTAX_ERRORS);
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
  return onePerLine([...before, opening]).slice(0, MAX_SYNTAX_ERRORS);
}

function syntaxDiagnostic(error: YAMLError, text: string, file: string, lines: LineCounter): Diagnostic {
  const end = Math.min(text.length, Math.max(error.pos[1], error.pos[0] + 1));
  const start = Math.min(error.pos[0], text.length);
  const base = { severity: 'error' as const, file, path: [], fixes: [] as Fix[], range: rangeOf(lines, start, end) };
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? '';
  if (error.code === 'TAB_AS_INDENT' || indent.includes('\t')) {
    const range = rangeOf(lines, lineStart, lineStart + indent.length);
    const fix = { title: 'Replace tabs by spaces', edits: [{ range, newText: indent.replace(/\t/g, '  ') }] };
    const message = 'This line is indented with a tab; YAML allows only spaces.';
    return { ...base, code: 'tab', message, hint: 'Indent with two spaces a level.', range, fixes: [fix] };
  }
  if (error.code === 'TAG_RESOLVE_FAILED') {
    const fix = { title: 'Remove the tag', edits: [{ range: base.range, newText: '' }] };
    const message = `The tag \`${snippet(text, start)}\` is not known here.`;
    const hint = 'Remove the tag: values are plain numbers, words, lists and maps.';
    return { ...base, code: 'syntax', message, hint, fixes: [fix] };
  }
  const colon = colonTrouble(error, text, start, lines);
  if (colon) return { ...base, ...colon };
  const [code, message, hint] = explain(error, text, start);
  return { ...base, code, message, hint };
}

/** `type:sft`, `epochs 3` and `note: a: b`: too few colons or blanks between key and value, or too many. */
function colonTrouble(
  error: YAMLError,
  text: string,
  start: number,
  lines: LineCounter,
): Pick<Diagnostic, 'code' | 'message' | 'hint' | 'range' | 'fixes'> | undefined {
  if (error.code !== 'BLOCK_AS_IMPLICIT_KEY' && error.code !== 'MULTILINE_IMPLICIT_KEY') return undefined;
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const whole = text.slice(from, from + 1000).split(/\r?\n/)[0];
  const colons = /^( *[\w-]+:[ \t]+)([^\s"'[{|>#][^#]*: [^#]*?)\s*(?: #.*)?$/.exec(whole);
  if (colons) {
    const [, head, value] = colons;
    const quoted = `'${value.replace(/'/g, "''")}'`;
    const range = rangeOf(lines, from + head.length, from + head.length + value.length);
    const fixes = [{ title: 'Quote the value', edits: [{ range, newText: quoted }] }];
    const message = 'A value that holds a colon with a blank behind it needs quotes.';
    return { code: 'syntax', message, hint: `Write ${quoted}.`, range, fixes };
  }
  const line = /^( *)([a-z_]+)(:| +)([^\s:].*)/.exec(whole);
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
