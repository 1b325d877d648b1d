import { Command } from 'commander';
import { devices } from '../tensor/runtime';
import { action, examples, outputOf } from './command';
import { styled } from './terminal';

/** `align devices` */
export function devicesCommand(): Command {
  const command = new Command('devices')
    .description('Say which devices this machine has, and why not where one is missing.')
    .option('--json', 'one JSON document: a list of {device, available, detail, hint}');
  examples(command, ['align devices', 'align run align.yaml sft --device webgpu']);
  return action(command, async (options: { json?: boolean }) => {
    const output = outputOf(options.json ?? false);
    const found = devices();
    if (output.json) output.document(found);
    else
      for (const { device, available, detail, hint } of found) {
        const mark = available ? styled(output.out, 'green', '✓') : styled(output.out, 'red', '✗');
        output.say(`${mark} ${device.padEnd(6)}  ${detail}${hint ? `\n          ${hint}` : ''}`);
      }
  });
}
