import * as vscode from 'vscode';
import { branchedConfig } from '../../config/branch';
import { UserError } from '../../config/errors';
import { listCheckpoints } from '../../runs/checkpoints';
import { createRun } from '../../runs/create';
import type { RunDir } from '../../runs/directory';
import type { KnownRun } from './run-library';
import { configFileOf } from './run-library';

export interface BranchProposal {
  /** Only checkpoints of earlier steps; the newest of them is taken without asking. */
  readonly before?: number;
  /** What stands in the box of changes. */
  readonly settings?: string;
}

/**
 * Asks for a checkpoint and for changes, and makes the branch. Undefined where the user gave up. Throws a UserError
 * where there is no such checkpoint.
 */
export async function branchRun(
  run: KnownRun,
  step?: number,
  { before, settings: proposed }: BranchProposal = {},
): Promise<RunDir | undefined> {
  const { dir } = run.info;
  const checkpoints = listCheckpoints(dir);
  if (checkpoints.length === 0) {
    throw new UserError(`${run.run.id} has no checkpoint to branch from.`, {
      hint: 'A run writes one every checkpoint_every steps, and when it is stopped.',
    });
  }
  if (step !== undefined && !checkpoints.some((checkpoint) => checkpoint.step === step)) {
    throw new UserError(`The checkpoint of step ${step} was removed.`, {
      hint: `There are those of steps ${checkpoints.map((checkpoint) => checkpoint.step).join(', ')}; keep_checkpoints says how many stay.`,
    });
  }
  const earlier = before === undefined ? undefined : stepBefore(checkpoints, before);
  const from = step ?? earlier ?? (await pickCheckpoint(checkpoints.map((checkpoint) => checkpoint.step)));
  if (from === undefined) return undefined;
  const settings = await vscode.window.showInputBox({
    title: `Branch from ${run.run.stage} at step ${from}`,
    prompt: 'What to change, as key=value, several with spaces between them. Empty: nothing.',
    placeHolder: 'learning_rate=1e-4',
    value: proposed,
    validateInput: (text) => {
      try {
        branchedConfig(dir.readConfig(), settingsIn(text));
        return undefined;
      } catch (error) {
        return error instanceof UserError ? [error.message, error.hint].filter(Boolean).join(' ') : String(error);
      }
    },
  });
  if (settings === undefined) return undefined;
  return createRun({
    configFile: configFileOf(run.info),
    folder: dir.folder,
    stage: run.run.stage,
    type: run.run.type,
    config: branchedConfig(dir.readConfig(), settingsIn(settings)),
    parent: { run: run.run.id, step: from },
    stageHash: settings.trim() === '' ? (run.run.stage_hash ?? null) : null,
    device: run.run.device ?? null,
  });
}

function stepBefore(checkpoints: readonly { readonly step: number }[], before: number): number {
  const step = checkpoints.findLast((checkpoint) => checkpoint.step < before)?.step;
  if (step !== undefined) return step;
  throw new UserError(`No checkpoint from before step ${before} is kept.`, {
    hint: `The first is of step ${checkpoints[0]?.step ?? 0}. Run the stage again with a stronger \`kl_penalty\`, or with more \`keep_checkpoints\`.`,
  });
}

async function pickCheckpoint(steps: readonly number[]): Promise<number | undefined> {
  if (steps.length === 1) return steps[0];
  const items = [...steps].reverse().map((step) => ({ label: `step ${step}`, step }));
  return (await vscode.window.showQuickPick(items, { title: 'Branch from which checkpoint' }))?.step;
}

/** `key=value key=value` as it is typed into the box. */
const settingsIn = (text: string): string[] => text.split(/\s+/).filter(Boolean);
