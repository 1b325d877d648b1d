import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/**
 * What VS Code calls inside its extension host: runs the test files that lie beside this bundle and writes the
 * counts to the file named by ALIGN_TEST_RESULTS. Rejects when a test fails, which makes the host exit with 1.
 */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false, forbidOnly: Boolean(process.env['CI']) });
  for (const name of readdirSync(__dirname).sort())
    if (name.endsWith('.test.cjs')) mocha.addFile(join(__dirname, name));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  await new Promise<void>((resolve, reject) => {
    mocha
      .run((failures) => (failures ? reject(new Error(`${failures} API tests failed`)) : resolve()))
      .on('pass', () => counts.passed++)
      .on('fail', () => counts.failed++)
      .on('pending', () => counts.skipped++)
      .on('end', () => {
        const file = process.env['ALIGN_TEST_RESULTS'];
        if (file) writeFileSync(file, JSON.stringify(counts));
      });
  });
}
