import { krippendorffAlpha } from '../../data/agreement/coefficients';
import { ratingTable, type Rating } from '../../data/agreement/ratings';
import { effectiveLabels, type LabelRow } from '../../data/labels/labels';

/**
 * Krippendorff's ordinal α of all annotators at a stage, without an interval: for a lens. Null where no pair has
 * labels of two annotators, or all labels are alike.
 */
export function alphaOf(rows: readonly LabelRow[]): number | null {
  const ratings = effectiveLabels(rows).labels.map(({ pair, annotator, value }): Rating => ({
    unit: pair,
    annotator,
    value: typeof value === 'number' ? value : null,
  }));
  const { units, values, offsets, category } = ratingTable(ratings);
  const k = values.length;
  const coincidences = new Float64Array(k * k);
  units.forEach((_unit, u) => {
    const given = category.subarray(offsets[u], offsets[u + 1]);
    given.forEach((c, i) =>
      given.forEach((d, j) => {
        if (i !== j) coincidences[c * k + d] += 1 / (given.length - 1);
      }),
    );
  });
  return krippendorffAlpha(coincidences, values, 'ordinal');
}
