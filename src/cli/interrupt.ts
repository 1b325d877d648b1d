/** Counts Ctrl-C. While one of these is open the program does not end by itself. */
export class Interrupt {
  private presses = 0;
  private readonly listener = (): void => {
    this.presses++;
    this.onPress(this.presses);
  };

  constructor(private readonly onPress: (presses: number) => void = () => undefined) {
    process.on('SIGINT', this.listener);
    // Windows has no SIGTERM; a closed window ends the program there and leaves the run to itself.
    process.on('SIGTERM', this.listener);
  }

  get count(): number {
    return this.presses;
  }

  close(): void {
    process.off('SIGINT', this.listener);
    process.off('SIGTERM', this.listener);
  }
}
