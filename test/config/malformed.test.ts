import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { formatDiagnostic, hasErrors, type Diagnostic } from '../../src/config/diagnostic';
import { checkFiles } from '../../src/config/files';
import { loadExperiment } from '../../src/config/load';
import { MALFORMED } from './malformed';

const FOLDER = path.join(import.meta.dirname, 'malformed');

function answer(name: string): readonly Diagnostic[] {
  const file = path.join(FOLDER, `${name}.yaml`);
  const { experiment, diagnostics } = loadExperiment(file);
  return experiment ? [...diagnostics, ...checkFiles(experiment)] : diagnostics;
}

test('every file of the corpus stands in the table', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  expect(MALFORMED.map(({ name }) => `${name}.yaml`).sort()).toEqual(files.sort());
  expect(files.length).toBeGreaterThanOrEqual(45);
});

test.each(MALFORMED)('$name', ({ name, line, code, message }) => {
  const diagnostics = answer(name);
  expect(hasErrors(diagnostics)).toBe(true);
  // There are no devices among the files of Windows.
  const wanted = name === 'data-device' && process.platform === 'win32' ? 'missing-file' : code;
  const found = diagnostics.find(
    (diagnostic) =>
      diagnostic.code === wanted && diagnostic.range.start.line === line && diagnostic.message.includes(message),
  );
  expect(found, `line ${line}, ${wanted}; got\n${diagnostics.map(formatDiagnostic).join('\n')}`).toBeDefined();
  for (const diagnostic of diagnostics) {
    const text = formatDiagnostic(diagnostic);
    expect(text).toContain(`${name}.yaml:${diagnostic.range.start.line}:`);
    expect(diagnostic.hint).toMatch(/^[A-Z`].*[.?`\d\w]$/s);
    expect(text).not.toMatch(/\n\s+at |Error:|undefined|\[object/);
  }
});

test('one mistake gives one message', () => {
  const several = new Set(['accumulation', 'tab-indent', 'alias-bomb', 'own-result']);
  for (const { name } of MALFORMED) {
    if (several.has(name)) continue;
    const errors = answer(name).filter(({ severity }) => severity === 'error');
    expect(errors.map(formatDiagnostic), name).toHaveLength(1);
  }
});
