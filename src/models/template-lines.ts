import type { Template } from '@huggingface/jinja';
import { compileTemplate } from './template-engine';

/** Renders a compiled template with the conversation at hand and some extra variables. */
export type RenderSource = (template: Template, extra?: Record<string, unknown>) => string;

interface Tag {
  /** Index of the tag's first brace. */
  start: number;
  /** Index after its last brace. */
  end: number;
  comment: boolean;
}

/** The tags of a Jinja source in order; strings within a tag may hold braces. */
function tagsOf(source: string): Tag[] {
  const tags: Tag[] = [];
  for (let at = 0; at < source.length - 1;) {
    const kind = source[at] === '{' ? source[at + 1] : '';
    if (kind !== '{' && kind !== '%' && kind !== '#') {
      at++;
      continue;
    }
    const close = kind === '{' ? '}}' : `${kind}}`;
    let end = at + 2;
    let quote = '';
    while (end < source.length && (quote !== '' || !source.startsWith(close, end))) {
      const char = source[end];
      if (quote) {
        if (char === '\\') end++;
        else if (char === quote) quote = '';
      } else if (kind !== '#' && (char === '"' || char === "'")) quote = char;
      end++;
    }
    end = Math.min(end + 2, source.length);
    tags.push({ start: at, end, comment: kind === '#' });
    at = end;
  }
  return tags;
}

function lineAt(source: string, index: number): number {
  let line = 1;
  for (let i = 0; i < index; i++) if (source[i] === '\n') line++;
  return line;
}

/**
 * The line of a syntax error. The engine gives no positions: it is the end of the shortest beginning of the source
 * that fails with the same words. Undefined when none does.
 */
export function lineOfSyntaxError(source: string, message: string): number | undefined {
  for (const { start, end } of tagsOf(source)) {
    try {
      compileTemplate(source.slice(0, end));
    } catch (error) {
      if (error instanceof Error && error.message === message) return lineAt(source, start);
    }
  }
  return undefined;
}

/** The line of the tag at which rendering fails: rendered once more with every tag noting its line before it runs. */
export function lineOfFailure(source: string, render: RenderSource): number | undefined {
  let noting = '';
  let from = 0;
  for (const { start, comment } of tagsOf(source)) {
    if (comment) continue;
    noting += `${source.slice(from, start)}{{ __note_line(${lineAt(source, start)}) }}`;
    from = start;
  }
  let line: number | undefined;
  const note = (value: unknown) => {
    line = Number(value);
    return '';
  };
  try {
    render(compileTemplate(noting + source.slice(from)), { __note_line: note });
    return undefined;
  } catch {
    return line;
  }
}
