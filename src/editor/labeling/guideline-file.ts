import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { folderTest } from '../../config/load';
import { parseExperiment } from '../../config/parse';

const GUIDELINE_FILE = 'guideline.md';

const TEMPLATE = `---
title: Which answer is better
criteria:
  - name: Truth
    question: Is what it says true?
    low: false or made up
    high: true throughout
  - name: Help
    question: Does it answer what was asked?
    low: not at all
    high: fully, and no more
edge_cases:
  - Both are right and one is shorter - the shorter one is better.
  - One says that it does not know, the other makes something up - the first is better.
---

Read the question, then both answers. Choose the one that you would rather be given.

- **Tie**: both are equally good.
- **Both bad**: you would want neither.
- **Skip**: you cannot say.
`;

/**
 * The guideline of a stage, absolute. Where the config names none, one is made beside it and named in the stage, as
 * one edit that can be undone; a file that is there already is only named.
 */
export async function guidelineOf(config: string, stage: string): Promise<string> {
  const folder = dirname(config);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(config));
  const { experiment, positions } = parseExperiment(document.getText(), config, { isFolder: folderTest(folder) });
  const named = experiment?.stages.get(stage);
  const written = named?.type === 'generate' ? named.guideline : null;
  const file = resolve(folder, written ?? GUIDELINE_FILE);
  const edit = new vscode.WorkspaceEdit();
  const contents = new TextEncoder().encode(TEMPLATE);
  if (!existsSync(file)) edit.createFile(vscode.Uri.file(file), { ignoreIfExists: true, contents });
  const type = positions.get(`stages.${stage}.type`);
  if (!written && type) {
    const indent = ' '.repeat(type.key.start.column - 1);
    const below = new vscode.Position(type.value.end.line, 0);
    edit.insert(document.uri, below, `${indent}guideline: ./${GUIDELINE_FILE}\n`);
  }
  await vscode.workspace.applyEdit(edit);
  return file;
}
