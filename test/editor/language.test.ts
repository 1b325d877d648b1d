import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually, openConfig, restoreConfig, setText, workspaceFolder } from './workspace';

const original = readFileSync(join(workspaceFolder(), 'align.yaml'), 'utf8');

async function diagnosticsOf(text: string, wanted: RegExp): Promise<vscode.Diagnostic[]> {
  const document = await openConfig();
  await setText(document, text);
  return eventually(
    async () => vscode.languages.getDiagnostics(document.uri),
    (found) => found.some(({ message }) => wanted.test(message)),
    `a diagnostic with ${wanted}`,
  );
}

async function complete(document: vscode.TextDocument, position: vscode.Position): Promise<string[]> {
  const list = await vscode.commands.executeCommand<vscode.CompletionList>(
    'vscode.executeCompletionItemProvider',
    document.uri,
    position,
  );
  return list.items.map((item) => (typeof item.label === 'string' ? item.label : item.label.label));
}

async function lensTitles(document: vscode.TextDocument): Promise<string[]> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    'vscode.executeCodeLensProvider',
    document.uri,
    100,
  );
  return lenses.map((lens) => lens.command?.title ?? '');
}

describe('align.yaml in the editor', () => {
  afterEach(() => restoreConfig(original));

  it('has a language of its own', async () => {
    assert.equal((await openConfig()).languageId, 'align');
  });

  it('has lenses to run a stage and to see its curves', async () => {
    const document = await openConfig();
    const titles = await eventually(
      () => lensTitles(document),
      (found) => found.some((title) => title.includes('not run yet')),
      'the state in the lenses',
    );
    assert.ok(
      titles.some((title) => /\$\(play\) Run$/.test(title)),
      titles.join(' | '),
    );
    assert.ok(titles.includes('Curves'), titles.join(' | '));
  });

  it('keeps its lenses while the file is broken', async () => {
    const document = await openConfig();
    await eventually(
      () => lensTitles(document),
      (found) => found.length > 0,
      'lenses',
    );
    await setText(document, `${original}\n  broken: [`);
    const titles = await lensTitles(document);
    assert.ok(
      titles.some((title) => title.endsWith('Run')),
      titles.join(' | '),
    );
  });

  it('marks an unknown key and offers the right one', async () => {
    const text = original.replace('batch_size', 'batch_sise');
    const found = await diagnosticsOf(text, /batch_sise/);
    const line = text.split('\n').findIndex((row) => row.includes('batch_sise'));
    const diagnostic = found.find((item) => item.range.start.line === line);
    assert.ok(diagnostic, JSON.stringify(found));
    assert.match(diagnostic.message, /batch_size/);
    const document = await openConfig();
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      diagnostic.range,
    );
    const fix = actions.find((action) => action.edit);
    assert.ok(fix?.edit, actions.map((action) => action.title).join(' | '));
    await vscode.workspace.applyEdit(fix.edit);
    assert.match(document.getText(), /batch_size/);
    assert.doesNotMatch(document.getText(), /batch_sise/);
  });

  it('names the keys of other trainers', async () => {
    const found = await diagnosticsOf(original.replace('steps: 20', 'max_steps: 20'), /max_steps/);
    assert.ok(
      found.some((item) => /\bsteps\b/.test(item.message)),
      JSON.stringify(found.map((item) => item.message)),
    );
  });

  it('clears its marks when the mistake is mended', async () => {
    await diagnosticsOf(original.replace('type: sft', 'type: soft'), /soft/);
    const document = await openConfig();
    await setText(document, original);
    await eventually(
      async () => vscode.languages.getDiagnostics(document.uri).filter((item) => item.message.includes('soft')),
      (left) => left.length === 0,
      'no diagnostics',
    );
  });

  it('completes the keys of a stage', async () => {
    const document = await openConfig();
    const text = original.replace('    steps: 20\n', '    \n    steps: 20\n');
    await setText(document, text);
    const line = text.split('\n').findIndex((row) => row === '    ');
    const labels = await complete(document, new vscode.Position(line, 4));
    for (const key of ['weight_decay', 'epochs', 'freeze'])
      assert.ok(labels.includes(key), `${key} in ${labels.join(' ')}`);
    assert.ok(!labels.includes('kl_penalty'), 'a key of another stage type is offered');
  });

  it('explains a key under the pointer', async () => {
    const document = await openConfig();
    const line = original.split('\n').findIndex((row) => row.includes('batch_size'));
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      new vscode.Position(line, 6),
    );
    const text = hovers
      .flatMap((hover) => hover.contents.map((part) => (typeof part === 'string' ? part : part.value)))
      .join('\n');
    assert.match(text, /optimizer step/i);
  });
});
