import type { StageTarget } from '../runs/start';
import { comparisonsOf, type Candidate } from './items';

/** What a comparison begins with: the samples of a run, or the pairs of a stage. */
export type Origin = { readonly run: string } | { readonly pairs: StageTarget };

/** Where the answers of a candidate are read from; `label` tells it from another one of the same name. */
export type CandidateSource = Origin & { readonly name: string; readonly label?: string };

/** A candidate that the user may choose. */
export interface Option {
  readonly source: CandidateSource;
  readonly candidate: Candidate;
  readonly description: string;
}

/** Are both of one run, or of the pairs? */
export function sameOrigin(one: Origin, other: Origin): boolean {
  return 'run' in one ? 'run' in other && one.run === other.run : 'pairs' in other;
}

/** Candidates of one name get the end of their run's id into it. */
export function withDistinctNames(options: readonly Option[]): Option[] {
  return options.map((option) => {
    const { source, candidate } = option;
    const twins = options.filter((other) => other.candidate.name === candidate.name);
    if (twins.length === 1 || !('run' in source)) return option;
    const label = `${candidate.name} · ${source.run.slice(-4)}`;
    return { ...option, source: { ...source, label }, candidate: { ...candidate, name: label } };
  });
}

/** The options that can be compared with one of them: to some prompt the answers differ. The one stays among them. */
export function comparableWith(options: readonly Option[], one: Option): Option[] {
  return options.filter((other) => other === one || comparisonsOf([one.candidate, other.candidate]).items.length > 0);
}

/**
 * What a candidate is compared with unless the user says otherwise: the first of its own run or stage, which is what
 * training began with; for that one the last. Where it is alone, the last one made before it. Options come in the order
 * in which they were made.
 */
export function naturalRival(options: readonly Option[], one: Option): Option | undefined {
  const others = options.filter((other) => other !== one);
  const family = others.filter(({ source }) => sameOrigin(source, one.source));
  const [first] = family;
  if (first) return options.indexOf(one) < options.indexOf(first) ? family.at(-1) : first;
  return others.filter((other) => options.indexOf(other) < options.indexOf(one)).at(-1) ?? others[0];
}
