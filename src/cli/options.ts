import { InvalidArgumentError } from 'commander';

/** Parsers of option values; commander tells the user the option's name and this message. */
export function wholeNumber(least = 0): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`A whole number of ${least} or more is wanted.`);
    return value;
  };
}

export function numberIn(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most)
      throw new InvalidArgumentError(
        most === Infinity ? `A number of ${least} or more is wanted.` : `A number from ${least} to ${most} is wanted.`,
      );
    return value;
  };
}

export function device(text: string): 'cpu' | 'webgpu' {
  if (text === 'cpu' || text === 'webgpu') return text;
  throw new InvalidArgumentError('It is cpu or webgpu. `align devices` says what this machine has.');
}
