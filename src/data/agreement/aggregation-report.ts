import { aggregateTable } from './aggregate';
import { accuracyOf } from './dawid-skene';
import { type Rating, ratingTable } from './ratings';
import type { Scale } from './report';

/** What each way of aggregating would make of the ratings. */
export interface AggregationReport {
  /** The classes: values, or −1 (a), 0 (tie), 1 (b) of preferences. */
  readonly classes: readonly number[];
  /** How many units each class wins by majority and by Dawid and Skene's method, and how many stay level (a tie, of preferences). */
  readonly majority: { readonly counts: readonly number[]; readonly level: number };
  readonly dawidSkene: {
    readonly counts: readonly number[];
    readonly level: number;
    readonly priors: readonly number[];
    readonly iterations: number;
    readonly converged: boolean;
    /** By name: how often the annotator is right by the fit, and P(said | true) with a row for each true class. */
    readonly annotators: readonly {
      readonly annotator: string;
      readonly accuracy: number;
      readonly confusion: readonly (readonly number[])[];
    }[];
  };
  /** Units on which the two differ. */
  readonly differ: readonly string[];
  /** Units on which votes are not unanimous: there a soft label says more than a hard one. */
  readonly split: number;
}

/** Compares the aggregations of ratings, each unit and annotator counting once. */
export function aggregationReport(counted: readonly Rating[], scale: Scale): AggregationReport {
  const table = ratingTable(counted, scale === 'preference' ? { value: Math.sign } : {});
  const majority = aggregateTable(table, 'majority');
  const { units, fit } = aggregateTable(table, 'dawid-skene');
  // Level votes on a pair are a tie: as a class of its own it would only be another name for it.
  const tie = scale === 'preference' && table.values.includes(0) ? table.values.indexOf(0) : null;
  const winner = ({ category }: { category: number | null }): number | null => category ?? tie;
  const counts = (of: readonly { category: number | null }[]): { counts: number[]; level: number } => ({
    counts: table.values.map((_, c) => of.filter((unit) => winner(unit) === c).length),
    level: of.filter((unit) => winner(unit) === null).length,
  });
  const k = table.values.length;
  return {
    classes: table.values,
    majority: counts(majority.units),
    dawidSkene: {
      ...counts(units),
      priors: Array.from(fit?.priors ?? []),
      iterations: fit?.iterations ?? 0,
      converged: fit?.converged ?? true,
      annotators: table.annotators.map((annotator, w) => ({
        annotator,
        accuracy: fit ? accuracyOf(fit, w) : 0,
        confusion: table.values.map((_, c) => Array.from(fit?.confusion[w].subarray(c * k, (c + 1) * k) ?? [])),
      })),
    },
    differ: units.filter((unit, i) => winner(unit) !== winner(majority.units[i])).map(({ unit }) => unit),
    split: majority.units.filter(({ votes }) => votes.filter((count) => count > 0).length > 1).length,
  };
}
