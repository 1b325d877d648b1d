import * as assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually } from './workspace';

interface Step {
  id: string;
  description: string;
  media: { markdown: string };
  completionEvents: string[];
}

function walkthrough(): { root: string; id: string; title: string; steps: Step[] } {
  const extension = vscode.extensions.getExtension('alignment-lab.alignment-lab');
  assert.ok(extension);
  const manifest = extension.packageJSON as {
    contributes: { walkthroughs: { id: string; title: string; steps: Step[] }[] };
  };
  const [found] = manifest.contributes.walkthroughs;
  assert.ok(found);
  return { root: extension.extensionPath, ...found };
}

describe('the walkthrough', () => {
  it('has a page for each step, and steps that lead to commands that exist', async () => {
    await vscode.extensions.getExtension('alignment-lab.alignment-lab')?.activate();
    const known = new Set(await vscode.commands.getCommands(true));
    const { root, steps } = walkthrough();
    assert.ok(steps.length >= 4);
    for (const step of steps) {
      assert.ok(readFileSync(join(root, step.media.markdown), 'utf8').trim().length > 0, step.media.markdown);
      const links = [...step.description.matchAll(/\(command:([\w.-]+)\)/g)].map((match) => match[1] ?? '');
      const completes = step.completionEvents.map((event) => event.replace(/^onCommand:/, ''));
      assert.deepEqual(links, completes, step.id);
      for (const command of links) assert.ok(known.has(command), `${step.id}: there is no command ${command}`);
    }
  });

  it('opens', async () => {
    const { id } = walkthrough();
    await vscode.commands.executeCommand(
      'workbench.action.openWalkthrough',
      `alignment-lab.alignment-lab#${id}`,
      false,
    );
    const labels = (): string[] => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label));
    await eventually(labels, (found) => found.some((label) => /walkthrough|welcome/i.test(label)), 'its tab');
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('begins with a copy of the quickstart, and a name that is taken gets a number', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'alignment-lab-quickstart-'));
    try {
      const copy = (): Thenable<unknown> =>
        vscode.commands.executeCommand('alignment-lab.openQuickstart', parent, { open: false });
      assert.equal(await copy(), join(parent, 'alignment-lab-quickstart'));
      assert.equal(await copy(), join(parent, 'alignment-lab-quickstart-2'));
      for (const path of ['align.yaml', 'data/demonstrations.jsonl', 'model/model.safetensors'])
        assert.ok(existsSync(join(parent, 'alignment-lab-quickstart-2', path)), path);
      assert.ok(!existsSync(join(parent, 'alignment-lab-quickstart', '.align')));
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  });
});
