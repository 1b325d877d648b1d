import { isActive } from '../../runs/format';
import type { EditorContext } from '../context';
import { core } from '../loading';
import { pairsFileOf } from '../review/documents';
import { promptsOfPairs, promptsOfSamples } from '../review/source';
import { configFileOf, type KnownRun } from '../runs/run-library';
import type { StageTarget } from '../runs/start';
import { asStage } from '../runs/targets';
import { candidatesOf, type Candidate } from './items';
import { withDistinctNames, type CandidateSource, type Option, type Origin } from './options';

/**
 * What can be compared: all candidates of the origin, and of the other runs of its config that the window has read (the
 * newest of each stage among them) those of evaluations and the last samples. In the order in which they were made: the
 * first one is what the others are compared with.
 */
export async function optionsOf(context: EditorContext, config: string, origin: Origin): Promise<Option[]> {
  const made: Option[] = 'pairs' in origin ? await pairsOptions(origin.pairs) : [];
  for (const run of [...context.runs.all].reverse()) {
    if (configFileOf(run.info) !== config) continue;
    const all = runCandidates(run);
    // The candidates of an evaluation are models, not steps of one.
    const every = run.run.type === 'evaluate' || ('run' in origin && run.run.id === origin.run);
    for (const candidate of every ? all : all.slice(-1)) {
      const source = { run: run.run.id, name: candidate.name };
      made.push({ source, candidate, description: `${every ? 'answers' : 'last samples'} of ${run.run.id}` });
    }
  }
  return withDistinctNames(made);
}

/**
 * The answers of a candidate as they are now. Undefined where they are not there; `reading` where they may come yet:
 * the run is not read, or still writes.
 */
export async function readCandidate(
  context: EditorContext,
  source: CandidateSource,
): Promise<{ candidate?: Candidate; reading: boolean }> {
  const named = (candidates: readonly Candidate[]): Candidate | undefined => {
    const found = candidates.find(({ name }) => name === source.name);
    return found && { ...found, name: source.label ?? found.name };
  };
  if ('pairs' in source) {
    const options = await pairsOptions(source.pairs);
    return { candidate: named(options.map(({ candidate }) => candidate)), reading: false };
  }
  const run = context.runs.get(source.run);
  if (!run) return { reading: !context.runs.allLoaded };
  return { candidate: named(runCandidates(run)), reading: run.samples.length === 0 || isActive(run.state) };
}

/** Where a source that was kept over a reload of the window leads; undefined where another version wrote it. */
export function asSource(value: unknown): CandidateSource | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') return;
  const named = {
    name: value.name,
    ...('label' in value && typeof value.label === 'string' && { label: value.label }),
  };
  if ('run' in value && typeof value.run === 'string') return { run: value.run, ...named };
  const pairs = 'pairs' in value ? asStage(value.pairs) : undefined;
  return pairs && { pairs, ...named };
}

async function pairsOptions(pairs: StageTarget): Promise<Option[]> {
  const { readPairs } = await core();
  const candidates = candidatesOf(promptsOfPairs(pairs.stage, readPairs(pairsFileOf(pairs)).pairs));
  return candidates.map((candidate) => ({
    source: { pairs, name: candidate.name },
    candidate,
    description: `answers of ${pairs.stage}`,
  }));
}

function runCandidates({ run, samples }: Pick<KnownRun, 'run' | 'samples'>): Candidate[] {
  return candidatesOf(promptsOfSamples(run.id, run.stage, samples));
}
