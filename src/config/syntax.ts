import { isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { START, type Diagnostic, type DiagnosticCode, type Range } from './diagnostic';
import { scan } from './scan';
import { LIMITS, rangeOf, TreeLimitError, treeOf, type Tree } from './tree';
import { syntaxDiagnostics } from './yaml-errors';

/** Longest text that is read, in UTF-16 code units. */
export const MAX_TEXT = 1 << 20;
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
    const tree = treeOf(doc, lines, text.length, (name, range) => {
      const message = `There is no anchor \`&${name}\` for \`*${name}\`.`;
      const hint = 'Write the value out, or quote it where the `*` is meant as text.';
      const fix = { title: 'Quote it', edits: [{ range, newText: `"*${name}"` }] };
      diagnostics.push({ severity: 'error', code: 'syntax', message, hint, file, range, path: [], fixes: [fix] });
    });
    return { tree, lines, diagnostics };
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
