import { afterEach, expect, it } from 'vitest';
import { BASES, Workbench, type WorkbenchOptions } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(options: WorkbenchOptions = {}): Promise<Workbench> {
  const opened = await Workbench.open(options);
  workbench = opened;
  return opened;
}

it('opens a copy of the workspace in the real workbench', async () => {
  const window = await open({ theme: 'light' });
  await window.openFile('align.yaml');
  expect(await window.page.locator('.monaco-workbench').getAttribute('class')).toContain(` ${BASES.light} `);
  expect(await window.page.locator('.monaco-editor .view-lines').innerText()).toContain('stages:');
});
