import * as assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { trainByLens } from '../training';
import { openConfig } from '../workspace';

function installed(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension('alignment-lab.alignment-lab');
  assert.ok(extension, 'the package is not installed');
  return extension;
}

describe('the installed package', () => {
  it('is beside an extension that the host loads from its folder', async () => {
    assert.equal(await vscode.commands.executeCommand('probe.answer'), 42);
  });

  it('is installed, not loaded from the repo, and activates', async () => {
    assert.ok(!existsSync(join(installed().extensionPath, 'src')));
    await openConfig();
    await installed().activate();
    assert.ok(installed().isActive);
  });

  it('ships the quickstart, its notices and no source maps', () => {
    const root = installed().extensionPath;
    for (const path of ['examples/quickstart/align.yaml', 'dist/THIRD_PARTY_NOTICES.md', 'dist/trainer.js'])
      assert.ok(existsSync(join(root, path)), `${path} is missing`);
    assert.deepEqual(
      readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.map')),
      [],
    );
  });

  it('trains with the native libraries that it ships', async function () {
    this.timeout(180_000);
    const run = await trainByLens();
    assert.equal(run.step, 20);
  });
});
