import { UserError } from '../../config/errors';
import type { DpoMonitors, RlMonitors } from '../../config/schema/monitors';
import { readLines, decodeUtf8 } from '../../data/lines';
import defaultPhrases from './flattery.json';
import type { MonitorSettings } from './monitors';
import { wordsOf } from './wording';

/**
 * The settings of a stage's `monitors:`. `phrasesFile` is the file that `flattery.phrases` names, absolute. Throws a
 * UserError where it cannot be read or holds no phrase.
 */
export function monitorSettings(
  monitors: RlMonitors | DpoMonitors,
  phrasesFile: string | null,
): Omit<MonitorSettings, 'heldOutStd'> {
  const { patience, flattery, proxy_gap: gap, ...others } = monitors;
  const own = flattery !== false && Array.isArray(flattery.phrases) ? flattery.phrases : null;
  return {
    thresholds: {
      length_ratio: others.length_ratio,
      echo: others.echo,
      repetition: others.repetition,
      entropy: others.entropy,
      kl: others.kl,
      length_correlation: 'length_correlation' in others ? others.length_correlation : false,
      disagreement: 'disagreement' in others ? others.disagreement : false,
      flattery: flattery === false ? false : flattery.threshold,
      proxy_gap: gap === false ? false : gap.threshold,
    },
    patience,
    phrases: own ?? (phrasesFile === null ? defaultPhrases : readPhrases(phrasesFile)),
  };
}

/** The phrases of a text file, one a line; lines that begin with # are remarks. */
export function readPhrases(file: string): string[] {
  const phrases: string[] = [];
  for (const { line, bytes } of readLines(file)) {
    const read = bytes === null ? { column: 1 } : decodeUtf8(bytes);
    if ('column' in read) {
      const message = bytes === null ? 'the line is too long for a phrase.' : 'the line is no UTF-8 text.';
      throw new UserError(message, { file, line, column: read.column, code: 'data' });
    }
    const phrase = read.text.trim();
    if (!phrase.startsWith('#') && wordsOf(phrase).length > 0) phrases.push(phrase);
  }
  if (phrases.length === 0)
    throw new UserError('the file has no phrase.', {
      file,
      hint: 'Write one a line, or take `phrases` out to use the list of Alignment Lab.',
      code: 'data',
    });
  return phrases;
}
