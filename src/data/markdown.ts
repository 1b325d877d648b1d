/** A table whose cells are Markdown already; the columns of `isRight` have theirs at the right. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  isRight: (column: number) => boolean = () => false,
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const sides = head.map((_, column) => (isRight(column) ? '--:' : '---'));
  return [line(head), line(sides), ...rows.map(line)].join('\n');
}

/** Text of files as it reads, within a table too: no link, HTML, emphasis, line break or new cell comes of it. */
export function escapeMarkdown(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .replace(/[\\`*_{}[\]|~<>&]/g, (character) =>
        character === '<' ? '&lt;' : character === '>' ? '&gt;' : character === '&' ? '&amp;' : `\\${character}`,
      )
      // previews make links of bare addresses too
      .replace(/:(?=\/\/)|\/(?=\/)|\.(?=\p{L})|@/gu, '\\$&')
  );
}
