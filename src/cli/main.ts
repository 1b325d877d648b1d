import { Command, CommanderError } from 'commander';
import { aggregateCommand } from './aggregate';
import { agreementCommand } from './agreement';
import { branchCommand } from './branch';
import { chatCommand } from './chat';
import { controlCommands } from './control';
import { dataCommand } from './data';
import { demoCommand } from './demo';
import { devicesCommand } from './devices';
import { EXIT, exitCodeOf, explain } from './exit';
import { exportCommand } from './export';
import { generateCommand } from './generate';
import { importCommand } from './import';
import { initCommand } from './init';
import { logprobsCommand } from './logprobs';
import { monitorCommand } from './monitor';
import { resumeCommand } from './resume';
import { runCommand } from './run';
import { runsCommand } from './runs';
import { scoreCommand } from './score';
import { showCommand } from './show';
import { validateCommand } from './validate';
import { VERSION } from './version';

const program = new Command('align')
  .description('Alignment Lab: train and align language models on this machine.')
  .version(VERSION)
  .helpCommand(false)
  .showHelpAfterError('--help tells how it is used.');

const GROUPS: readonly (readonly [string, readonly Command[]])[] = [
  ['Begin:', [initCommand(), validateCommand(), dataCommand(), devicesCommand()]],
  ['Run stages:', [runCommand(), resumeCommand(), ...controlCommands(), branchCommand()]],
  ['Look at runs:', [runsCommand(), showCommand(), monitorCommand()]],
  ['Ask models:', [generateCommand(), chatCommand(), logprobsCommand(), scoreCommand()]],
  ['Labels and preferences:', [agreementCommand(), aggregateCommand(), exportCommand(), importCommand()]],
];
for (const [heading, commands] of GROUPS)
  for (const command of commands) program.addCommand(command.helpGroup(heading));
program.addCommand(demoCommand(), { hidden: true });
for (const command of [program, ...program.commands]) command.exitOverride();

// A reader such as `head` that has enough is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else {
    console.error(explain(error, process.env.ALIGN_DEBUG === '1'));
    process.exitCode = exitCodeOf(error);
  }
}
