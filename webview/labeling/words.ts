import type { Progress } from '../../src/protocol/labeling';
import { element } from '../controls';

/** A key as it is printed on the keyboard. Screen readers have it from the controls. */
export function keycap(key: string): HTMLElement {
  const made = element('kbd', 'keycap', key);
  made.setAttribute('aria-hidden', 'true');
  return made;
}

/** `9 s a pair`; empty before there is a pace. */
export function paceWords(pace: number | null): string {
  if (pace === null) return '';
  const seconds = pace >= 10 ? pace.toFixed(0) : pace >= 1 ? String(Number(pace.toFixed(1))) : 'under 1';
  return `${seconds} s a pair`;
}

/** `self 7/8`; empty before a pair was shown twice. */
export function repeatWords(repeats: Progress['repeats']): string {
  return repeats && repeats.of > 0 ? `self ${repeats.same}/${repeats.of}` : '';
}
