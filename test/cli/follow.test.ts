import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlInbox } from '../../src/runs/control';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';
import { RunWriter } from '../../src/runs/writer';
import { Cli, until } from './program';

const cli = new Cli();
beforeAll(() => cli.open(), 120_000);
afterAll(() => cli.close());

/** A run of PPO whose process is this test. */
function policyRun(state: 'running' | 'paused'): { dir: RunDir; writer: RunWriter } {
  const dir = createRun({ configFile: join(cli.folder, 'align.yaml'), stage: 'ppo', type: 'ppo', config: {} });
  const writer = RunWriter.open(dir);
  writer.setState(state, { steps: 10, step: 4 });
  return { dir, writer };
}

describe('a run of a policy', { timeout: 60_000 }, () => {
  it('is evaluated on request, while paused too, although it has no eval_loss', async () => {
    const { dir, writer } = policyRun('paused');
    try {
      const asked = cli.start(['evaluate', dir.id]);
      const inbox = new ControlInbox(dir);
      const taken: string[] = [];
      await until(() => {
        taken.push(...inbox.drain().map(({ verb }) => verb));
        return taken.length > 0;
      });
      expect(taken).toEqual(['evaluate']);
      writer.event('control', { verb: 'evaluate', step: 4 });
      writer.metrics(4, { 'eval_objective/scores': 0.81, 'eval_objective/kl': 3.2 });
      const { code, stdout, stderr } = await asked.result;
      expect({ code, stdout }, stderr).toEqual({
        code: 0,
        stdout: 'step 4  eval_objective/scores 0.810  eval_objective/kl 3.20\n',
      });
    } finally {
      writer.close('stopped');
    }
  });

  it('tells alarms as they come, and its reward instead of a loss', async () => {
    const { dir, writer } = policyRun('running');
    try {
      const follows = cli.start(['resume', dir.id]);
      // what stood there before it began to follow is not told again
      await until(() => follows.stdout().includes(dir.id));
      for (let step = 5; step <= 8; step++)
        writer.metrics(step, { 'objective/scores': step / 10, 'objective/kl': step / 2 });
      writer.event('alarm', { step: 8, signal: 'flattery', message: 'answers hold 3 flattering phrases in 100 words' });
      await until(() => follows.stderr().includes('alarm') && /reward/.test(follows.stdout()));
      writer.close('done');
      const { code, stdout, stderr } = await follows.result;
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('alarm at step 8: answers hold 3 flattering phrases in 100 words');
      expect(stdout).toMatch(/^ppo {3}\d+\/10 {2}reward 0\.\d+ [↑→] {2}KL \d/m);
    } finally {
      writer.close('stopped');
    }
  });
});
