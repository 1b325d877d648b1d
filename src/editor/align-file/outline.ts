import type { Diagnostic } from '../../config/diagnostic';
import type { StageOutline } from '../../config/experiment';

const SYNTAX_CODES: ReadonlySet<string> = new Set(['syntax', 'tab', 'indentation']);

/**
 * The stages to show lenses over. In the middle of typing a file is often no YAML for a moment: then the stages of the
 * last good text stay, each moved to the line where its name stands now.
 */
export function outlineAfterError(
  text: string,
  parsed: { readonly diagnostics: readonly Diagnostic[]; readonly outline: readonly StageOutline[] },
  before: readonly StageOutline[],
): readonly StageOutline[] {
  const broken = parsed.diagnostics.some(({ code }) => SYNTAX_CODES.has(code));
  if (!broken || parsed.outline.length >= before.length) return parsed.outline;
  const lines = text.split(/\r?\n/);
  return before.map((stage) => {
    const line = nearestLine(lines, stage);
    const move = <P extends { line: number }>(position: P): P => ({ ...position, line });
    return { ...stage, range: { start: move(stage.range.start), end: move(stage.range.end) } };
  });
}

/** The line, from 1, nearest to the old one that begins with the stage's name as a key. */
function nearestLine(lines: readonly string[], stage: StageOutline): number {
  const old = stage.range.start.line;
  const isKey = (line: string | undefined): boolean => line?.trimStart().startsWith(`${stage.name}:`) ?? false;
  for (let distance = 0; distance < lines.length; distance++) {
    if (isKey(lines[old - 1 + distance])) return old + distance;
    if (isKey(lines[old - 1 - distance])) return old - distance;
  }
  return Math.min(old, Math.max(1, lines.length));
}
