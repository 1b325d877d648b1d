import type { Bench, Result } from '../bench';
import { STEPS_ALONE, measureAgainst, speedRow, whole } from '../against-trl';
import { inOwnFolder } from '../folder';
import { LoopProject } from '../loop-project';
import { quickstartFolder } from './quickstart';
import { PAIRS, preferenceArgs } from './reward';

const BETA = 0.1;

/** Row 9: an epoch of DPO, with the reference's log-probabilities computed before it. */
export async function measureDpo(bench: Bench): Promise<Result> {
  const count = bench.options.quickly ? PAIRS.quick : PAIRS.whole;
  return await inOwnFolder(async (folder) => {
    const project = new LoopProject(quickstartFolder(bench), folder, bench.options.threads);
    const data = project.write('pairs.jsonl', project.preferences(count));
    const { stage, args } = preferenceArgs(project, data);
    project.stage('dpo', { type: 'dpo', data: 'pairs.jsonl', beta: BETA, ...stage, ...STEPS_ALONE });
    const measured = await measureAgainst(bench, project, {
      what: 'DPO epoch',
      script: 'dpo.py',
      peerArgs: [...args, '--beta', String(BETA)],
      ours: { dpo: 'dpo' },
    });
    const row = speedRow(bench, 'dpo.py', { ours: measured.ours.dpo, trl: measured.trl }, whole, {
      row: 9,
      what: `DPO epoch with its reference pass, ${count} pairs`,
      floor: 1.2,
      goal: 2,
      note: 'from the reading of the data to the last step; ours without a cache of earlier rounds',
    });
    return { rows: [row], data: measured };
  });
}
