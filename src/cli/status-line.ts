import { clip, guarded, type Terminal } from './terminal';

/** One line at the bottom of a terminal that is written over. Does nothing where the stream is no terminal. */
export class StatusLine {
  private shown = '';

  constructor(private readonly terminal: Terminal) {}

  get usable(): boolean {
    return this.terminal.interactive;
  }

  show(line: string): void {
    if (!this.usable) return;
    const text = clip(guarded(this.terminal, line), Math.max(10, this.terminal.width - 1));
    if (text === this.shown) return;
    this.terminal.stream.write(`\r\u001b[2K${text}`);
    this.shown = text;
  }

  /** Takes the line away, so that others can be written. */
  clear(): void {
    if (this.shown) this.terminal.stream.write('\r\u001b[2K');
    this.shown = '';
  }
}
