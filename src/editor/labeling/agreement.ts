import { ratingsOfLabels } from '../../data/agreement/label-ratings';
import { ratingTable } from '../../data/agreement/ratings';
import { Tally } from '../../data/agreement/tally';
import type { LabelRow } from '../../data/labels/labels';

/**
 * Krippendorff's ordinal α of all annotators at a stage, without an interval: for a lens. Null where no pair has
 * labels of two annotators, or all labels are alike.
 */
export function alphaOf(rows: readonly LabelRow[]): number | null {
  const table = ratingTable(ratingsOfLabels(rows));
  const units = [...table.units.keys()];
  const tally = new Tally(table, units, { pairs: false });
  const sums = new Float64Array(tally.size);
  for (const unit of units) tally.visit(unit, (cell, amount) => (sums[cell] += amount));
  return tally.alpha(sums, 'ordinal');
}
