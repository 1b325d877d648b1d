import { styled, type Terminal, plain, wrap, pad } from './terminal';

/** One question and the answers of each stage to it, with the oracle's score. */
export interface DemoRow {
  question: string;
  answers: { answer: string; score: number }[];
}

const LEAST_COLUMN = 18;
const SCORE = 5;

/** Questions with the answers before and after, side by side and wrapped to the terminal; one below the other where it is narrow. */
export function answersTable(terminal: Terminal, stages: readonly string[], rows: readonly DemoRow[]): string[] {
  const width = Math.min(terminal.width, 120);
  const column = Math.floor((width - 2 * stages.length) / (stages.length + 1)) - 1;
  if (column < LEAST_COLUMN) return narrow(terminal, stages, rows, width);
  const cell = (text: string, columns: number): string[] =>
    wrap(plain(text).replace(/\s+/g, ' ').trim() || '(nothing)', columns);
  const line = (parts: readonly string[]): string =>
    parts
      .map((part) => pad(part, column))
      .join('  ')
      .trimEnd();
  const lines = [styled(terminal, 'dim', line(['held-out question', ...stages]))];
  for (const { question, answers } of rows) {
    const cells = [cell(question, column), ...answers.map(({ answer }) => cell(answer, column - SCORE))];
    const height = Math.max(...cells.map((part) => part.length));
    for (let i = 0; i < height; i++) {
      const parts = cells.map((part, c) => {
        const score = i === 0 ? answers[c - 1]?.score.toFixed(2) : '';
        return c === 0 ? (part[i] ?? '') : `${pad(score ?? '', SCORE)}${part[i] ?? ''}`;
      });
      lines.push(line(parts));
    }
    lines.push('');
  }
  return lines;
}

function narrow(terminal: Terminal, stages: readonly string[], rows: readonly DemoRow[], width: number): string[] {
  const lines: string[] = [];
  for (const { question, answers } of rows) {
    lines.push(...wrap(plain(question), width).map((text) => styled(terminal, 'cyan', text)));
    answers.forEach(({ answer, score }, i) => {
      const text = plain(answer).replace(/\s+/g, ' ').trim() || '(nothing)';
      lines.push(...wrap(`${stages[i]} ${score.toFixed(2)}: ${text}`, width));
    });
    lines.push('');
  }
  return lines;
}
