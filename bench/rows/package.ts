import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Workbench, repository } from '../../test/host/workbench';
import type { Bench, Result } from '../bench';
import { inOwnFolder } from '../folder';
import { lastWords, runProcess } from '../process';
import { median } from '../statistics';
import { type Row, digits } from '../table';

/** Row 7: how long the extension takes to be activated, and how large its package is. */
export async function measurePackage(bench: Bench): Promise<Result> {
  bench.say('package');
  const size = await packageSize();
  const activations: Activation[] = [];
  for (let round = 0; round < bench.options.rounds; round++) {
    bench.say(`activation: ${round + 1} of ${bench.options.rounds}`);
    activations.push(await activation());
  }
  const whole = median(activations.map(({ whole }) => whole));
  const own = median(activations.map(({ own }) => own));
  const common = { row: 7, peer: '–', better: 'lower' as const, limit: null };
  const rows: Row[] = [
    {
      ...common,
      what: "the extension's activation",
      ours: `${digits(whole)} ms`,
      ratio: whole,
      unit: 'ms',
      floor: 150,
      goal: 50,
      note: `loading of its code and activate(), as VS Code gives it; activate() alone ${digits(own)} ms`,
    },
    {
      ...common,
      what: 'size of the VSIX',
      ours: `${digits(size / 2 ** 20)} MiB`,
      ratio: size / 2 ** 20,
      unit: 'MiB',
      floor: 28,
      goal: null,
    },
  ];
  return { rows, data: { activations, package_bytes: size } };
}

async function packageSize(): Promise<number> {
  return await inOwnFolder(async (own) => {
    const out = join(own, 'package.vsix');
    const { stderr } = await runProcess(process.execPath, ['scripts/package.mjs', `--out=${out}`], {
      cwd: repository,
      timeoutSeconds: 600,
    });
    // A package that is too large ends with an error as well, and its size is what is asked.
    const file = statSync(out, { throwIfNoEntry: false });
    if (!file) throw new Error(lastWords(stderr) || 'no package was written');
    return file.size;
  });
}

/** Milliseconds of one activation. */
interface Activation {
  /** Loading of the code and activate(), as the list of running extensions shows it. */
  whole: number;
  /** activate() by the extension's own log. */
  own: number;
}

async function activation(): Promise<Activation> {
  const workbench = await Workbench.open();
  try {
    await workbench.openFile('align.yaml');
    await workbench.lens('Run').first().waitFor({ timeout: 120_000 });
    const own = loggedActivation(join(dirname(workbench.folder), 'server'));
    await workbench.command('Developer: Show Running Extensions');
    // One loaded from its source folder goes by its id there.
    const row = workbench.page.locator('.runtime-extensions-editor .monaco-list-row', {
      hasText: /alignment-lab\.alignment-lab|Alignment Lab/,
    });
    const list = workbench.page.locator('.runtime-extensions-editor .monaco-list');
    await list.locator('.monaco-list-row').first().waitFor();
    // Rows out of sight do not exist: turn the wheel until ours comes.
    await list.hover();
    for (let turn = 0; turn < 30 && (await row.count()) === 0; turn++) {
      await workbench.page.mouse.wheel(0, 200);
      await workbench.page.waitForTimeout(100);
    }
    const text = await row.first().locator('.activation-time').innerText();
    const whole = /(\d+)\s*ms/.exec(text);
    if (!whole) throw new Error(`VS Code says of the activation "${text}"`);
    return { whole: Number(whole[1]), own };
  } catch (error) {
    await workbench.screenshot('bench-activation');
    throw error;
  } finally {
    await workbench.close();
  }
}

/** What the extension's log says in the logs of a server. */
function loggedActivation(server: string): number {
  const logs = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
  for (const name of logs) {
    const found = /Activated in ([\d.]+) ms/.exec(readFileSync(join(server, name), 'utf8'));
    if (found) return Number(found[1]);
  }
  throw new Error("the extension's log does not say how long its activation took");
}
