import { Lexer } from 'yaml';
import { LIMITS } from './tree';

/** The parser takes some 30 µs a token; a config has about a thousand of them. */
const MAX_TOKENS = 20_000;
const MAX_LINES = 20_000;

/** A bracket or quote without its end. */
export interface Unclosed {
  readonly offset: number;
  /** What would close it. */
  readonly close: string;
}

export interface Scan {
  /** Where nesting or sheer amount passes its limit. */
  readonly past?: { readonly limit: 'depth' | 'amount'; readonly offset: number };
  readonly unclosed?: Unclosed;
}

/**
 * A look at the tokens before the parser gets the text, in linear time: the parser itself recurses, is slow on a million
 * brackets, and reports a missing bracket at the end of the file.
 */
export function scan(text: string): Scan {
  const open: Unclosed[] = [];
  let unclosed: Unclosed | undefined;
  let inLine = 0;
  let offset = 0;
  let tokens = 0;
  let lines = 0;
  for (const token of new Lexer().lex(text)) {
    // The lexer's own marks stand for no text: document, scalar, and a flow collection that indentation ends.
    if (token === '\u0002' || token === '\u001f') continue;
    if (token === '\u0018') {
      unclosed ??= open.at(-1);
      open.length = 0;
      continue;
    }
    if (token === '{' || token === '[') open.push({ offset, close: token === '{' ? '}' : ']' });
    else if (token === '}' || token === ']') open.pop();
    else if (open.length === 0 && (token === '-' || token === '?' || token === ':')) inLine++;
    else if ((token[0] === '"' || token[0] === "'") && !isClosed(token)) unclosed ??= { offset, close: token[0] };
    else if (token.includes('\n')) inLine = 0;
    if (open.length > LIMITS.depth || (open.length === 0 && inLine > LIMITS.depth))
      return { past: { limit: 'depth', offset } };
    for (let at = token.indexOf('\n'); at !== -1; at = token.indexOf('\n', at + 1)) lines++;
    if (++tokens > MAX_TOKENS || lines > MAX_LINES) return { past: { limit: 'amount', offset } };
    offset += token.length;
  }
  return { unclosed: unclosed ?? open.at(-1) };
}

function isClosed(token: string): boolean {
  if (token.length < 2 || !token.endsWith(token[0])) return false;
  if (token[0] === "'") return true;
  const backslashes = /\\*$/.exec(token.slice(0, -1))?.[0].length ?? 0;
  return backslashes % 2 === 0;
}
