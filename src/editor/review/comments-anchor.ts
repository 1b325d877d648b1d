/** A stretch of a text, in characters from 0. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where a quote stands in a text that may have changed since: the occurrence nearest to where it began, of two as near
 * the earlier one. Undefined where the text no longer has it, and for an empty quote.
 */
export function anchorOf(text: string, quote: string, start: number): Span | undefined {
  if (quote === '') return undefined;
  // The last occurrence that begins at or before `start`, and the first one behind it.
  const before = start < 0 ? -1 : text.lastIndexOf(quote, start);
  const after = text.indexOf(quote, Math.max(0, start + 1));
  const found = before < 0 ? after : after < 0 ? before : start - before <= after - start ? before : after;
  return found < 0 ? undefined : { start: found, end: found + quote.length };
}

/** The line, from 0 at the text's first, and character of a place in a text with `\n` line ends. */
export function positionIn(text: string, at: number): { line: number; character: number } {
  const before = text.slice(0, at);
  const line = before.split('\n').length - 1;
  return { line, character: at - (before.lastIndexOf('\n') + 1) };
}

/** The place in a text of a line and character, kept within the text. */
export function placeIn(text: string, line: number, character: number): number {
  const lines = text.split('\n');
  if (line < 0) return 0;
  if (line >= lines.length) return text.length;
  const before = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  return before + Math.min(character, lines[line].length);
}
