import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../config/errors';
import type { ResolvedStage } from '../../config/experiment';
import type { DpoConfig, RewardConfig } from '../../config/schema/experiment';
import { aggregatePairs } from '../../data/agreement/aggregate';
import { ratingsOfLabels } from '../../data/agreement/label-ratings';
import { shownPath } from '../../data/files';
import { preferencesOfEdits } from '../../data/labels/edits';
import {
  effectiveLabels,
  judgementsOfAnswers,
  type LabelRow,
  readLabelFile,
  readLabels,
} from '../../data/labels/labels';
import type { RowFault } from '../../data/labels/lenient-jsonl';
import { PAIRS_FILE, promptToJson, readPairs } from '../../data/labels/pairs';
import { readPreferences } from '../../data/labels/preferences';
import type { Message } from '../../data/rows';
import { splitRows } from '../../data/split';

/** The stages that learn from preferences. */
export type PreferenceConfig = RewardConfig | DpoConfig;

/** Two answers to a prompt, and which is better. */
export interface Preference {
  prompt: string | Message[];
  a: string;
  b: string;
  /** P(b is better), from 0 to 1; ½ is a tie. */
  p: number;
  /** How much better, from −2 (a much better) over 0 to 2 (b much better): the mean of the labels. */
  strength: number;
  /** By how much the better answer's reward should lead; for labels 1 where all say "much better", 0 up to "better". */
  margin: number;
  tags: readonly string[];
  /** Relative to the config file's folder, where it lies in it. */
  file: string;
  line: number;
}

/** What was read and what was left out. Plain JSON. */
export interface PreferenceReport {
  /** Pairs with a preference or a tie, before `ties: drop`. */
  pairs: number;
  ties: number;
  /** Ties left out by `ties: drop`. */
  tiesDropped: number;
  /** Of the pairs, those that an annotator's better wording made. */
  edits: number;
  /** Labels that say no preference. */
  bothBad: number;
  skipped: number;
  /** Pairs without any label, and pairs all of whose labels say no preference. */
  unlabeled: number;
  undecided: number;
  /** Labels whose pair is not there. */
  unknown: number;
  /** Lines that could not be used; the first few of them. */
  faults: number;
  faultPlaces: { file: string; line: number; message: string }[];
}

const SHOWN = 5;

export interface SplitPreferences {
  train: Preference[];
  heldOut: Preference[];
  report: PreferenceReport;
}

/** The preferences of a stage, held-out prompts apart: a prompt is never on both sides. */
export function splitPreferences(stage: ResolvedStage, config: PreferenceConfig): SplitPreferences {
  const { preferences, report } = stagePreferences(stage, config);
  const { heldOut: file } = stage.inputs;
  if (file !== null) {
    const held = dataPreferences([file], stage.folder);
    const asked = new Set(held.preferences.map(promptOf));
    report.faults += held.report.faults;
    report.faultPlaces = [...report.faultPlaces, ...held.report.faultPlaces].slice(0, SHOWN);
    return { train: preferences.filter((row) => !asked.has(promptOf(row))), heldOut: held.preferences, report };
  }
  const share = typeof config.held_out === 'string' ? false : config.held_out;
  return { ...splitRows(preferences, share, stage.seed, promptOf), report };
}

/** Equal for equal prompts. */
export const promptOf = ({ prompt }: Pick<Preference, 'prompt'>): string => JSON.stringify(promptToJson(prompt));

const isTie = ({ p }: Preference): boolean => p === 0.5;

const withoutTies = (preferences: readonly Preference[], { ties }: PreferenceConfig): Preference[] =>
  preferences.filter((row) => ties === 'keep' || !isTie(row));

interface Found {
  preferences: Preference[];
  report: PreferenceReport;
}

/** Reads what `labels` or `data` name. Throws a UserError where no preference is found. */
function stagePreferences(stage: ResolvedStage, config: PreferenceConfig): Found {
  const { labels } = stage.sources;
  const found =
    labels === null ? dataPreferences(stage.inputs.data, stage.folder) : labelPreferences(labels.path, stage, config);
  const { report } = found;
  report.ties = found.preferences.filter(isTie).length;
  const preferences = withoutTies(found.preferences, config);
  report.tiesDropped = found.preferences.length - preferences.length;
  if (preferences.length > 0) return { preferences, report };
  const [bad] = report.faultPlaces;
  const why = bad ? ` The first line that could not be used: ${bad.file}:${bad.line}: ${bad.message}.` : '';
  throw new UserError(
    report.tiesDropped > 0
      ? `All ${report.tiesDropped} labeled pairs are ties, which \`ties: drop\` leaves out.`
      : `There is no pair of which one answer was preferred.${why}`,
    {
      file: labels?.path ?? stage.inputs.data[0],
      hint: labels === null ? 'Rows have `prompt`, `chosen` and `rejected`.' : 'Label some pairs first.',
      code: 'no-preferences',
    },
  );
}

const emptyReport = (faults: readonly RowFault[], folder: string): PreferenceReport => ({
  pairs: 0,
  ties: 0,
  tiesDropped: 0,
  edits: 0,
  bothBad: 0,
  skipped: 0,
  unlabeled: 0,
  undecided: 0,
  unknown: 0,
  faults: faults.length,
  faultPlaces: faults
    .slice(0, SHOWN)
    .map(({ file, line, message }) => ({ file: shownPath(folder, file), line, message })),
});

/** Preference data: the chosen answer is `a`, and surely the better one. */
function dataPreferences(files: readonly string[], folder: string): Found {
  const faults: RowFault[] = [];
  const preferences = files.flatMap((file) => {
    refuseMissing(file);
    const content = readPreferences(file);
    faults.push(...content.faults);
    return content.rows.map(({ prompt, chosen, rejected, tags, line, margin = 0 }): Preference => {
      const place = { file: shownPath(folder, file), line };
      return { prompt, a: chosen, b: rejected, p: 0, strength: -1, margin, tags, ...place };
    });
  });
  return { preferences, report: { ...emptyReport(faults, folder), pairs: preferences.length } };
}

/** Labeled pairs, several annotators' labels made one by `aggregate`. */
function labelPreferences(path: string, { folder }: ResolvedStage, config: PreferenceConfig): Found {
  refuseMissing(path);
  const whole = statSync(path).isDirectory();
  const place = whole ? path : dirname(path);
  const read = whole || path.endsWith(PAIRS_FILE) ? readLabels(place) : readLabelFile(path);
  const file = join(place, PAIRS_FILE);
  const { pairs, lines, faults } = readPairs(file);
  const lineOf = new Map(pairs.map(({ id }, i) => [id, lines[i]]));
  const { annotators } = config;
  const rows = ofAnnotators(read.rows, annotators, path);
  const { labels, unknown } = effectiveLabels(rows, lineOf);
  const report = emptyReport([...faults, ...read.faults], folder);
  const ratings = ratingsOfLabels(rows).filter(({ unit }) => lineOf.has(unit));
  const { pairs: aggregates, unrated } = aggregatePairs(ratings, config.aggregate);
  const byId = new Map(aggregates.map((aggregate) => [aggregate.pair, aggregate]));
  const short = shownPath(folder, file);
  // in the order of the pairs' file: the order in which labels were given is nothing to learn from
  const preferences = pairs.flatMap(({ id, prompt, a, b, tags }): Preference[] => {
    const found = byId.get(id);
    if (!found) return [];
    const { probability: p, strength } = found;
    const margin = Math.max(0, Math.abs(strength) - 1);
    return [{ prompt, a, b, p, strength, margin, tags, file: short, line: lineOf.get(id) ?? 1 }];
  });
  const mended = preferencesOfEdits(pairs, judgementsOfAnswers(rows));
  const edits = mended.map(({ pair, prompt, chosen, rejected, tags }): Preference => {
    const line = lineOf.get(pair) ?? 1;
    return { prompt, a: rejected, b: chosen, p: 1, strength: 1, margin: 0, tags, file: short, line };
  });
  return {
    preferences: [...preferences, ...edits],
    report: {
      ...report,
      pairs: preferences.length + edits.length,
      edits: edits.length,
      bothBad: labels.filter(({ value }) => value === 'both_bad').length,
      skipped: labels.filter(({ value }) => value === 'skip').length,
      unlabeled: pairs.length - aggregates.length - unrated,
      undecided: unrated,
      unknown: unknown.length,
    },
  };
}

function ofAnnotators(rows: readonly LabelRow[], wanted: readonly string[] | null, file: string): LabelRow[] {
  if (wanted === null) return [...rows];
  const known = [...new Set(rows.map(({ annotator }) => annotator))].sort();
  const missing = wanted.find((name) => !known.includes(name));
  if (missing !== undefined)
    throw new UserError(`\`annotators\` names "${missing}", who has no labels here.`, {
      file,
      hint: known.length > 0 ? `There are labels of ${known.join(', ')}.` : 'Nobody has labels here yet.',
      code: 'no-preferences',
    });
  return rows.filter(({ annotator }) => wanted.includes(annotator));
}

function refuseMissing(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })) return;
  throw new UserError('There are no preferences here: the file or folder does not exist.', {
    file: path,
    hint: 'Run the generate stage and label its pairs, or name another place.',
    code: 'no-preferences',
  });
}
