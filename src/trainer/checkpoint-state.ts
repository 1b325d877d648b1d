import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../config/errors';

/** Beside the Hugging Face files of a checkpoint: what training needs to go on. */
export const TRAINING_STATE = 'training_state';

const offset = z.number().int().min(0);
const stateSchema = z.object({
  v: z.literal(1),
  step: offset,
  /** The evaluation with the lowest held-out loss so far. */
  best: z.object({ step: offset, eval_loss: z.number() }).nullable(),
  /** Evaluations since then. */
  worse: offset,
  /** Lengths of the JSONL files: a resumed run cuts them to these. */
  offsets: z.object({ metrics: offset, samples: offset, events: offset }),
  task: z.record(z.string(), z.unknown()),
});
export type SavedState = z.infer<typeof stateSchema>;

export function writeState(folder: string, state: SavedState): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'state.json'), `${JSON.stringify(state)}\n`);
}

/** The state in a checkpoint's folder. Throws a UserError where it is missing or damaged. */
export function readState(checkpoint: string): SavedState {
  const file = join(checkpoint, TRAINING_STATE, 'state.json');
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UserError('The training state of this checkpoint cannot be read.', {
      file,
      hint: 'Remove the folder of this checkpoint; the run then resumes from the one before.',
      cause: error,
    });
  }
}

/** Copies the Hugging Face part of a checkpoint. */
export function copyModel(checkpoint: string, folder: string): void {
  for (const name of readdirSync(checkpoint))
    if (name !== TRAINING_STATE) cpSync(join(checkpoint, name), join(folder, name), { recursive: true });
}
