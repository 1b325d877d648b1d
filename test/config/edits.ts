import type { Fix } from '../../src/config/diagnostic';

/** The text with a fix applied. */
export function applied(text: string, fix: Fix): string {
  const edits = [...fix.edits].sort((a, b) => b.range.start.offset - a.range.start.offset);
  return edits.reduce(
    (result, { range, newText }) => result.slice(0, range.start.offset) + newText + result.slice(range.end.offset),
    text,
  );
}

/** A text with `|` where the cursor stands: the text without it, and the offset. */
export function cursor(marked: string): { text: string; offset: number } {
  const offset = marked.indexOf('|');
  return { text: marked.slice(0, offset) + marked.slice(offset + 1), offset };
}
