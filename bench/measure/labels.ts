import { join } from 'node:path';
import { readLabelInput } from '../../src/cli/label-input';
import { reportMarkdown } from '../../src/data/agreement/markdown';
import { agreementReport } from '../../src/data/agreement/report';
import { LabelingSession } from '../../src/editor/labeling/session';
import type { Parsed } from './main';
import { peakBytes } from './step';

/** As many pairs as the panel fetches ahead. */
const AHEAD = 6;

/** Someone new opens the panel: pairs and everyone's labels are read, and the first pairs are ready to be shown. */
export async function measureLabelingSession({ folder, stage }: Parsed<'labeling-session'>): Promise<unknown> {
  const start = performance.now();
  const session = new LabelingSession({ folder, stage, annotator: 'bench', guideline: null });
  const shown = session.ahead(AHEAD);
  const seconds = (performance.now() - start) / 1e3;
  const { progress, warnings } = session;
  if (shown.length === 0) throw new Error('the session had nothing to show');
  return { seconds, pairs: progress.total, left: progress.left, warnings: warnings.length, peak_bytes: peakBytes() };
}

/** The whole agreement report of a stage's labels, from the files to its text. */
export async function measureAgreement({ folder, stage }: Parsed<'agreement'>): Promise<unknown> {
  const start = performance.now();
  const input = readLabelInput([join(folder, 'labels', stage)], false);
  const read = performance.now();
  const report = agreementReport(input);
  const text = reportMarkdown(report);
  const end = performance.now();
  return {
    seconds: (end - start) / 1e3,
    read_seconds: (read - start) / 1e3,
    ratings: report.overall.ratings,
    draws: report.draws,
    alpha: report.overall.alpha.ordinal.value,
    characters: text.length,
    peak_bytes: peakBytes(),
  };
}
